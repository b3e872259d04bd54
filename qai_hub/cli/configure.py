"""`qai-hub configure`: saves the server and the token to use."""

import argparse
import getpass
import sys
from typing import TYPE_CHECKING

from qai_hub.cli.common import CommandError, add_profile, print_line
from qai_hub.config import OFFICIAL_URL, ClientConfig, save_config

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "configure",
        help="save the server and the token that clients use",
        description="Write a configuration for clients. The token is never shown.",
    )
    parser.add_argument(
        "--api_token",
        "--api-token",
        metavar="TOKEN",
        help="API token; asked for if absent, which keeps it out of the shell's history",
    )
    parser.add_argument(
        "--api_url", "--api-url", metavar="URL", default=OFFICIAL_URL, help="server (%(default)s)"
    )
    parser.add_argument(
        "--web_url",
        "--web-url",
        metavar="URL",
        help="server of the web pages; as --api_url if absent",
    )
    parser.add_argument("--no-verbose", action="store_true", help="turn progress off by default")
    add_profile(parser, "write a profile instead of the default configuration")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the subcommand."""
    token = options.api_token if options.api_token is not None else _prompt_for_token()
    config = ClientConfig(
        api_token=token,
        api_url=options.api_url,
        web_url=options.web_url or options.api_url,
        verbose=not options.no_verbose,
    )
    path = save_config(config, options.profile)
    print_line(f"Saved to {path}.")
    return 0


def _prompt_for_token() -> str:
    if sys.stdin is None or not sys.stdin.isatty():
        raise CommandError("There is no terminal to ask for the token: give --api_token TOKEN.")
    try:
        return getpass.getpass("API token (not shown): ")
    except EOFError:
        raise CommandError("No token was entered: nothing was saved.") from None
