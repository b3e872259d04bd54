"""Starts workers: each as a new program, or forked from a server that has imported everything."""

import json
import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Protocol

from qai_hub.local.engine.packages import HUB_PACKAGES, WorkerPackages
from qai_hub.local.engine.process import AttemptCancelled, StartedProgram, WorkerProcess

__all__ = ["ColdWorkers", "WarmWorkers", "Workers", "make_workers"]

# A fork takes milliseconds; the first one waits until the server has imported everything.
_START_LIMIT = 30.0
_POLL_SECONDS = 0.1
# The server is idle, but the machine may not be.
_STATUS_LIMIT = 10.0
# A server ends by itself when its packages change, and the next one is new.
_MAX_TRIES = 2
# Where servers fail, the next one is not tried for each job.
_RETRY_AFTER = 60.0
_MESSAGE_SIZE = 65536
_STDERR_TAIL = 2000

UNKNOWN_STATUS = 255
"""The exit status of a worker whose fork server ended first: nobody else is told of it."""

logger = logging.getLogger(__name__)


class Workers(Protocol):
    """Starts the workers of attempts. Its methods may be called from any thread."""

    def start(
        self,
        folder: Path,
        memory_limit: int | None,
        cancelled: threading.Event,
        packages: WorkerPackages,
    ) -> WorkerProcess:
        """Start the worker of an attempt.

        Args:
            folder: The attempt's folder, which holds its request.
            memory_limit: Address space that the worker may use, in bytes; None for no limit.
            cancelled: Set from another thread to give up.
            packages: The packages that the worker runs with.

        Returns:
            Its process.

        Raises:
            AttemptCancelled: It was cancelled before the worker had started.
        """

    def warm_up(self) -> None:
        """Do now what need not wait for the first attempt."""

    def close(self) -> None:
        """Release what is shared by workers; running ones are not affected."""


def make_workers(*, warm: bool) -> "Workers":
    """Return what starts workers.

    Args:
        warm: Whether they are forked from a server, where the system allows it.
    """
    return WarmWorkers() if warm and WarmWorkers.is_supported() else ColdWorkers()


class ColdWorkers:
    """Starts each worker as a new program, which imports what it needs."""

    def start(
        self,
        folder: Path,
        memory_limit: int | None,
        cancelled: threading.Event,
        packages: WorkerPackages,
    ) -> WorkerProcess:
        """Start the worker of an attempt, which takes no time in which it could be cancelled."""
        command = packages.get_command("qai_hub.local.engine.worker")
        command += [str(folder), str(memory_limit or 0)]
        return StartedProgram(command, folder, packages.get_environment(folder))

    def warm_up(self) -> None:
        """Do nothing, as nothing is shared."""

    def close(self) -> None:
        """Do nothing, as nothing is shared."""


