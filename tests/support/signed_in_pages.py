"""The pages of a hub, as a person without scripts sees them."""

from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from support.hub_http import Api

from qai_hub.local import LocalHub


class SignedInPages:
    """The pages of one person, who is signed in as a browser is.

    Args:
        hub: The hub.
        email: The person.
    """

    def __init__(self, hub: LocalHub, email: str) -> None:
        self.api = Api(hub, email)
        self.http = httpx.Client(base_url=hub.url, headers={"Origin": hub.url}, timeout=30)
        link = self.api.post("users/auth/browser/")["url"]
        (code,) = parse_qs(urlsplit(link).query)["code"]
        assert self.post("/sign-in/", code=code).status_code == 303

    def close(self) -> None:
        """End both connections."""
        self.http.close()
        self.api.close()

    def post(self, path: str, **fields: Any) -> httpx.Response:
        """Send a form."""
        return self.http.post(path, data=fields)

    def get(self, path: str, status: int = 200, /, **params: Any) -> "ReadPage":
        """Return a page."""
        response = self.http.get(path, params=params or None)
        assert response.status_code == status, response.text
        return ReadPage(response.text)


class ReadPage(HTMLParser):
    """What a page says.

    Attributes:
        text: All of its text, with single blanks.
        links: Where its links lead, by what they say.
        rows: The texts of the cells of each row of its tables.
        tags: Its tags with their attributes.
    """

    def __init__(self, source: str) -> None:
        super().__init__()
        self._parts: list[str] = []
        self._link: tuple[str, int] | None = None
        self._cell: int | None = None
        self.links: dict[str, str] = {}
        self.rows: list[list[str]] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(source)
        self.close()
        self.text = self._since(0)

    def _since(self, start: int) -> str:
        return " ".join("".join(self._parts[start:]).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, attributes))
        if tag == "a" and "href" in attributes:
            self._link = (attributes["href"], len(self._parts))
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self._cell = len(self._parts)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._link is not None:
            self.links[self._since(self._link[1])] = self._link[0]
        elif tag in ("td", "th") and self._cell is not None:
            self.rows[-1].append(self._since(self._cell))
            self._parts.append(" ")

    def handle_data(self, data: str) -> None:
        self._parts.append(data)

    def row(self, label: str) -> list[str]:
        """Return the only row that begins with a text, without that text."""
        (found,) = (row for row in self.rows if row and row[0] == label)
        return found[1:]

    def fields(self) -> dict[str, str]:
        """Return the fields of its forms that have a value."""
        inputs = (attributes for tag, attributes in self.tags if tag == "input")
        return {
            each["name"]: each["value"] for each in inputs if each.get("value") and "name" in each
        }
