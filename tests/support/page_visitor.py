"""A person who looks at the pages of a hub, by HTTP and without scripts."""

import re
import time
from html import unescape
from urllib.parse import urlencode

import httpx

from qai_hub.local import LocalHub

_BEING_READ = "data-refresh"
_LONGEST = 60.0


class Visitor:
    """One person's browser, known by their token."""

    def __init__(self, hub: LocalHub, email: str) -> None:
        self.http = httpx.Client(
            base_url=hub.url,
            headers={"Authorization": f"token {hub.token(email)}", "Origin": hub.url},
            timeout=30,
        )

    def close(self) -> None:
        self.http.close()

    def html(self, path: str, status: int = 200) -> str:
        """Return a page, once no file that it shows is being read."""
        deadline = time.monotonic() + _LONGEST
        while True:
            response = self.http.get(path)
            assert response.status_code == status, response.text
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
            assert not re.search(r"<[a-z]+ [^>]*(style|onclick|onload)=", response.text)
            if _BEING_READ not in response.text:
                return response.text
            assert time.monotonic() < deadline, "the file is still being read"
            time.sleep(0.02)

    def text(self, path: str, status: int = 200) -> str:
        """Return the words of a page."""
        return words(self.html(path, status))

    def send(self, path: str, **fields: str) -> httpx.Response:
        """Send a form."""
        # A browser names the type of a form without fields, too.
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.http.post(path, content=urlencode(fields), headers=headers)


def words(html: str) -> str:
    """Return the words of a page without tags, a blank apart, and with signs of ASCII."""
    text = unescape(re.sub(r"<[^>]*>", " ", html))
    text = text.replace("\N{MULTIPLICATION SIGN}", "x").replace("\N{EN DASH}", "-")
    return " ".join(text.split())
