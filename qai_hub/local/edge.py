"""The outermost layer: host check, request ids, the access log, and every error as a problem."""

import asyncio
import logging
import re
import secrets
from collections.abc import Collection
from time import perf_counter

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qai_hub.local.problems import DISK_FULL, ProblemError, is_disk_full

_log = logging.getLogger(__name__)
# The whole of it must make sense: it also becomes the beginning of signed URLs.
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?", re.ASCII)


async def nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer for every URL that no route matches; an ASGI application."""
    raise ProblemError(404, "There is nothing at this URL.")


class Edge:
    """ASGI middleware around the whole hub.

    Args:
        app: The application inside.
        hosts: Host names that a request may be addressed to, without port, in lower case; a page of
            another site that resolves to this machine (DNS rebinding) is refused. None allows all.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None) -> None:
        self._app = app
        self._hosts = None if hosts is None else frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send)
        try:
            self._check_host(scope)
            await self._app(scope, receive, exchange.send)
        except ProblemError as problem:
            await exchange.refuse(problem, receive)
        except ClientDisconnect:
            _log.info("%s: the client has gone", exchange.id)
        except asyncio.CancelledError:
            # The server has lost its patience while stopping. It would log the whole stack.
            if exchange.status is None:
                await exchange.refuse(_STOPPING, receive)
        except Exception as error:
            full = is_disk_full(error)
            if full:
                _log.error("request %s failed: %s: the disk is full", exchange.id, exchange.line)
            else:
                _log.exception("request %s failed: %s", exchange.id, exchange.line)
            if exchange.status is not None:
                raise
            await exchange.refuse(DISK_FULL if full else _INTERNAL, receive)
        finally:
            exchange.log()

    def _check_host(self, scope: Scope) -> None:
        match = _HOST.fullmatch(Headers(scope=scope).get("host", "").lower())
        if match is None or (self._hosts is not None and match[1] not in self._hosts):
            raise ProblemError(421, "This hub does not serve the host that the request names.")


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.id = f"req-{secrets.token_hex(8)}"
        # Never the query: it may hold a signature.
        self.line = f"{scope['method']} {scope['path']!r}"
        self.status: int | None = None
        self._scope = scope
        self._send = send
        self._began = perf_counter()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self.id
            headers["X-Content-Type-Options"] = "nosniff"
        await self._send(message)

    async def refuse(self, problem: ProblemError, receive: Receive) -> None:
        await problem.response(self.id)(self._scope, receive, self.send)

    def log(self) -> None:
        spent = (perf_counter() - self._began) * 1000
        _log.info("%s %s -> %s in %.1f ms", self.id, self.line, self.status, spent)


_STOPPING = ProblemError(503, "The hub is stopping: try again once it runs.")
_INTERNAL = ProblemError(500, "Something went wrong in the hub. Its log tells more.")
