"""The `FileStore` protocol: the storage of the hub's files, a folder or a service such as S3."""

from collections.abc import AsyncIterable, Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from qai_hub.local.files.quarantine import Quarantine


@dataclass(frozen=True, slots=True)
class Received:
    """Received data: its size in bytes, and its SHA-256 digest in hex."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class KnownFiles:
    """The files that the database knows when a hub starts.

    Attributes:
        files: The sizes in bytes of the published files that must exist, by id.
        uploads: The uploads that have begun and not ended.
        stale: The uploads among them that have been abandoned.
    """

    files: Mapping[str, int]
    uploads: Collection[str]
    stale: Collection[str]


class FileStore(Protocol):
    """Stores files under ids, never under a user's name for them.

    A published file never changes. Whatever a commit of the database relies on is durable before
    the commit: contents by `stage` or when they are written, names by `flush`.
    """

    def put_if_absent(self, file_id: str, source: Path) -> None:
        """Publish a finished file atomically.

        Args:
            file_id: Its id.
            source: A file in one of the hub's work folders; afterwards it no longer exists there.

        Raises:
            FileExistsError: There is a file with this id already, which is left unchanged.
        """

    def open_range(self, file_id: str, start: int, end: int) -> Iterator[bytes]:
        """Read the bytes of a published file from `start` up to but excluding `end`, in blocks.

        Raises:
            FileNotFoundError: It does not exist; raised when the first block is requested.
        """

    def localize(self, file_id: str, folder: Path) -> Path:
        """Return a path at which a worker on this machine can read a published file.

        Args:
            file_id: Its id.
            folder: The attempt's folder, which receives a copy if one is needed. The path is valid
                as long as the folder exists.

        Raises:
            FileNotFoundError: It does not exist.
        """

    def has(self, file_id: str) -> bool:
        """Return whether a published file is there."""

    def digest(self, file_id: str, size: int | None = None) -> str | None:
        """Return the SHA-256 digest of a published file, in hex. This reads the whole file.

        Args:
            file_id: Its id.
            size: The size in bytes that it must have; None for any.

        Returns:
            The digest; None if the file does not exist or has another size.
        """

    def remove(self, file_ids: Iterable[str]) -> None:
        """Delete published files that are no longer needed."""

    def begin_upload(self, upload_id: str) -> None:
        """Create the empty file that collects an upload.

        Raises:
            FileExistsError: It exists already.
        """

    def has_upload(self, upload_id: str) -> bool:
        """Return whether an upload is being collected."""

    async def write_part(
        self, upload_id: str, chunks: AsyncIterable[bytes], *, offset: int, limit: int
    ) -> Received:
        """Write a part of an upload to its place.

        Args:
            upload_id: The upload.
            chunks: The bytes as they arrive.
            offset: Where they go, in bytes.
            limit: Maximum number of bytes to receive.

        Raises:
            ProblemError: 413 beyond the limit; 503 if the disk is full.
        """

    async def write_whole(
        self,
        upload_id: str,
        chunks: AsyncIterable[bytes],
        *,
        limit: int,
        check: Callable[[Received], None],
    ) -> Received:
        """Replace the content of an upload by a file that arrives as a whole.

        Args:
            upload_id: The upload. It is left unchanged on failure.
            chunks: The bytes as they arrive.
            limit: Maximum number of bytes to receive.
            check: Raises if the received data is not what was expected.

        Raises:
            ProblemError: 413 beyond the limit; 503 if the disk is full.
        """

    def publish_upload(self, upload_id: str, file_id: str) -> None:
        """Publish the file of an upload, which also stays until `remove_uploads`.

        So nothing is lost if the hub is killed before its database knows of the file.
        """

    def remove_uploads(self, upload_ids: Iterable[str]) -> None:
        """Delete the files of uploads."""

    def stage(self, sources: Iterable[Path]) -> None:
        """Make the contents of files durable, before they are published. This takes time."""

    def flush(self) -> None:
        """Make the names of files durable; called before each commit.

        Raises:
            OSError: It failed; the next call tries again.
        """

    def check_writable(self) -> None:
        """Check that files can be written now.

        Raises:
            OSError: They cannot.
        """

    def reconcile(self, known: KnownFiles, quarantine: Quarantine) -> int:
        """Reconcile the files with the database, before they are used.

        Args:
            known: The files that the database knows.
            quarantine: Receives files that it does not know, and returns those that it does.

        Returns:
            Number of entries moved to the quarantine.
        """

    def is_upload_lost(self, upload_id: str, quarantine: Quarantine) -> bool:
        """Return whether an upload's file is missing, both here and in the quarantine."""


class FileLinks(Protocol):
    """Signed URLs, each of which permits one operation on one file, for a while. All are secrets.

    `origin` is the scheme, host and port at which the caller reached the hub.
    """

    def part(self, origin: str, upload_id: str, number: int, *, size: int, offset: int) -> str:
        """Return the URL that receives one part of an upload.

        Args:
            origin: As above.
            upload_id: The upload.
            number: Number of the part, from 1.
            size: Its size in bytes.
            offset: Its offset in the upload, in bytes.
        """

    def form(self, origin: str, upload_id: str, *, size: int | None, limit: int) -> str:
        """Return the URL that receives a whole upload as a form.

        Args:
            origin: As above.
            upload_id: The upload.
            size: Its size in bytes; None if unknown.
            limit: Maximum number of bytes to receive.
        """

    def download(self, origin: str, file_id: str, *, filename: str) -> str:
        """Return the URL of a published file.

        Args:
            origin: As above.
            file_id: The file.
            filename: The name that browsers save it under.
        """
