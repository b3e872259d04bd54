"""Opening pages in a browser."""

import subprocess
import sys
import tempfile
import webbrowser
from html import escape
from pathlib import Path

import click

from qai_hub.cli.common import print_info, print_line
from qai_hub.cli.output import is_terminal

print_only_option = click.option(
    "--print", "print_only", is_flag=True, help="Only print the address, as in a pipe."
)

# Seconds that a browser may take to start and read a file.
_START_SECONDS = 60.0
_PAGE = """<!doctype html>
<meta charset="utf-8">
<title>Local hub</title>
<meta http-equiv="refresh" content="0; url={url}">
<a href="{url}">Go on</a>
"""
_DELETE = "import shutil, sys, time; time.sleep(float(sys.argv[2])); shutil.rmtree(sys.argv[1])"
# What is forgotten while it runs is warned about.
_deleting: list[subprocess.Popen[bytes]] = []


def open_page(url: str, *, print_only: bool, is_secret: bool = False) -> None:
    """Prints the address of a page, and opens it in a browser.

    Args:
        url: The address.
        print_only: Whether only printing is wanted. Where standard output is no terminal, nothing
            else is done either: a browser for text would write there.
        is_secret: Whether no other user of this machine may see the address.
    """
    print_line(url)
    if print_only or not is_terminal():
        return
    try:
        is_open = _open_by_file(url) if is_secret else webbrowser.open(url)
    except OSError as error:
        print_info(f"No browser was started ({error}): open this address yourself.")
        return
    if not is_open:
        print_info("No browser was found: open this address yourself.")


def _open_by_file(url: str) -> bool:
    """Opens a page by a file that leads there, as others see the arguments of a browser.

    Args:
        url: The address.

    Returns:
        Whether a browser was found.

    Raises:
        OSError: The file cannot be written.
    """
    # Browsers in a snap see neither the folder for temporary files nor hidden folders.
    folder = Path(tempfile.mkdtemp(prefix="qai-hub-", dir=Path.home()))
    try:
        file = folder / "open.html"
        file.touch(0o600)
        file.write_text(_PAGE.format(url=escape(url)), encoding="utf-8")
        return webbrowser.open(file.as_uri())
    finally:
        _delete_later(folder)


def _delete_later(folder: Path) -> None:
    """Deletes a folder once a browser has had time to read it, by a process of its own.

    So nobody has to wait for that, and it happens if the terminal is closed as well.
    """
    none = subprocess.DEVNULL
    arguments = [sys.executable, "-I", "-S", "-c", _DELETE, str(folder), str(_START_SECONDS)]
    process = subprocess.Popen(  # noqa: S603 - no shell
        arguments, stdin=none, stdout=none, stderr=none, start_new_session=True
    )
    _deleting.append(process)
