"""Uploads to S3-compatible object storage and downloads from it, past the hub, by signed URLs."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from qai_hub.local.errors import ProblemError
from qai_hub.local.files.bucket import MEDIA_TYPE, Bucket
from qai_hub.local.files.store import FormTarget, StoredPart

# The maximum size of an object that is sent, or copied, by one request.
_MAX_FORM_SIZE = 5 << 30
_MAX_LIFETIME = timedelta(days=7)
_MAX_REMEMBERED = 10_000
_MD5 = re.compile(r"[0-9a-f]{32}")


class S3Uploads:
    """The `DirectUploads` of a bucket.

    An upload in parts is a multipart upload of the file that it will be, so the file appears as a
    whole, and late parts find nothing to change. A form is received below `uploads/`, and copied
    within the service, since its URL stays valid for a while.

    Args:
        bucket: The bucket.
        lifetime: How long a signed URL is valid.
    """

    def __init__(self, bucket: Bucket, lifetime: timedelta) -> None:
        self._bucket = bucket
        self._seconds = int(min(lifetime, _MAX_LIFETIME).total_seconds())
        # What the service calls the uploads, so that it need not be asked for each.
        self._multipart_ids: dict[str, str] = {}

    @property
    def max_form_size(self) -> int:
        """Maximum size of an upload by a form, in bytes."""
        return _MAX_FORM_SIZE

    def part(self, origin: str, upload_id: str, number: int, *, size: int, offset: int) -> str:
        """Return the URL that receives one part of an upload."""
        return self._sign(
            "upload_part",
            **self._multipart(upload_id),
            PartNumber=number,
            # Signed, so that no other size is accepted.
            ContentLength=size,
        )

    def form(self, origin: str, upload_id: str, *, size: int | None, limit: int) -> FormTarget:
        """Return where a whole upload is to be sent as a form."""
        with self._bucket.translated_errors():
            post = self._bucket.client.generate_presigned_post(
                self._bucket.name,
                self._form_key(upload_id),
                Conditions=[["content-length-range", size or 0, min(limit, _MAX_FORM_SIZE)]],
                ExpiresIn=self._seconds,
            )
        return FormTarget(post["url"], post["fields"])

    def download(self, origin: str, file_id: str, *, filename: str) -> str:
        """Return the URL of a published file."""
        return self._sign(
            "get_object",
            Key=self._bucket.key("files", file_id),
            ResponseContentDisposition=f'attachment; filename="{filename}"',
            ResponseCacheControl="private, no-transform",
        )

    def begin_parts(self, upload_id: str) -> None:
        """Have an upload begun that arrives in parts."""
        answer = self._bucket.call(
            "create_multipart_upload", Key=self._final_key(upload_id), ContentType=MEDIA_TYPE
        )
        self._remember(upload_id, answer["UploadId"])

    def get_parts(self, upload_id: str) -> list[StoredPart] | None:
        """Return the parts of an upload that have arrived, in order; None if it has ended."""
        try:
            listed = sorted(self._list_parts(upload_id), key=lambda part: part["LastModified"])
        except FileNotFoundError:
            return None
        # Some services list a part that was sent again beside the first one.
        latest = {part["PartNumber"]: part for part in listed}
        return [
            StoredPart(number, part["Size"], part["ETag"], _md5(_bare(part["ETag"])))
            for number, part in sorted(latest.items())
        ]

    def finish_parts(self, upload_id: str, sizes: Sequence[int], etags: Sequence[str]) -> str:
        """Publish an upload that arrived in parts. Idempotent."""
        try:
            parts = self._check_parts(upload_id, sizes, etags)
            self._bucket.call(
                "complete_multipart_upload",
                **self._multipart(upload_id),
                MultipartUpload={"Parts": parts},
            )
        except FileNotFoundError:
            # An earlier request may have finished it, whose answer was lost.
            if self._size(self._final_key(upload_id)) != sum(sizes):
                raise ProblemError(409, "This upload was abandoned: start another.") from None
        return _final_id(upload_id)

    def finish_form(self, upload_ids: Iterable[str], file_id: str) -> int | None:
        """Publish the first upload that has arrived as a form."""
        for upload_id in upload_ids:
            key = self._form_key(upload_id)
            size = self._size(key)
            if size is not None:
                self._bucket.call(
                    "copy_object",
                    Key=self._bucket.key("files", file_id),
                    CopySource={"Bucket": self._bucket.name, "Key": key},
                    ContentType=MEDIA_TYPE,
                    MetadataDirective="REPLACE",
                )
                return self._size(self._bucket.key("files", file_id))
        return None

    def remove(self, upload_ids: Iterable[str]) -> None:
        """Delete what has arrived of uploads."""
        for upload_id in upload_ids:
            with suppress(FileNotFoundError):
                self._bucket.call("abort_multipart_upload", **self._multipart(upload_id))
            self._multipart_ids.pop(upload_id, None)
            self._bucket.call("delete_object", Key=self._form_key(upload_id))

    def _sign(self, operation: str, **parameters: Any) -> str:  # noqa: ANN401 - of any type
        with self._bucket.translated_errors():
            return str(
                self._bucket.client.generate_presigned_url(
                    operation, {"Bucket": self._bucket.name, **parameters}, self._seconds
                )
            )

    def _check_parts(
        self, upload_id: str, sizes: Sequence[int], etags: Sequence[str]
    ) -> list[dict[str, Any]]:
        """Return the parts that have arrived, if they are those that the caller sent."""
        # Some services list a part that was sent again beside the first one.
        arrived = dict[int, dict[str, int]]()
        for part in self._list_parts(upload_id):
            arrived.setdefault(part["PartNumber"], {})[_bare(part["ETag"])] = part["Size"]
        for number, size in enumerate(sizes, 1):
            if size not in arrived.get(number, {}).values():
                raise ProblemError(409, f"Part {number} of {len(sizes)} has not been uploaded.")
        tags = list(map(_bare, etags))
        found = [arrived.get(number, {}).get(tag) for number, tag in enumerate(tags, 1)]
        if found != list(sizes):
            raise ProblemError(
                409, "The etags are not those of the responses to the parts, in order."
            )
        return [{"PartNumber": number, "ETag": f'"{tag}"'} for number, tag in enumerate(tags, 1)]

    def _list_parts(self, upload_id: str) -> Iterator[dict[str, Any]]:
        more = dict[str, int]()
        while True:
            page = self._bucket.call("list_parts", **self._multipart(upload_id), **more)
            yield from page.get("Parts", ())
            if not page.get("IsTruncated"):
                return
            more = {"PartNumberMarker": page["NextPartNumberMarker"]}

    def _multipart(self, upload_id: str) -> dict[str, str]:
        """Return the parameters that name a multipart upload."""
        key, multipart_id = self._final_key(upload_id), self._multipart_ids.get(upload_id)
        if multipart_id is None:
            # Another process has begun it, or this one before it was started again.
            found = self._bucket.call("list_multipart_uploads", Prefix=key).get("Uploads", ())
            multipart_id = next((each["UploadId"] for each in found if each["Key"] == key), None)
            if multipart_id is None:
                raise FileNotFoundError(f"there is no upload {upload_id}")
            self._remember(upload_id, multipart_id)
        return {"Key": key, "UploadId": multipart_id}

    def _remember(self, upload_id: str, multipart_id: str) -> None:
        if len(self._multipart_ids) >= _MAX_REMEMBERED:
            self._multipart_ids.clear()
        self._multipart_ids[upload_id] = multipart_id

    def _size(self, key: str) -> int | None:
        """Return the size of an object in bytes; None if it does not exist."""
        try:
            size: int = self._bucket.call("head_object", Key=key)["ContentLength"]
        except FileNotFoundError:
            return None
        return size

    def _form_key(self, upload_id: str) -> str:
        return self._bucket.key("uploads", upload_id)

    def _final_key(self, upload_id: str) -> str:
        return self._bucket.key("files", _final_id(upload_id))


def _final_id(upload_id: str) -> str:
    """Return the id of the file that an upload in parts becomes."""
    return "f" + upload_id.removeprefix("u")


def _md5(tag: str) -> str | None:
    """Return an entity tag that may be an MD5 digest, as it is of a part that is not encrypted."""
    return tag if _MD5.fullmatch(tag) else None


def _bare(etag: str) -> str:
    return etag.strip().strip('"')
