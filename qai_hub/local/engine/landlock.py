"""Confines a worker's file access by Landlock, to what Python and the runtimes must read."""

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_SYSTEM_PATHS = (
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
_PREFIX_ENTRIES = ("lib", "lib64", "share", "pyvenv.cfg")
_SITE_FOLDERS = ("site-packages", "dist-packages")
_PACKAGES = ("qai_hub", "qai_hub_api")
_IMPORTABLE_SUFFIXES = (".py", ".pyc", ".so", ".zip", ".dist-info", ".egg-info")


@cache
def runtime_paths(excluded: Path) -> tuple[Path, ...]:
    """Return the files and folders that may be read, the latter with everything in them.

    They are searched once in a process, which takes longer than many a job.

    Args:
        excluded: The hub's data folder, which is excluded wherever it is.

    Returns:
        The paths, some of which may not exist.
    """
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    paths = [Path(name) for name in _SYSTEM_PATHS]
    paths += [Path(prefix, name) for prefix in sorted(prefixes) for name in _PREFIX_ENTRIES]
    paths += [Path(entry) for entry in _library_folders()]
    for name in _PACKAGES:
        spec = find_spec(name)
        paths += [Path(place) for place in (spec and spec.submodule_search_locations) or ()]
    for entry in map(Path, filter(None, sys.path)):
        paths += _importable_paths(entry)
    # Makes Python list each entry now. Later it could not, if only part of an entry is readable.
    find_spec("qai_hub_is_not_there")
    allowed = [path for each in dict.fromkeys(paths) for path in _exclude(each, excluded)]
    folders = set(allowed)
    return tuple(path for path in allowed if folders.isdisjoint(path.parents))


def _library_folders() -> Iterator[str]:
    for entry in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep):
        if Path(entry).is_absolute():
            yield entry


def _importable_paths(entry: Path) -> Iterator[Path]:
    """Yield what can be imported from an entry of `sys.path`, and nothing else in it.

    An entry may be any folder: that of a script, or the one in which Python was started.
    """
    if entry.name in _SITE_FOLDERS or not entry.is_dir():
        yield entry
        yield from _symlink_targets(entry)
        return
    for child in _list_folder(entry):
        if child.suffix in _IMPORTABLE_SUFFIXES or (child / "__init__.py").exists():
            yield child


def _symlink_targets(site: Path) -> Iterator[Path]:
    """Yield the folders of symlinked packages: some installers share one copy of a package."""
    for child in _list_folder(site):
        if child.is_symlink():
            yield child.resolve()
        elif (first := child / "__init__.py").is_symlink():
            yield first.resolve().parent


def _exclude(path: Path, excluded: Path) -> Iterator[Path]:
    """Yield a path, or its entries but for the private folder if that is beneath it."""
    real = path.resolve()
    if not excluded.is_relative_to(real):
        yield path
    elif excluded != real:
        for child in _list_folder(real):
            yield from _exclude(child, excluded)


def _list_folder(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


# System call numbers, the same on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_GET_VERSION = 1
_PATH_BENEATH = 1

_WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 14
# Number of file access rights to restrict, by the Landlock version that introduced them.
_RIGHTS_COUNTS = {1: 13, 2: 14, 3: 15, 5: 16}
_EXECUTE = 1 << 0
_READ = _READ_FILE | _READ_DIR
# Binding and connecting by TCP; abstract sockets and signals of other processes.
_NETWORK, _SCOPES = 0b11, 0b11
_NETWORK_SINCE, _SCOPES_SINCE = 4, 6
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | 1 << 15

_WRITABLE_PATHS = ("/dev/null", "/dev/full", "/proc/self")


def restrict_file_access(readable: Iterable[Path], folder: Path) -> None:
    """Restrict this process to some files; it may not start other programs, either.

    The process must have set no_new_privs before.

    Args:
        readable: Files and folders that it may read.
        folder: The folder that it may write to.

    Raises:
        OSError: The system does not support Landlock.
    """
    version = _syscall(_CREATE_RULESET, None, 0, _GET_VERSION)
    rights = (1 << max(count for since, count in _RIGHTS_COUNTS.items() if since <= version)) - 1
    attributes = [rights]
    if version >= _NETWORK_SINCE:
        attributes.append(_NETWORK)
    if version >= _SCOPES_SINCE:
        attributes.append(_SCOPES)
    packed = struct.pack(f"{len(attributes)}Q", *attributes)
    rules = _syscall(_CREATE_RULESET, packed, len(packed), 0)
    try:
        for path in readable:
            _add_rule(rules, path, _READ & rights)
        for name in _WRITABLE_PATHS:
            _add_rule(rules, Path(name), (_READ | _WRITE_FILE | _TRUNCATE) & rights)
        _add_rule(rules, folder, rights & ~_EXECUTE)
        _syscall(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _add_rule(rules: int, path: Path, rights: int) -> None:
    """Allow access beneath a path; a path that does not exist needs no rule."""
    with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not path.is_dir():
                rights &= _FILE_RIGHTS
            rule = struct.pack("=Qi", rights, descriptor)
            _syscall(_ADD_RULE, rules, _PATH_BENEATH, rule, 0)
        finally:
            os.close(descriptor)


@cache
def libc() -> ctypes.CDLL:
    """Return the C library, whose functions set ctypes' error number."""
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    return library


def _syscall(number: int, *values: int | bytes | None) -> int:
    if platform.system() != "Linux":
        raise OSError
    converted = [ctypes.c_long(value) if isinstance(value, int) else value for value in values]
    result = int(libc().syscall(ctypes.c_long(number), *converted))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
