"""Runs a command as a process group of its own, watched for time and cancellation."""

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

from qai_hub.local.execution.log import AttemptLog

_LOOK_SECONDS = 0.1
_CHUNK = 65536


class AttemptCancelled(Exception):  # noqa: N818 - the hub's wish, not an error
    """The hub asked to end the attempt before it was over."""


def supervise(
    command: Sequence[str],
    folder: Path,
    log: AttemptLog,
    *,
    environment: Mapping[str, str],
    time_limit: float,
    cancelled: threading.Event,
) -> int:
    """Run a command to its end and log what it prints.

    Its standard input is a pipe that closes when this process ends, however that happens. Its
    process group is killed when the time is over or the attempt is cancelled.

    Args:
        command: Program and arguments.
        folder: Working directory.
        log: Takes standard output and standard error.
        environment: The command's whole environment.
        time_limit: Seconds that it may take.
        cancelled: Set from another thread to cancel.

    Returns:
        Exit status; negative: the number of the signal that ended it.

    Raises:
        TimeoutError: The time was over.
        AttemptCancelled: It was cancelled.
    """
    deadline = time.monotonic() + time_limit
    with subprocess.Popen(  # noqa: S603 - the hub's own command, never a shell
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        bufsize=0,
    ) as process:
        output = cast("IO[bytes]", process.stdout).fileno()
        os.set_blocking(output, False)
        log.note(f"Process {process.pid} started")
        try:
            return _watch(process, output, log, deadline, cancelled)
        finally:
            # Unreaped so far, so the number cannot belong to another group.
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            while _pump(output, log):
                pass


def _watch(
    process: subprocess.Popen[bytes],
    output: int,
    log: AttemptLog,
    deadline: float,
    cancelled: threading.Event,
) -> int:
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while (status := process.poll()) is None:
            if cancelled.is_set():
                raise AttemptCancelled
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError
            pause = min(remaining, _LOOK_SECONDS)
            if not selector.get_map():
                # Its output ends shortly before it does: this looks more often than every pause.
                with suppress(subprocess.TimeoutExpired):
                    process.wait(pause)
            elif selector.select(pause) and not _pump(output, log):
                selector.unregister(output)
        return status


def _pump(output: int, log: AttemptLog) -> bool:
    """Log a chunk of what was printed; False when there is none."""
    try:
        chunk = os.read(output, _CHUNK)
    except BlockingIOError:
        return False
    log.feed(chunk)
    return bool(chunk)
