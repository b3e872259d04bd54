"""The process of a worker: how it is started, watched, and ended with its whole process group."""

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol, cast

from qai_hub.local.engine.attempt_log import AttemptLog

_POLL_SECONDS = 0.1
_CHUNK = 65536


class AttemptCancelled(Exception):  # noqa: N818 - the hub's wish, not an error
    """The hub cancelled the attempt before it ended."""


class WorkerProcess(Protocol):
    """A process that leads a process group, and ends when its standard input does."""

    @property
    def pid(self) -> int:
        """Its number."""

    @property
    def output(self) -> int:
        """Descriptor of its standard output and standard error; reading never blocks."""

    def poll(self) -> int | None:
        """Return its exit status, or minus the signal that ended it; None while it runs."""

    def wait(self, seconds: float) -> None:
        """Wait until it has ended, but no longer than this."""

    def kill(self) -> None:
        """Kill its process group, unless it has ended, and wait for its end."""

    def close(self) -> None:
        """Close what connects this process with it; it must have ended."""


class StartedProgram:
    """A `WorkerProcess` that is a program of its own.

    Args:
        command: Program and arguments.
        folder: Working directory.
        environment: The complete environment.
    """

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the hub's own command, never a shell
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            bufsize=0,
        )
        os.set_blocking(self.output, False)

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def output(self) -> int:
        """Descriptor of its standard output and standard error."""
        return cast("IO[bytes]", self._process.stdout).fileno()

    def poll(self) -> int | None:
        """Return its exit status; None while it runs."""
        return self._process.poll()

    def wait(self, seconds: float) -> None:
        """Wait until it has ended, but no longer than this."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def kill(self) -> None:
        """Kill its process group, unless it has ended, and wait for its end."""
        # Not reaped yet, so the number cannot belong to another process group.
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()

    def close(self) -> None:
        """Close its pipes."""
        for pipe in (self._process.stdin, self._process.stdout):
            cast("IO[bytes]", pipe).close()


def supervise(
    process: WorkerProcess, log: AttemptLog, *, time_limit: float, cancelled: threading.Event
) -> int:
    """Log the output of a process until it ends.

    Its process group is killed when the time is up or the attempt is cancelled.

    Args:
        process: The process, which is closed in the end.
        log: Receives standard output and standard error.
        time_limit: Seconds that it may take from now on.
        cancelled: Set from another thread to cancel.

    Returns:
        Exit status; if negative, the number of the signal that ended it.

    Raises:
        TimeoutError: The time limit was exceeded.
        AttemptCancelled: It was cancelled.
    """
    deadline = time.monotonic() + time_limit
    try:
        log.write(f"Process {process.pid} started")
        return _wait_for_exit(process, log, deadline, cancelled)
    finally:
        process.kill()
        while _log_output(process.output, log):
            pass
        process.close()


def _wait_for_exit(
    process: WorkerProcess, log: AttemptLog, deadline: float, cancelled: threading.Event
) -> int:
    output = process.output
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while (status := process.poll()) is None:
            if cancelled.is_set():
                raise AttemptCancelled
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError
            pause = min(remaining, _POLL_SECONDS)
            if not selector.get_map():
                # Its output ends shortly before the process does, so this polls more often than
                # once per pause.
                process.wait(pause)
            elif selector.select(pause) and not _log_output(output, log):
                selector.unregister(output)
        return status


def _log_output(output: int, log: AttemptLog) -> bool:
    """Log a chunk of output; False at its end."""
    try:
        chunk = os.read(output, _CHUNK)
    except BlockingIOError:
        return False
    log.write_output(chunk)
    return bool(chunk)
