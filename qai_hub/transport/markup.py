"""What a page in HTML, or an error in XML, says to people."""

import contextlib
import re
from collections.abc import Iterator
from html.parser import HTMLParser

__all__ = ["is_markup", "texts_in"]

# Pages tell their reason at the beginning, and a hostile one is not to take long.
_LONGEST = 20_000
_BEGINNING = re.compile(r"\s*<[!?A-Za-z]")
_XML = re.compile(r"\s*<(?:\?xml|error|fault)\b", re.IGNORECASE)
_OF_PAGES = frozenset({"title", "h1", "h2", "h3", "p"})
# Other elements of errors in XML may hold what was sent, secrets among it.
_REASONS = frozenset({"message", "detail", "reason", "description", "title", "faultstring"})


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
    reader = _Reader(_REASONS if is_xml else _OF_PAGES)
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
