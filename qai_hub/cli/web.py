"""Opening pages in a browser."""

import webbrowser

import click

from qai_hub.cli.common import print_info, print_line
from qai_hub.cli.output import is_terminal

print_only_option = click.option(
    "--print", "print_only", is_flag=True, help="Only print the address, as in a pipe."
)


def open_page(url: str, *, print_only: bool) -> None:
    """Prints the address of a page, and opens it in a browser.

    Args:
        url: The address.
        print_only: Whether only printing is wanted. Where standard output is no terminal, nothing
            else is done either: a browser for text would write there.
    """
    print_line(url)
    if not print_only and is_terminal() and not webbrowser.open(url):
        print_info("No browser was found: open this address yourself.")
