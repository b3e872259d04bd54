"""A file that is put together from what streams bring, and its checksum."""

import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import BinaryIO

from qai_hub.http_library import httpx
from qai_hub.transfer.byte_ranges import ByteRanges, Claims
from qai_hub.transfer.checksums import checksum_from_headers, checksum_from_hex, checksum_from_text
from qai_hub.transfer.partial_file import Origin, PartialFile

__all__ = ["MAX_STREAMS", "Assembly"]

MAX_STREAMS = 4
"""Streams that fetch a large file at the same time."""

_LARGE = 64 << 20
_PIECE = 16 << 20
_BLOCK = 1 << 20
_MAX_HASHED_AT_ONCE = 4 << 20


class Assembly:
    """The file so far, and what is known of the whole.

    The checksum follows the bytes that are there without a gap. Any stream that has brought bytes
    computes a little of it, so that it is nearly done when the last byte arrives.

    Args:
        part: The partial file, perhaps with bytes that an earlier process has fetched.
        resource: Digest of the path of the file's URL.
        sha256: SHA-256 that the file must have, in hex; None to use what the file server reports.
        may_split: Whether several streams may fetch the file.

    Attributes:
        tag: Strong entity tag; empty if there is none.
        total: Size of the whole file; None if it is not known.
        checksum: The checksum of the whole file; None if it is not known.
        claims: Distributes what is missing; None if the file could not be resumed.
        is_parallel: Whether several streams can fetch the file.
        is_helped: Whether the server serves another stream than the first.
        on_progress: Called with the number of bytes that arrived, or are to be fetched again.
    """

    def __init__(
        self, part: PartialFile, resource: str, sha256: str | None, *, may_split: bool
    ) -> None:
        self._part = part
        self._resource = resource
        self._sha256 = sha256
        self._may_split = may_split
        self._lock = threading.Lock()
        self._hashed = 0
        self.is_helped = False
        self.on_progress: Callable[[int], object] = lambda count: None
        if not self._go_on():
            self.begin(httpx.Headers())

    @property
    def generation(self) -> int:
        """What a stream names that writes to the file as it is now."""
        return self._part.generation

    @property
    def there(self) -> ByteRanges:
        """The bytes that are there."""
        return self._part.there

    @property
    def is_complete(self) -> bool:
        """Whether no byte is missing of a file of known size."""
        return self.total is not None and self._part.there.count >= self.total

    def begin(self, headers: httpx.Headers) -> None:
        """Drops all bytes.

        Args:
            headers: Headers of the response that brings the whole file; empty if there is none.
        """
        tag = headers.get("ETag", "")
        length = headers.get("Content-Length", "")
        self.tag = tag if tag.startswith('"') else ""
        self.total = int(length) if re.fullmatch(r"\d{1,18}", length, re.ASCII) else None
        self.checksum = checksum_from_hex(self._sha256) or checksum_from_headers(headers)
        can_resume = bool(self.tag and self.total)
        self.is_parallel = (
            can_resume
            and self._is_large()
            and headers.get("Accept-Ranges", "").strip().lower() == "bytes"
        )
        told = None if self.checksum is None else str(self.checksum)
        origin = Origin(self._resource, self.tag, self.total or 0, told) if can_resume else None
        self.on_progress(-self.there.count)
        with self._lock:
            self._part.begin(origin)
            self._hashed = 0
        self._distribute()

    def write(self, block: bytes, offset: int, generation: int) -> None:
        """Adds bytes.

        Raises:
            StoppedError: If the file has begun anew since, or is closed.
            OSError: If the file cannot be written.
        """
        self.on_progress(self._part.write(block, offset, generation))
        if self.checksum is None or not self._lock.acquire(blocking=False):
            return
        try:
            if generation != self.generation:
                return
            if offset == self._hashed:
                self.checksum.update(block)
                self._hashed += len(block)
            else:
                self._follow(self._hashed + _MAX_HASHED_AT_ONCE)
        finally:
            self._lock.release()

    def is_undamaged(self) -> bool:
        """Returns whether the complete file has its checksum, if that is known."""
        if self.checksum is None:
            return True
        with self._lock:
            self._follow(self.there.prefix)
            return self.checksum.matches()

    @contextlib.contextmanager
    def reading(self) -> Iterator[BinaryIO]:
        """Opens the file for reading."""
        with self._part.path.open("rb") as file:
            yield file

    def _go_on(self) -> bool:
        """Takes up what an earlier process has left, if it is a part of this file."""
        origin = self._part.origin
        if origin is None or origin.resource != self._resource:
            return False
        self.checksum = checksum_from_hex(self._sha256) or checksum_from_text(origin.checksum or "")
        told = None if self.checksum is None else str(self.checksum)
        if origin.checksum not in {None, told}:
            return False
        self._part.origin = replace(origin, checksum=told)
        self.tag, self.total = origin.tag, origin.size
        if self.is_complete:
            # A request for the last byte tells whether the server still has the same file.
            self._part.there = ByteRanges([(0, self.total - 1)])
        self.is_parallel = self._is_large()
        self._distribute()
        return True

    def _is_large(self) -> bool:
        return self._may_split and (self.total or 0) >= _LARGE

    def _distribute(self) -> None:
        self.claims = None
        if self.tag and self.total:
            self.claims = Claims(self.total, _PIECE if self.is_parallel else self.total)

    def _follow(self, limit: int) -> None:
        """Computes the checksum of bytes that are there without a gap."""
        end = min(limit, self.there.prefix)
        while self.checksum is not None and self._hashed < end:
            size = min(_BLOCK, end - self._hashed)
            block = self._part.read(self._hashed, size, self.generation)
            self.checksum.update(block)
            self._hashed += len(block)
