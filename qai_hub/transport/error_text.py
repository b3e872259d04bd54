"""The reason for a failure, taken from an error response in any format, as one line of text.

The line has a bounded length, contains no control sequences for terminals, and contains no token
and no query of a URL, because servers may repeat what was sent to them.
"""

import contextlib
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from html.parser import HTMLParser
from http import HTTPStatus

from qai_hub.display.text import for_logs
from qai_hub.errors import hide_secrets, redact_url

__all__ = [
    "extract_reason",
    "is_markup",
    "iter_reason_texts",
    "page_title",
    "parse_json",
    "sanitize",
]


# Characters to parse: pages state the reason early, and a hostile one must not take long.
_MAX_MARKUP = 20_000
_MARKUP = re.compile(r"\s*<[!?A-Za-z]")
_XML = re.compile(r"\s*<(?:\?xml|error|fault)\b", re.IGNORECASE)
_HTML_TAGS = frozenset({"title", "h1", "h2", "h3", "p"})
# Other elements of XML errors may repeat what was sent, including secrets.
_XML_TAGS = frozenset({"message", "detail", "reason", "description", "title", "faultstring"})


def is_markup(text: str) -> bool:
    """Returns whether a text is HTML or XML, rather than plain text with a `<` in it."""
    return _MARKUP.match(text) is not None


def iter_reason_texts(kind: str, markup: str) -> Iterator[str]:
    """Finds the texts in HTML or XML that may state a reason.

    Args:
        kind: Content type of the text.
        markup: HTML or XML.

    Yields:
        Each title, heading and paragraph of HTML; the text of each XML element that is named as a
        text for people, such as `message`.
    """
    is_xml = ("xml" in kind and "xhtml" not in kind) or _XML.match(markup) is not None
    reader = _TextCollector(_XML_TAGS if is_xml else _HTML_TAGS)
    # The parser raises this for malformed declarations.
    with contextlib.suppress(AssertionError):
        reader.feed(markup[:_MAX_MARKUP])
    yield from filter(None, map(str.strip, reader.texts))


class _TextCollector(HTMLParser):
    """Collects the texts of some elements, including those of the elements inside them."""

    def __init__(self, names: frozenset[str]) -> None:
        super().__init__()
        self._names = names
        self._within: str | None = None
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        name = tag.rpartition(":")[2]
        if name in self._names:
            self.texts.append("")
            self._within = name

    def handle_endtag(self, tag: str) -> None:
        if tag.rpartition(":")[2] == self._within:
            self._within = None

    def handle_data(self, data: str) -> None:
        if self._within:
            self.texts[-1] += data


MAX_LENGTH = 2000

_MAX_BODY_SIZE = 1_000_000
_MAX_RAW_LENGTH = 8 * MAX_LENGTH
_MAX_DEPTH = 5
_MAX_PARTS = 5
# Names that services use for the reason, the most specific first.
_REASON_KEYS = ("detail", "message", "msg", "error_description", "error", "errors", "title")
# Fields with details beside a reason that is too general.
_DETAIL_KEYS = ("errors", "details")
# Fields that are of no use to people if they are a plain string.
_MACHINE_KEYS = frozenset(
    {"type", "status", "code", "instance", "request_id", "requestId", "timestamp", "path", "method"}
    | {"url", "statusCode"}
)
# Fields that repeat the request, which must not be shown.
_REQUEST_KEYS = frozenset({"input", "ctx", "loc"})
_PHRASES = frozenset(status.phrase.lower() for status in HTTPStatus) | {"", "error"}
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)", re.DOTALL)
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s\"'<>]+")
_QUERY = re.compile(r"\?[^\s=?\"'<>]*=[^\s\"'<>]*")
_AUTHORIZATION = re.compile(r"\b(token|bearer|basic)\s+[^\s\"'<>,;]{8,}", re.IGNORECASE)
_TITLES = re.compile(r"<(title|h[1-3])(?:\s[^<>]*)?>([^<]{1,1000})<", re.IGNORECASE)


def extract_reason(kind: str, content: bytes, secrets: Iterable[str] = ()) -> str:
    """Finds the reason in the body of a response.

    Args:
        kind: Content type of the response.
        content: The body.
        secrets: Texts that must not be shown.

    Returns:
        The reason; empty if the body contains none that can be shown.
    """
    if len(content) > _MAX_BODY_SIZE:
        return ""
    value = parse_json(content)
    if value is not None:
        return sanitize(_flatten(value), secrets)
    text = _decode(kind, content)
    if is_markup(text):
        return sanitize(_most_specific(iter_reason_texts(kind.lower(), text)), secrets)
    is_text = "json" not in kind or not text.lstrip().startswith(("{", "["))
    return sanitize(text, secrets) if is_text and _is_prose(text) else ""


