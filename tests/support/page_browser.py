"""A browser without scripts: it follows links, sends forms, and keeps cookies."""

import re
import time
from typing import Any
from urllib.parse import urljoin

import httpx
from support.page_document import Document

from qai_hub.local import LocalHub

_HEADERS = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
_BEING_READ = "data-refresh"
_LONGEST = 60.0


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

    def get(self, path: str, status: int = 200, /, **params: Any) -> Document:
        """Return a page, once no file that it shows is being read."""
        deadline = time.monotonic() + _LONGEST
        while True:
            response = self.http.get(path, params=params or None, follow_redirects=True)
            assert response.status_code == status, response.text
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
            assert not re.search(r"<[a-z]+ [^>]*(style|onclick|onload)=", response.text)
            if _BEING_READ not in response.text:
                return Document(response.text)
            assert time.monotonic() < deadline, "the file is still being read"
            time.sleep(0.02)

    def post(self, path: str, *, origin: str | None = "", **fields: Any) -> httpx.Response:
        """Send a form, as a page at an origin does; "" is the hub's own, None is none."""
        # A browser names the type of a form without fields, too.
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
