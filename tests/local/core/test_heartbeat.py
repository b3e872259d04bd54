"""Several processes that run the jobs of one database."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from support.polling import wait_until
from support.postgresql_server import PostgresqlServer
from support.scheduler_harness import SchedulerHarness
from support.store_builders import NOON

from qai_hub.local.clock import now
from qai_hub.local.core import kinds as states
from qai_hub.local.core.heartbeat import Heartbeat
from qai_hub.local.core.lifecycle import MAX_LOSSES, Lifecycle
from qai_hub.local.core.results import AttemptResult
from qai_hub.local.core.scheduler import Scheduler
from qai_hub.local.engine.failures import FailureType
from qai_hub.local.files.work import LOG_FILE
from qai_hub.local.store.nodes import Node, get_nodes
from qai_hub.local.store.people import ensure_user
from qai_hub.local.store.postgresql import PostgresqlStore
from qai_hub.local.store.rows import JOBS

OpenStore = Callable[[], PostgresqlStore]


class Machine(SchedulerHarness):
    """One of the processes, with work folders and connections of its own, and shared files."""

    def __init__(self, name: str, store: PostgresqlStore, folder: Path) -> None:
        with store.write() as db:
            owner = ensure_user(db, "ada@example.com")
        super().__init__(store, folder, owner, work=folder / "nodes" / name)
        self.node = Node(name, f"{name}:1", "worker", "1", 2, NOON)

    def heartbeat(self, lease: float = 1.0) -> Heartbeat:
        return Heartbeat(self.store, Lifecycle(self.storage, self.work, now), self.node, lease)

    @contextmanager
    def working(self, lease: float = 1.0) -> Iterator[Scheduler]:
        with self.running(heartbeat=self.heartbeat(lease)) as scheduler:
            yield scheduler


@pytest.fixture
def machines(emptied_postgresql_url: str, tmp_path: Path) -> Iterator[list[Machine]]:
    with ExitStack() as stack:
        made = []
        for name in ("first", "second"):
            store = PostgresqlStore(emptied_postgresql_url)
            stack.callback(store.close)
            made.append(Machine(name, store, tmp_path))
        yield made


def test_two_processes_share_the_jobs_and_run_each_once(machines: list[Machine]) -> None:
    first, second = machines
    first.worker.may_finish.clear()
    second.worker.may_finish.clear()
    keys = [first.compile(options=str(number))[0] for number in range(6)]
    with first.working(), second.working():
        # Two slots each; the reserved ones are for other users.
        wait_until(lambda: (first.worker.running, second.worker.running) == (2, 2))
        first.worker.may_finish.set()
        second.worker.may_finish.set()
        for key in keys:
            first.wait_for_state(key, states.DONE)
    asked = [request.options for machine in machines for request in machine.worker.requests]
    assert sorted(asked) == [str(number) for number in range(6)]
    assert {first.job(key).attempt for key in keys} == {1}


def test_a_submission_in_one_process_starts_at_once_in_another(machines: list[Machine]) -> None:
    first, second = machines
    with second.working():
        wait_until(lambda: len(get_running_nodes(first)) == 1)
        key, _ = first.compile()
        first.announce()
        first.wait_for_state(key, states.DONE)


def test_a_job_that_turns_out_to_need_more_runs_where_that_is_offered(
    machines: list[Machine],
) -> None:
    first, second = machines
    second.node = replace(second.node, labels="qnn")
    first.worker.failures = {"wrapped": "not here", "broken": "not here"}
    second.worker.failures = {"broken": "not there either"}
    first.worker.lacks = second.worker.lacks = "qnn"
    wrapped, _ = first.compile(options="wrapped")
    broken, _ = first.compile(options="broken")
    with first.working():
        wait_until(lambda: [first.job(key).needs for key in (wrapped, broken)] == ["qnn", "qnn"])
        assert {first.job(key).state for key in (wrapped, broken)} == {states.CREATED}
        with second.working():
            first.wait_for_state(wrapped, states.DONE)
            # Where it was said to be offered, it is lacking for good.
            first.wait_for_state(broken, states.FAILED)
    assert first.job(broken).failure_reason == "not there either"
    assert [first.job(key).attempt for key in (wrapped, broken)] == [2, 2]
    assert [first.job(key).losses for key in (wrapped, broken)] == [0, 0]


def test_a_job_that_lacks_what_its_engine_should_have_fails(machines: list[Machine]) -> None:
    first, _ = machines
    first.node = replace(first.node, labels="engine-qnn-2.50")
    first.worker.failures = {"broken": "a library is missing"}
    first.worker.lacks = "qnn"
    broken, _ = first.compile(options="broken")
    with first.store.write() as db:
        JOBS.update(db, broken, needs="engine-qnn-2.50")
    with first.working():
        first.wait_for_state(broken, states.FAILED)
    assert first.job(broken).failure_reason == "a library is missing"
    assert first.job(broken).attempt == 1


def test_a_cancelled_job_stops_in_the_process_that_runs_it(machines: list[Machine]) -> None:
    first, second = machines
    second.worker.may_finish.clear()
    key, _ = first.compile()
    # Long, so that it is the event that stops it.
    with second.working(lease=60):
        wait_until(lambda: second.worker.running == 1)
        (second.worker.folders[0] / LOG_FILE).write_text("so far\n")
        assert first.cancel(key) == [key]
        wait_until(lambda: second.worker.running == 0)
    job = first.job(key)
    assert (job.state, job.failure_type) == (states.FAILED, FailureType.CANCELLED)
    assert (job.losses, job.attempt) == (0, 1)
    # What the other process had written so far, and why it ended.
    assert first.read_log(key).startswith("so far")
    assert first.read_log(key).endswith(f"Cancelled by {first.owner.email}.\n")


def test_jobs_of_a_process_that_is_no_longer_heard_of_run_elsewhere(
    machines: list[Machine],
) -> None:
    first, second = machines
    key, _ = first.compile()
    silent = first.heartbeat(lease=0.3)
    with first.store.write() as db:
        old = Lifecycle(first.storage, first.work, now).claim(db, key, **silent.lease(db))
    assert old is not None
    with second.working():
        done = second.wait_for_state(key, states.DONE)
        # The first comes back, and tells how its attempt ended: nobody listens.
        late = AttemptResult.failure(FailureType.INTERNAL, "too late")
        with first.store.write() as db:
            lifecycle = Lifecycle(first.storage, first.work, now)
            assert lifecycle.finish(db, old, late) == []
            assert not lifecycle.advance(db, old)
            assert not lifecycle.requeue(db, old)
    assert (done.attempt, done.losses) == (2, 1)
    assert first.job(key).state == states.DONE


def test_a_process_gives_up_what_it_has_lost(machines: list[Machine]) -> None:
    first, second = machines
    first.worker.may_finish.clear()
    key, _ = first.compile()
    with first.working(lease=0.5):
        wait_until(lambda: first.worker.running == 1)
        with second.store.write() as db:
            Lifecycle(second.storage, second.work, now).recover(db, [key])
        wait_until(lambda: len(first.worker.requests) == 2)
        wait_until(lambda: first.worker.running == 1)
        first.worker.may_finish.set()
        done = first.wait_for_state(key, states.DONE)
    assert done.attempt == 2


def test_a_lease_is_kept_for_as_long_as_a_job_takes(machines: list[Machine]) -> None:
    first, second = machines
    first.worker.may_finish.clear()
    key, _ = first.compile()
    beats = threading.Event()
    with first.working(lease=0.4):
        wait_until(lambda: first.worker.running == 1)
        with second.working(lease=0.4):
            beats.wait(1.5)
            first.worker.may_finish.set()
            done = first.wait_for_state(key, states.DONE)
    assert (done.attempt, done.losses) == (1, 0)
    assert second.worker.requests == []


def test_a_job_that_takes_each_process_with_it_is_given_up(machines: list[Machine]) -> None:
    first, second = machines
    key, _ = first.compile()
    for _ in range(MAX_LOSSES):
        lost = first.heartbeat(lease=-1)
        with first.store.write() as db:
            lifecycle = Lifecycle(first.storage, first.work, now)
            assert lifecycle.claim(db, key, **lost.lease(db)) is not None
        second.heartbeat().beat()
    job = first.job(key)
    assert (job.state, job.failure_type) == (states.FAILED, FailureType.CRASH)
    assert job.losses == MAX_LOSSES


def test_a_process_that_drains_ends_what_it_runs_and_starts_nothing(
    machines: list[Machine],
) -> None:
    first, second = machines
    first.worker.may_finish.clear()
    running, _ = first.compile(options="running")
    with first.working() as scheduler:
        wait_until(lambda: first.worker.running == 1)
        threading.Timer(0.2, first.worker.may_finish.set).start()
        scheduler.drain(30)
        assert first.job(running).state == states.DONE
        later, _ = first.compile(options="later")
        first.announce()
        with second.working():
            second.wait_for_state(later, states.DONE)
        assert [request.options for request in first.worker.requests] == ["running"]


def test_a_stop_queues_jobs_again_without_counting_them_as_lost(machines: list[Machine]) -> None:
    first, second = machines
    first.worker.may_finish.clear()
    key, _ = first.compile()
    with first.working(lease=60):
        wait_until(lambda: first.worker.running == 1)
    assert first.job(key).state == states.CREATED
    with second.working():
        done = second.wait_for_state(key, states.DONE)
    assert (done.attempt, done.losses) == (2, 0)


def test_processes_are_known_while_they_live(machines: list[Machine]) -> None:
    first, second = machines
    with first.working(), second.working():
        assert get_running_nodes(first) == {"first", "second"}
    assert get_running_nodes(first) == set()
    # Not heard of for long: forgotten by another, and known again when it comes back.
    silent = first.heartbeat(lease=0.001)
    silent.beat()
    assert get_running_nodes(first) == {"first"}

    def forgotten() -> bool:
        second.heartbeat(lease=0.001).beat()
        return "first" not in get_running_nodes(first)

    wait_until(forgotten)
    silent.beat()
    assert "first" in get_running_nodes(first)


def get_running_nodes(machine: Machine) -> set[str]:
    with machine.store.read() as db:
        return {node.id for node in get_nodes(db)}


def test_the_server_may_restart_meanwhile(
    postgresql: PostgresqlServer, machines: list[Machine], caplog: pytest.LogCaptureFixture
) -> None:
    first, _ = machines
    first.worker.may_finish.clear()
    key, _ = first.compile()
    with caplog.at_level("CRITICAL"), first.working(lease=5):
        wait_until(lambda: first.worker.running == 1)
        postgresql.restart()
        first.worker.may_finish.set()
        done = first.wait_for_state(key, states.DONE)
    assert (done.attempt, done.losses) == (1, 0)
