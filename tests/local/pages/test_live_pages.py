"""The streams that tell open pages of changes: how many of them a person may have."""

from contextlib import ExitStack

import httpx
from support.page_browser import PageBrowser
from support.polling import wait_until

from qai_hub.local import LocalHub


def open_streams(browser: PageBrowser, streams: ExitStack) -> httpx.Response:
    """Open streams until one is refused, and return the refusal."""
    for _ in range(100):
        response = streams.enter_context(browser.http.stream("GET", "/live/"))
        if response.status_code != 200:
            response.read()
            return response
    raise AssertionError("nothing was refused")


def test_nobody_takes_all_streams(
    hub: LocalHub, browser: PageBrowser, other_browser: PageBrowser
) -> None:
    with ExitStack() as streams:
        refused = open_streams(browser, streams)
        assert refused.status_code == 429
        assert "Too many of your pages" in refused.text
        assert refused.headers["Retry-After"] == "30"
        # Of another browser of hers as well.
        again = PageBrowser(hub, "ada@example.com")
        assert again.http.get("/live/").status_code == 429
        again.close()
        with other_browser.http.stream("GET", "/live/") as stream:
            assert stream.status_code == 200
            assert next(stream.iter_lines()) == "retry: 3000"

    def is_open() -> bool:
        with browser.http.stream("GET", "/live/") as stream:
            return stream.status_code == 200

    wait_until(is_open, "closed pages are still counted")
