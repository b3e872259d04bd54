"""Temporary folders."""

import contextlib
import tempfile
from collections.abc import Iterator

from qai_hub.forking import hold_forks

__all__ = ["temporary_folder"]


@contextlib.contextmanager
def temporary_folder() -> Iterator[str]:
    """Makes a folder that is there for as long as the block lasts.

    Yields:
        Its path.
    """
    # The first use of `tempfile` takes a lock, which a child that is forked would find held.
    with hold_forks():
        folder = tempfile.TemporaryDirectory(prefix="qai-hub-")
    with folder as path:
        yield path
