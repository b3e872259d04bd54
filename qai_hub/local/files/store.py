"""What the hub asks of the place where its files are: a folder, or a service such as S3."""

from collections.abc import AsyncIterable, Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from qai_hub.local.files.quarantine import Quarantine


@dataclass(frozen=True, slots=True)
class Received:
    """What has arrived: its size in bytes, and its SHA-256 in hex."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Known:
    """What the database knows of files when a hub starts.

    Attributes:
        files: The sizes in bytes of the published files that are to be there, by id.
        uploads: The uploads that have begun and not ended.
        stale: Those of them that are not waited for any more.
    """

    files: Mapping[str, int]
    uploads: Collection[str]
    stale: Collection[str]


class FileStore(Protocol):
    """Keeps files under ids, never under a user's name for them.

    A published file is never changed. Whatever a commit of the database relies on is durable before
    it: contents by `stage` or where they are written, names by `flush`.
    """

    def put_if_absent(self, file_id: str, source: Path) -> None:
        """Publish a finished file; it is there as a whole, or not at all.

        Args:
            file_id: Its id.
            source: A file in one of the hub's work folders, which is used up.

        Raises:
            FileExistsError: There is a file with this id, which stays as it is.
        """

    def open_range(self, file_id: str, start: int, end: int) -> Iterator[bytes]:
        """Read the bytes of a published file from `start` up to and without `end`, in blocks.

        Raises:
            FileNotFoundError: It is not there; raised where the first block is asked for.
        """

    def localize(self, file_id: str, folder: Path) -> Path:
        """Return a path at which a worker on this machine can read a published file.

        Args:
            file_id: Its id.
            folder: The attempt's own folder, which takes a copy where one is needed. The path is
                valid as long as the folder.

        Raises:
            FileNotFoundError: It is not there.
        """

    def has(self, file_id: str) -> bool:
        """Return whether a published file is there."""

    def digest(self, file_id: str, size: int | None = None) -> str | None:
        """Return the SHA-256 of a published file, in hex. It reads the whole file.

        Args:
            file_id: Its id.
            size: The size in bytes that it must have; None for any.

        Returns:
            The digest; None if the file is not there or has another size.
        """

    def remove(self, file_ids: Iterable[str]) -> None:
        """Delete published files that nothing needs any more."""

    def begin_upload(self, upload_id: str) -> None:
        """Make the empty file that an upload is collected in.

        Raises:
            FileExistsError: There is one.
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
            limit: Most bytes to take.

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
        """Let a file that arrives as a whole take the place of what an upload has collected.

        Args:
            upload_id: The upload. It stays as it was if anything goes wrong.
            chunks: The bytes as they arrive.
            limit: Most bytes to take.
            check: Raises if what has arrived is not what was expected.

        Raises:
            ProblemError: 413 beyond the limit; 503 if the disk is full.
        """

    def publish_upload(self, upload_id: str, file_id: str) -> None:
        """Publish what an upload has collected, which stays until `remove_uploads`.

        So nothing is lost if the hub is killed before its database knows of the file.
        """

    def remove_uploads(self, upload_ids: Iterable[str]) -> None:
        """Delete what uploads have collected."""

    def stage(self, sources: Iterable[Path]) -> None:
        """Make the contents of files durable that are about to be published. It takes time."""

    def flush(self) -> None:
        """Make durable which files there are; called before each commit.

        Raises:
            OSError: It cannot be done, and is tried again by the next call.
        """

    def reconcile(self, known: Known, quarantine: Quarantine) -> int:
        """Bring the files in line with the database, before anybody uses them.

        Args:
            known: What the database knows.
            quarantine: Takes what it does not know, and gives back what it does.

        Returns:
            How many things went to the quarantine.
        """

    def is_upload_lost(self, upload_id: str, quarantine: Quarantine) -> bool:
        """Return whether nothing is left of an upload, here or in the quarantine."""


class FileLinks(Protocol):
    """Signed URLs that let whoever has one do one thing with a file, for a while. All are secrets.

    `origin` is the scheme, host and port by which the caller has reached the hub.
    """

    def part(self, origin: str, upload_id: str, number: int, *, size: int, offset: int) -> str:
        """Return the URL that takes one part of an upload.

        Args:
            origin: As above.
            upload_id: The upload.
            number: Number of the part, from 1.
            size: Its size in bytes.
            offset: Where in the upload it begins, in bytes.
        """

    def form(self, origin: str, upload_id: str, *, size: int | None, limit: int) -> str:
        """Return the URL that takes a whole upload as a form.

        Args:
            origin: As above.
            upload_id: The upload.
            size: Its size in bytes; None if that is not known.
            limit: Most bytes to take.
        """

    def download(self, origin: str, file_id: str, *, filename: str) -> str:
        """Return the URL of a published file.

        Args:
            origin: As above.
            file_id: The file.
            filename: What browsers are to call it.
        """
