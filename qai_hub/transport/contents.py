"""What comes in place of a file, from a portal, a proxy or a server in trouble."""

import re
from pathlib import PurePosixPath

import httpx

__all__ = ["is_page", "media_type", "not_by_content", "not_by_type"]

_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_NO_FILES = {"multipart/byteranges": "parts of a file", "application/problem+json": "an error"}
# Files of these are no text, whatever else a server may keep.
_BINARY = frozenset(
    {
        *(".onnx", ".tflite", ".dlc", ".bin", ".pt", ".pth", ".pt2", ".mlmodel", ".so", ".data"),
        *(".h5", ".hdf5", ".npy", ".npz", ".zip", ".gz", ".tar", ".pb", ".ctx", ".serialized"),
    }
)
_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE)
_ERROR = re.compile(rb"\s*(?:<\?xml[^>]{0,200}\?>\s*)?<Error[\s>]")


def is_page(beginning: bytes) -> bool:
    """Tells whether a body is a web page, whatever its type is said to be."""
    return _PAGE.match(beginning) is not None


def not_by_type(headers: httpx.Headers) -> str | None:
    """Tells what an answer brings, if by its type it is no file at all.

    Args:
        headers: Headers of the answer.

    Returns:
        What it is, for a message; None if it may be a file.
    """
    media = media_type(headers)
    return "a web page" if media in _PAGES else _NO_FILES.get(media)


def not_by_content(name: str, media: str, beginning: bytes) -> str | None:
    """Tells what came, if by its first bytes it is surely not the file that was asked for.

    Args:
        name: Name of the file.
        media: The type that it was said to have. Servers that do not know a type may give any, so
            that it says nothing alone.
        beginning: The first bytes; empty if there are none.

    Returns:
        What it is, for a message; None if it may be the file.
    """
    if PurePosixPath(name).suffix.lower() not in _BINARY:
        return None
    if not beginning:
        return "an empty file"
    if is_page(beginning):
        return "a web page"
    if _ERROR.match(beginning):
        return "an error of the store"
    first = beginning.lstrip()[:1]
    is_text = (first in b"{[" and "json" in media) or (first == b"<" and "xml" in media)
    return f"a text ({media})" if first and is_text else None


def media_type(headers: httpx.Headers) -> str:
    """The type of an answer's body, without its parameters."""
    media: str = headers.get("Content-Type", "")
    return media.partition(";")[0].strip().lower()
