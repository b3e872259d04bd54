"""`qai-hub users`: lists, adds, renews and revokes the users of a local hub, also while it runs.

The command works on the database, not on the hub over the network: whoever can write to the data
folder, or has access to the database on PostgreSQL, is the hub's administrator.
"""

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from qai_hub.cli.common import print_info, print_line, read_secret_file
from qai_hub.cli.completion import complete_files
from qai_hub.cli.groups import HubGroup
from qai_hub.cli.hub_process import SettingType, database_option, refusals, require_local_hub
from qai_hub.cli.invocation import Invocation
from qai_hub.cli.output import Field, output_options, print_rows, size_field
from qai_hub.cli.parameters import confirm, data_dir_option, is_asked, refuse_arguments, yes_option

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from qai_hub.local.store.records import Account

    UpdateAccounts = Callable[[dict[str, Account], str, str], dict[str, Account]]

USER_FIELDS = (
    Field("email", lambda user: user.account.email, keep_whole=True),
    Field("state", lambda user: "active" if user.account.active else "inactive"),
    Field("origin", lambda user: user.account.origin, spare=3),
    Field("tokens", lambda user: len(user.account.tokens), spare=2),
    Field("priority", lambda user: user.account.priority),
    Field("queued", lambda user: user.queued_jobs),
    Field("max_queued_jobs", lambda user: user.account.limits.queued_jobs, spare=1),
    size_field("stored", lambda user: user.stored),
    size_field("max_storage", lambda user: user.account.limits.storage, spare=1),
    Field("max_creations", lambda user: user.account.limits.creations, spare=1),
)

_email = click.argument("email", metavar="EMAIL")
_token_file = click.option(
    "--token-file",
    metavar="FILE",
    shell_complete=complete_files,
    help="Read the token from a file that only you can read (- for standard input), and print "
    "none.",
)


DEFAULT = "default"


