"""Temporary folders, and files that are never partial."""

import contextlib
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

from qai_hub.forking import delay_forks

__all__ = ["temporary_folder", "write_whole"]


@contextlib.contextmanager
def temporary_folder() -> Iterator[str]:
    """Creates a folder that is removed at the end of the block.

    Yields:
        The path of the folder.
    """
    # The first use of `tempfile` takes a lock, which a child forked meanwhile would find held.
    with delay_forks():
        folder = tempfile.TemporaryDirectory(prefix="qai-hub-")
    with folder as path:
        yield path


def write_whole(path: Path, text: str) -> None:
    """Writes a text to a file, under a temporary name first, so that the file is never partial.

    Args:
        path: The file; an existing one is replaced.
        text: The text, which is encoded as UTF-8.
    """
    # Beside it, and not longer than names may be, however long its own is.
    part = path.with_name(f"qai-hub.{secrets.token_hex(4)}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
