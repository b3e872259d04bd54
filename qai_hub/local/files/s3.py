"""A `FileStore` on S3-compatible object storage."""

import base64
import hashlib
import logging
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from qai_hub.local.files.bucket import MEDIA_TYPE, TAKEN_CODES, Bucket, error_code
from qai_hub.local.files.cache import FileCache
from qai_hub.local.files.s3_uploads import S3Uploads
from qai_hub.local.files.store import FilesUnavailableError, NewFile, StoredFile

_log = logging.getLogger(__name__)
_BLOCK = 1 << 20
_PART_SIZE = 64 << 20
# Larger files are sent in parts, so that a broken connection costs one part.
_MAX_WHOLE = 128 << 20
_DIGEST = "sha256"
# Tries of a download that breaks, without a byte in between, and the pause before each, in seconds.
_TRIES = 5
_PAUSE = 0.5
# Also what a write answers whose parts have been put together.
_TAKEN_CODES = TAKEN_CODES | {"NoSuchUpload"}


class S3Store:
    """A `FileStore` whose files are objects, whose keys are their ids below `files/`.

    Files that the hub makes have their digest with them, in the object's metadata.

    Args:
        bucket: The bucket.
        uploads: Its uploads.
        cache: Files that workers of this machine have used.
        inputs: Folder for the inputs of the running attempts of this process.
    """

    is_remote = True

    def __init__(self, bucket: Bucket, uploads: S3Uploads, cache: FileCache, inputs: Path) -> None:
        self._bucket = bucket
        self._uploads = uploads
        self._cache = cache
        self._inputs = inputs

    def check(self) -> None:
        """Check that the bucket is there and may be used.

        Raises:
            FilesUnavailableError: It is not.
        """
        self._bucket.call("list_objects_v2", Prefix=self._key(""), MaxKeys=1)

    def check_writable(self) -> None:
        """Check that objects can be written now, by an empty one that is always the same."""
        self._bucket.call("put_object", Key=self._bucket.key("probe"), Body=b"")

    def measure_space(self) -> None:
        """Return nothing: an object storage has no limit that this hub could learn of."""

    def stage(self, files: Iterable[NewFile]) -> None:
        """Write the objects under their final keys. Until the commit, nobody knows of them."""
        for file in files:
            try:
                self._write(file)
            except (FileNotFoundError, FilesUnavailableError) as error:
                if error_code(error) not in _TAKEN_CODES:
                    raise
                # Also the answer to a second try whose first one has succeeded.
                if self._head(file.id).get("Metadata", {}).get(_DIGEST) != file.sha256:
                    raise FileExistsError(f"there is another file {file.id}") from error

    def put_if_absent(self, file_id: str, source: Path) -> None:
        """Delete the source of a file that `stage` has written."""
        # A transaction that was begun again has done so before.
        source.unlink(missing_ok=True)

    def open_range(self, file_id: str, start: int, end: int) -> Iterator[bytes]:
        """Read the bytes of a published file from `start` up to but excluding `end`, in blocks."""
        tries = 0
        while start < end:
            try:
                with self._bucket.translated_errors():
                    for block in self._read(file_id, f"bytes={start}-{end - 1}"):
                        start, tries = start + len(block), 0
                        yield block
            except FilesUnavailableError as error:
                if error_code(error) in {"InvalidRange", "416"}:
                    return
                tries += 1
                if error_code(error) or tries == _TRIES:
                    raise
                time.sleep(_PAUSE)

    def localize(self, file_id: str, folder: Path) -> Path:
        """Return the path of a copy in the cache, which stays as long as the attempt's folder."""
        # Beside that folder, in which the attempt may write.
        place = self._inputs / folder.name
        self._inputs.mkdir(mode=0o700, exist_ok=True)
        for other in self._inputs.iterdir():
            if not (folder.parent / other.name).exists():
                shutil.rmtree(other, ignore_errors=True)
        place.mkdir(mode=0o700, exist_ok=True)
        path = place / file_id
        self._fetch(file_id, self._head(file_id), path)
        return path

    def has(self, file_id: str) -> bool:
        """Return whether a published file is there."""
        try:
            self._head(file_id)
        except FileNotFoundError:
            return False
        return True

    def digest(self, file_id: str, size: int | None = None) -> str | None:
        """Return the SHA-256 digest of a published file, in hex.

        That of an uploaded file is computed from the copy that a worker is about to read.
        """
        try:
            head = self._head(file_id)
            if size not in (None, head["ContentLength"]):
                return None
            return head.get("Metadata", {}).get(_DIGEST) or self._fetch(file_id, head)
        except FileNotFoundError:
            return None

    def remove(self, file_ids: Iterable[str]) -> None:
        """Delete published files that are no longer needed."""
        with self._best_effort("deleted files"):
            for file_id in file_ids:
                self._bucket.call("delete_object", Key=self._key(file_id))

    def remove_uploads(self, upload_ids: Iterable[str]) -> None:
        """Delete what has arrived of uploads."""
        with self._best_effort("ended uploads"):
            self._uploads.remove(upload_ids)

    def flush(self) -> None:
        """Do nothing: an object that was written is durable."""

    def list_files(self) -> Iterator[StoredFile]:
        """List all published files."""
        prefix, more = self._key(""), dict[str, str]()
        while True:
            page = self._bucket.call("list_objects_v2", Prefix=prefix, **more)
            for found in page.get("Contents", ()):
                file_id = found["Key"].removeprefix(prefix)
                yield StoredFile(file_id, found["Size"], found["LastModified"])
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    @contextmanager
    def _best_effort(self, what: str) -> Iterator[None]:
        """Leave what cannot be deleted: the database no longer knows of it."""
        try:
            yield
        except FilesUnavailableError as error:
            _log.warning("%s stay in the storage: %s", what, error)

    def _key(self, file_id: str) -> str:
        return self._bucket.key("files", file_id)

    def _head(self, file_id: str) -> dict[str, Any]:
        return self._bucket.call("head_object", Key=self._key(file_id))

    def _read(self, file_id: str, byte_range: str) -> Iterator[bytes]:
        answer = self._bucket.call("get_object", Key=self._key(file_id), Range=byte_range)
        with closing(answer["Body"]) as body:
            while block := body.read(_BLOCK):
                yield block

    def _fetch(self, file_id: str, head: dict[str, Any], link: Path | None = None) -> str:
        """Have a file in the cache, and return its digest."""
        return self._cache.get(
            file_id,
            lambda: self.open_range(file_id, 0, head["ContentLength"]),
            sha256=head.get("Metadata", {}).get(_DIGEST),
            link=link,
        )

    def _write(self, file: NewFile) -> None:
        if file.size > _MAX_WHOLE:
            self._write_parts(file)
            return
        with file.path.open("rb") as content:
            self._bucket.call(
                "put_object",
                **self._attributes(file),
                Body=content,
                ContentLength=file.size,
                ChecksumSHA256=base64.b64encode(bytes.fromhex(file.sha256)).decode("ascii"),
                IfNoneMatch="*",
            )

    def _write_parts(self, file: NewFile) -> None:
        attributes = self._attributes(file)
        upload = self._bucket.call("create_multipart_upload", **attributes)["UploadId"]
        whole = {"Key": attributes["Key"], "UploadId": upload}
        try:
            parts = list[dict[str, Any]]()
            with file.path.open("rb") as content:
                while block := content.read(_PART_SIZE):
                    checksum = hashlib.md5(block, usedforsecurity=False).digest()
                    number = len(parts) + 1
                    answer = self._bucket.call(
                        "upload_part",
                        **whole,
                        PartNumber=number,
                        Body=block,
                        ContentMD5=base64.b64encode(checksum).decode("ascii"),
                    )
                    parts.append({"PartNumber": number, "ETag": answer["ETag"]})
            self._bucket.call(
                "complete_multipart_upload",
                **whole,
                MultipartUpload={"Parts": parts},
                IfNoneMatch="*",
            )
        except BaseException:
            with suppress(OSError):
                self._bucket.call("abort_multipart_upload", **whole)
            raise

    def _attributes(self, file: NewFile) -> dict[str, Any]:
        return {
            "Key": self._key(file.id),
            "ContentType": MEDIA_TYPE,
            "Metadata": {_DIGEST: file.sha256},
        }
