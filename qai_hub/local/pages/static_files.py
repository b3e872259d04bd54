"""The files that pages load: the style sheet, scripts and images."""

import hashlib
from importlib import resources
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from qai_hub.local.errors import ProblemError

_TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


class StaticFiles:
    """Serves the files in `static`, as an ASGI application.

    Their URLs change with their content, so that browsers keep them. Scripts import each other by
    their names alone, so all files have the same address but for these.
    """

    def __init__(self) -> None:
        folder = resources.files("qai_hub.local.pages") / "static"
        self._contents = {
            each.name: each.read_bytes()
            for each in folder.iterdir()
            if _suffix(each.name) in _TYPES
        }
        digest = hashlib.sha256()
        for name, content in sorted(self._contents.items()):
            digest.update(f"{name} {len(content)} ".encode() + content)
        folder_url = f"/static/{digest.hexdigest()[:12]}"
        self._urls = {name: f"{folder_url}/{name}" for name in self._contents}

    def url(self, name: str) -> str:
        """Return the URL of a file."""
        return self._urls[name]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one file."""
        request = Request(scope)
        name = request.path_params["name"]
        if scope["method"] not in ("GET", "HEAD"):
            raise ProblemError(405, "This file only supports GET.", headers={"Allow": "GET, HEAD"})
        if self._urls.get(name) != request.url.path:
            raise ProblemError(404, "There is no such file.")
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        response = Response(self._contents[name], headers=headers, media_type=_TYPES[_suffix(name)])
        await response(scope, receive, send)


def _suffix(name: str) -> str:
    return name[name.rfind(".") :]
