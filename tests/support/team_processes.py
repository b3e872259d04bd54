"""The processes of a hub with a database on PostgreSQL, as the command line runs them."""

import signal
import subprocess
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import select
from support.command import COMMAND, make_environment
from support.polling import wait_until
from support.users import ME

from qai_hub.client import Client
from qai_hub.config import ClientConfig
from qai_hub.local.store.nodes import Node, get_nodes
from qai_hub.local.store.postgresql import PostgresqlStore
from qai_hub.local.store.schema import jobs, nodes

TOKEN = "of-a-team"
PASSWORD = "s3cr3t"
_SECONDS = 60


class TeamProcess:
    """A process, and what it has said so far.

    Args:
        home: The home of who runs it.
        arguments: Those of the command.
        variables: Of its environment.
    """

    def __init__(self, home: Path, *arguments: str, **variables: str) -> None:
        self.said: list[str] = []
        self._process = subprocess.Popen(
            [*COMMAND, *arguments],
            env=make_environment(home, **variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def url(self) -> str:
        (line,) = [each for each in self.said if each.startswith("Local hub at ")]
        return line.split()[3].rstrip(",")

    def wait_for_line(self, start: str) -> None:
        """Wait until it says a line that starts so."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said.append(line.rstrip())
            if line.startswith(start):
                return
        raise AssertionError("\n".join(self.said))

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def wait_for_end(self, seconds: float = _SECONDS) -> int:
        """Wait for its end; return its exit status."""
        rest, _ = self._process.communicate(timeout=seconds)
        self.said += rest.splitlines()
        return self._process.returncode

    def kill(self) -> None:
        """End it, if it has not ended."""
        self._process.kill()
        if self._process.stdout is not None and not self._process.stdout.closed:
            self._process.communicate()


class Run(NamedTuple):
    """How a job is being run, or was."""

    state: str
    attempt: int
    losses: int
    pid: int | None


class Team:
    """Processes that share a database and a folder.

    Args:
        home: The home of who runs them, and of the folder.
        url: The database.
    """

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        self.url = url
        # The server of the tests trusts everybody.
        self.secret_url = url.replace("//hub@", f"//hub:{PASSWORD}@")
        self.store = PostgresqlStore(url)
        self._processes: list[TeamProcess] = []

    def start(self, *commands: list[str]) -> list[TeamProcess]:
        """Start processes side by side."""
        shared = ["--data-dir", str(self.home / "data"), "--cold-workers"]
        started = [
            TeamProcess(self.home, *command, *shared, QAI_HUB_DATABASE=self.secret_url)
            for command in commands
        ]
        self._processes += started
        for process in started:
            process.wait_for_line("Ctrl+C")
        return started

    def start_worker(self, *options: str) -> TeamProcess:
        """Start a process that runs one job at a time."""
        (worker,) = self.start(["worker", "--slots", "1", *options])
        return worker

    def client(self, web: TeamProcess) -> Client:
        """Return a client of one of the processes."""
        return Client(ClientConfig(TOKEN, web.url, web.url))

    def nodes(self) -> dict[int, Node]:
        """Return the processes that the database knows, by their numbers."""
        with self.store.read() as db:
            return {int(node.name.rpartition(":")[2]): node for node in get_nodes(db)}

    def look_at(self, job_id: str) -> Run:
        """Return how a job is being run."""
        query = (
            select(jobs.c.state, jobs.c.attempt, jobs.c.losses, nodes.c.name)
            .outerjoin(nodes, nodes.c.id == jobs.c.node_id)
            .where(jobs.c.id == job_id)
        )
        with self.store.read() as db:
            state, attempt, losses, name = db.execute(query).one()
        pid = None if name is None else int(name.rpartition(":")[2])
        return Run(state, attempt, losses, pid)

    def wait_for_run(self, job_id: str, pid: int) -> Run:
        """Wait until a job runs in a process."""
        wait_until(lambda: self.look_at(job_id).pid == pid, f"the job does not run in {pid}")
        return self.look_at(job_id)

    def stop(self) -> None:
        """End all processes."""
        for process in self._processes:
            process.kill()
        self.store.close()


WEB = ["serve", "--port", "0", "--workers", "0", "--user", f"{ME}={TOKEN}"]
