"""Files that have arrived in part, which outlive the process that began them.

Beside `NAME`, its bytes so far are `NAME.part`, and `NAME.part.json` tells what they are. The
process that writes to them holds a lock, which ends with the process however that ends. A process
that cannot have the lock uses a file under a name of its own, which it removes if it fails.
"""

import contextlib
import hashlib
import json
import os
import re
import secrets
import stat
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from qai_hub.transfer.byte_ranges import ByteRange, ByteRanges
from qai_hub.transport.retry import StoppedError

if sys.platform != "win32":
    import fcntl

__all__ = ["Origin", "PartialFile", "open_partial_file"]

_MIN_KEPT = 1 << 20
"""Bytes below which a partial file is not worth keeping."""
_SAVE_INTERVAL = 4 << 20
"""Bytes that a killed process fetches again at most, for each of its streams."""
_SYNC_INTERVAL = 64 << 20
"""The same where no checksum would tell that a power cut has left a hole."""
_MAX_STATE_SIZE = 1 << 20
_STALE_SECONDS = 7 * 24 * 3600.0
_VERSION = 1


@dataclass(frozen=True)
class Origin:
    """What a partial file is a part of.

    Attributes:
        resource: Digest of the path of its URL; the query is a secret, and differs each time.
        tag: Strong entity tag.
        size: Size of the whole file.
        checksum: The checksum of the whole file, as text; None if it is not known.
    """

    resource: str
    tag: str
    size: int
    checksum: str | None

    @staticmethod
    def resource_of(url: str) -> str:
        """Returns the digest of the path of a URL, which may be invalid."""
        path = str(url).partition("?")[0].partition("://")[2].partition("/")[2]
        return hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()


class PartialFile:
    """A file that arrives in pieces, in any order, from several threads.

    Each thread names the generation for which it writes. A generation ends when the file begins
    anew or is closed, so that threads that were left behind can no longer change it.

    Args:
        path: Path of the partial file.
        descriptor: The open file.
        outlives: Whether the file is kept, with what it is, when the process ends.
    """

    def __init__(self, path: Path, descriptor: int, *, outlives: bool) -> None:
        self.path = path
        self.generation = 0
        self.there = ByteRanges()
        self.origin: Origin | None = None
        self._outlives = outlives
        self._file = os.fdopen(descriptor, "r+b", buffering=0)
        self._lock = threading.RLock()
        self._state: int | None = None
        self._unsaved = 0
        if outlives:
            self._load()

    @property
    def state_path(self) -> Path:
        """Path of what tells what is there."""
        return self.path.with_name(f"{self.path.name}.json")

    def begin(self, origin: Origin | None) -> int:
        """Drops what is there.

        Args:
            origin: What the file will be a part of; None if it could not be resumed.

        Returns:
            The new generation.

        Raises:
            StoppedError: If the file is closed.
        """
        with self._lock:
            if self._file.closed:
                raise StoppedError
            self.generation += 1
            self.there = ByteRanges()
            self.origin = origin
            # Before the first byte, so that what a killed process leaves is never taken for the
            # file of another program.
            self._save()
            self._file.truncate(0)
            return self.generation

    def write(self, block: bytes, offset: int, generation: int) -> int:
        """Writes bytes to their place.

        Returns:
            Number of bytes that were not there yet.

        Raises:
            StoppedError: If the generation has ended.
            OSError: If the disk is full.
        """
        with self._lock:
            self._check(generation)
            self._file.seek(offset)
            rest = memoryview(block)
            while rest:
                rest = rest[self._file.write(rest) :]
            new = self.there.add(offset, offset + len(block))
            self._unsaved += new
            if self.origin is not None:
                knows_sum = self.origin.checksum is not None
                if self._unsaved >= (_SAVE_INTERVAL if knows_sum else _SYNC_INTERVAL):
                    self._save()
            return new

    def read(self, offset: int, size: int, generation: int) -> bytes:
        """Reads bytes that are there.

        Raises:
            StoppedError: If the generation has ended.
        """
        with self._lock:
            self._check(generation)
            self._file.seek(offset)
            return self._file.read(size)

    def publish(self, target: Path) -> None:
        """Gives the finished file its name, and forgets that it was a partial one."""
        with self._lock:
            self.generation += 1
            self._forget()
            # Renamed before it is closed: whoever gets the lock next then sees another file.
            # Windows renames no open files, and has no lock.
            if sys.platform == "win32":
                self._file.close()
            self.path.replace(target)
            self._file.close()

    def close(self, *, keep: bool) -> None:
        """Closes the file, unless it is published.

        Args:
            keep: Whether to keep it, if there is enough of it and it can be resumed.
        """
        with self._lock:
            if self._file.closed:
                return
            self.generation += 1
            try:
                if keep and self.origin and self._outlives and self.there.count >= _MIN_KEPT:
                    self._save()
                    return
                self._forget()
                with contextlib.suppress(FileNotFoundError):
                    self.path.unlink()
            finally:
                self._file.close()
                if self._state is not None:
                    os.close(self._state)
                    self._state = None

    def _check(self, generation: int) -> None:
        if generation != self.generation or self._file.closed:
            raise StoppedError

    def _load(self) -> None:
        """Reads what is there, as far as it can be believed."""
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
            descriptor = os.open(self.state_path, os.O_RDONLY | _NO_FOLLOW | _NO_WAIT)
            with os.fdopen(descriptor, "rb") as stream:
                state = json.loads(stream.read(_MAX_STATE_SIZE))
            if state["version"] != _VERSION:
                return
            origin = Origin(**state["origin"])
            size = os.fstat(self._file.fileno()).st_size
            ranges: list[ByteRange] = [(int(start), int(end)) for start, end in state["there"]]
            if all(0 <= start < end <= min(size, origin.size) for start, end in ranges):
                self.origin, self.there = origin, ByteRanges(ranges)

    def _save(self) -> None:
        """Writes down what is there."""
        if not self._outlives:
            return
        if self.origin is not None and self.origin.checksum is None and self._unsaved:
            os.fsync(self._file.fileno())
        origin = None if self.origin is None else asdict(self.origin)
        state = {"version": _VERSION, "origin": origin, "there": list(self.there)}
        if self._state is None:
            with contextlib.suppress(FileNotFoundError):
                self.state_path.unlink()
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            self._state = os.open(self.state_path, flags, 0o600)
        text = json.dumps(state).encode()
        # One short write: a process that is killed leaves the old text or the new one. JSON
        # ignores the spaces by which it may be longer than the next.
        os.pwrite(self._state, text.ljust(os.fstat(self._state).st_size), 0)
        self._unsaved = 0

    def _forget(self) -> None:
        self.origin = None
        self._unsaved = 0
        if self._state is not None:
            os.close(self._state)
            self._state = None
        if self._outlives:
            with contextlib.suppress(FileNotFoundError):
                self.state_path.unlink()


