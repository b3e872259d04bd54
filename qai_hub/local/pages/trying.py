"""Trying an operation of the API on its page, as the viewer."""

import json
import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Router
from starlette.types import Message, Receive, Scope, Send

from qai_hub.local.api import build_handlers
from qai_hub.local.api.context import Services, request_origin
from qai_hub.local.contract import build_routes
from qai_hub.local.errors import ProblemError, reason_phrase
from qai_hub.local.pages.endpoint import find_viewer, read_form
from qai_hub.local.pages.reference import OperationFacts, Reference
from qai_hub.local.pages.site import Site
from qai_hub.local.store.records import User

_VIEWER: Final = "qai_hub.viewer"
# More would be slow to look at.
_MAX_SHOWN: Final = 100_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """The response to what was tried.

    Attributes:
        status: Its HTTP status.
        phrase: What that means.
        text: Its body.
        is_cut: Whether the body is longer.
    """

    status: int
    phrase: str
    text: str
    is_cut: bool


class TryPage:
    """The page of an operation, as an ASGI application.

    The form is sent like any other of the pages, so no other site can. What it asks for goes
    through the API's own routes, which take the viewer from the page: the API itself knows nothing
    of sessions, and nobody can reach it by a cookie.

    Args:
        site: The site that it belongs to.
        reference: The operations.
    """

    def __init__(self, site: Site, reference: Reference) -> None:
        self._site = site
        self._reference = reference
        self._api = _make_api(site.services)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request, viewer = Request(scope, receive), None
        try:
            form = await _read(request)
            viewer = await find_viewer(self._site, request)
            response = await self._show(request, viewer, form)
        except ProblemError as problem:
            response = self._site.render_problem(request, viewer, problem)
        await response(scope, receive, send)

    async def _show(self, request: Request, viewer: User, form: Mapping[str, str]) -> Response:
        operation = self._reference.find(request.path_params["operation"])
        outcome = None
        path, query = _address(operation, form)
        body = form.get("body", "")
        if request.method == "POST":
            if operation.reason:
                raise ProblemError(403, operation.reason)
            outcome = await self._send(request, viewer, operation, path, query, body)
        url = f"{request_origin(request)}{path}{'?' if query else ''}{query}"
        example: Any = next(iter(operation.examples.values()), {})
        values = {
            "operation": operation,
            "form": form,
            "body": body or json.dumps(example, indent=2, ensure_ascii=False),
            "outcome": outcome,
            "command": _command(operation, url, body or json.dumps(example)),
        }
        return self._site.render("operation.html", viewer, values)

    async def _send(
        self,
        request: Request,
        viewer: User,
        operation: OperationFacts,
        path: str,
        query: str,
        body: str,
    ) -> Outcome:
        content = body.encode() if operation.body else b""
        headers = [(b"host", request.headers["host"].encode()), (b"accept", b"*/*")]
        if content:
            headers += [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(content)).encode()),
            ]
        kept = ("type", "asgi", "http_version", "scheme", "server", "client", "state")
        scope = {
            **{name: request.scope[name] for name in kept if name in request.scope},
            "method": operation.method,
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": headers,
            _VIEWER: viewer,
        }
        received = _Received(content)
        try:
            await self._api(scope, received.receive, received.send)
        except ProblemError as problem:
            return _outcome(problem.status, json.dumps({"detail": problem.detail}))
        return _outcome(received.status, received.text)


async def _read(request: Request) -> Mapping[str, str]:
    """Return what the form asks for; nothing if the page is only to be shown."""
    if request.method in ("GET", "HEAD"):
        return {}
    if request.method != "POST":
        raise ProblemError(405, "This is a form.", headers={"Allow": "GET, HEAD, POST"})
    return await read_form(request)


class _Received:
    """One request to the API, and what comes back."""

    def __init__(self, body: bytes) -> None:
        self.status = 500
        self._sent = body
        self._body = bytearray()

    @property
    def text(self) -> str:
        return self._body.decode("utf-8", "replace")

    async def receive(self) -> Message:
        return {"type": "http.request", "body": self._sent, "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self._body += message.get("body", b"")


def _make_api(services: Services) -> Router:
    async def get_viewer(request: Request) -> User:
        viewer: User = request.scope[_VIEWER]
        return viewer

    return Router(build_routes(services.contract, build_handlers(services), get_viewer))


def _address(operation: OperationFacts, form: Mapping[str, str]) -> tuple[str, str]:
    """Return path and query of what a form asks for."""
    path = operation.path
    pairs = list[tuple[str, str]]()
    for each in operation.inputs:
        value = form.get(f"in.{each.name}", "").strip()
        if each.place == "path":
            # It stays encoded, so that no value adds a step to the path; ids have nothing to
            # encode. What is missing stays in braces, which is no identifier either.
            path = path.replace(f"{{{each.name}}}", quote(value, safe="") or f"{{{each.name}}}")
        elif value:
            values = value.split() if each.type.text.startswith("list of") else [value]
            pairs += [(each.name, one) for one in values]
    return path, urlencode(pairs)


def _command(operation: OperationFacts, url: str, body: str) -> str:
    """Return a command that sends the same request."""
    parts = ["curl"] if operation.method == "GET" else ["curl", "-X", operation.method]
    parts += ["-H", '"Authorization: token $QAI_HUB_API_TOKEN"', shlex.quote(url)]
    if operation.body:
        parts += ["-H", shlex.quote("Content-Type: application/json"), "-d", shlex.quote(body)]
    return " ".join(parts)


def _outcome(status: int, text: str) -> Outcome:
    # What is no JSON is shown as it is.
    with suppress(ValueError):
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    return Outcome(status, reason_phrase(status), text[:_MAX_SHOWN], len(text) > _MAX_SHOWN)
