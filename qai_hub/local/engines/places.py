"""Where engines are on this machine, and which of them can be used."""

import json
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from qai_hub.local.engines.catalog import Engine

FOLDER_VARIABLE = "QAI_HUB_ENGINES_DIR"
"""Names the folder of the engines."""

OVERLAY = "site-packages"
"""The folder of packages within an overlay. Workers may read a folder of this name as a whole."""

ENVIRONMENT = "env"
"""The virtual environment within an engine that has one."""


def engines_folder() -> Path:
    """Return the folder of the engines, whether or not it exists.

    Returns:
        What `QAI_HUB_ENGINES_DIR` names, or else `qai_hub/engines` in the user's cache.
    """
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # Relative paths are ignored, as the XDG specification demands.
    base = cache if cache.is_absolute() else Path("~/.cache").expanduser()
    return base / "qai_hub" / "engines"


def place_name(engine: Engine) -> str:
    """Return the name that what belongs to an engine begins with.

    Hubs with different versions of Python may share the folder, and an overlay is for one.
    """
    return f"{engine.name}.{sys.implementation.cache_tag}" if engine.is_overlay else engine.name


class State(StrEnum):
    """What is installed of an engine."""

    MISSING = "not installed"
    INSTALLED = "installed"
    OUTDATED = "outdated"
    BROKEN = "broken"
    UNSUPPORTED = "not for this machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """An installed engine, as the mark beside its folder describes it.

    Attributes:
        folder: Its folder.
        digest: That of the list that it was made from.
        python: The version of its Python.
        packages: The versions of its packages.
        size: What its files take, in bytes.
    """

    folder: Path
    digest: str
    python: str
    packages: Mapping[str, str]
    size: int

    @property
    def environment(self) -> Path:
        """Its virtual environment, if it has one of its own."""
        return self.folder / ENVIRONMENT

    @property
    def overlay(self) -> Path:
        """The folder of its packages, if they are laid over those of the hub."""
        return self.folder / OVERLAY

    def get_interpreter(self, engine: Engine) -> Path:
        """Return the Python that runs it."""
        return Path(sys.executable) if engine.is_overlay else self.environment / "bin" / "python"

    def find_fault(self, engine: Engine) -> str:
        """Return why it cannot be used, as a clause; empty if nothing is wrong.

        What it is made of may be gone, or closed to the user of this process: the Python of an
        environment is outside of it, such as in the home of whoever installed it.
        """
        packages = self.overlay if engine.is_overlay else self.environment / "lib"
        python = self.get_interpreter(engine)
        for what, path, access in (
            ("packages", packages, os.R_OK | os.X_OK),
            ("Python", python, os.X_OK),
        ):
            try:
                path.stat()
            except OSError as error:
                return f"its {what} cannot be found at {os.path.realpath(path)}: {error.strerror}"
            if not os.access(path, access):
                return f"its {what} at {os.path.realpath(path)} cannot be used by this user"
        return ""

    @classmethod
    def read(cls, engine: Engine) -> Self | None:
        """Read the mark of an engine.

        Args:
            engine: The engine.

        Returns:
            The installation; None if there is no mark.

        Raises:
            ValueError: The mark cannot be read.
        """
        try:
            fields = json.loads(_mark(engine).read_bytes())
            return cls(
                folder=engines_folder() / fields["folder"],
                digest=fields["digest"],
                python=fields["python"],
                packages=fields["packages"],
                size=fields["size"],
            )
        except FileNotFoundError:
            return None
        except (OSError, KeyError, TypeError) as error:
            raise ValueError(str(error)) from error

    def write(self, engine: Engine) -> None:
        """Write the mark, by which the engine counts as installed from now on."""
        fields = {
            "folder": self.folder.name,
            "digest": self.digest,
            "python": self.python,
            "packages": dict(self.packages),
            "size": self.size,
        }
        partial = _mark(engine).with_suffix(".partial")
        partial.write_text(json.dumps(fields, indent=1), encoding="utf-8")
        partial.replace(_mark(engine))


def _mark(engine: Engine) -> Path:
    return engines_folder() / f"{place_name(engine)}.json"


def remove_mark(engine: Engine) -> bool:
    """Remove the mark of an engine; return whether there was one."""
    try:
        _mark(engine).unlink()
    except FileNotFoundError:
        return False
    return True


def get_state(engine: Engine) -> State:
    """Return what is installed of an engine."""
    return examine(engine)[0]


def examine(engine: Engine) -> tuple[State, Installation | None]:
    """Return what is installed of an engine, and the installation, whether it works or not."""
    if (platform.system(), platform.machine()) not in engine.platforms:
        return State.UNSUPPORTED, None
    try:
        found = Installation.read(engine)
    except ValueError:
        return State.BROKEN, None
    if found is None:
        return State.MISSING, None
    if found.find_fault(engine):
        return State.BROKEN, found
    return (State.INSTALLED if found.digest == engine.digest else State.OUTDATED), found


def describe_lack(engine: Engine) -> str:
    """Return what this machine lacks for an engine, as a predicate; empty if nothing."""
    state = get_state(engine)
    if state is State.INSTALLED:
        return ""
    if state is State.UNSUPPORTED:
        names = ", ".join(f"{system} on {processor}" for system, processor in engine.platforms)
        return f"only on {names}"
    why = {
        State.OUTDATED: " again, as it is of another release",
        State.BROKEN: f" again, as {describe_fault(engine)}",
    }
    return f"needs {engine.install_command}{why.get(state, '')}"


def describe_fault(engine: Engine) -> str:
    """Return why an engine is broken, as a clause; empty if it is not."""
    if get_state(engine) is not State.BROKEN:
        return ""
    try:
        found = Installation.read(engine)
    except ValueError as error:
        return f"{_mark(engine)} cannot be read: {error}"
    return "" if found is None else found.find_fault(engine)
