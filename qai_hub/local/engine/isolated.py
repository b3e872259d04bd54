"""Calls functions in processes of their own, so that a crash or a hang there ends the call alone.

In a worker, whose sandbox keeps it from starting programs, the processes are forked from a helper
that was forked before any runtime session was opened, as a fork afterwards would deadlock.
Elsewhere, they are started anew.
"""

import ctypes
import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from qai_hub.local.engine.failures import (
    EXIT_STATUSES,
    FailureType,
    JobFailure,
    resource_failure_from_error,
)

_CALL_FILE = "call.json"
_RESULT_FILE = "result.json"
_FAILURE_FILE = "failure.json"
_PR_SET_PDEATHSIG = 1
_FAULT = 1

logger = logging.getLogger(__name__)


class CallError(Exception):
    """A call ended without its result.

    Args:
        reason: How it ended, as the predicate of a sentence, such as "was killed by SIGSEGV".
        cause: The resource that ran out, if that is why.
        progress: What the function saved last; None if it saved nothing.
        is_timeout: Whether it was killed because it took too long.
    """

    def __init__(
        self,
        reason: str,
        cause: FailureType | None = None,
        progress: dict[str, Any] | None = None,
        *,
        is_timeout: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cause = cause
        self.progress = progress
        self.is_timeout = is_timeout


def call_isolated(
    function: str, arguments: Mapping[str, Any], folder: Path, time_limit: float | None = None
) -> dict[str, Any]:
    """Call a function in a process of its own.

    Args:
        function: The function, as "module:name". It is called with the arguments and the folder,
            and returns a JSON object.
        arguments: A JSON object.
        folder: Folder for the files of the call, which is created.
        time_limit: Seconds after which the process is killed; None for no limit but the job's.

    Returns:
        What the function returned.

    Raises:
        JobFailure: The function raised it.
        CallError: The process crashed, was killed, or raised another exception.
    """
    folder.mkdir()
    call = {"function": function, "arguments": dict(arguments)}
    (folder / _CALL_FILE).write_text(json.dumps(call, default=str), encoding="utf-8")
    status = _forker.run(folder, time_limit) if _forker else _run_program(folder, time_limit)
    progress = _read(folder / _RESULT_FILE)
    if status is None:
        reason = f"took longer than {time_limit:.0f} s"
        raise CallError(reason, progress=progress, is_timeout=True)
    failure = _read(folder / _FAILURE_FILE)
    if failure is not None:
        kind = FailureType(failure["failure_type"])
        raise JobFailure(kind, failure["reason"], lacks=failure["lacks"])
    if status == 0 and progress is not None:
        return progress
    causes = {number: cause for cause, number in EXIT_STATUSES.items()}
    cause = causes.get(status)
    if cause is FailureType.OUT_OF_MEMORY:
        reason = "ran out of memory"
    elif cause is not None:
        reason = "found no space left on the disk"
    elif status < 0:
        reason = f"was killed by {_signal_name(-status)}"
    else:
        reason = "ended with an error, which the log of the job tells"
    raise CallError(reason, cause, progress)


def save_progress(folder: Path, progress: Mapping[str, Any]) -> None:
    """Save what a call has found so far, in case it does not end by itself.

    Args:
        folder: The folder of the call.
        progress: A JSON object, which replaces the one saved before.
    """
    _write(folder / _RESULT_FILE, progress)


def _write(path: Path, value: Mapping[str, Any]) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(value), encoding="utf-8")
    partial.replace(path)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        value: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    return value


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _serve_call(folder: Path) -> int:
    """Make the call that a folder describes; return the exit status."""
    call = json.loads((folder / _CALL_FILE).read_bytes())
    module, _, name = call["function"].partition(":")
    try:
        try:
            _write(
                folder / _RESULT_FILE,
                getattr(import_module(module), name)(call["arguments"], folder),
            )
        except JobFailure as failure:
            _write(
                folder / _FAILURE_FILE,
                {
                    "failure_type": failure.failure_type,
                    "reason": failure.reason,
                    "lacks": failure.lacks,
                },
            )
    except Exception as error:
        cause = resource_failure_from_error(error)
        if cause is not None:
            return EXIT_STATUSES[cause]
        logger.exception("The call of %s failed", name)
        return _FAULT
    return 0


