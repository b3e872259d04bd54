"""What a page says, and where its links and forms lead."""

from html.parser import HTMLParser
from typing import Any

_VOID = {"br", "hr", "img", "input", "link", "meta"}
# For tests, whose own signs are those of keyboards.
_SIGNS = str.maketrans({"\N{MULTIPLICATION SIGN}": "x", "\N{EN DASH}": "-"})


class Document(HTMLParser):
    """A page that was parsed. Its tags must match each other.

    Texts have one blank where there are several, or a tag.

    Attributes:
        source: Its HTML.
        text: All that it says.
        links: Its addresses, with what the first link to each says.
        rows: What the cells of each row of its tables say.
        forms: Its forms: their action and their hidden and filled fields.
        tags: Each tag with its attributes.
    """

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.links: dict[str, str] = {}
        self.rows: list[list[str]] = []
        self.forms: list[dict[str, Any]] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._links: list[tuple[str, str]] = []
        self._parts: list[str] = []
        # Each tag that is open, and the part that it began with.
        self._open: list[tuple[str, int, dict[str, str]]] = []
        self.feed(source)
        self.close()
        assert self._open == []
        self.text = self._since(0)

    def link(self, text: str) -> str:
        """Return where the first link leads that says no more than a text."""
        return next(path for path, said in self._links if said == text)

    def row(self, label: str) -> list[str]:
        """Return the only row that begins with a text, without that text."""
        (found,) = (row for row in self.rows if row and row[0] == label)
        return found[1:]

    def fields(self) -> dict[str, str]:
        """Return the fields of its forms that have a value."""
        fields = (each["fields"].items() for each in self.forms)
        return {name: value for items in fields for name, value in items if value}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        assert len(given) == len(attrs), f"an attribute of {tag} is given twice"
        self.tags.append((tag, given))
        if tag not in _VOID and tag != "rect":
            self._open.append((tag, len(self._parts), given))
        if tag == "tr":
            self.rows.append([])
        elif tag == "form":
            self.forms.append({"action": given.get("action", ""), "fields": {}})
        elif tag == "input" and self.forms and "name" in given:
            self.forms[-1]["fields"][given["name"]] = given.get("value", "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag == "rect":
            return
        opened, start, given = self._open.pop()
        assert opened == tag
        if tag == "a" and "href" in given:
            self._links.append((given["href"], self._since(start)))
            self.links.setdefault(*self._links[-1])
        elif tag in ("td", "th"):
            self.rows[-1].append(self._since(start))

    def handle_data(self, data: str) -> None:
        self._parts.append(data)

    def _since(self, part: int) -> str:
        return " ".join(" ".join(self._parts[part:]).split()).translate(_SIGNS)
