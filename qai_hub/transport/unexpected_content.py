"""Detection of responses that are not the requested file.

Captive portals, proxies and failing servers may send a web page or an error text instead.
"""

import codecs
import json
import re
from pathlib import PurePosixPath

from qai_hub.http_library import httpx

__all__ = ["PORTAL_HINT", "is_page", "media_type", "unexpected_content", "unexpected_media_type"]

PORTAL_HINT = "A portal or proxy on the way may ask for a login"
"""Explanation in error messages of where an unexpected response may come from."""

_PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_OTHER_TYPES = {"multipart/byteranges": "parts of a file", "application/problem+json": "an error"}
# Files with these suffixes are never text.
_BINARY_SUFFIXES = frozenset(
    {
        *(".onnx", ".tflite", ".dlc", ".bin", ".pt", ".pth", ".pt2", ".mlmodel", ".so", ".data"),
        *(".h5", ".hdf5", ".npy", ".npz", ".zip", ".gz", ".tar", ".pb", ".ctx", ".serialized"),
    }
)
_PAGE_SUFFIXES = frozenset({".html", ".htm", ".xhtml"})
_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE)
_TEXT_TYPES = re.compile(r"text/.*|.*[/+](?:json|xml)", re.ASCII)
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]")
_ERROR = re.compile(rb"\s*(?:<\?xml[^>]{0,200}\?>\s*)?<Error[\s>]")


def is_page(beginning: bytes) -> bool:
    """Returns whether a body is a web page, whatever its declared media type."""
    return _PAGE.match(beginning) is not None


def unexpected_media_type(headers: httpx.Headers) -> str | None:
    """Describes a response whose media type shows that it is not a file.

    Args:
        headers: Headers of the response.

    Returns:
        A description for a message, such as `"a web page"`; None if it may be a file.
    """
    media = media_type(headers)
    return "a web page" if media in _PAGE_TYPES else _OTHER_TYPES.get(media)


def unexpected_content(name: str, media: str, beginning: bytes) -> str | None:
    """Describes a body whose first bytes show that it is not the requested file.

    Args:
        name: Name of the file.
        media: The declared media type. Servers may declare any type for files that they do not
            know, so it counts only together with the content.
        beginning: The first bytes; empty if there are none.

    Returns:
        A description for a message, such as `"a web page"`; None if it may be the file.
    """
    suffix = PurePosixPath(name).suffix.lower()
    if is_page(beginning) and suffix not in _PAGE_SUFFIXES:
        return "a web page"
    if suffix not in _BINARY_SUFFIXES:
        return None
    if not beginning:
        return "an empty file"
    if _ERROR.match(beginning):
        return "an error of the store"
    return f"a text ({media or 'without a type'})" if _is_surely_text(media, beginning) else None


def _is_surely_text(media: str, beginning: bytes) -> bool:
    """Returns whether a body is declared to be text and is, or is a JSON object."""
    if not beginning.strip() or _CONTROL.search(beginning):
        return False
    return _is_object(beginning) or bool(_TEXT_TYPES.fullmatch(media) and _is_decodable(beginning))


def _is_object(content: bytes) -> bool:
    try:
        return isinstance(json.loads(content), dict)
    except (RecursionError, ValueError):
        return False


def _is_decodable(beginning: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(beginning)
    except UnicodeDecodeError:
        return False
    return True


def media_type(headers: httpx.Headers) -> str:
    """Returns the media type of a response, in lower case and without parameters."""
    media: str = headers.get("Content-Type", "")
    return media.partition(";")[0].strip().lower()
