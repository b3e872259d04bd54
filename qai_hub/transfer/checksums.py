"""Checksums of whole files, read from the headers of responses."""

import base64
import functools
import hashlib
import re
import zlib
from collections.abc import Callable
from typing import Protocol

from qai_hub.http_library import httpx

__all__ = ["ExpectedChecksum", "checksum_from_headers", "checksum_from_hex", "checksum_from_text"]


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


class ExpectedChecksum:
    """The checksum that a file is expected to have, computed as its bytes arrive.

    Args:
        kind: Name of the checksum, such as `"SHA-256"`.
        expected: The expected digest.
        actual: A new hash object of that kind.
    """

    def __init__(self, kind: str, expected: bytes, actual: _Hash) -> None:
        self.kind = kind
        self._expected = expected
        self._actual = actual

    def __str__(self) -> str:
        return f"{self.kind}:{self._expected.hex()}"

    def update(self, block: bytes) -> None:
        """Adds the next bytes of the file."""
        self._actual.update(block)

    def matches(self) -> bool:
        """Returns whether the bytes so far are the whole file, undamaged."""
        return self._actual.digest() == self._expected


def checksum_from_text(text: str) -> ExpectedChecksum | None:
    """Returns a new checksum for the text of another; None if it is not one."""
    kind, _, expected = text.partition(":")
    try:
        return _expect(kind, bytes.fromhex(expected))
    except (KeyError, ValueError):
        return None


def checksum_from_hex(sha256: str | None) -> ExpectedChecksum | None:
    """Returns the expected checksum for a SHA-256 in hex; None if the text is not a SHA-256."""
    if sha256 is None or not re.fullmatch(r"[0-9A-Fa-f]{64}", sha256, re.ASCII):
        return None
    return _expect("SHA-256", bytes.fromhex(sha256))


def checksum_from_headers(headers: httpx.Headers) -> ExpectedChecksum | None:
    """Reads the checksum of a file from the headers of a response.

    Args:
        headers: Headers of a response that contains the whole file.

    Returns:
        The SHA-256 of RFC 9530, RFC 3230 or S3, S3's CRC-32, or the MD5 of RFC 1864 or of Google
        Cloud Storage, in this order of preference; None if the headers contain none of them. S3's
        composite checksums (`…-3`) cover the checksums of an object's parts, not the file, and are
        ignored.
    """
    sha256 = _first_match(
        (r"(?:^|[\s,])sha-256=:([A-Za-z0-9+/]{43}=):", headers.get("Repr-Digest", "")),
        # Requests accept no content encoding, so the content is the file itself.
        (r"(?:^|[\s,])sha-256=:([A-Za-z0-9+/]{43}=):", headers.get("Content-Digest", "")),
        (r"(?:^|[\s,])(?i:sha-256)=([A-Za-z0-9+/]{43}=)(?:$|[\s,])", headers.get("Digest", "")),
        (r"^([A-Za-z0-9+/]{43}=)$", headers.get("x-amz-checksum-sha256", "")),
    )
    if sha256:
        return _expect("SHA-256", sha256)
    crc32 = _first_match((r"^([A-Za-z0-9+/]{6}==)$", headers.get("x-amz-checksum-crc32", "")))
    if crc32:
        return _expect("CRC-32", crc32)
    md5 = _first_match(
        (r"^([A-Za-z0-9+/]{22}==)$", headers.get("Content-MD5", "")),
        (r"(?:^|[\s,])md5=([A-Za-z0-9+/]{22}==)(?:$|[\s,])", headers.get("x-goog-hash", "")),
    )
    return _expect("MD5", md5) if md5 else None


def _expect(kind: str, expected: bytes) -> ExpectedChecksum:
    return ExpectedChecksum(kind, expected, _HASHES[kind]())


_HASHES: dict[str, Callable[[], _Hash]] = {
    "SHA-256": hashlib.sha256,
    "CRC-32": _Crc32,
    "MD5": functools.partial(hashlib.md5, usedforsecurity=False),
}


def _first_match(*patterns: tuple[str, str]) -> bytes | None:
    """Returns the decoded base 64 group of the first expression that matches its text."""
    for expression, text in patterns:
        if found := re.search(expression, text):
            return base64.b64decode(found[1])
    return None
