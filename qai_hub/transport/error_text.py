"""What a server says of a failure, in whatever form, as one line that may be shown.

The line is bounded, it cannot steer a terminal, and it holds no token and no query of an address:
servers tell back what they were sent.
"""

import contextlib
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from html.parser import HTMLParser
from http import HTTPStatus

from qai_hub.errors import without_secrets

__all__ = ["clean", "is_markup", "json_of", "page_title", "reason_in", "texts_in"]


# Pages tell their reason at the beginning, and a hostile one is not to take long.
_LONGEST = 20_000
_BEGINNING = re.compile(r"\s*<[!?A-Za-z]")
_XML = re.compile(r"\s*<(?:\?xml|error|fault)\b", re.IGNORECASE)
_OF_PAGES = frozenset({"title", "h1", "h2", "h3", "p"})
# Other elements of errors in XML may hold what was sent, secrets among it.
_REASON_TAGS = frozenset({"message", "detail", "reason", "description", "title", "faultstring"})


def is_markup(text: str) -> bool:
    """Tells whether a text is one of HTML or XML, rather than one with a `<` in it."""
    return _BEGINNING.match(text) is not None


def texts_in(kind: str, markup: str) -> Iterator[str]:
    """Finds what may be a reason.

    Args:
        kind: Content type of the text.
        markup: A text of HTML or XML.

    Yields:
        Of HTML each title, heading and paragraph; of XML each text that is named as one for people.
    """
    is_xml = ("xml" in kind and "xhtml" not in kind) or _XML.match(markup) is not None
    reader = _Reader(_REASON_TAGS if is_xml else _OF_PAGES)
    # Of a declaration that is none, the parser raises this.
    with contextlib.suppress(AssertionError):
        reader.feed(markup[:_LONGEST])
    yield from filter(None, map(str.strip, reader.named))


class _Reader(HTMLParser):
    """Takes the texts of some elements, with what stands in elements within them."""

    def __init__(self, names: frozenset[str]) -> None:
        super().__init__()
        self._names = names
        self._within: str | None = None
        self.named: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        name = tag.rpartition(":")[2]
        if name in self._names:
            self.named.append("")
            self._within = name

    def handle_endtag(self, tag: str) -> None:
        if tag.rpartition(":")[2] == self._within:
            self._within = None

    def handle_data(self, data: str) -> None:
        if self._within:
            self.named[-1] += data


LONGEST = 2000

_LONGEST_BODY = 1_000_000
_LONGEST_RAW = 8 * LONGEST
_DEEPEST = 5
_MOST_PARTS = 5
# What services call the reason, the most telling first.
_REASON_KEYS = ("detail", "message", "msg", "error_description", "error", "errors", "title")
# What stands beside a reason that says no more than that there is one.
_FURTHER = ("errors", "details")
# What stands beside the reason and tells people nothing, unless it is more than a word.
_OTHERS = frozenset(
    {"type", "status", "code", "instance", "request_id", "requestId", "timestamp", "path", "method"}
    | {"url", "statusCode"}
)
# What was sent, of which nothing is told back.
_SENT = frozenset({"input", "ctx", "loc"})
_PHRASES = frozenset(status.phrase.lower() for status in HTTPStatus) | {"", "error"}
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)", re.DOTALL)
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s\"'<>]+")
_QUERY = re.compile(r"\?[^\s=?\"'<>]*=[^\s\"'<>]*")
_AUTHORIZATION = re.compile(r"\b(token|bearer|basic)\s+[^\s\"'<>,;]{8,}", re.IGNORECASE)
_TITLES = re.compile(r"<(title|h[1-3])(?:\s[^<>]*)?>([^<]{1,1000})<", re.IGNORECASE)


def reason_in(kind: str, content: bytes, secrets: Iterable[str] = ()) -> str:
    """Finds the reason in the body of an answer.

    Args:
        kind: Content type of the answer.
        content: The body.
        secrets: Texts that must not be shown.

    Returns:
        The reason; empty if there is none that can be shown.
    """
    if len(content) > _LONGEST_BODY:
        return ""
    value = json_of(content)
    if value is not None:
        return clean(_flat(value), secrets)
    text = _decoded(kind, content)
    if is_markup(text):
        return clean(_most_telling(texts_in(kind.lower(), text)), secrets)
    is_text = "json" not in kind or not text.lstrip().startswith(("{", "["))
    return clean(text, secrets) if is_text and _is_prose(text) else ""


