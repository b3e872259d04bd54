"""`qai-hub whoami` and `qai-hub status`: who one is, and what a server is doing."""

from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import click

from qai_hub.cli.common import print_error
from qai_hub.cli.groups import HubCommand
from qai_hub.cli.invocation import Invocation
from qai_hub.cli.job_fields import list_unfinished_states
from qai_hub.cli.output import Field, output_options, print_record
from qai_hub.errors import Error

if TYPE_CHECKING:
    from qai_hub.client import Client, User

_SECONDS = 5.0
_UNHEALTHY = 1
_REFUSED = 1
_REFUSALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def _full_name(user: "User") -> str:
    return f"{user.first_name} {user.last_name}".strip()


USER_FIELDS = (
    Field("email", lambda shown: shown[0].email),
    Field("name", lambda shown: _full_name(shown[0])),
    Field("server", lambda shown: shown[1].config.api_url),
)


@click.command(
    cls=HubCommand,
    examples=[
        ("Whose token this is, and for which server", "whoami"),
        ("That of a profile", "whoami --profile local"),
        ("The address alone, for a script", "whoami -q"),
    ],
)
@output_options(USER_FIELDS)
@click.pass_obj
def whoami(invocation: Invocation, /) -> None:
    """Show the user whom the token belongs to."""
    client = invocation.client
    print_record(invocation, (client.get_user(), client), USER_FIELDS)


@dataclass
class ServerStatus:
    """What can be told of a server.

    Attributes:
        server: Its URL.
        reachable: Whether it answers.
        health: What it says of its health; empty if it says nothing.
        version: Its release; empty if it does not say.
        user: Address of the token's user; empty if it is not known.
        jobs: Number of this user's jobs by state, of those that have not ended; None if not known.
    """

    server: str
    reachable: bool = False
    health: str = ""
    version: str = ""
    user: str = ""
    jobs: Counter[str] | None = None


STATUS_FIELDS = (
    Field("server", lambda status: status.server),
    Field("reachable", lambda status: status.reachable),
    Field("health", lambda status: status.health),
    Field("version", lambda status: status.version),
    Field("user", lambda status: status.user),
    Field("jobs_under_way", lambda status: None if status.jobs is None else status.jobs.total()),
    Field("jobs_by_state", lambda status: status.jobs),
)


@click.command(
    cls=HubCommand,
    examples=[
        ("Whether the server works, and what runs there", "status"),
        ("For a monitor: the exit status tells", "status --format json"),
    ],
)
@output_options(STATUS_FIELDS)
@click.pass_obj
def status(invocation: Invocation, /) -> int:
    """Show the server, its health, and how many jobs of yours are under way there.

    Exits with 1 if the server cannot be reached, is not healthy or refuses the token. The health
    needs no token; the jobs do.
    """
    from qai_hub.config.model import load_server
    from qai_hub.connection import is_official
    from qai_hub.transport.health import fetch_health

    config = load_server(invocation.profile)
    found = ServerStatus(config.api_url)
    try:
        health = fetch_health(config, _SECONDS)
        found.reachable, found.health, found.version = True, health.status, health.version
        # What the official service sends in place of a health check is no sign of a problem.
        if health.problem is not None and not is_official(config):
            raise health.problem
    except Error as error:
        print_record(invocation, found, STATUS_FIELDS)
        print_error(str(error))
        return _UNHEALTHY
    problem = None
    try:
        _look_at_jobs(invocation.client, found)
    except Error as error:
        problem = error
    print_record(invocation, found, STATUS_FIELDS)
    if problem is not None:
        print_error(f"Your jobs are not known: {problem}")
    return _REFUSED if problem is not None and problem.status_code in _REFUSALS else 0


def _look_at_jobs(client: "Client", found: ServerStatus) -> None:
    from qai_hub.transport.session import request_limits

    with request_limits(time_limit=_SECONDS):
        found.user = client.get_user().email
        states = list_unfinished_states()
        jobs = client.iter_job_summaries(creator=found.user, state=states, page_size=1000)
        found.jobs = Counter(job.status.code for job in jobs)
