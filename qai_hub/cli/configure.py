"""`qai-hub configure`: saves the server and the token to use."""

import getpass
import sys

import click

from qai_hub.cli.common import CommandError, print_info, print_line
from qai_hub.cli.groups import HubCommand
from qai_hub.cli.invocation import Invocation
from qai_hub.cli.parameters import refuse_arguments
from qai_hub.config import OFFICIAL_URL, ClientConfig
from qai_hub.config.model import replace_config

# Of standard input, which may never end.
_LONGEST_LINE = 1_000_000


@click.command(
    cls=HubCommand,
    context_settings={"allow_extra_args": True},
    examples=[
        ("Ask for the token, which nobody sees then", "configure"),
        ("Read it from standard input", "configure --api_token - < token.txt"),
        (
            "Write a profile for another server",
            "configure --profile lab --api_url https://hub.example.com",
        ),
    ],
)
@click.option(
    "--api_token",
    "--api-token",
    metavar="TOKEN",
    help="API token; - for the first line of standard input. Asked for if absent. Process lists "
    "and the shell's history show one that is given here.",
)
@click.option(
    "--api_url", "--api-url", metavar="URL", default=OFFICIAL_URL, show_default=True, help="Server."
)
@click.option(
    "--web_url", "--web-url", metavar="URL", help="Server of the web pages; --api_url if absent."
)
@click.option(
    "--verbose/--no-verbose",
    default=True,
    show_default=True,
    help="Whether scripts show the progress of jobs and transfers.",
)
@click.option(
    "--default_project",
    "--default-project",
    metavar="ID",
    help="Project of uploads and jobs that name none.",
)
@click.pass_context
def configure(
    context: click.Context,
    /,
    api_token: str | None,
    api_url: str,
    web_url: str | None,
    verbose: bool,
    default_project: str | None,
) -> None:
    """Save the server and the token that scripts and commands use.

    Writes ~/.qai_hub/client.ini, or the file that QAIHUB_CLIENT_INI names, or a profile; only you
    can read it. What it replaces is kept beside it, as NAME.ini.bak. The token is never shown.
    """
    refuse_arguments(context, "A token is given by --api_token.")
    config = ClientConfig(
        api_token=_read_token(api_token),
        api_url=api_url,
        web_url=web_url or api_url,
        verbose=verbose,
        default_project=default_project or None,
    )
    path, backup = replace_config(config, context.ensure_object(Invocation).profile)
    if backup is not None:
        print_info(f"The configuration before is in {backup}.")
    print_line(f"Saved to {path}.")
    _tell_if_refused(config)


def _tell_if_refused(config: ClientConfig) -> None:
    """Tells if a server on this machine does not take the token; no other is asked."""
    from qai_hub.config.profiles import is_refused

    if is_refused(config.api_url, config.api_token):
        print_info(f"The server at {config.api_url} does not know this token.")


def _read_token(given: str | None) -> str:
    if given == "-":
        token = "" if sys.stdin is None else sys.stdin.readline(_LONGEST_LINE).strip()
        if not token:
            raise CommandError("The first line of standard input has no token: nothing was saved.")
        return token
    return _prompt_for_token() if given is None else given


def _prompt_for_token() -> str:
    if sys.stdin is None or not sys.stdin.isatty():
        raise CommandError(
            "There is no terminal to ask for the token: give `--api_token TOKEN`, or `--api_token "
            "-` to read it from standard input."
        )
    try:
        return getpass.getpass("API token (not shown): ")
    except EOFError:
        raise CommandError("No token was entered: nothing was saved.") from None