def json_of(content: bytes) -> object:
    """The JSON of a body; None if it is none, or null."""
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(content)
    return None


def page_title(text: str) -> str:
    """The title of a page in HTML, or its first heading; empty if there is none."""
    found = _TITLES.search(text)
    return html.unescape(found[2]) if found else ""


def clean(text: str, secrets: Iterable[str] = ()) -> str:
    """Makes one bounded line of a text, without what steers terminals and what is secret.

    Args:
        text: The text.
        secrets: Texts that must not be shown.

    Returns:
        The line.
    """
    hidden = [secret for secret in secrets if secret]
    text = _without(text, hidden)
    text = _ESCAPES.sub(" ", text[:_LONGEST_RAW])
    text = _ADDRESS.sub(lambda found: without_secrets(found[0]), text)
    text = _AUTHORIZATION.sub(r"\1 ***", _QUERY.sub("", text))
    line = " ".join(text.split())
    # What was taken out may have stood within a secret.
    line = _without("".join(sign for sign in line if sign.isprintable()), hidden)
    return line[:LONGEST].strip()


def _without(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def _most_telling(texts: Iterable[str]) -> str:
    """The first text that says more than the status does, or else the first one."""
    first = ""
    for text in texts:
        if not _repeats_status(text):
            return text
        first = first or text
    return first


def _repeats_status(text: str) -> bool:
    """Whether a text says no more than the status: `400 Bad Request`, `Bad Request (400)`."""
    words = re.sub(r"[^A-Za-z'-]+", " ", text[:200]).strip().lower()
    return words.removeprefix("error ").removesuffix(" error") in _PHRASES or words in _PHRASES


def _flat(value: object, depth: int = 0) -> str:
    """The reason in JSON: a text, or those of a list or an object, with the names of fields."""
    if isinstance(value, str):
        return value
    if depth >= _DEEPEST:
        return ""
    if isinstance(value, list):
        return "; ".join(_first(_flat(item, depth + 1) for item in value))
    if isinstance(value, Mapping):
        told = _most_telling(_reasons(value, depth))
        if told:
            return f"{where}: {told}" if (where := _place(value.get("loc"))) else told
    return ""


def _reasons(value: Mapping[object, object], depth: int) -> Iterator[str]:
    """What an object tells: what is called a reason, with what goes further, then all else."""
    further = [told for key in _FURTHER if (told := _flat(value.get(key), depth + 1))]
    for key in _REASON_KEYS:
        told = _flat(value.get(key), depth + 1)
        if told and further and isinstance(value[key], str):
            yield f"{told} ({further[0]})" if not _repeats_status(told) else further[0]
        elif told:
            yield told
    fields = ((key, value[key]) for key in value if key not in _REASON_KEYS)
    told_of = ((key, _flat(inner, depth + 1)) for key, inner in fields if _may_tell(key, inner))
    yield "; ".join(_first(_named(key, told) for key, told in told_of if told))


def _may_tell(key: object, value: object) -> bool:
    return key not in _SENT and not (key in _OTHERS and isinstance(value, str))


def _named(key: object, told: str) -> str:
    return told if key == "non_field_errors" else f"{key}: {told}"


def _place(loc: object) -> str:
    """Where in a request a fault is, as FastAPI tells it."""
    return ".".join(str(part)[:50] for part in loc[:6]) if isinstance(loc, list) else ""


def _first(texts: Iterable[str]) -> Iterator[str]:
    given = 0
    for text in texts:
        if text:
            yield text
            given += 1
        if given == _MOST_PARTS:
            return


def _decoded(kind: str, content: bytes) -> str:
    charset = re.search(r"charset=\"?([A-Za-z0-9_.:-]{1,40})", kind)
    for name in (charset[1] if charset else "utf-8", "utf-8"):
        with contextlib.suppress(LookupError, ValueError):
            return content.decode(name)
    return content.decode("utf-8", "replace")


def _is_prose(text: str) -> bool:
    """Whether a text is meant for people: other bodies have signs that are not printed."""
    text = _ESCAPES.sub("", text[:_LONGEST_RAW])
    odd = sum(not (sign.isprintable() or sign.isspace()) or sign == "\ufffd" for sign in text)
    return odd * 8 <= len(text)
