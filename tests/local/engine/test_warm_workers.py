"""What only workers that are forked from a server must show; the rest is as for any attempt."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest
from support.execution_models import (
    attempt,
    compile_request,
    dataset,
    endless_model,
    has_exited,
    linear_model,
    linear_result,
    read_dataset,
    run_request,
    saved,
)

from qai_hub.local.engine.packages import HUB_PACKAGES
from qai_hub.local.engine.process import AttemptCancelled
from qai_hub.local.engine.workers import ColdWorkers, WarmWorkers, make_workers

pytestmark = pytest.mark.skipif(not WarmWorkers.is_supported(), reason="needs pidfd_open")

SLOW = "jobs start slowly"


@pytest.fixture
def workers() -> Iterator[WarmWorkers]:
    with closing(WarmWorkers()) as own:
        yield own


def children() -> set[int]:
    lists = Path("/proc/self/task").glob("*/children")
    return {int(pid) for each in lists for pid in each.read_text().split()}


def servers() -> set[int]:
    """The fork servers among the children of this process."""
    found: set[int] = set()
    for pid in children():
        # One that is ending may be gone by now.
        with suppress(FileNotFoundError, ProcessLookupError):
            if "fork_server" in Path(f"/proc/{pid}/cmdline").read_text():
                found.add(pid)
    return found


def worker_pid(folder: Path) -> int:
    """Wait until the worker of an attempt runs its model, and return its number."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        log = (folder / "hub.log").read_text() if (folder / "hub.log").exists() else ""
        if "Running the model" in log:
            return int(log.partition("Process ")[2].split()[0])
        time.sleep(0.01)
    raise AssertionError(log)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_one_server_forks_all_workers(tmp_path: Path, workers: WarmWorkers) -> None:
    before = servers()
    model = saved(linear_model(), tmp_path)

    outcomes = [attempt(compile_request(model), tmp_path / n, workers=workers) for n in "abc"]

    assert all(outcome.succeeded for outcome in outcomes)
    assert len(servers() - before) == 1
    assert all("Sandbox: no new privileges" in each.log.read_text() for each in outcomes)


def test_workers_have_folders_and_temporary_files_of_their_own(
    tmp_path: Path, workers: WarmWorkers
) -> None:
    model = saved(endless_model(), tmp_path)
    cancelled = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        for name in "ab":
            pool.submit(
                attempt,
                compile_request(model),
                tmp_path / name,
                workers=workers,
                cancelled=cancelled,
            )
        pids = [worker_pid(tmp_path / name) for name in "ab"]
        folders = [Path(f"/proc/{pid}/cwd").readlink() for pid in pids]
        groups = [os.getpgid(pid) for pid in pids]
        opened = [
            sorted(int(each.name) for each in Path(f"/proc/{pid}/fd").iterdir())[:3] for pid in pids
        ]
        names = [Path(f"/proc/{pid}/comm").read_text().strip() for pid in pids]
        sockets = [
            each
            for pid in pids
            for each in Path(f"/proc/{pid}/fd").iterdir()
            if str(each.readlink()).startswith("socket:")
        ]
        cancelled.set()

    assert folders == [tmp_path / "a", tmp_path / "b"]
    assert groups == pids
    assert opened == [[0, 1, 2], [0, 1, 2]]
    assert names == ["qai-hub worker", "qai-hub worker"]
    # The connection to the hub, by which workers are started, stays with the server.
    assert sockets == []


def test_a_server_that_was_killed_is_replaced(
    tmp_path: Path, workers: WarmWorkers, caplog: pytest.LogCaptureFixture
) -> None:
    model = saved(linear_model(), tmp_path)
    before = servers()
    assert attempt(compile_request(model), tmp_path / "a", workers=workers).succeeded
    (server,) = servers() - before
    os.kill(server, signal.SIGKILL)

    assert attempt(compile_request(model), tmp_path / "b", workers=workers).succeeded

    (other,) = servers() - before
    assert other != server
    assert SLOW not in caplog.text


def test_an_attempt_outlives_the_server_that_started_it(
    tmp_path: Path, workers: WarmWorkers
) -> None:
    before = servers()
    data = dataset(tmp_path / "d", {"x": [np.ones((2, 3), np.float32)] * 3})
    assert attempt(
        compile_request(saved(linear_model(), tmp_path)), tmp_path / "a", workers=workers
    ).succeeded
    (server,) = servers() - before
    endless = saved(endless_model(), tmp_path)
    cancelled = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(
            attempt, compile_request(endless), tmp_path / "b", workers=workers, cancelled=cancelled
        )
        pid = worker_pid(tmp_path / "b")
        os.kill(server, signal.SIGKILL)
        wait_for(lambda: has_exited(server))
        assert not has_exited(pid)
        os.kill(pid, signal.SIGKILL)
        outcome = future.result(timeout=30)

    # Whoever knew the signal has ended.
    assert outcome.failure_type == "JOB_FAILURE_TYPE_RUNTIME_CRASH"
    assert "ended with no result while" in outcome.reason
    assert attempt(
        run_request(saved(linear_model(), tmp_path), data), tmp_path / "c", workers=workers
    ).succeeded


