"""Landlock: a process gives up, for good, all files but those that it names."""

import ctypes
import os
import platform
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

# The same on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1

_WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 14
# How many rights of files there are to give up, by the version in which they came.
_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
_EXECUTE = 1 << 0
_READ = _READ_FILE | _READ_DIR
# To bind and to connect by TCP; abstract sockets and signals of others.
_NETWORK, _OTHERS = 0b11, 0b11
_WITH_NETWORK, _WITH_SCOPES = 4, 6
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | 1 << 15

_WRITABLE = ("/dev/null", "/dev/full", "/proc/self")


def restrict(readable: Iterable[Path], folder: Path) -> None:
    """Leave this process nothing but some files: it may start no program, either.

    It needs no new privileges to have been given up before.

    Args:
        readable: Files and folders that it may read.
        folder: The folder that it may write to.

    Raises:
        OSError: The system has no Landlock.
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
    """Allow something beneath a path; one that is not there needs no rule."""
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
