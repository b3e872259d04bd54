"""Finds a Python of a version that an engine can have."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

# A Python that takes longer to say its version does not work.
_START_LIMIT = 20
_ASK = "import sys, venv; print('%d.%d' % sys.version_info[:2])"


def find_uv() -> str | None:
    """Return the path of uv, in the environment of this Python or elsewhere; None without it."""
    beside = str(Path(sys.executable).parent)
    return shutil.which("uv", path=os.pathsep.join([beside, os.environ.get("PATH", os.defpath)]))


def find_python(versions: Iterable[str]) -> Path | None:
    """Find a Python on this machine.

    Args:
        versions: The versions to look for, such as "3.12", the preferred one first.

    Returns:
        Its path; None if there is none that works.
    """
    for version in versions:
        for candidate in _candidates(version):
            if _ask_version(candidate) == version:
                return candidate
    return None


def _candidates(version: str) -> Iterator[Path]:
    yield Path(sys.executable)
    named = shutil.which(f"python{version}")
    if named:
        yield Path(named)
    uv = find_uv()
    if uv:
        # Those that uv has brought itself; others it would take from the same places.
        command = [uv, "python", "find", "--no-python-downloads", "--managed-python", version]
        found = _run(command)
        if found:
            yield Path(found)
    # Its commands on PATH work only where it is told which version to run.
    root = Path(os.environ.get("PYENV_ROOT") or Path("~/.pyenv").expanduser())
    yield from sorted(root.glob(f"versions/{version}.*/bin/python{version}"), reverse=True)


def bring_python(uv: str, version: str) -> Path | None:
    """Have uv download a Python; return its path, or None if it cannot.

    Args:
        uv: The path of uv.
        version: The version, such as "3.12".
    """
    done = subprocess.run(  # noqa: S603 - a fixed command
        [uv, "python", "install", "--quiet", version],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return find_python([version]) if done.returncode == 0 else None


def _ask_version(python: Path) -> str:
    return _run([str(python), "-I", "-c", _ASK])


def _run(command: list[str]) -> str:
    """Return what a command prints; nothing if it fails."""
    try:
        done = subprocess.run(  # noqa: S603 - programs of this machine, by their paths
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_START_LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
