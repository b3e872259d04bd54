"""The `FileStore` protocol: the storage of the hub's files, a folder or a service such as S3."""

from collections.abc import (
    AsyncIterable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol


class FilesUnavailableError(OSError):
    """The service that stores the files cannot be reached, or refuses the hub.

    Args:
        place: Where the files are, without a secret.
        reason: What is wrong, which names no place.

    Attributes:
        reason: As above.
    """

    def __init__(self, place: object, reason: str) -> None:
        super().__init__(f"{place} {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Received:
    """Received data: its size in bytes, and its SHA-256 digest in hex."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class NewFile:
    """A finished file that is about to be published.

    Attributes:
        id: Its id.
        path: Where it is, in one of the hub's work folders.
        size: Its size in bytes.
        sha256: Its SHA-256 digest, in hex.
    """

    id: str
    path: Path
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as its storage lists it.

    Attributes:
        id: Its id.
        size: Its size in bytes.
        modified: When it was written, in UTC.
    """

    id: str
    size: int
    modified: datetime


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


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part of an upload that a service has received.

    Attributes:
        number: Its number, from 1.
        size: Its size in bytes.
        etag: Its entity tag, as the service answered it to the client.
        md5: Its MD5 digest in hex, as far as the service tells it.
    """

    number: int
    size: int
    etag: str
    md5: str | None


@dataclass(frozen=True, slots=True)
class Space:
    """The room for files, in bytes.

    Attributes:
        total: All of it.
        free: What is left.
    """

    total: int
    free: int


class FileStore(Protocol):
    """Stores files under ids, never under a user's name for them.

    A published file never changes. Whatever a commit of the database relies on is durable before
    the commit: contents by `stage` or when they are written, names by `flush`.

    Attributes:
        is_remote: Whether its methods send requests, so that but for `put_if_absent` and `flush`
            they must not be called within a writing transaction.
    """

    is_remote: bool

    def stage(self, files: Iterable[NewFile]) -> None:
        """Make files durable, before they are published. This takes time.

        Whatever can fail or takes long happens here, so that `put_if_absent` may be called within
        a transaction.

        Raises:
            FileExistsError: There is another file with one of these ids.
        """

    def put_if_absent(self, file_id: str, source: Path) -> None:
        """Publish a finished file atomically, once it has been staged.

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

    def remove_uploads(self, upload_ids: Iterable[str]) -> None:
        """Delete the files of uploads."""

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

    def measure_space(self) -> Space | None:
        """Return how much room there is for files; None if nothing limits it."""

    def list_files(self) -> Iterator[StoredFile]:
        """List all published files, those that the database does not know included."""


class UploadReceiver(Protocol):
    """Stores the uploads that the hub itself receives.

    Attributes:
        assembles: Whether `assemble` takes time, so that it must not be called within a
            transaction.
    """

    assembles: bool

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

    def assemble(self, upload_id: str, parts: Sequence[Received]) -> str | None:
        """Put an upload together, all of whose parts have arrived.

        Args:
            upload_id: The upload.
            parts: Its parts, in order.

        Returns:
            The SHA-256 digest of the whole, in hex; None if it is not known yet.

        Raises:
            ProblemError: 409 if it was abandoned meanwhile.
        """

    def publish_upload(self, upload_id: str, file_id: str, sha256: str | None = None) -> None:
        """Publish an upload that was put together, which also stays until `remove_uploads`.

        So nothing is lost if the hub is killed before its database knows of the file.

        Args:
            upload_id: The upload.
            file_id: The id of the file.
            sha256: What `assemble` returned.
        """


class FormTarget(NamedTuple):
    """The URL that receives a form, and the fields that it must have before that of the file."""

    url: str
    fields: Mapping[str, str]


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

    def form(self, origin: str, upload_id: str, *, size: int | None, limit: int) -> FormTarget:
        """Return where a whole upload is to be sent as a form.

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


class DirectUploads(FileLinks, Protocol):
    """The uploads of a service that receives them from clients, past the hub.

    Its methods send requests, so they must not be called within a transaction; `form` and
    `download` send none.
    """

    @property
    def max_form_size(self) -> int:
        """Maximum size of an upload by a form, in bytes."""

    def begin_parts(self, upload_id: str) -> None:
        """Have an upload begun that arrives in parts."""

    def get_parts(self, upload_id: str) -> list[StoredPart] | None:
        """Return the parts of an upload that have arrived, in order; None if it has ended."""

    def finish_parts(self, upload_id: str, sizes: Sequence[int], etags: Sequence[str]) -> str:
        """Publish an upload that arrived in parts. Idempotent.

        Args:
            upload_id: The upload.
            sizes: The size of each part, in bytes.
            etags: The entity tag of each part, as the service answered it to the client.

        Returns:
            The id of the file.

        Raises:
            ProblemError: 409 if a part is missing or another one, or the upload was abandoned.
        """

    def finish_form(self, upload_ids: Iterable[str], file_id: str) -> int | None:
        """Publish the first upload that has arrived as a form.

        Args:
            upload_ids: The uploads.
            file_id: The id of the file.

        Returns:
            Its size in bytes; None if none has arrived.
        """
