"""Programs of others in frames of their own, which draw what a page around them hands over.

A program and what it draws, either of which may be hostile, are in a frame with an origin of its
own: it has no cookies, reads nothing of this hub but the program's files, and reaches no other
host.
"""

from collections.abc import Callable
from pathlib import PurePath
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from qai_hub.local.errors import ProblemError

_TYPES: Final = {
    ".css": "text/css",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".woff2": "font/woff2",
}
_POLICY: Final = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'self'{}; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self' blob:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)


class FrameFiles:
    """Serves the page of a frame and the files that it loads, as an ASGI application.

    Args:
        read_page: Returns the page; None if there is none.
        read_file: Returns the content of a file that the frame may have, by its name; None if there
            is none.
        has_wasm: Whether the program has parts in WebAssembly.
    """

    def __init__(
        self,
        read_page: Callable[[], str | None],
        read_file: Callable[[str], bytes | None],
        *,
        has_wasm: bool = False,
    ) -> None:
        self._read_page = read_page
        self._read_file = read_file
        self._policy = _POLICY.format(" 'wasm-unsafe-eval'" if has_wasm else "")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one file."""
        request = Request(scope)
        if scope["method"] not in ("GET", "HEAD"):
            raise ProblemError(405, "This file only supports GET.", headers={"Allow": "GET, HEAD"})
        name = request.path_params["name"]
        response = self._send_file(name) if name else self._send_page()
        await response(scope, receive, send)

    def _send_page(self) -> Response:
        page = self._read_page()
        if page is None:
            raise ProblemError(404, "There is no such file.")
        headers = {"Content-Security-Policy": self._policy, "Cache-Control": "no-cache"}
        return HTMLResponse(page, headers=headers)

    def _send_file(self, name: str) -> Response:
        media_type = _TYPES.get(PurePath(name).suffix)
        content = self._read_file(name) if media_type else None
        if content is None:
            raise ProblemError(404, "There is no such file.")
        headers = {
            "Cache-Control": "no-cache",
            # The frame is of no origin, so that its requests count as those of another site.
            "Access-Control-Allow-Origin": "*",
        }
        return Response(content, headers=headers, media_type=media_type)
