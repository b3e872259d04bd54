"""Runs a hub of several processes on this machine, with all that it needs: `make team-hub`.

    PYTHONPATH=tests python -m support.team_hub [--folder FOLDER]

A PostgreSQL server, an object storage, two processes that answer requests and two that run jobs, as
the command line starts them. With a folder, the next run has its users, files and jobs.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from support.child_processes import ended_with_parent
from support.object_storage import ENVIRONMENT, ObjectStorage, make_bucket
from support.postgresql_server import PostgresqlServer

_PROFILE = "team-hub"
_STOP_SECONDS = 60
_WEB = ("serve", "--port", "0", "--workers", "0")
_WORKER = ("worker", "--slots", "1")
_LAST_LINE = "Ctrl+C"


class HubProcess:
    """A process of the hub.

    Args:
        arguments: Those of the command.
        environment: Its environment.
    """

    def __init__(self, *arguments: str, environment: dict[str, str]) -> None:
        self.said: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "qai_hub", *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            # Ctrl+C in the terminal is for whoever stops all of them in order.
            start_new_session=True,
            preexec_fn=ended_with_parent(signal.SIGTERM),  # noqa: PLW1509 - it only calls prctl
        )

    def await_start(self) -> None:
        """Wait until it can be used, and keep what it has said."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(_LAST_LINE):
                return
            self.said.append(line.rstrip())
        raise SystemExit("\n".join(("A process has not started:", *self.said)))

    def begin_stop(self) -> None:
        """Have it end what it is doing, and end."""
        self._process.terminate()

    def stop(self) -> None:
        """Have it end, and wait until it has."""
        self.begin_stop()
        try:
            self._process.communicate(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()


@contextmanager
def running_team_hub(folder: Path) -> Iterator[list[HubProcess]]:
    """Run a hub with its data in a folder; yields its processes, the first web process first."""
    with ExitStack() as stack:
        sockets = stack.enter_context(tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp"))
        database = PostgresqlServer(Path(sockets), folder / "database")
        database.create()
        stack.callback(database.stop, signal.SIGINT)
        database.start()
        (folder / "objects").mkdir(exist_ok=True)
        storage = ObjectStorage(folder / "objects")
        stack.callback(storage.stop)
        storage.start()
        if storage.is_new:
            make_bucket(storage.port)
        environment = {**os.environ, **ENVIRONMENT, "QAI_HUB_DATABASE": database.url()}
        shared = ("--data-dir", str(folder / "hub"), "--files", storage.url("team"))

        def start(*arguments: str) -> HubProcess:
            process = HubProcess(*arguments, *shared, environment=environment)
            stack.callback(process.stop)
            return process

        # The first creates the database's tables, and writes a profile for its user.
        first = start(*_WEB, "--profile", _PROFILE, "--user", "user@localhost")
        first.await_start()
        processes = [first, *(start(*each) for each in (_WEB, _WORKER, _WORKER))]
        for process in processes[1:]:
            process.await_start()
        yield processes
        for process in processes:
            process.begin_stop()


def main() -> None:
    """Runs a hub until it is interrupted."""
    parser = argparse.ArgumentParser(prog="make team-hub", description=__doc__)
    parser.add_argument("--folder", type=Path, help="for its data; a temporary one if absent")
    options = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with ExitStack() as stack:
        if options.folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="team-hub-")))
            # The database server may be another user's.
            folder.chmod(0o711)
        else:
            folder = options.folder.expanduser().absolute()
            folder.mkdir(parents=True, exist_ok=True)
        first, *others = stack.enter_context(running_team_hub(folder))
        _tell(*first.said, *(process.said[0] for process in others))
        _tell("Ctrl+C stops all of them.")
        with suppress(KeyboardInterrupt):
            signal.pause()
        _tell("Stopping.")
    _tell("Stopped." if options.folder is None else f"Stopped. The next run of {folder} goes on.")


def _tell(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
