"""Temporary folders."""

import contextlib
import tempfile
from collections.abc import Iterator

from qai_hub.forking import delay_forks

__all__ = ["temporary_folder"]


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
