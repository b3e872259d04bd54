"""A hub whose jobs are carried out by a stand-in, and three people on it."""

from collections.abc import Iterator

import pytest
from support.fake_worker import FakeWorker
from support.hub_http import Api

from qai_hub.local import LocalHub

PART_SIZE = 1000


@pytest.fixture(scope="session")
def shared_worker() -> FakeWorker:
    return FakeWorker()


@pytest.fixture(scope="session")
def hub(shared_worker: FakeWorker) -> Iterator[LocalHub]:
    people = ["ada@example.com", "bob@example.com", "eve@example.com"]
    with LocalHub(
        users=people,
        validate_responses=True,
        max_parallel_jobs=4,
        part_size=PART_SIZE,
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


@pytest.fixture
def held(worker: FakeWorker) -> FakeWorker:
    """The stand-in, which lets no job come to its end."""
    worker.may_finish.clear()
    return worker


def connected(hub: LocalHub, email: str) -> Iterator[Api]:
    api = Api(hub, email)
    yield api
    api.close()


@pytest.fixture(scope="session")
def ada(hub: LocalHub) -> Iterator[Api]:
    yield from connected(hub, "ada@example.com")


@pytest.fixture(scope="session")
def bob(hub: LocalHub) -> Iterator[Api]:
    yield from connected(hub, "bob@example.com")


@pytest.fixture(scope="session")
def eve(hub: LocalHub) -> Iterator[Api]:
    yield from connected(hub, "eve@example.com")


@pytest.fixture(scope="session")
def model(ada: Api) -> str:
    """A model of Ada's, with its file."""
    return ada.upload_model()