def parse_json(content: bytes) -> object:
    """Parses a body as JSON; returns None if it is not JSON, or is null."""
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(content)
    return None


def page_title(text: str) -> str:
    """Returns the title of an HTML page, or its first heading; empty if it has neither."""
    found = _TITLES.search(text)
    return html.unescape(found[2]) if found else ""


def sanitize(text: str, secrets: Iterable[str] = ()) -> str:
    """Converts a text to one line of bounded length, without control sequences and secrets.

    Args:
        text: The text.
        secrets: Texts that must not be shown.

    Returns:
        The line.
    """
    hidden = list(secrets)
    text = hide_secrets(text, hidden)
    text = _ESCAPES.sub(" ", text[:_MAX_RAW_LENGTH])
    text = _ADDRESS.sub(lambda found: redact_url(found[0]), text)
    text = _AUTHORIZATION.sub(r"\1 ***", _QUERY.sub("", text))
    line = " ".join(text.split())
    # A removed sequence may have split a secret in two.
    line = hide_secrets("".join(sign for sign in line if sign.isprintable()), hidden)
    return for_logs(line)[:MAX_LENGTH].strip()


def _most_specific(texts: Iterable[str]) -> str:
    """Returns the first text that adds to the status, or else the first one."""
    first = ""
    for text in texts:
        if not _repeats_status(text):
            return text
        first = first or text
    return first


def _repeats_status(text: str) -> bool:
    """Returns whether a text only repeats the status: `400 Bad Request`, `Bad Request (400)`."""
    words = re.sub(r"[^A-Za-z'-]+", " ", text[:200]).strip().lower()
    return words.removeprefix("error ").removesuffix(" error") in _PHRASES or words in _PHRASES


def _flatten(value: object, depth: int = 0) -> str:
    """Returns the reason in JSON: a string, or those of a list or object, with field names."""
    if isinstance(value, str):
        return value
    if depth >= _MAX_DEPTH:
        return ""
    if isinstance(value, list):
        return "; ".join(_first_texts(_flatten(item, depth + 1) for item in value))
    if isinstance(value, Mapping):
        reason = _most_specific(_reasons(value, depth))
        if reason:
            return f"{where}: {reason}" if (where := _location(value.get("loc"))) else reason
    return ""


def _reasons(value: Mapping[object, object], depth: int) -> Iterator[str]:
    """Yields candidates from an object: fields named as reasons with details, then the rest."""
    further = [reason for key in _DETAIL_KEYS if (reason := _flatten(value.get(key), depth + 1))]
    for key in _REASON_KEYS:
        reason = _flatten(value.get(key), depth + 1)
        if reason and further and isinstance(value[key], str):
            yield f"{reason} ({further[0]})" if not _repeats_status(reason) else further[0]
        elif reason:
            yield reason
    fields = ((key, value[key]) for key in value if key not in _REASON_KEYS)
    reasons = (
        (key, _flatten(inner, depth + 1)) for key, inner in fields if _is_reason_field(key, inner)
    )
    yield "; ".join(
        _first_texts(_with_field_name(key, reason) for key, reason in reasons if reason)
    )


def _is_reason_field(key: object, value: object) -> bool:
    return key not in _REQUEST_KEYS and not (key in _MACHINE_KEYS and isinstance(value, str))


def _with_field_name(key: object, reason: str) -> str:
    return reason if key == "non_field_errors" else f"{key}: {reason}"


def _location(loc: object) -> str:
    """Returns the location of a fault in a request, in the form that FastAPI uses."""
    return ".".join(str(part)[:50] for part in loc[:6]) if isinstance(loc, list) else ""


def _first_texts(texts: Iterable[str]) -> Iterator[str]:
    given = 0
    for text in texts:
        if text:
            yield text
            given += 1
        if given == _MAX_PARTS:
            return


def _decode(kind: str, content: bytes) -> str:
    charset = re.search(r"charset=\"?([A-Za-z0-9_.:-]{1,40})", kind)
    for name in (charset[1] if charset else "utf-8", "utf-8"):
        with contextlib.suppress(LookupError, ValueError):
            return content.decode(name)
    return content.decode("utf-8", "replace")


def _is_prose(text: str) -> bool:
    """Returns whether a text is meant for people, judged by its share of unprintable characters."""
    text = _ESCAPES.sub("", text[:_MAX_RAW_LENGTH])
    odd = sum(not (sign.isprintable() or sign.isspace()) or sign == "\ufffd" for sign in text)
    return odd * 8 <= len(text)
