"""How long users wait for jobs on a hub that holds its answers back, stops and starts again."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.fake_worker import FakeWorker
from support.tiny_models import affine
from support.users import ME

import qai_hub as hub
from qai_hub.client import CompileJob, Device, Job, JobStatus
from qai_hub.local import LocalHub

Wait = Callable[[Job, float | None], JobStatus]


def wait(job: Job, timeout: float | None) -> JobStatus:
    return job.wait(timeout)


def wait_all(job: Job, timeout: float | None) -> JobStatus:
    return hub.wait_all([job], timeout)[0]


def wait_async(job: Job, timeout: float | None) -> JobStatus:
    return asyncio.run(job.wait_async(timeout))


ways = pytest.mark.parametrize("wait", [wait, wait_all, wait_async])


@pytest.fixture
def worker() -> FakeWorker:
    made = FakeWorker()
    made.may_finish.clear()
    return made


@pytest.fixture
def busy(tmp_path: Path, worker: FakeWorker) -> Iterator[LocalHub]:
    """A hub whose jobs run until the worker is let go."""
    with LocalHub(tmp_path, users=[ME], run_attempt=worker) as made:
        yield made
        worker.may_finish.set()


@pytest.fixture
def job(busy: LocalHub, device: Device) -> CompileJob:
    return busy.client(ME).submit_compile_job(affine(), device)


@ways
@pytest.mark.parametrize("timeout", [0, 1.2])
def test_deadlines_are_met(job: CompileJob, wait: Wait, timeout: float) -> None:
    start = time.monotonic()
    with pytest.raises(TimeoutError, match=f"not ended within {timeout} s"):
        wait(job, timeout)
    # A busy machine takes its time: the tests of the schedule hold it to the second.
    assert timeout <= time.monotonic() - start < timeout + 15


@ways
def test_the_end_of_a_job_is_noticed_at_once(
    job: CompileJob, worker: FakeWorker, wait: Wait
) -> None:
    ended: list[float] = []

    def let() -> None:
        ended.append(time.monotonic())
        worker.may_finish.set()

    timer = threading.Timer(0.7, let)
    timer.start()
    assert wait(job, 60).success
    assert time.monotonic() - ended[0] < 20
    timer.join()


@ways
def test_a_hub_may_be_stopped_and_started_again_while_it_is_waited_for(
    busy: LocalHub, job: CompileJob, worker: FakeWorker, wait: Wait, tmp_path: Path
) -> None:
    port = int(busy.url.rpartition(":")[2])
    ended: list[JobStatus] = []
    waiting = threading.Thread(target=lambda: ended.append(wait(job, 60)))
    waiting.start()
    time.sleep(0.3)
    busy.stop()
    time.sleep(0.7)
    worker.may_finish.set()
    with LocalHub(tmp_path, port, users=[ME], run_attempt=worker):
        waiting.join(30)
    assert [status.code for status in ended] == ["SUCCESS"]
