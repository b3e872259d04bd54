"""What a worker must read to run Python and the engines: libraries, and what the system tells."""

import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

_SYSTEM = (
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld.so.preload",
    "/etc/localtime",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/group",
    "/etc/nsswitch.conf",
    "/etc/ssl/openssl.cnf",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys",
    "/proc/uptime",
    "/proc/version",
    # ONNX Runtime looks for graphics cards.
    "/sys/bus/pci",
    "/sys/class/drm",
    "/sys/devices",
    "/sys/fs/cgroup",
    "/sys/kernel/mm",
)
_OF_PREFIX = ("lib", "lib64", "share", "pyvenv.cfg")
_SITES = ("site-packages", "dist-packages")
_PACKAGES = ("qai_hub", "qai_hub_api")
_IMPORTABLE = (".py", ".pyc", ".so", ".zip", ".dist-info", ".egg-info")


def runtime_paths(private: Path) -> list[Path]:
    """Return what may be read, files and folders with all that is beneath.

    Args:
        private: A folder that is not among it, wherever it is: the hub's data.

    Returns:
        The paths, some of which may not exist.
    """
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    wanted = [Path(name) for name in _SYSTEM]
    wanted += [Path(prefix, name) for prefix in sorted(prefixes) for name in _OF_PREFIX]
    wanted += [Path(entry) for entry in _library_path()]
    for name in _PACKAGES:
        spec = find_spec(name)
        wanted += [Path(place) for place in (spec and spec.submodule_search_locations) or ()]
    for entry in map(Path, filter(None, sys.path)):
        wanted += _importable(entry)
    # Makes Python list each entry now. Where only some of an entry can be read, it could not later.
    find_spec("qai_hub_is_not_there")
    return [path for each in dict.fromkeys(wanted) for path in _without(each, private)]


def _library_path() -> Iterator[str]:
    for entry in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep):
        if Path(entry).is_absolute():
            yield entry


def _importable(entry: Path) -> Iterator[Path]:
    """Yield what can be imported from an entry of the path for modules, and nothing beside it.

    An entry may be anybody's folder: where a script lies, or somebody was when he started Python.
    """
    if entry.name in _SITES or not entry.is_dir():
        yield entry
        yield from _linked(entry)
        return
    for child in _children(entry):
        if child.suffix in _IMPORTABLE or (child / "__init__.py").exists():
            yield child


def _linked(site: Path) -> Iterator[Path]:
    """Yield where packages are that are only linked to: some installers keep one copy for all."""
    for child in _children(site):
        if child.is_symlink():
            yield child.resolve()
        elif (first := child / "__init__.py").is_symlink():
            yield first.resolve().parent


def _without(path: Path, private: Path) -> Iterator[Path]:
    """Yield a path, or what is beneath it if the private folder is, too."""
    real = path.resolve()
    if not private.is_relative_to(real):
        yield path
    elif private != real:
        for child in _children(real):
            yield from _without(child, private)


def _children(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
