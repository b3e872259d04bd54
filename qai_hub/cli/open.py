"""`qai-hub open`: the pages of a server, in a browser."""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from qai_hub.cli.common import print_info
from qai_hub.cli.groups import HubCommand
from qai_hub.cli.invocation import Invocation
from qai_hub.cli.web import open_page, print_only_option
from qai_hub.errors import UserError

if TYPE_CHECKING:
    from qai_hub.client import Client

_FOLDERS = {"j": "jobs", "m": "models", "d": "datasets"}
_ITEM = re.compile(r"/(jobs|models|datasets)/([jmd][a-z0-9]+)(?![^/?#])", re.ASCII)


@click.command(
    "open",
    cls=HubCommand,
    examples=[
        ("The jobs of a local hub", "open"),
        ("One of them", "open jabc1234d"),
        ("The link alone, for a browser elsewhere", "open --print"),
    ],
)
@click.argument("page", metavar="[ID|PATH]", default="/")
@print_only_option
@click.pass_obj
def open_pages(invocation: Invocation, /, page: str, print_only: bool) -> None:
    """Open the pages of a server in a browser, and sign it in to those of a local hub.

    The link can be used once, for a few minutes: it is a secret until then. The browser stays
    signed in for two weeks, unless the token is revoked.
    """
    path = _path(page)
    client = invocation.client
    _require_item(client, path)
    try:
        link = client.create_sign_in_link(path)
    except UserError as error:
        if error.status_code not in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
            raise
        print_info("This server makes no links that sign a browser in: sign in on its page.")
        web = urlsplit(client.config.web_url or client.config.api_url)
        open_page(f"{web.scheme}://{web.netloc}{path}", print_only=print_only)
    else:
        open_page(link, print_only=print_only, is_secret=True)


def _require_item(client: "Client", path: str) -> None:
    """Checks that there is a job, model or dataset if the page of one is named.

    Raises:
        UserError: There is none that the user may see.
    """
    found = _ITEM.match(path)
    if found is None:
        return
    folder, identifier = found.groups()
    find: dict[str, Callable[[str], object]] = {
        "jobs": client.get_job,
        "models": client.get_model,
        "datasets": client.get_dataset,
    }
    find[folder](identifier)


def _path(page: str) -> str:
    """Returns the path of a page, which may be named by the identifier of what it shows."""
    if page.startswith("/"):
        return page
    if page in _FOLDERS.values():
        return f"/{page}/"
    folder = _FOLDERS.get(page[:1])
    if folder is None or not page.isalnum():
        raise click.BadParameter(
            "This is neither the identifier of a job, model or dataset nor a path such as /jobs/.",
            param_hint="'[ID|PATH]'",
        )
    return f"/{folder}/{page}/"