def test_a_server_is_replaced_when_a_package_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: WarmWorkers
) -> None:
    packages = tmp_path / "site-packages"
    packages.mkdir()
    monkeypatch.setattr(sys, "path", [*sys.path, str(packages)])
    model = saved(linear_model(), tmp_path)
    before = servers()
    attempt(compile_request(model), tmp_path / "a", workers=workers)
    attempt(compile_request(model), tmp_path / "b", workers=workers)
    (first,) = servers() - before

    (packages / "new-1.0.dist-info").mkdir()
    assert attempt(compile_request(model), tmp_path / "c", workers=workers).succeeded

    wait_for(lambda: has_exited(first))
    assert len(servers() - before) == 1


def test_a_server_is_replaced_when_the_environment_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: WarmWorkers
) -> None:
    model = saved(linear_model(), tmp_path)
    before = servers()
    attempt(compile_request(model), tmp_path / "a", workers=workers)
    (first,) = servers() - before

    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    assert attempt(compile_request(model), tmp_path / "b", workers=workers).succeeded

    (second,) = servers() - before - {first}
    assert f"LD_LIBRARY_PATH={tmp_path}" in Path(f"/proc/{second}/environ").read_text()
    wait_for(lambda: has_exited(first))


def test_a_server_that_cannot_start_costs_time_and_not_the_job(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    workers: WarmWorkers,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Only a new server imports it: cold workers are unaffected.
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nif 'qai_hub.local.engine.fork_server' in sys.orig_argv:\n"
        "    raise SystemExit('the reason')\n"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    model = saved(linear_model(), tmp_path)
    before = servers()

    outcomes = [attempt(compile_request(model), tmp_path / n, workers=workers) for n in "ab"]

    assert [outcome.succeeded for outcome in outcomes] == [True, True]
    told = [each.getMessage() for each in caplog.records if SLOW in each.getMessage()]
    assert len(told) == 1, "told once a minute"
    assert "the reason" in told[0]
    assert servers() - before == set()


def test_an_attempt_whose_server_hangs_can_be_cancelled(
    tmp_path: Path, workers: WarmWorkers
) -> None:
    before = servers()
    model = saved(linear_model(), tmp_path)
    attempt(compile_request(model), tmp_path / "a", workers=workers)
    (server,) = servers() - before
    os.kill(server, signal.SIGSTOP)
    cancelled = threading.Event()
    try:
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(
                attempt,
                compile_request(model),
                tmp_path / "b",
                workers=workers,
                cancelled=cancelled,
            )
            assert not future.done()
            cancelled.set()
            with pytest.raises(AttemptCancelled):
                future.result(timeout=10)
    finally:
        os.kill(server, signal.SIGCONT)

    assert attempt(compile_request(model), tmp_path / "c", workers=workers).succeeded


def test_closing_ends_the_server_and_leaves_running_attempts_alone(tmp_path: Path) -> None:
    own = WarmWorkers()
    before = servers()
    model = saved(endless_model(), tmp_path)
    cancelled = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(
            attempt, compile_request(model), tmp_path / "a", workers=own, cancelled=cancelled
        )
        pid = worker_pid(tmp_path / "a")
        (server,) = servers() - before
        own.close()
        assert not has_exited(pid)
        cancelled.set()
        with pytest.raises(AttemptCancelled):
            future.result(timeout=30)

    assert has_exited(pid)
    wait_for(lambda: has_exited(server))
    with pytest.raises(RuntimeError, match="closed"):
        own.start(tmp_path, None, cancelled, HUB_PACKAGES)


def test_warming_up_starts_the_server_and_waits_for_nothing(workers: WarmWorkers) -> None:
    before = servers()

    workers.warm_up()

    wait_for(lambda: len(servers() - before) == 1)


def test_nothing_is_left_open(tmp_path: Path, workers: WarmWorkers) -> None:
    model = saved(linear_model(), tmp_path)
    attempt(compile_request(model), tmp_path / "a", workers=workers)
    before = sorted(path.name for path in Path("/proc/self/fd").iterdir())

    for name in "bcd":
        attempt(compile_request(model), tmp_path / name, workers=workers)

    assert sorted(path.name for path in Path("/proc/self/fd").iterdir()) == before


def test_many_at_once_each_get_their_own_result(tmp_path: Path, workers: WarmWorkers) -> None:
    count = 40
    model = saved(linear_model(), tmp_path)
    inputs = [np.full((2, 3), number, np.float32) for number in range(count)]
    files = [dataset(tmp_path / f"d{n}", {"x": [x]}) for n, x in enumerate(inputs)]
    with ThreadPoolExecutor(8) as pool:
        futures = [
            pool.submit(attempt, run_request(model, data), tmp_path / f"a{n}", workers=workers)
            for n, data in enumerate(files)
        ]
        results = [future.result() for future in futures]

    assert all(result.succeeded for result in results)
    for x, result in zip(inputs, results, strict=True):
        (y,) = read_dataset(result.files["output_data"])["y"]
        np.testing.assert_allclose(y, linear_result(x), rtol=1e-5)
    numbers = {result.log.read_text().partition("Process ")[2].split()[0] for result in results}
    assert len(numbers) == count


def test_systems_without_pidfds_start_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "pidfd_open", refuse)

    assert isinstance(make_workers(warm=True), ColdWorkers)
