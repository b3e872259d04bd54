"""Opening pages in a browser."""

import webbrowser

import click

from qai_hub.cli.common import print_info, print_line

print_only_option = click.option(
    "--print", "print_only", is_flag=True, help="Print the address instead."
)


def open_page(url: str, *, print_only: bool) -> None:
    """Prints the address of a page, and opens it in a browser unless only printing is wanted."""
    print_line(url)
    if not print_only and not webbrowser.open(url):
        print_info("No browser was found: open this address yourself.")