def end_process(status: int) -> NoReturn:
    """End this process at once: native libraries may crash while being unloaded.

    Args:
        status: Its exit status.
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def _run_program(folder: Path, time_limit: float | None) -> int | None:
    """Make a call in a new Python process; return its status, or None if the time was up."""
    command = [sys.executable, "-P", "-X", "faulthandler", "-X", "utf8", "-m", __name__]
    with subprocess.Popen([*command, str(folder)], stdin=subprocess.DEVNULL) as process:  # noqa: S603
        try:
            return process.wait(time_limit)
        except subprocess.TimeoutExpired:
            process.kill()
            return None


class _Forker:
    """The helper from which processes are forked: it has imported all, and opened no session."""

    def __init__(self) -> None:
        requests, self._requests = os.pipe()
        self._replies, replies = os.pipe()
        self._buffer = b""
        parent = os.getpid()
        self._process = os.fork()
        if self._process:
            os.close(requests)
            os.close(replies)
            return
        os.close(self._requests)
        os.close(self._replies)
        _die_with(parent)
        with suppress(BaseException):
            self._serve(requests, replies)
        os._exit(0)

    @staticmethod
    def _serve(requests: int, replies: int) -> None:
        """Fork a process for each request, until the worker ends."""
        forker = os.getpid()
        with os.fdopen(requests, encoding="utf-8") as lines:
            for line in lines:
                process = os.fork()
                if not process:
                    status = _FAULT
                    try:
                        _die_with(forker)
                        status = _serve_call(Path(json.loads(line)))
                    finally:
                        end_process(status)
                os.write(replies, f"{process}\n".encode())
                _, status = os.waitpid(process, 0)
                os.write(replies, f"{os.waitstatus_to_exitcode(status)}\n".encode())

    def run(self, folder: Path, time_limit: float | None) -> int | None:
        """Make a call in a forked process; return its status, or None if the time was up.

        Raises:
            CallError: The helper has ended.
        """
        deadline = None if time_limit is None else time.monotonic() + time_limit
        try:
            os.write(self._requests, f"{json.dumps(str(folder.absolute()))}\n".encode())
            process = self._read_number(None)
            assert process is not None  # noqa: S101 - without a deadline there is a number
            status = self._read_number(deadline)
            if status is None:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
                self._read_number(None)
        except (BrokenPipeError, EOFError):
            raise CallError("could not be started") from None
        return status

    def close(self) -> None:
        """End the helper."""
        os.close(self._requests)
        os.waitpid(self._process, 0)
        os.close(self._replies)

    def _read_number(self, deadline: float | None) -> int | None:
        """Read the next number that the helper sends; None if the time is up."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._replies, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                wait = None if deadline is None else max(0.0, deadline - time.monotonic())
                if not selector.select(wait):
                    return None
                chunk = os.read(self._replies, 4096)
                if not chunk:
                    raise EOFError
                self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        return int(line)


def _die_with(parent: int) -> None:
    """Make the kernel kill this process when its parent ends, however that happens."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(_FAULT)


_forker: _Forker | None = None


def prepare_isolated_calls() -> None:
    """Start the helper that forks processes, where this process may not start programs.

    This must be called before a runtime session is opened, while this process has one thread.
    """
    global _forker  # noqa: PLW0603 - one per process, like the sandbox that makes it necessary
    if sys.platform == "linux":
        _forker = _Forker()


def end_isolated_calls() -> None:
    """End the helper, if there is one."""
    global _forker  # noqa: PLW0603 - one per process
    if _forker is not None:
        _forker.close()
        _forker = None


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    end_process(_serve_call(Path(sys.argv[1])))