@contextmanager
def open_partial_file(target: Path) -> Iterator[PartialFile]:
    """Opens the partial file of a path, for one caller at a time.

    Args:
        target: Path that the finished file will have.

    Yields:
        The partial file, with what an earlier process has left. It is removed after an `OSError`,
        such as a full disk, or if it cannot be resumed.
    """
    _remove_stale(target.parent)
    # The longest name that file systems take, less what is appended.
    stem = target.name.encode()[:200].decode(errors="ignore")
    shared = _open_shared(target.with_name(f"{stem}.part"))
    if shared is not None:
        part = shared
    else:
        path = target.with_name(f"{stem}.{secrets.token_hex(4)}.part")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
        part = PartialFile(path, descriptor, outlives=False)
    keep = True
    try:
        yield part
    except OSError:
        keep = False
        raise
    finally:
        part.close(keep=keep)


_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_UNSHARED_NAME = re.compile(r".+\.[0-9a-f]{8}\.part")


def _open_shared(path: Path) -> PartialFile | None:
    """Opens a partial file that outlives the process; None if somebody else has it."""
    if sys.platform == "win32":
        return None
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _NO_FOLLOW, 0o666)
    except OSError as error:
        if path.is_symlink() or isinstance(error, PermissionError | IsADirectoryError):
            return None
        raise
    try:
        is_locked = _lock(descriptor)
    except OSError:
        # This file system has no locks, so nobody else uses the file either.
        path.unlink(missing_ok=True)
        is_locked = False
    if is_locked and _is_ours(descriptor, path):
        return PartialFile(path, descriptor, outlives=True)
    os.close(descriptor)
    return None


def _lock(descriptor: int) -> bool:
    """Locks a file; False if somebody else has locked it."""
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_ours(descriptor: int, path: Path) -> bool:
    """Returns whether a locked file still has its name, and is one that this module made."""
    try:
        found, named = os.fstat(descriptor), path.lstat()
    except FileNotFoundError:
        return False
    return (
        os.path.samestat(found, named)
        and stat.S_ISREG(found.st_mode)
        and found.st_nlink == 1
        and found.st_uid == os.geteuid()
        # Browsers give such names to what they have not finished.
        and (not found.st_size or path.with_name(f"{path.name}.json").exists())
    )


def _list_folder(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return list(entries)


def _remove_stale(folder: Path) -> None:
    """Removes partial files that nobody has resumed for a week."""
    with contextlib.suppress(OSError):
        for entry in _list_folder(folder):
            state = Path(f"{entry.path}.json")
            if not entry.name.endswith(".part"):
                continue
            if not (state.exists() or _UNSHARED_NAME.fullmatch(entry.name)):
                continue
            with contextlib.suppress(OSError):
                if time.time() - entry.stat(follow_symlinks=False).st_mtime < _STALE_SECONDS:
                    continue
                if _UNSHARED_NAME.fullmatch(entry.name):
                    Path(entry.path).unlink()
                elif (part := _open_shared(Path(entry.path))) is not None:
                    part.close(keep=False)
