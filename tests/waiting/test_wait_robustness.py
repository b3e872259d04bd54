"""Waits beside odd streams, hung name servers, interpreters that end, forks and slow answers."""

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest
from support.job_hub import DONE, RUNNING, JobHub, compile_job
from support.scripted_server import Raw, Reply, Request, ScriptedServer, Step, json_reply

import qai_hub as hub
from qai_hub.client import Client, ClientConfig


@pytest.fixture
def world() -> Iterator[JobHub]:
    with JobHub(DONE) as made:
        yield made


def wait(job: hub.Job) -> Any:
    return job.wait()


def wait_all(job: hub.Job) -> Any:
    return hub.wait_all([job])[0]


# -- what programs put in place of stderr --------------------------------------------------------


class Writer:
    """Only writes."""

    def __init__(self) -> None:
        self.written = io.StringIO()

    def write(self, text: str) -> None:
        self.written.write(text)


class BareTerminal(Writer):
    def isatty(self) -> bool:
        return True


class WholeTerminal(BareTerminal):
    def flush(self) -> None:
        """Has nothing to do."""


class Reentered(WholeTerminal):
    def flush(self) -> None:
        raise RuntimeError("reentrant call")


class BrokenPipe(WholeTerminal):
    encoding = "utf-8"

    def write(self, text: str) -> None:
        super().write(text)
        raise BrokenPipeError(32, "Broken pipe")


class OddEncoding(WholeTerminal):
    encoding = 7


@pytest.mark.parametrize("wait", [wait, wait_all])
@pytest.mark.parametrize(
    "kind", [Writer, BareTerminal, WholeTerminal, Reentered, BrokenPipe, OddEncoding]
)
def test_no_stand_in_for_stderr_ends_a_wait(
    world: JobHub, wait: Callable[[hub.Job], Any], kind: type[Writer]
) -> None:
    job = world.client(verbose=True).get_job("ja")
    stream = kind()
    with contextlib.redirect_stderr(cast(Any, stream)):
        assert wait(job) == "SUCCESS"
    assert "SUCCESS" in stream.written.getvalue()


# -- threads and processes that end --------------------------------------------------------------