class LimitType(SettingType):
    """A limit of a user, like that of all users, or `default`."""

    def convert(
        self,
        value: Any,  # noqa: ANN401 - what click gives
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:  # noqa: ANN401 - a number or a word
        """Reads and checks the limit."""
        return value if value == DEFAULT else super().convert(value, param, ctx)


@click.group(cls=HubGroup)
def users() -> None:
    """List, add, renew and revoke the users of a local hub.

    It applies changes within a second.
    """


@users.command(
    "list",
    examples=[
        ("All users: since the start or added, and with how many tokens", "users list"),
        ("Their addresses, for a script", "users list -q"),
        ("Those of a hub of several processes", "users list --database postgresql:///hub"),
    ],
)
@data_dir_option
@database_option
@output_options(USER_FIELDS)
@click.pass_obj
def list_users(invocation: Invocation, /, data_dir: Path, database: str | None) -> None:
    """List the users.

    Each is active or inactive, was named by the start of the hub or added later, and has a number
    of tokens, of queued jobs and of stored bytes. Limits are shown if they are the user's own.
    """
    require_local_hub()
    from qai_hub.local.core.kinds import CREATED
    from qai_hub.local.store.figures import get_user_figures

    with _open_database(data_dir, database) as db:
        found = get_user_figures(db, CREATED)
    print_rows(invocation, found, USER_FIELDS, empty="No users.")


@users.command(
    context_settings={"allow_extra_args": True},
    examples=[
        ("Add a user, with their token in a file", "users add guest@example.com > token"),
        ("With a token of yours", "users add guest@example.com --token-file token"),
    ],
)
@_email
@_token_file
@data_dir_option
@database_option
@click.pass_context
def add(
    context: click.Context,
    /,
    email: str,
    token_file: str | None,
    data_dir: Path,
    database: str | None,
) -> None:
    """Add a user until they are revoked, and print their token."""
    refuse_arguments(context, "A token is given by --token-file.")
    require_local_hub()
    from qai_hub.local.core.account_changes import add_account

    folder = _given_folder(context, database)

    def describe(email: str) -> str:
        if folder is None:
            return f"{email} has access until it is revoked."
        # Without the folder, the command would be about another hub.
        command = shlex.join(["qai-hub", "users", "revoke", email, "--data-dir", folder])
        return f"{email} has access until it is revoked by `{command}`."

    _issue_token(data_dir, database, email, token_file, add_account, describe)


@users.command(
    context_settings={"allow_extra_args": True},
    examples=[("Replace a token that others have seen", "users renew guest@example.com > token")],
)
@_email
@_token_file
@data_dir_option
@database_option
@click.pass_context
def renew(
    context: click.Context,
    /,
    email: str,
    token_file: str | None,
    data_dir: Path,
    database: str | None,
) -> None:
    """Replace all tokens of a user with a new one, and print it."""
    refuse_arguments(context, "A token is given by --token-file.")
    require_local_hub()
    from qai_hub.local.core.account_changes import replace_tokens

    def describe(email: str) -> str:
        return f"{email} has access with the new token only."

    _issue_token(data_dir, database, email, token_file, replace_tokens, describe)


@users.command(examples=[("End the access of a user", "users revoke guest@example.com")])
@_email
@yes_option
@data_dir_option
@database_option
def revoke(email: str, data_dir: Path, database: str | None, yes: bool) -> None:
    """Revoke all tokens of a user; what they created is kept.

    Asks on a terminal, unless --yes is given.
    """
    require_local_hub()
    if not yes and is_asked():
        confirm(f"End the access of {email}?")
    from qai_hub.local.core.account_changes import revoke_account
    from qai_hub.local.store.people import normalize_email, read_accounts, write_accounts

    with _open_database(data_dir, database) as db:
        email = normalize_email(email)
        write_accounts(db, revoke_account(read_accounts(db), email))
    print_info(f"{email} has no access any more. URLs of files already issued expire in an hour.")


@users.command(
    examples=[
        ("Let the jobs of a user wait until others have none", "users prioritize ci@example.com -1")
    ],
    context_settings={"ignore_unknown_options": True},
)
@_email
@click.argument("priority", type=int, metavar="NUMBER")
@data_dir_option
@database_option
def prioritize(email: str, priority: int, data_dir: Path, database: str | None) -> None:
    """Start the jobs of a user before those of users with a lower number, or after.

    The number of users is 0 if it was not set. Users with the same number take turns.
    """
    require_local_hub()
    from qai_hub.local.core.account_changes import set_priority
    from qai_hub.local.store.people import normalize_email, read_accounts, write_accounts

    with _open_database(data_dir, database) as db:
        email = normalize_email(email)
        write_accounts(db, set_priority(read_accounts(db), email, priority))
    print_info(f"The jobs of {email} have priority {priority} from now on.")


@users.command(
    examples=[
        ("Let a user store up to 500 GiB", "users limit ci@example.com --max-storage 500"),
        (
            "Go back to what the hub allows everybody",
            "users limit ci@example.com --max-storage default",
        ),
    ]
)
@_email
@click.option(
    "--max-queued-jobs",
    metavar="N",
    type=LimitType("max_queued_jobs"),
    help="Queued jobs.",
)
@click.option(
    "--max-storage",
    metavar="GIB",
    type=LimitType("max_storage", unit=1 << 30),
    help="Size of what they store, in GiB.",
)
@click.option(
    "--max-creations",
    metavar="N",
    type=LimitType("max_creations"),
    help="Jobs, models and datasets that they create in a minute.",
)
@data_dir_option
@database_option
def limit(email: str, data_dir: Path, database: str | None, **limits: Any) -> None:  # noqa: ANN401 - as LimitType reads them
    """Limit what a user may have and do, in place of what `serve` sets for everybody.

    Each option takes a number, or `default` to go back to that; others stay as they are.
    """
    require_local_hub()
    given = {
        name.removeprefix("max_"): None if value == DEFAULT else value
        for name, value in limits.items()
        if value is not None
    }
    if not given:
        raise click.UsageError("Name a limit, such as --max-storage 500.")
    from qai_hub.local.core.account_changes import set_limits
    from qai_hub.local.store.people import normalize_email, read_accounts, write_accounts

    with _open_database(data_dir, database) as db:
        email = normalize_email(email)
        write_accounts(db, set_limits(read_accounts(db), email, given))
    print_info(f"The limits of {email} apply within a second.")


def _given_folder(context: click.Context, database: str | None) -> str | None:
    """Returns the data folder that the command line names, if the users are there."""
    is_given = context.get_parameter_source("data_dir") is ParameterSource.COMMANDLINE
    return str(context.params["data_dir"]) if is_given and database is None else None


def _issue_token(
    data_dir: Path,
    database: str | None,
    email: str,
    token_file: str | None,
    update: "UpdateAccounts",
    describe: Callable[[str], str],
) -> None:
    from qai_hub.local.core.account_changes import generate_token, validate_token
    from qai_hub.local.store.people import (
        normalize_email,
        read_accounts,
        token_digest,
        write_accounts,
    )

    with refusals():
        email = normalize_email(email)
        token = read_secret_file(token_file).strip() if token_file else generate_token()
        digest = token_digest(validate_token(token, email))
    with _open_database(data_dir, database) as db:
        write_accounts(db, update(read_accounts(db), email, digest))
    print_info(describe(email))
    if not token_file:
        print_line(token)


@contextmanager
def _open_database(data_dir: Path, database: str | None) -> "Iterator[Connection]":
    from qai_hub.local.store.opening import open_hub

    with refusals(), open_hub(database, data_dir.expanduser()) as db:
        yield db
