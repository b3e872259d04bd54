"""What comes in place of a file, from a portal, a proxy or a server in trouble."""

import re
from pathlib import PurePosixPath

import httpx

__all__ = ["is_page", "not_by_content", "not_by_type"]

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


def not_by_type(name: str, headers: httpx.Headers) -> str | None:
    """Tells what an answer brings, if by its type it is surely not the file that was asked for.

    Args:
        name: Name of the file.
        headers: Headers of the answer.

    Returns:
        What it is, for a message; None if it may be the file.
    """
    media = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media in _PAGES:
        return "a web page"
    if media in _NO_FILES:
        return _NO_FILES[media]
    is_text = re.fullmatch(r"(?:application|text)/(?:[\w.-]+\+)?(?:json|xml)", media)
    return f"a text ({media})" if is_text and _is_binary(name) else None


def not_by_content(name: str, beginning: bytes) -> str | None:
    """Tells what came, if by its first bytes it is surely not the file that was asked for.

    Args:
        name: Name of the file.
        beginning: The first bytes; empty if there are none.

    Returns:
        What it is, for a message; None if it may be the file.
    """
    if not _is_binary(name):
        return None
    if not beginning:
        return "an empty file"
    if is_page(beginning):
        return "a web page"
    return "an error of the store" if _ERROR.match(beginning) else None


def _is_binary(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in _BINARY
