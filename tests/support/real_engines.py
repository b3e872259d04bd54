"""Engines as users install them, which are kept from one run of the tests to the next."""

import fcntl
import os
from functools import cache
from pathlib import Path

import pytest

from qai_hub.local.engines.catalog import ENGINES
from qai_hub.local.engines.install import EngineError, install
from qai_hub.local.engines.places import FOLDER_VARIABLE, Installation

ROOT = Path(__file__).parents[2]
# Its name is that of an environment, which the repository ignores.
FOLDER = ROOT / ".venv-engines"


@cache
def _install(name: str) -> Installation | str:
    """Install an engine; return why it cannot be, if so."""
    FOLDER.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch, (FOLDER / f"{name}.tests").open("w") as lock:
        # The tests of all processes wait for the one that installs it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        patch.setenv(FOLDER_VARIABLE, str(FOLDER))
        # Tests have a cache of their own, in which no package is.
        if "UV_CACHE_DIR" not in os.environ:
            patch.setenv("UV_CACHE_DIR", str(Path("~/.cache/uv").expanduser()))
        try:
            return install(ENGINES[name], print)
        except EngineError as error:
            return "\n".join([str(error), *getattr(error, "__notes__", ())])


def use_engine(name: str, patch: pytest.MonkeyPatch) -> Installation:
    """Have hubs of this process find an engine, or skip the test where it cannot be installed.

    Args:
        name: The engine.
        patch: Takes it back in the end.

    Returns:
        What is installed.
    """
    installation = _install(name)
    if isinstance(installation, str):
        pytest.skip(f"the engine {name} cannot be installed: {installation}")
    patch.setenv(FOLDER_VARIABLE, str(FOLDER))
    return installation
