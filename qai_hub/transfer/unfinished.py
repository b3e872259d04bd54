"""Unfinished uploads, noted in the user's cache so that another process can continue them.

A note names the model and the upload, nothing else: which parts have arrived is the server's to
tell, and whether they are those of the file is checked against the server's digests. So a note that
is stale, lost or about another file costs time at most.
"""

import contextlib
import hashlib
import json
import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from qai_hub.transfer.content import Content

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = ["UnfinishedUpload", "UploadNote", "cache_folder", "note_key"]

_log = logging.getLogger(__name__)

# Seconds after which a note is deleted: longer than servers keep unfinished uploads.
_MAX_AGE = 7 * 24 * 3600.0
_SAMPLES = 64
_SAMPLE_SIZE = 4096
_MAX_NOTE_SIZE = 10_000
# Where Windows locks: beyond the content, since a locked byte cannot be read.
_LOCK_OFFSET = 1 << 20


@dataclass(frozen=True)
class UnfinishedUpload:
    """An upload that has been started.

    Attributes:
        model_id: The model that it is for.
        upload_id: The upload.
    """

    model_id: str
    upload_id: str


def cache_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Returns the folder of this package in the user's cache, whether or not it exists.

    Args:
        environ: Environment variables; None for those of the process.

    Returns:
        The folder: `qai_hub` in `$XDG_CACHE_HOME`, or else in `~/.cache`.
    """
    # Not a default argument: help() prints defaults, and the environment may contain a token.
    named = (os.environ if environ is None else environ).get("XDG_CACHE_HOME", "")
    # Relative paths are ignored, as the XDG specification demands.
    base = Path(named) if os.path.isabs(named) else Path(os.path.expanduser("~/.cache"))  # noqa: PTH111, PTH117 - never raises
    return base / "qai_hub"


def note_key(content: Content, *identity: object) -> str:
    """Returns the key of the note on the upload of a file.

    It depends on the size and on samples of the content, so that a copy of the file or the same
    model written anew has the same key, and finding it does not require reading gigabytes.

    Args:
        content: The content of the file.
        identity: What else must be equal for the upload to be continued: the server, the user's
            token, and the attributes of the model. None of it can be read from the key.

    Returns:
        The key, which is usable as a file name.

    Raises:
        OSError: If the file cannot be read.
        UserError: If it has changed.
    """
    digest = hashlib.sha256(json.dumps([1, *map(str, identity)]).encode())
    digest.update(str(content.size).encode())
    last = max(0, content.size - _SAMPLE_SIZE)
    for offset in sorted({last * index // (_SAMPLES - 1) for index in range(_SAMPLES)}):
        digest.update(content.read(offset, _SAMPLE_SIZE))
    return digest.hexdigest()


class UploadNote:
    """The note on the upload of one file, which one process at a time may use.

    Where notes cannot be kept, as in a read-only home folder or on a full disk, and while another
    process uploads the same file, there is no note and nothing is kept.

    Args:
        key: Key of the note.
        folder: Folder of the notes; None for the one in the user's cache.

    Attributes:
        unfinished: The upload that an earlier process has left; None if there is none.
    """

    def __init__(self, key: str, folder: Path | None = None) -> None:
        self._path = (folder or cache_folder() / "uploads") / key
        self._descriptor: int | None = None
        self.unfinished: UnfinishedUpload | None = None

    def __enter__(self) -> Self:
        # Most files have no note: nothing is created before there is something to write.
        if self._path.exists():
            with self._tolerated("read"):
                self._lock(os.O_RDWR)
                self.unfinished = self._read()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._unlock()

    @property
    def is_kept(self) -> bool:
        """Whether the upload is noted, so that another process can continue it."""
        return self._descriptor is not None

    def write(self, upload: UnfinishedUpload) -> None:
        """Notes that an upload has been started, in place of an earlier one."""
        content = json.dumps({"model_id": upload.model_id, "upload_id": upload.upload_id})
        with self._tolerated("written"):
            if self._descriptor is None:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._delete_old_notes()
                self._lock(os.O_RDWR | os.O_CREAT)
            if self._descriptor is not None:
                os.ftruncate(self._descriptor, 0)
                os.lseek(self._descriptor, 0, os.SEEK_SET)
                os.write(self._descriptor, content.encode())

    def remove(self) -> None:
        """Deletes the note, since the upload has ended."""
        if self._descriptor is None:
            return
        with self._tolerated("deleted"):
            if sys.platform == "win32":
                # Windows deletes no open file.
                self._unlock()
            self._path.unlink(missing_ok=True)
        self._unlock()

    def _lock(self, flags: int) -> None:
        """Opens and locks the note, unless another process has it."""
        descriptor = os.open(self._path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            if _try_lock(descriptor) and _is_at(descriptor, self._path):
                self._descriptor, descriptor = descriptor, -1
            else:
                _log.debug("Another process uploads the same file: this upload is not noted.")
        finally:
            if descriptor >= 0:
                os.close(descriptor)

    def _unlock(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _read(self) -> UnfinishedUpload | None:
        if self._descriptor is None:
            return None
        try:
            found = json.loads(os.read(self._descriptor, _MAX_NOTE_SIZE))
            upload = UnfinishedUpload(found["model_id"], found["upload_id"])
        except (ValueError, TypeError, KeyError):
            # The process or the machine has stopped while the note was written.
            return None
        are_texts = isinstance(upload.model_id, str) and isinstance(upload.upload_id, str)
        return upload if are_texts else None

    def _delete_old_notes(self) -> None:
        oldest = time.time() - _MAX_AGE
        for path in self._path.parent.iterdir():
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < oldest:
                    path.unlink()

    @contextlib.contextmanager
    def _tolerated(self, action: str) -> Iterator[None]:
        """Uploads without a note where the cache cannot be used."""
        try:
            yield
        except OSError as error:
            _log.debug("The note on an upload could not be %s: %s", action, error)


def _try_lock(descriptor: int) -> bool:
    """Locks an open file until it is closed, or the process dies; returns whether it could."""
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, _LOCK_OFFSET, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except PermissionError:
        # How Windows says the same.
        return False
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    """Returns whether an open file is still the one at a path, and was not deleted meanwhile."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