class WarmWorkers:
    """Forks each worker from a server that has imported everything and opened no session.

    The server is started when it is first needed, and another one for each engine whose packages
    are laid over those of the hub. If it cannot be, workers are started as programs of their own,
    and the hub's log tells why. So are those with packages of an environment apart.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._servers: dict[str, _ForkServer] = {}
        self._closed = False
        self._cold_until = 0.0
        self._cold = ColdWorkers()

    @staticmethod
    def is_supported() -> bool:
        """Return whether this system can fork workers and watch their end."""
        if sys.platform != "linux":
            return False
        try:
            os.close(os.pidfd_open(os.getpid()))
        except OSError:
            return False
        return True

    def warm_up(self) -> None:
        """Start the server now, without waiting for its imports."""
        with suppress(OSError):
            self._get_server(HUB_PACKAGES)

    def start(
        self,
        folder: Path,
        memory_limit: int | None,
        cancelled: threading.Event,
        packages: WorkerPackages,
    ) -> WorkerProcess:
        """Start the worker of an attempt."""
        why = ""
        is_cold = packages.is_apart or time.monotonic() < self._cold_until
        for _ in range(0 if is_cold else _MAX_TRIES):
            server = self._get_server(packages)
            try:
                return server.fork(folder, memory_limit, cancelled)
            except _ServerEndedError as error:
                why = str(error)
                self._retire(server)
        if why:
            self._cold_until = time.monotonic() + _RETRY_AFTER
            logger.warning("jobs start slowly, as the fork server does not work: %s", why)
        return self._cold.start(folder, memory_limit, cancelled, packages)

    def close(self) -> None:
        """End the servers; running workers are not affected."""
        with self._lock:
            self._closed = True
            servers, self._servers = self._servers, {}
        for server in servers.values():
            server.close()

    def _get_server(self, packages: WorkerPackages) -> "_ForkServer":
        environment = packages.get_environment(Path(tempfile.gettempdir()))
        with self._lock:
            if self._closed:
                raise RuntimeError("the workers are closed")
            server = self._servers.get(packages.engine)
            if server is not None and server.environment != environment:
                server.close()
                server = None
            if server is None:
                command = packages.get_command("qai_hub.local.engine.fork_server")
                server = self._servers[packages.engine] = _ForkServer(command, environment)
            return server

    def _retire(self, server: "_ForkServer") -> None:
        with self._lock:
            self._servers = {
                name: each for name, each in self._servers.items() if each is not server
            }
        server.close()


class _ServerEndedError(Exception):
    """The fork server has ended, or takes no more requests."""


class _ForkServer:
    """The hub's end of a fork server.

    Args:
        command: What starts it, but for the descriptor of its socket.
        environment: The complete environment of the server and its workers.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.environment = environment
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Appended to, as the server's writing must not move with our reading.
        self._errors: IO[bytes] = tempfile.TemporaryFile("a+b")  # noqa: SIM115 - see close
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - the hub's own command
                [*command, str(theirs.fileno())],
                cwd="/",
                env=environment,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._errors,
                stderr=self._errors,
                # Ctrl+C in the terminal is for the hub.
                start_new_session=True,
            )
        threading.Thread(target=self._process.wait, name="fork server", daemon=True).start()

    def fork(
        self, folder: Path, memory_limit: int | None, cancelled: threading.Event
    ) -> "_ForkedWorker":
        """Fork the worker of an attempt."""
        request = json.dumps({"folder": str(folder), "memory_limit": memory_limit or 0})
        with ExitStack() as theirs, ExitStack() as ours:
            channel, their_channel = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            theirs.enter_context(their_channel)
            ours.enter_context(channel)
            their_input, our_input = os.pipe()
            our_output, their_output = os.pipe()
            for descriptor in (their_input, their_output):
                theirs.callback(os.close, descriptor)
            for descriptor in (our_input, our_output):
                ours.callback(os.close, descriptor)
            os.set_blocking(our_output, False)
            channel.settimeout(_POLL_SECONDS)
            try:
                socket.send_fds(
                    self._control,
                    [request.encode()],
                    [their_input, their_output, their_channel.fileno()],
                )
                theirs.close()
                message, descriptors = self._receive(channel, cancelled)
            except TimeoutError:
                self._process.kill()
                raise _ServerEndedError(f"it did not answer for {_START_LIMIT:.0f} s") from None
            except OSError as error:
                raise _ServerEndedError(self._describe_end(str(error))) from None
            if not message:
                raise _ServerEndedError(self._describe_end("it has ended"))
            answer = json.loads(message)
            if "refusal" in answer:
                raise _ServerEndedError(answer["refusal"])
            ours.callback(os.close, descriptors[0])
            return _ForkedWorker(answer["pid"], descriptors[0], our_output, channel, ours.pop_all())

    @staticmethod
    def _receive(channel: socket.socket, cancelled: threading.Event) -> tuple[bytes, list[int]]:
        """Receive the answer to a request.

        Raises:
            AttemptCancelled: It was cancelled: the server ends the worker when the channel closes.
            TimeoutError: None has arrived in time.
        """
        deadline = time.monotonic() + _START_LIMIT
        while True:
            try:
                message, descriptors, _, _ = socket.recv_fds(channel, _MESSAGE_SIZE, 1)
            except TimeoutError:
                if cancelled.is_set():
                    raise AttemptCancelled from None
                if time.monotonic() >= deadline:
                    raise
            else:
                return message, descriptors

    def close(self) -> None:
        """Let the server end once its workers have ended."""
        self._control.close()
        self._errors.close()

    def _describe_end(self, how: str) -> str:
        with suppress(OSError, ValueError):
            size = self._errors.seek(0, os.SEEK_END)
            self._errors.seek(max(0, size - _STDERR_TAIL))
            return f"{how}\n{self._errors.read().decode(errors='replace')}".strip()
        return how


class _ForkedWorker:
    """A `WorkerProcess` whose parent is a fork server.

    Args:
        pid: Its number, which is not free until the channel is closed.
        pidfd: A descriptor of the process, which becomes readable when it ends.
        output: Descriptor of its output.
        channel: Where the server sends its exit status.
        resources: Closes the descriptors.
    """

    def __init__(
        self, pid: int, pidfd: int, output: int, channel: socket.socket, resources: ExitStack
    ) -> None:
        self.pid = pid
        self.output = output
        self._pidfd = pidfd
        self._channel = channel
        self._resources = resources
        self._status: int | None = None

    def poll(self) -> int | None:
        """Return its exit status; None while it runs."""
        if self._status is None and self._has_ended(0):
            self._status = self._receive_status()
        return self._status

    def wait(self, seconds: float) -> None:
        """Wait until it has ended, but no longer than this."""
        self._has_ended(seconds)

    def kill(self) -> None:
        """Kill its process group, unless it has ended, and wait for its end."""
        if self._status is None:
            # It leads a group as soon as it runs, which may be in a moment.
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._has_ended(None)
            self._status = self._receive_status()

    def close(self) -> None:
        """Close its descriptors, upon which the server forgets it."""
        self._resources.close()

    def _has_ended(self, seconds: float | None) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self._pidfd, selectors.EVENT_READ)
            return bool(selector.select(seconds))

    def _receive_status(self) -> int:
        self._channel.settimeout(_STATUS_LIMIT)
        with suppress(OSError):
            message = self._channel.recv(_MESSAGE_SIZE)
            if message:
                return int(json.loads(message)["status"])
        return UNKNOWN_STATUS
