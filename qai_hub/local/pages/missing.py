"""What browsers are shown at paths where there is nothing."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from qai_hub.local.errors import ProblemError
from qai_hub.local.pages.endpoint import PageEndpoint
from qai_hub.local.pages.site import Page, Site

_API = "/api/"


class MissingPage:
    """A page for people who look at such a path, as an ASGI application; programs get a problem.

    Args:
        site: The site that it belongs to.
        problem: What responds to programs.
    """

    def __init__(self, site: Site, problem: ASGIApp) -> None:
        self._page = PageEndpoint(site, _show)
        self._problem = problem

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        is_page = scope["type"] == "http" and _is_of_browser(Request(scope))
        await (self._page if is_page else self._problem)(scope, receive, send)


def _is_of_browser(request: Request) -> bool:
    reads = request.method in ("GET", "HEAD") and not request.url.path.startswith(_API)
    return reads and "text/html" in request.headers.get("accept", "")


def _show(page: Page) -> Response:
    slash = "" if page.request.url.path.endswith("/") else ": those of pages end with a slash"
    raise ProblemError(404, f"There is no page at this address{slash}.")
