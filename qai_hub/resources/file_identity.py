"""What a file on the hub is: its size and digests."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from qai_hub.driver import enter_blocking_context
from qai_hub.resources.downloads import download_into_folder
from qai_hub.temporary_files import temporary_folder
from qai_hub.transport.values import value_or_none

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.driver import Driver

__all__ = ["FileIdentity", "digest_dlc", "fetch_identity"]

_BLOCK_SIZE = 1 << 20
# What tools write about their run, with its time.
_DLC_METADATA = "dlc.metadata"
_LOCAL_HEADER = 30


class FileIdentity(NamedTuple):
    """What a file is.

    Attributes:
        size: Size in bytes.
        sha256: SHA-256 of its content, in hex.
        content_sha256: For a DLC, the SHA-256 of what does not change with time; None for others.
    """

    size: int
    sha256: str
    content_sha256: str | None = None


async def fetch_identity(
    driver: Driver,
    fetch: Callable[[], Awaitable[api.FileDownloadResponse]],
    *,
    is_dlc: bool = False,
) -> FileIdentity:
    """Returns what a file on the hub is; downloads it where the server does not tell.

    Args:
        driver: Runs the requests and transfers.
        fetch: Asks the service where the file is.
        is_dlc: Whether it is a DLC, whose content is looked at.

    Returns:
        Its size and digests.

    Raises:
        UserError: If the file is not there.
    """
    location = value_or_none((await fetch()).url)
    if location is not None and not is_dlc:
        size, sha256 = value_or_none(location.size), value_or_none(location.sha256)
        if size is not None and sha256 is not None:
            return FileIdentity(size, sha256)
    async with enter_blocking_context(driver, temporary_folder) as folder:
        path = Path(await download_into_folder(driver, fetch, folder))
        return await driver.run(lambda: _identify(path, is_dlc=is_dlc))


def _identify(path: Path, *, is_dlc: bool) -> FileIdentity:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return FileIdentity(path.stat().st_size, sha256, digest_dlc(path) if is_dlc else None)


def digest_dlc(path: Path) -> str | None:
    """Returns a digest of a DLC that is the same whenever it is made.

    A DLC is a ZIP archive. The tool that makes one writes about itself into members of their own,
    with the time; the model and its weights are in the others. Their checksums may be 0, which
    libraries for such archives refuse, so that members are read as they are stored.

    Args:
        path: The file.

    Returns:
        SHA-256 in hex of all members but the metadata, by name; None if it is no such archive.
    """
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            members = [
                each for each in archive.infolist() if not each.filename.startswith(_DLC_METADATA)
            ]
            for member in sorted(members, key=lambda each: each.filename):
                digest.update(f"{member.filename}\0{member.compress_size}\0".encode())
                _update(digest, file, member)
    except (zipfile.BadZipFile, NotImplementedError, EOFError):
        return None
    return digest.hexdigest() if members else None


def _update(digest: hashlib._Hash, file: BinaryIO, member: zipfile.ZipInfo) -> None:
    file.seek(member.header_offset)
    header = file.read(_LOCAL_HEADER)
    if len(header) < _LOCAL_HEADER:
        raise EOFError
    # The lengths of the name and of what follows it.
    skipped = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    file.seek(skipped, 1)
    left = member.compress_size
    while left:
        block = file.read(min(left, _BLOCK_SIZE))
        if not block:
            raise EOFError
        digest.update(block)
        left -= len(block)
