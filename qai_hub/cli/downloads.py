"""Files that commands download: none replaces a file that exists, unless `--force` is given.

Everything is downloaded into a folder beside its place first, since what a download is called is
known from the server alone. So either all of its files appear, or none. What an interrupted
download leaves there, the next one continues.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from qai_hub.cli.common import CommandError, print_info
from qai_hub.cli.completion import complete_files
from qai_hub.cli.output import is_terminal
from qai_hub.cli.staging import is_partial, staging_folder
from qai_hub.written_files import find_place, move_whole

__all__ = [
    "STANDARD_OUTPUT",
    "download_file",
    "download_files",
    "force_option",
    "name_standard_output",
    "output_file_option",
    "output_folder_option",
    "refuse_existing",
]

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

STANDARD_OUTPUT = "-"
"""The value of `-o` for standard output, however the user names that."""

# As a path, it would have a file replaced to which the output was redirected.
_STANDARD_OUTPUTS = {"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}

_BLOCK = 1 << 20
_MAX_NAMES = 5

force_option = click.option("-f", "--force", is_flag=True, help="Replace files that exist.")


def name_standard_output(_: click.Context, __: click.Parameter, value: T) -> T | str | Path:
    """Reads a value of `-o`: `-` for each name of standard output, and any other as it is."""
    if str(value) not in _STANDARD_OUTPUTS:
        return value
    return Path(STANDARD_OUTPUT) if isinstance(value, Path) else STANDARD_OUTPUT


def output_file_option(default: str) -> Callable[[F], F]:
    """Adds `-o`, the file that a download writes, and `--force`.

    Args:
        default: What the file is called in a folder, in the words of the help.
    """
    option = click.option(
        "-o",
        "--output",
        metavar="PATH",
        default=".",
        callback=name_standard_output,
        shell_complete=complete_files,
        help=f"The file to write, or a folder, in which it is called {default}; the current folder "
        "if absent. - for standard output, unless that is a terminal.",
    )
    return lambda command: option(force_option(command))


def output_folder_option(**settings: Any) -> Callable[[F], F]:  # noqa: ANN401 - what click takes
    """Adds `-o`, the folder that a download writes to, and `--force`."""
    option = click.option(
        "-o",
        "--output",
        type=click.Path(file_okay=False, path_type=Path),
        callback=name_standard_output,
        **settings,
    )
    return lambda command: option(force_option(command))


def refuse_existing(paths: "list[Path]", *, force: bool) -> None:
    """Refuses to replace files.

    Args:
        paths: The files to write.
        force: Whether those that exist may be replaced.

    Raises:
        CommandError: Some exist, and may not be replaced.
    """
    # Also a link that leads nowhere, which would be lost.
    there = [str(path) for path in paths if os.path.lexists(path)]
    if not there or force:
        return
    more = f" and {len(there) - _MAX_NAMES} more" if len(there) > _MAX_NAMES else ""
    exist = "exists" if len(there) == 1 else "exist"
    raise CommandError(
        f"{', '.join(there[:_MAX_NAMES])}{more} {exist}, and nothing was written: give --force to "
        f"replace {'it' if len(there) == 1 else 'them'}, or another place with -o."
    )


def download_file(
    output: str, key: str, download: Callable[[str], str], *, name: str | None = None, force: bool
) -> Path | None:
    """Downloads a file to where `-o` says.

    Args:
        output: The path of the file or of a folder, which need not exist if a slash ends it; `-`
            for standard output.
        key: What is downloaded: its identifier.
        download: Downloads to a path, adding a suffix if it lacks that of the file, or into a
            folder, and returns the path.
        name: What the file is called in a folder; None for what the server calls it.
        force: Whether a file that exists may be replaced.

    Returns:
        The path of the file; None if it was written to standard output.

    Raises:
        CommandError: The file exists, or standard output is a terminal.
        UserError: Something other than a file has its path.
    """
    if output == STANDARD_OUTPUT:
        _write_to_stdout(download)
        return None
    path = Path(output).expanduser()
    is_folder = output.endswith(("/", os.sep)) or path.is_dir()
    folder, wanted = (path, name) if is_folder else (path.parent, path.name)
    if wanted is not None:
        find_place(folder / wanted)
        if Path(wanted).suffix:
            # At once, if it will most likely be called so: there may be much to wait for.
            refuse_existing([folder / wanted], force=force)
    with staging_folder(folder, key) as staging:
        staged = Path(download(str(staging / wanted if wanted else staging)))
        final = folder / staged.name
        _place({staged: final}, force=force)
    if wanted is not None and Path(wanted).suffix and final.name != wanted:
        print_info(f"{wanted} lacks the suffix of the file: it is called {final.name}.")
    return final


def download_files(
    folder: Path, key: str, download: Callable[[Path], object], *, force: bool
) -> list[Path]:
    """Downloads files into a folder.

    Args:
        folder: The folder, which is created if it is missing.
        key: What is downloaded: its identifier.
        download: Downloads into a folder.
        force: Whether files that exist may be replaced.

    Returns:
        The paths of the files, sorted.

    Raises:
        CommandError: Some exist.
        UserError: Something other than a file has the path of one.
    """
    folder = folder.expanduser()
    with staging_folder(folder, key) as staging:
        download(staging)
        found = (path for path in staging.rglob("*") if path.is_file())
        staged = sorted(path for path in found if not is_partial(path))
        places = {path: folder / path.relative_to(staging) for path in staged}
        _place(places, force=force)
    return list(places.values())


def _write_to_stdout(download: Callable[[str], str]) -> None:
    if sys.stdout is None:
        raise CommandError("Standard output is closed: give a path with -o.")
    if is_terminal():
        raise CommandError(
            "The file would garble the terminal: give a path with -o, or redirect the output."
        )
    with tempfile.TemporaryDirectory(prefix="qai-hub-") as folder:
        with Path(download(folder)).open("rb") as source:
            sys.stdout.flush()
            shutil.copyfileobj(source, sys.stdout.buffer, _BLOCK)
        sys.stdout.buffer.flush()


def _place(places: dict[Path, Path], *, force: bool) -> None:
    for path in places.values():
        find_place(path)
    refuse_existing([*places.values()], force=force)
    for staged, path in places.items():
        move_whole(staged, path)
