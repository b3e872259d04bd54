"""Checksums of whole files, as servers tell them in headers."""

import base64
import hashlib
import re
import zlib
from typing import Protocol

import httpx

__all__ = ["ExpectedSum", "announced_sum", "expected_sum"]


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


class ExpectedSum:
    """What the bytes of a file must come to.

    Args:
        kind: Name of the checksum.
        expected: Its value.
        actual: What computes it.
    """

    def __init__(self, kind: str, expected: bytes, actual: _Hash) -> None:
        self.kind = kind
        self._expected = expected
        self._actual = actual

    def update(self, block: bytes) -> None:
        """Adds the next bytes of the file."""
        self._actual.update(block)

    def matches(self) -> bool:
        """Whether the bytes so far are the whole file, undamaged."""
        return self._actual.digest() == self._expected


def announced_sum(sha256: str | None) -> ExpectedSum | None:
    """Makes of the SHA-256 of a file, in hex, what its bytes must come to; None if it is none."""
    if sha256 is None or not re.fullmatch(r"[0-9a-f]{64}", sha256, re.ASCII):
        return None
    return ExpectedSum("SHA-256", bytes.fromhex(sha256), hashlib.sha256())


def expected_sum(headers: httpx.Headers) -> ExpectedSum | None:
    """Reads the checksum of a file.

    Args:
        headers: Headers of an answer with the whole file.

    Returns:
        The SHA-256 of RFC 9530 or of S3, or S3's CRC-32; None if the headers tell none of them.
        What S3 tells of an object's parts (`…-3`) is no checksum of the file.
    """
    digests = re.search(
        r"(?:^|[\s,])sha-256=:([A-Za-z0-9+/]{43}=):", headers.get("Repr-Digest", "")
    )
    sha256 = digests[1] if digests else headers.get("x-amz-checksum-sha256", "")
    if re.fullmatch(r"[A-Za-z0-9+/]{43}=", sha256):
        return ExpectedSum("SHA-256", base64.b64decode(sha256), hashlib.sha256())
    crc32 = headers.get("x-amz-checksum-crc32", "")
    if re.fullmatch(r"[A-Za-z0-9+/]{6}==", crc32):
        return ExpectedSum("CRC-32", base64.b64decode(crc32), _Crc32())
    return None
