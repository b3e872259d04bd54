"""A browser without scripts: it follows links, sends forms, and keeps cookies."""

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import httpx

from qai_hub.local import LocalHub

_HEADERS = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class PageBrowser:
    """A browser of one person.

    Args:
        hub: The hub.
        email: Who is signed in; None for nobody.
    """

    def __init__(self, hub: LocalHub, email: str | None = None) -> None:
        self.origin = hub.url
        self.http = httpx.Client(base_url=hub.url, timeout=30, headers=_HEADERS)
        if email is not None:
            response = self.sign_in(hub.sign_in_link(email))
            assert response.status_code == 200, response.text

    def close(self) -> None:
        self.http.close()

    def get(self, path: str, **params: Any) -> "Document":
        """Return a page that is there."""
        response = self.http.get(path, params=params or None, follow_redirects=True)
        assert response.status_code == 200, response.text
        return Document(response.text)

    def post(self, path: str, *, origin: str | None = "", **fields: str) -> httpx.Response:
        """Send a form, as a page at an origin does; "" is the hub's own, None is none."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if origin is not None:
            headers["Origin"] = origin or self.origin
        return self.http.post(path, data=fields, headers=headers)

    def sign_in(self, link: str) -> httpx.Response:
        """Follow a link that signs in, and send the form of its page."""
        page = Document(self.http.get(link).raise_for_status().text)
        (form,) = (each for each in page.forms if each["action"] == "/sign-in/")
        answer = self.post("/sign-in/", **form["fields"])
        while answer.is_redirect:
            answer = self.http.get(urljoin(link, answer.headers["Location"]))
        return answer


_VOID = {"br", "hr", "img", "input", "link", "meta"}


class Document(HTMLParser):
    """A page that was parsed. Its tags must match each other.

    Attributes:
        text: All that it says.
        links: Its addresses, with what they say.
        forms: Its forms: their action and their hidden and filled fields.
        tags: Each tag with its attributes.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.links: dict[str, str] = {}
        self.forms: list[dict[str, Any]] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._open: list[str] = []
        self._link: str | None = None
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        assert len(given) == len(attrs), f"an attribute of {tag} is given twice"
        self.tags.append((tag, given))
        if tag not in _VOID and tag != "rect":
            self._open.append(tag)
        if tag == "a" and "href" in given:
            self._link = given["href"]
            self.links.setdefault(self._link, "")
        if tag == "form":
            self.forms.append({"action": given.get("action", ""), "fields": {}})
        if tag == "input" and self.forms and "name" in given:
            self.forms[-1]["fields"][given["name"]] = given.get("value", "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag == "rect":
            return
        assert self._open.pop() == tag
        if tag == "a":
            self._link = None

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._link is not None:
            self.links[self._link] += data
