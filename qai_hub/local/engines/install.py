"""Installs and removes engines.

An engine is built in a folder of its own, which counts once a mark beside it names it: there is
never half an engine. A folder that no mark names is left over, and deleted by the next change.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from qai_hub.local.engines.catalog import Engine
from qai_hub.local.engines.locking import changing, is_in_use
from qai_hub.local.engines.places import (
    Installation,
    State,
    describe_lack,
    engines_folder,
    examine,
    place_name,
    remove_mark,
)
from qai_hub.local.engines.pythons import bring_python, find_python, find_uv

Tell = Callable[[str], None]
"""Is told, in one line, what an installation does."""

# No sign of it is in the name of an engine, so that none takes the folder of another for its own.
_SEPARATOR = "+"
_SHOWN_LINES = 12
# Nothing is built from source: that would run code of the packages, and need compilers.
_EXACTLY = ("--quiet", "--no-deps", "--only-binary", ":all:")


class EngineError(Exception):
    """An engine cannot be installed. Its notes are the last lines of the program that failed."""


@dataclass(frozen=True, slots=True)
class Removed:
    """What removing an engine has found.

    Attributes:
        was_there: Whether there was anything to remove.
        is_in_use: Whether running jobs still use its files, which are deleted with the next change.
    """

    was_there: bool
    is_in_use: bool


def install(engine: Engine, tell: Tell) -> Installation:
    """Install an engine, unless this very list of packages is installed already.

    Args:
        engine: The engine.
        tell: Is told what is being done.

    Returns:
        What is installed.

    Raises:
        EngineError: It cannot be installed.
    """
    if examine(engine)[0] is State.UNSUPPORTED:
        system = f"{platform.system()} on {platform.machine()}"
        raise EngineError(f"{engine.name} is {describe_lack(engine)}, and this is {system}.")
    engines_folder().mkdir(parents=True, exist_ok=True)
    with changing(engine, lambda: tell("Another process installs or removes it: waiting.")):
        state, found = examine(engine)
        if state is State.INSTALLED and found is not None:
            return found
        _sweep(engine, None if found is None else found.folder)
        folder = Path(
            tempfile.mkdtemp(prefix=f"{place_name(engine)}{_SEPARATOR}", dir=engines_folder())
        )
        try:
            # The hub that uses it may run as another user.
            folder.chmod(0o755)
            made = _build(engine, folder, tell)
            made.write(engine)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        _sweep(engine, folder)
        return made


def remove(engine: Engine) -> Removed:
    """Remove an engine. Running jobs keep its files, and no other job gets it.

    Args:
        engine: The engine.

    Returns:
        What was found.
    """
    if not engines_folder().is_dir():
        return Removed(was_there=False, is_in_use=False)
    with changing(engine, lambda: None):
        was_there = remove_mark(engine)
        return Removed(was_there, is_in_use=_sweep(engine, None))


def _sweep(engine: Engine, current: Path | None) -> bool:
    """Delete what nothing uses any more; return whether something else is left over."""
    left = False
    for folder in engines_folder().glob(f"{place_name(engine)}{_SEPARATOR}*"):
        if folder == current:
            continue
        if is_in_use(folder):
            left = True
        else:
            shutil.rmtree(folder)
    return left


def _build(engine: Engine, folder: Path, tell: Tell) -> Installation:
    made = Installation(
        folder=folder, digest=engine.digest, python="", packages=engine.packages, size=0
    )
    uv = find_uv()
    if uv is None and find_spec("pip") is None:
        raise EngineError(f"Neither uv nor pip is there to install {engine.name}: install uv.")
    interpreter = made.get_interpreter(engine)
    if engine.is_overlay:
        target = ["--target", str(made.overlay)]
    else:
        target = []
        _make_environment(engine, made.environment, uv, tell)
    count = len(engine.packages)
    size = f"about {engine.download / 2**20:.0f} MiB"
    tell(f"Installing {count} packages: {size} to download, unless they are on this machine.")
    if uv is not None:
        program = [uv, "pip", "install", "--python", str(interpreter), "--compile-bytecode"]
    else:
        # The pip of this Python, as some systems have none for the environments of others.
        program = [sys.executable, "-m", "pip", "--python", str(interpreter), "--no-input"]
        program.append("install")
    _run([*program, *_EXACTLY, *target, "--requirement", str(engine.lock)], folder)
    tell("Importing what jobs use.")
    return Installation(
        folder=folder,
        digest=engine.digest,
        python=_try_imports(engine, made, interpreter),
        packages=engine.packages,
        size=sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()),
    )


def _make_environment(engine: Engine, place: Path, uv: str | None, tell: Tell) -> None:
    versions = " or ".join(engine.pythons)
    tell(f"Looking for Python {versions}.")
    python = find_python(engine.pythons)
    if python is None and uv is not None:
        tell(f"Having uv download Python {engine.pythons[0]}.")
        python = bring_python(uv, engine.pythons[0])
    if python is None:
        raise EngineError(
            f"{engine.name} needs Python {versions}, and there is none: install one, so that "
            f"python{engine.pythons[0]} is on PATH, or install uv, which brings its own."
        )
    tell(f"Making an environment with {python}.")
    if uv is not None:
        _run([uv, "venv", "--quiet", "--python", str(python), str(place)], place.parent)
    else:
        _run([str(python), "-m", "venv", "--without-pip", str(place)], place.parent)


def _try_imports(engine: Engine, made: Installation, interpreter: Path) -> str:
    """Import the modules of an engine; return the version of its Python."""
    names = ", ".join(("platform", *engine.modules))
    code = f"import {names}; print(platform.python_version())"
    if engine.is_overlay:
        places = os.pathsep.join([str(made.overlay), *sys.path])
        return _run([str(interpreter), "-P", "-c", code], made.folder, {"PYTHONPATH": places})
    return _run([str(interpreter), "-I", "-c", code], made.folder)


def _run(command: Sequence[str], folder: Path, more: Mapping[str, str] | None = None) -> str:
    """Run a program to its end, and return the last line that it prints.

    Raises:
        EngineError: It fails.
    """
    done = subprocess.run(  # noqa: S603 - fixed commands
        command,
        cwd=folder,
        env={**os.environ, "ORT_DISABLE_TELEMETRY": "1", **(more or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        program = Path(command[0]).name
        error = EngineError(f"{program} has failed, with exit status {done.returncode}:")
        for line in (done.stderr or done.stdout).splitlines()[-_SHOWN_LINES:]:
            error.add_note(line)
        raise error
    return done.stdout.strip().rpartition("\n")[2]