def test_a_program_ends_although_an_iterator_of_jobs_was_left_halfway(world: JobHub) -> None:
    """Python 3.13 stops daemon threads for good when it ends: nothing may join them then."""
    code = """
import sys
import qai_hub as hub
client = hub.Client(hub.ClientConfig("token", sys.argv[1], sys.argv[1]))
jobs = [client.get_job("ja"), client.get_job("jb")]
handed_out = hub.as_completed(jobs)
print(next(handed_out).job_id)
"""
    world.server.requests.clear()
    world.override = lambda _: None
    done = subprocess.run(
        [sys.executable, "-c", code, world.server.url],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout in {"ja\n", "jb\n"}
    assert done.stderr == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_leaves_the_wait_to_its_parent_and_waits_on_its_own(
    world: JobHub,
) -> None:
    jobs = [world.client().get_job(name) for name in ("ja", "jb")]
    handed_out = hub.as_completed(jobs)
    first = next(handed_out)
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        cast(Any, handed_out).close()
        os._exit(0 if hub.wait_all(jobs) == ["SUCCESS", "SUCCESS"] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert [first, *handed_out] in (jobs, jobs[::-1])
    assert [t for t in threading.enumerate() if t.name.startswith("qai_hub")] == []


# -- networks ------------------------------------------------------------------------------------


def interrupt_when(event: threading.Event) -> threading.Thread:
    """Presses Ctrl+C, after a moment."""
    main = threading.main_thread().ident
    assert main is not None

    def press() -> None:
        event.wait(10)
        time.sleep(0.1)
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    return thread


@pytest.mark.parametrize("wait", [wait, wait_all])
def test_ctrl_c_does_not_wait_for_an_answer_and_the_client_works_on(
    world: JobHub, wait: Callable[[hub.Job], Any]
) -> None:
    job = world.client().get_job("ja")
    asked = threading.Event()

    def hold(_: Request) -> Step:
        asked.set()
        return Reply(delay=20)

    world.override = hold
    interrupter = interrupt_when(asked)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        wait(job)
    assert time.monotonic() - start < 10
    interrupter.join()
    world.override = lambda _: None
    assert wait(job) == "SUCCESS"


def test_ctrl_c_does_not_wait_for_a_name_server(
    world: JobHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = world.client().get_job("ja")
    asked, release = threading.Event(), threading.Event()

    def look_up(*_: object, **__: object) -> Any:
        asked.set()
        release.wait(20)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    away = Client(ClientConfig("token", "http://hub.invalid", "http://hub.invalid"))
    job._owner = away
    interrupter = interrupt_when(asked)
    start = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            hub.wait_all([job])
        assert time.monotonic() - start < 15
    finally:
        release.set()
        interrupter.join()
    assert [t for t in threading.enumerate() if t.name.startswith("qai_hub")] == []


def test_an_answer_that_trickles_in_does_not_hold_up_a_deadline(world: JobHub) -> None:
    """The time limits of a request bound each of its steps: here every step is short."""
    job = world.client().get_job("ja")
    body = repr(compile_job("ja", RUNNING)).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with ScriptedServer([Raw(answer, pauses=[0.1] * len(answer))]) as server:
        job._owner = Client(ClientConfig("token", server.url, server.url))
        start = time.monotonic()
        with pytest.raises(TimeoutError, match="its state is unknown"):
            hub.wait_all([job], 0.2)
        assert time.monotonic() - start < 15


@pytest.mark.parametrize("timeout", [0, 0.3])
def test_a_server_that_hangs_does_not_hold_up_the_deadline_of_many(
    world: JobHub, timeout: float
) -> None:
    jobs = [world.client().get_job(f"j{number}") for number in range(30)]
    world.override = lambda _: Reply(delay=30)
    start = time.monotonic()
    with pytest.raises(TimeoutError, match="30 of 30 jobs"):
        hub.wait_all(jobs, timeout)
    assert timeout <= time.monotonic() - start < timeout + 15


def test_a_name_server_that_hangs_does_not_hold_up_a_single_wait(
    world: JobHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = world.client().get_job("ja")
    release = threading.Event()

    def look_up(*_: object, **__: object) -> Any:
        release.wait(30)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    job._owner = Client(ClientConfig("token", "http://hub.invalid", "http://hub.invalid"))
    start = time.monotonic()
    try:
        with pytest.raises(TimeoutError, match="Timeout occurred while communicating with"):
            job.wait(0)
        assert time.monotonic() - start < 15.0
    finally:
        release.set()
        for thread in threading.enumerate():
            if thread.name.startswith("qai_hub"):
                thread.join(10)


UNREADABLE = {
    "jpage": Reply(200, b"<html>log in</html>", {"Content-Type": "text/html"}),
    "jcut": Reply(200, b'{"compile_job": {"job_st', {"Content-Type": "application/json"}),
    "jnothing": Reply(200, b"", {"Content-Type": "application/json"}),
    "jnull": Reply(200, b"null", {"Content-Type": "application/json"}),
    "jother": Reply(200, b'{"status": "ok"}', {"Content-Type": "application/json"}),
    "jnocontent": Reply(204),
    "jnogzip": Reply(
        200, b"no gzip", {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    ),
}


@pytest.mark.parametrize("wait", [wait, wait_all])
def test_unreadable_successes_are_ridden_out(world: JobHub, wait: Callable[[hub.Job], Any]) -> None:
    client = world.client()
    jobs = [client.get_job(name) for name in UNREADABLE]
    left = {name: [odd, odd] for name, odd in UNREADABLE.items()}

    def answer(request: Request) -> Step | None:
        odd = left[request.path.rstrip("/").rpartition("/")[2]]
        return odd.pop() if odd else None

    world.override = answer
    # Each wait pauses for more than a second.
    with ThreadPoolExecutor(len(jobs)) as pool:
        assert list(pool.map(wait, jobs)) == ["SUCCESS"] * len(jobs)
    assert not any(left.values())


@pytest.mark.parametrize("wait", [wait, wait_all])
def test_a_job_with_an_end_has_ended_whatever_its_state_is_called(
    world: JobHub, wait: Callable[[hub.Job], Any]
) -> None:
    job = world.client().get_job("ja")
    ended = compile_job(
        "ja",
        "JOB_STATE_CANCELLED",
        completion_time="2026-01-02T03:04:05Z",
        failure_reason="by the user",
    )
    world.override = lambda _: json_reply(ended)
    status = wait(job)
    assert (status.finished, status.success, status.failure) == (True, False, True)
    assert (status.pending, status.running, status.code) == (False, False, "CANCELLED")
    assert status.message == "The job ended in the state CANCELLED: by the user"
