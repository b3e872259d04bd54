"""A hub whose jobs are carried out by a stand-in, while its pages read files in real processes."""

from collections.abc import Iterator

import pytest
from support.fake_worker import FakeWorker
from support.hub_http import Api
from support.page_browser import PageBrowser

from qai_hub.local import LocalHub

ADA, BOB = "ada@example.com", "bob@example.com"


@pytest.fixture(scope="session")
def stand_in() -> FakeWorker:
    return FakeWorker()


@pytest.fixture(scope="session")
def hub(stand_in: FakeWorker) -> Iterator[LocalHub]:
    with LocalHub(users=[ADA, BOB], run_attempt=stand_in, cache=False) as running:
        yield running


@pytest.fixture
def worker(stand_in: FakeWorker) -> Iterator[FakeWorker]:
    yield stand_in
    stand_in.extra_results.clear()
    stand_in.extra_files.clear()
    stand_in.may_finish.set()


@pytest.fixture(scope="session")
def ada(hub: LocalHub) -> Iterator[Api]:
    api = Api(hub, ADA)
    yield api
    api.close()


@pytest.fixture(scope="session")
def bob(hub: LocalHub) -> Iterator[Api]:
    api = Api(hub, BOB)
    yield api
    api.close()


@pytest.fixture(scope="session")
def browser(hub: LocalHub) -> Iterator[PageBrowser]:
    """Ada's browser."""
    visitor = PageBrowser(hub, ADA)
    yield visitor
    visitor.close()


@pytest.fixture(scope="session")
def other_browser(hub: LocalHub) -> Iterator[PageBrowser]:
    """Bob's browser."""
    visitor = PageBrowser(hub, BOB)
    yield visitor
    visitor.close()
