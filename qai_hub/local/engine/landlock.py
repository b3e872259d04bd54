"""Confines a worker's file access by Landlock, to what Python and the runtimes must read."""

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
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
    """Return the files and folders that may be read, the latter with everything in them.

    Args:
        private: The hub's data folder, which is excluded wherever it is.

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
    # Makes Python list each entry now. Later it could not, if only part of an entry is readable.
    find_spec("qai_hub_is_not_there")
    return [path for each in dict.fromkeys(wanted) for path in _without(each, private)]


def _library_path() -> Iterator[str]:
    for entry in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep):
        if Path(entry).is_absolute():
            yield entry


def _importable(entry: Path) -> Iterator[Path]:
    """Yield what can be imported from an entry of `sys.path`, and nothing else in it.

    An entry may be any folder: that of a script, or the one in which Python was started.
    """
    if entry.name in _SITES or not entry.is_dir():
        yield entry
        yield from _linked(entry)
        return
    for child in _children(entry):
        if child.suffix in _IMPORTABLE or (child / "__init__.py").exists():
            yield child


def _linked(site: Path) -> Iterator[Path]:
    """Yield the folders of symlinked packages: some installers share one copy of a package."""
    for child in _children(site):
        if child.is_symlink():
            yield child.resolve()
        elif (first := child / "__init__.py").is_symlink():
            yield first.resolve().parent


def _without(path: Path, private: Path) -> Iterator[Path]:
    """Yield a path, or its entries but for the private folder if that is beneath it."""
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


# System call numbers, the same on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1

_WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 14
# Number of file access rights to restrict, by the Landlock version that introduced them.
_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
_EXECUTE = 1 << 0
_READ = _READ_FILE | _READ_DIR
# Binding and connecting by TCP; abstract sockets and signals of other processes.
_NETWORK, _OTHERS = 0b11, 0b11
_WITH_NETWORK, _WITH_SCOPES = 4, 6
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | 1 << 15

_WRITABLE = ("/dev/null", "/dev/full", "/proc/self")


def restrict(readable: Iterable[Path], folder: Path) -> None:
    """Restrict this process to some files; it may not start other programs, either.

    The process must have set no_new_privs before.

    Args:
        readable: Files and folders that it may read.
        folder: The folder that it may write to.

    Raises:
        OSError: The system does not support Landlock.
    """
    version = _syscall(_CREATE_RULESET, None, 0, _VERSION)
    rights = (1 << max(count for since, count in _RIGHTS.items() if since <= version)) - 1
    attributes = [rights]
    if version >= _WITH_NETWORK:
        attributes.append(_NETWORK)
    if version >= _WITH_SCOPES:
        attributes.append(_OTHERS)
    packed = struct.pack(f"{len(attributes)}Q", *attributes)
    rules = _syscall(_CREATE_RULESET, packed, len(packed), 0)
    try:
        for path in readable:
            _allow(rules, path, _READ & rights)
        for name in _WRITABLE:
            _allow(rules, Path(name), (_READ | _WRITE_FILE | _TRUNCATE) & rights)
        _allow(rules, folder, rights & ~_EXECUTE)
        _syscall(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _allow(rules: int, path: Path, rights: int) -> None:
    """Allow access beneath a path; a path that does not exist needs no rule."""
    with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not path.is_dir():
                rights &= _OF_FILES
            rule = struct.pack("=Qi", rights, place)
            _syscall(_ADD_RULE, rules, _PATH_BENEATH, rule, 0)
        finally:
            os.close(place)


def _syscall(number: int, *values: int | bytes | None) -> int:
    if platform.system() != "Linux":
        raise OSError
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    converted = [ctypes.c_long(value) if isinstance(value, int) else value for value in values]
    result = int(libc.syscall(ctypes.c_long(number), *converted))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
