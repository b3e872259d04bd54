"""The web pages that clients link to. They show nothing private."""

import json
import re
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from qai_hub._version import __version__
from qai_hub.local.contract import Contract
from qai_hub.local.errors import ProblemError

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body>
<h1>{title}</h1>
<p>{text}</p>
<pre>{code}</pre>
<p>Local hub {version}, by <a href="/openapi.json">this contract</a>.
Not affiliated with Qualcomm.</p>
</body>
</html>
"""
_KEY = re.compile(r"[jm][a-z0-9]{1,31}")


def page_routes(contract: Contract) -> list[Route]:
    """Create the routes of the pages.

    Args:
        contract: The contract, which is served as well.

    Returns:
        Routes for Starlette.
    """
    document = json.dumps(contract.document)
    return [
        Route("/", _ReadOnlyPage(_home)),
        Route("/jobs/{key}/", _ReadOnlyPage(_resource_page("job"))),
        Route("/models/{key}/", _ReadOnlyPage(_resource_page("model"))),
        Route(
            "/openapi.json",
            _ReadOnlyPage(lambda _: Response(document, media_type="application/json")),
        ),
    ]


class _ReadOnlyPage:
    """An ASGI application that only allows GET and HEAD."""

    def __init__(self, render: Callable[[Request], Response]) -> None:
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            raise ProblemError(
                405, "This page only supports GET and HEAD.", headers={"Allow": "GET, HEAD"}
            )
        await self._render(Request(scope))(scope, receive, send)


def _home(_: Request) -> Response:
    return _page(
        "A local hub for AI models",
        "Jobs run on this machine. In Python, with the profile that this hub was started with:",
        'import qai_hub as hub\nclient = hub.Client(profile="local")\nclient.get_devices()',
    )


def _resource_page(kind: str) -> Callable[[Request], Response]:
    def render(request: Request) -> Response:
        key = request.path_params["key"]
        if not _KEY.fullmatch(key) or key[0] != kind[0]:
            raise ProblemError(404, f"{kind.capitalize()} ids look like {kind[0]}ab12cd34.")
        return _page(
            f"{kind.capitalize()} {key}",
            "Only users with access can see its content. In Python:",
            f'client.get_{kind}("{key}")',
        )

    return render


def _page(title: str, text: str, code: str) -> Response:
    html = _PAGE.format(title=title, text=text, code=code, version=__version__)
    return HTMLResponse(html, headers=_HEADERS)
