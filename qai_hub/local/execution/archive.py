"""Zip archives of model directories: reading ones that strangers made, and writing our own."""

import stat
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from qai_hub.local.execution.failures import FailureType, JobFailure
from qai_hub.local.execution.messages import shortened

_CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may unpack to.

    Attributes:
        members: Most files and directories.
        size: Most bytes in all.
        ratio: Most bytes per byte of the archive.
        free_size: Bytes in all up to which any ratio goes.
    """

    members: int = 1000
    size: int = 64 * 2**30
    ratio: int = 100
    free_size: int = 64 * 2**20


DEFAULT_LIMITS = Limits()


def is_archive(path: Path) -> bool:
    """Tell by its first bytes whether a file is a zip archive."""
    with path.open("rb") as file:
        return file.read(4) in {b"PK\x03\x04", b"PK\x05\x06"}


def unpack(archive: Path, into: Path, limits: Limits = DEFAULT_LIMITS) -> None:
    """Unpack an archive of a model directory.

    Args:
        archive: The zip file.
        into: New directory for its files.
        limits: What it may unpack to.

    Raises:
        JobFailure: It is damaged, or holds what a model directory does not.
    """
    most = min(limits.size, max(limits.free_size, limits.ratio * archive.stat().st_size))
    into.mkdir()
    try:
        with zipfile.ZipFile(archive) as source:
            members = source.infolist()
            if len(members) > limits.members:
                raise _refused(f"it holds more than {limits.members} files")
            for member in members:
                target = into / _safe_path(member)
                if member.is_dir():
                    target.mkdir(parents=True, exist_ok=True)
                else:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    most -= _copy(source, member, target, most)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        reason = f"The zip archive of the model directory is damaged: {error}"
        raise JobFailure(FailureType.MODEL_CORRUPT, reason) from None
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise _refused("two of its entries have the same name") from None


def pack(files: Mapping[str, Path], archive: Path) -> None:
    """Write an archive, uncompressed, since weights hardly compress.

    Args:
        files: The files, by their names in the archive.
        archive: The zip file to write.
    """
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as target:
        for name, path in files.items():
            target.write(path, name)


def _safe_path(member: zipfile.ZipInfo) -> PurePosixPath:
    path = PurePosixPath(member.filename)
    mode = member.external_attr >> 16
    if path.is_absolute() or ".." in path.parts or "\\" in member.filename or not path.parts:
        raise _refused(f"the path {shortened(member.filename)} leads out of it")
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise _refused(f"{shortened(member.filename)} is not a regular file")
    if member.flag_bits & 1:
        raise _refused(f"{shortened(member.filename)} is encrypted")
    if any(len(part.encode()) > 255 for part in path.parts) or len(str(path).encode()) > 1000:
        raise _refused(f"the name {shortened(member.filename)} is too long")
    return path


def _copy(source: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, most: int) -> int:
    """Write a member's bytes, counting them, since the sizes in a header may lie."""
    size = 0
    with source.open(member) as reader, target.open("xb") as writer:
        while chunk := reader.read(_CHUNK):
            size += len(chunk)
            if size > most:
                raise _refused("it unpacks to more than a model directory of its size would")
            writer.write(chunk)
    return size


def _refused(why: str) -> JobFailure:
    reason = f"The zip archive of the model directory is refused: {why}."
    return JobFailure(FailureType.MODEL_INVALID, reason)
