"""Netron's files, if it is installed: it draws the graphs of models.

Netron and the model, either of which may be hostile, are in a frame with an origin of its own: it
has no cookies, reads nothing of this hub but Netron's files, and reaches no other host. The page
around it gets the model and hands it over.
"""

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from qai_hub.local.errors import ProblemError

_NAME: Final = re.compile(r"[A-Za-z0-9_-]+\.(?:css|html|ico|js|json|png)")
_TYPES: Final = {
    ".css": "text/css",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
}
_POLICY: Final = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'self'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
# Netron has no such file.
_OWN_SCRIPT: Final = "graph-frame.js"
_PROGRAM: Final = '<script type="text/javascript" src="index.js"></script>'


class Netron:
    """Serves Netron's files to a frame, as an ASGI application."""

    def __init__(self) -> None:
        found = find_spec("netron")
        places = found.submodule_search_locations if found else None
        self._folder = Path(places[0]) if places else None
        self._own_script = files("qai_hub.local.pages") / "static" / _OWN_SCRIPT

    @property
    def is_installed(self) -> bool:
        """Whether there is something to serve."""
        return self._folder is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one file."""
        request = Request(scope)
        if scope["method"] not in ("GET", "HEAD"):
            raise ProblemError(405, "This file only supports GET.", headers={"Allow": "GET, HEAD"})
        response = self._respond(request.path_params["name"])
        await response(scope, receive, send)

    def _respond(self, name: str) -> Response:
        suffix = Path(name or "index.html").suffix
        path = self._find(name or "index.html")
        if path is None or not path.is_file():
            raise ProblemError(404, "There is no such file.")
        if name:
            headers = {
                "Cache-Control": "no-cache",
                # The frame is of no origin, so that its requests count as those of another site.
                "Access-Control-Allow-Origin": "*",
            }
            return Response(path.read_bytes(), headers=headers, media_type=_TYPES[suffix])
        page = path.read_text(encoding="utf-8")
        page = page.replace(_PROGRAM, f'<script type="module" src="{_OWN_SCRIPT}"></script>', 1)
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
        return HTMLResponse(page, headers=headers)

    def _find(self, name: str) -> Traversable | None:
        """Return a file that the frame may have; None if there is none."""
        if self._folder is None or not _NAME.fullmatch(name):
            return None
        return self._own_script if name == _OWN_SCRIPT else self._folder / name
