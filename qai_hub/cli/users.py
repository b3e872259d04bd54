"""`qai-hub users`: lists, adds, renews and revokes the users of a local hub, also while it runs.

The command works on the data folder, not over the network: whoever can write to the folder is its
administrator.
"""

import argparse
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from qai_hub.cli.common import CommandError, add_data_dir, print_info, print_line, read_secret_file

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from sqlalchemy import Connection

    from qai_hub.local.store.records import Account

    UpdateAccounts = Callable[[dict[str, Account], str, str], dict[str, Account]]


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "users",
        help="list, add, renew and revoke the users of a local hub",
        description="Manage the users of a local hub. It applies changes within a second.",
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    _add_verb(
        verbs,
        "list",
        _list,
        "show a line for each user: EMAIL, active or inactive, start or added, number of tokens",
    )
    for name, verb, text in (
        ("add", _add, "add a user, and print their token"),
        ("renew", _renew, "replace all tokens of a user with a new one, and print it"),
    ):
        giving = _add_verb(verbs, name, verb, text)
        giving.add_argument("email", metavar="EMAIL", help="the user's address")
        giving.add_argument(
            "--token-file",
            metavar="FILE",
            help="read the token from a file that only you can read (- for standard input), and "
            "print none",
        )
    revoking = _add_verb(
        verbs, "revoke", _revoke, "revoke all tokens of a user; what they created is kept"
    )
    revoking.add_argument("email", metavar="EMAIL", help="the user's address")


def _add_verb(
    verbs: "_SubParsersAction[argparse.ArgumentParser]",
    name: str,
    verb: Callable[[argparse.Namespace], None],
    text: str,
) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    add_data_dir(parser)
    parser.set_defaults(run=run, verb=verb)
    return parser


def run(options: argparse.Namespace) -> int:
    """Run the subcommand."""
    if find_spec("sqlalchemy") is None:
        raise CommandError("The local hub needs sqlalchemy: pip install 'qai-hub-openapi[local]'")
    from qai_hub.local.store import DataFolderError

    try:
        options.verb(options)
    except (DataFolderError, ValueError) as error:
        raise CommandError(str(error)) from error
    return 0


def _list(options: argparse.Namespace) -> None:
    from qai_hub.local.store.people import read_accounts

    with _open_database(options) as db:
        accounts = read_accounts(db)
    for account in accounts.values():
        state = "active" if account.active else "inactive"
        print_line(f"{account.email}\t{state}\t{account.origin}\t{len(account.tokens)}")


def _add(options: argparse.Namespace) -> None:
    from qai_hub.local.core.account_changes import add_account

    _issue_token(options, add_account, "has access until it is revoked")


def _renew(options: argparse.Namespace) -> None:
    from qai_hub.local.core.account_changes import replace_tokens

    _issue_token(options, replace_tokens, "has access with the new token only")


def _revoke(options: argparse.Namespace) -> None:
    from qai_hub.local.core.account_changes import revoke_account
    from qai_hub.local.store.people import normalize_email, read_accounts, write_accounts

    email = normalize_email(options.email)
    with _open_database(options) as db:
        write_accounts(db, revoke_account(read_accounts(db), email))
    print_info(f"{email} has no access any more. URLs of files already issued expire in an hour.")


def _issue_token(options: argparse.Namespace, update: "UpdateAccounts", notice: str) -> None:
    from qai_hub.local.core.account_changes import generate_token, validate_token
    from qai_hub.local.store.people import (
        normalize_email,
        read_accounts,
        token_digest,
        write_accounts,
    )

    email, given = normalize_email(options.email), options.token_file is not None
    token = read_secret_file(options.token_file).strip() if given else generate_token()
    digest = token_digest(validate_token(token, email))
    with _open_database(options) as db:
        write_accounts(db, update(read_accounts(db), email, digest))
    print_info(f"{email} {notice}.")
    if not given:
        print_line(token)


def _open_database(options: argparse.Namespace) -> "AbstractContextManager[Connection]":
    from qai_hub.local.store.database import open_folder

    return open_folder(options.data_dir.expanduser())
