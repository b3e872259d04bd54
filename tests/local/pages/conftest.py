"""A hub whose jobs are carried out by a stand-in, and the browsers of two people."""

from collections.abc import Iterator

import pytest
from support.fake_worker import FakeWorker
from support.hub_http import Api
from support.page_browser import PageBrowser

from qai_hub.local import LocalHub


@pytest.fixture(scope="session")
def shared_worker() -> FakeWorker:
    return FakeWorker()


@pytest.fixture(scope="session")
def hub(shared_worker: FakeWorker) -> Iterator[LocalHub]:
    with LocalHub(
        users=["ada@example.com", "bob@example.com"],
        validate_responses=True,
        max_parallel_jobs=4,
        cache=False,
        run_attempt=shared_worker,
    ) as running:
        yield running


@pytest.fixture
def worker(shared_worker: FakeWorker) -> Iterator[FakeWorker]:
    """The stand-in; a test may hold it back by clearing `may_finish`."""
    yield shared_worker
    shared_worker.failures.clear()
    shared_worker.extra_results.clear()
    shared_worker.extra_files.clear()
    shared_worker.may_finish.set()


@pytest.fixture(scope="session")
def ada(hub: LocalHub) -> Iterator[Api]:
    api = Api(hub, "ada@example.com")
    yield api
    api.close()


@pytest.fixture(scope="session")
def model(ada: Api) -> str:
    """A model of Ada's, with its file."""
    return ada.upload_model()


@pytest.fixture(scope="session")
def browser(hub: LocalHub) -> Iterator[PageBrowser]:
    """Ada's browser."""
    opened = PageBrowser(hub, "ada@example.com")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def other_browser(hub: LocalHub) -> Iterator[PageBrowser]:
    """Bob's browser."""
    opened = PageBrowser(hub, "bob@example.com")
    yield opened
    opened.close()
