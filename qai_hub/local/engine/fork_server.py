"""The fork server: imports once what workers need, and forks a worker for each attempt.

It is started as `python -m qai_hub.local.engine.fork_server DESCRIPTOR`, the descriptor of a socket
to the hub. It runs in one thread and opens no runtime session, since a fork after either could
deadlock. It refuses requests once what it has imported is no longer what is installed, or after
many forks: the hub then starts another one.
"""

import gc
import json
import os
import selectors
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from qai_hub.local.engine import worker
from qai_hub.local.engine.isolated import end_process
from qai_hub.local.engine.sandbox import name_process, prepare_sandbox

_MESSAGE_SIZE = 65536
# Forks leave almost nothing behind; this bounds what they might.
_MAX_FORKS = 1000
_SITE_FOLDERS = ("site-packages", "dist-packages")


@dataclass(eq=False, slots=True)
class _Child:
    """A worker.

    Attributes:
        pid: Its number.
        pidfd: Becomes readable when it ends.
        channel: To the hub, which closes it when it needs nothing more of the worker.
        has_ended: Whether the hub has been told that it has ended.
    """

    pid: int
    pidfd: int
    channel: socket.socket
    has_ended: bool = False


class ForkServer:
    """Forks workers.

    Args:
        control: Receives the requests of the hub.
    """

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._selector = selectors.DefaultSelector()
        self._children: set[_Child] = set()
        self._forks = 0
        self._imported = _fingerprint()

    def serve(self) -> None:
        """Serve requests until the hub closes the connection, and all workers have ended."""
        self._selector.register(self._control, selectors.EVENT_READ)
        while self._selector.get_map():
            for key, _ in self._selector.select():
                if key.fileobj is self._control:
                    self._answer()
                elif key.data not in self._children:
                    # It was forgotten by an event of the same moment.
                    continue
                elif key.fileobj == key.data.pidfd:
                    self._report_end(key.data)
                else:
                    self._forget(key.data)

    def _answer(self) -> None:
        message, descriptors, _, _ = socket.recv_fds(self._control, _MESSAGE_SIZE, 3)
        if not message:
            self._selector.unregister(self._control)
            self._control.close()
            return
        *streams, channel_descriptor = descriptors
        channel = socket.socket(fileno=channel_descriptor)
        try:
            refusal = self._find_refusal() or self._fork(json.loads(message), streams, channel)
        except OSError as error:
            # No process or no descriptor is left, which running workers may change.
            refusal = str(error)
        if refusal:
            # The hub may have given up.
            with suppress(OSError):
                channel.send(json.dumps({"refusal": refusal}).encode())
            channel.close()
        for stream in streams:
            os.close(stream)

    def _fork(
        self, request: Mapping[str, Any], streams: Sequence[int], channel: socket.socket
    ) -> str:
        """Fork a worker; return an empty reason for a refusal."""
        folder = Path(request["folder"])
        prepare_sandbox(folder)
        pid = os.fork()
        if pid == 0:
            _work(folder, request["memory_limit"], *streams)
        self._forks += 1
        self._watch(_Child(pid, os.pidfd_open(pid), channel))
        return ""

    def _find_refusal(self) -> str:
        if self._forks >= _MAX_FORKS:
            return "it has started as many workers as it may"
        if _fingerprint() != self._imported:
            return "what it has imported has changed"
        return ""

    def _watch(self, child: _Child) -> None:
        self._children.add(child)
        with suppress(OSError):
            answer = json.dumps({"pid": child.pid}).encode()
            socket.send_fds(child.channel, [answer], [child.pidfd])
        self._selector.register(child.pidfd, selectors.EVENT_READ, child)
        self._selector.register(child.channel, selectors.EVENT_READ, child)

    def _report_end(self, child: _Child) -> None:
        # It is not reaped yet, so that the hub can kill its group without hitting another.
        found = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert found is not None  # noqa: S101 - without WNOHANG there is a result
        status = found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
        child.has_ended = True
        self._selector.unregister(child.pidfd)
        with suppress(OSError):
            child.channel.send(json.dumps({"status": status}).encode())

    def _forget(self, child: _Child) -> None:
        """Reap a worker of which the hub wants to know nothing more."""
        if not child.has_ended:
            # The hub itself has ended.
            self._selector.unregister(child.pidfd)
            for kill in (os.kill, os.killpg):
                with suppress(ProcessLookupError):
                    kill(child.pid, signal.SIGKILL)
        os.waitpid(child.pid, 0)
        self._selector.unregister(child.channel)
        child.channel.close()
        os.close(child.pidfd)
        self._children.discard(child)


def _work(folder: Path, memory_limit: int, standard_input: int, output: int) -> NoReturn:
    """Become the worker of an attempt, as if started as a program of its own."""
    status = 1
    try:
        os.setsid()
        for descriptor, source in enumerate((standard_input, output, output)):
            os.dup2(source, descriptor)
        _close_all_but_streams()
        os.chdir(folder)
        os.environ["TMPDIR"] = str(folder)
        tempfile.tempdir = None
        status = worker.main(folder, memory_limit)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        raise
    finally:
        end_process(status)


def _close_all_but_streams() -> None:
    # Not by their highest number, which may be a thousand million.
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - it is not a tree to walk
        if int(name) > 2:
            # That of the list itself is closed already.
            with suppress(OSError):
                os.close(int(name))


def _fingerprint() -> tuple[tuple[str, int], ...]:
    """Return what tells whether imported modules or installed packages have changed."""
    return tuple(_iter_times())


def _iter_times() -> Iterator[tuple[str, int]]:
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    folders = [entry for entry in sys.path if Path(entry).name in _SITE_FOLDERS]
    for path in sorted({*filter(None, files), *folders}):
        try:
            yield path, os.stat(path).st_mtime_ns  # noqa: PTH116 - a thousand files per attempt
        except OSError:
            yield path, 0


def _import_all() -> None:
    for kind in worker.KINDS:
        # Whatever is missing, the worker that needs it tells.
        with suppress(ImportError):
            worker.work_function(kind)
    with suppress(ImportError):
        import_module("onnxruntime_qnn")


def main(descriptor: int) -> None:
    """Serve a hub.

    Args:
        descriptor: That of the socket to it.
    """
    name_process("qai-hub forks")
    _import_all()
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads > 1:
        raise SystemExit(f"importing the engine has started {threads - 1} threads")
    # Its objects stay where they are: collecting them in a worker would only copy pages.
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=descriptor) as control:
        ForkServer(control).serve()


if __name__ == "__main__":
    main(int(sys.argv[1]))
