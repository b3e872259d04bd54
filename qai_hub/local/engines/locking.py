"""Locks on engines: against two installations at once, and on files that jobs use."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from qai_hub.local.engines.catalog import Engine
from qai_hub.local.engines.places import (
    Installation,
    State,
    engines_folder,
    examine,
    place_name,
)


@contextmanager
def in_use(engine: Engine) -> Iterator[Installation | None]:
    """Keep the files of an engine while it is used: none of them is deleted meanwhile.

    Args:
        engine: The engine.

    Yields:
        Its installation; None if there is none that can be used.
    """
    state, found = examine(engine)
    if state is not State.INSTALLED or found is None:
        yield None
        return
    with _locked(found.folder, fcntl.LOCK_SH) as is_there:
        # It may have been replaced or removed before it was locked.
        yield found if is_there and examine(engine) == (state, found) else None


def is_in_use(folder: Path) -> bool:
    """Return whether some process uses the files in the folder of an engine."""
    with suppress(BlockingIOError), _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
        return False
    return True


@contextmanager
def changing(engine: Engine, on_wait: Callable[[], None]) -> Iterator[None]:
    """Keep others from installing or removing an engine meanwhile.

    Args:
        engine: The engine.
        on_wait: Called if another process does so now, and has to be waited for.
    """
    path = engines_folder() / f"{place_name(engine)}.lock"
    path.touch()
    try:
        with _locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB):
            yield
            return
    except BlockingIOError:
        on_wait()
    with _locked(path, fcntl.LOCK_EX):
        yield


@contextmanager
def _locked(path: Path, how: int) -> Iterator[bool]:
    """Hold a lock on a file or folder; yield whether it exists.

    Raises:
        BlockingIOError: Another process holds one, and `how` is not to wait.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        fcntl.flock(descriptor, how)
        yield True
    finally:
        os.close(descriptor)
