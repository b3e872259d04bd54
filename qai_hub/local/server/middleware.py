"""The outermost layer: host check, request ids, access log, and errors as problem responses."""

import asyncio
import logging
import re
import secrets
from collections.abc import Callable, Collection
from time import perf_counter

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qai_hub.local.config import HOST_NAME
from qai_hub.local.errors import (
    DATABASE_UNAVAILABLE,
    DISK_FULL,
    FILES_UNAVAILABLE,
    OUT_OF_FILES,
    TOO_BUSY,
    ProblemError,
    is_disk_full,
    is_out_of_files,
)
from qai_hub.local.files.store import FilesUnavailableError
from qai_hub.local.json_logs import logging_about
from qai_hub.local.server.log_filter import RateLimitFilter
from qai_hub.local.server.request_traces import trace_request
from qai_hub.local.store.dialect import DatabaseUnavailableError
from qai_hub.local.tracing import NO_TRACES, Tracer

_log = logging.getLogger(__name__)
_log.addFilter(RateLimitFilter())
_MAX_LOGGED = 200
# The whole header must match: it also becomes the beginning of signed URLs.
_HOST = re.compile(rf"({HOST_NAME.pattern})(?::[0-9]{{1,5}})?", re.ASCII)


Observe = Callable[[str, int | None, float], None]
"""Called with the operation of a request, the status of its response, and its duration."""


async def not_found(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond to URLs that no route matches; an ASGI application."""
    raise ProblemError(
        404,
        "There is nothing at this URL: the API's paths begin with /api/v1/, right after the host. "
        "Check api_url.",
    )


async def too_busy(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond on a connection beyond the limit; an ASGI application."""
    raise TOO_BUSY


class OuterMiddleware:
    """ASGI middleware around the whole hub.

    Args:
        app: The application inside.
        hosts: Host names that a request may be addressed to, without port, in lower case, so that
            requests from pages of a site that resolves to this machine (DNS rebinding) are refused.
            None allows all.
        head_bytes: Maximum size of a request's line and headers, in bytes.
        stall_seconds: Seconds that a body may stall.
        observe: Called after each request.
        tracer: Records a span of each.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: Collection[str] | None,
        *,
        head_bytes: int = 32 << 10,
        stall_seconds: float = 30.0,
        observe: Observe | None = None,
        tracer: Tracer = NO_TRACES,
    ) -> None:
        self._observe = observe
        self._tracer = tracer
        self._app = app
        self._hosts = None if hosts is None else frozenset(hosts)
        self._head_bytes = head_bytes
        self._stall_seconds = stall_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self._stall_seconds)
        with (
            logging_about(request_id=exchange.id),
            trace_request(self._tracer, scope, exchange.id, lambda: exchange.status),
        ):
            await self._handle(scope, exchange)

    async def _handle(self, scope: Scope, exchange: "_Exchange") -> None:
        try:
            self._check_size(scope)
            self._check_host(scope)
            await self._app(scope, exchange.receive, exchange.send)
        except ProblemError as problem:
            await exchange.respond_with(problem)
        except ClientDisconnect:
            _log.info("%s: the client disconnected", exchange.id)
        except asyncio.CancelledError:
            # The server cancels requests that outlast its shutdown. It would log the whole stack.
            await exchange.respond_with(_STOPPING)
        except Exception as error:
            answer = _to_problem(error)
            exchange.log_failure(answer)
            if exchange.status is not None and answer is _INTERNAL:
                raise
            await exchange.respond_with(answer)
        finally:
            seconds = exchange.log()
            if self._observe is not None:
                self._observe(scope.get("operation", "other"), exchange.status, seconds)

    def _check_size(self, scope: Scope) -> None:
        size = len(scope["method"]) + len(scope["raw_path"] or b"") + len(scope["query_string"])
        size += sum(len(name) + len(value) + 4 for name, value in scope["headers"])
        if size > self._head_bytes:
            # Not 431: the contract declares the response to a parameter that is too long.
            raise ProblemError(
                400, f"The request line and headers have more than {self._head_bytes} bytes."
            )

    def _check_host(self, scope: Scope) -> None:
        match = _HOST.fullmatch(Headers(scope=scope).get("host", "").lower())
        if match is None or (self._hosts is not None and match[1] not in self._hosts):
            raise ProblemError(
                421,
                "This hub does not serve the host that the request names: use 127.0.0.1 or "
                "localhost on the hub's machine, or start the hub with `--allowed-host NAME` or "
                "LocalHub(allowed_hosts=...).",
            )


class _Exchange:
    """One request and its response."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, stall_seconds: float) -> None:
        self.id = f"req-{secrets.token_hex(8)}"
        # Never the query: it may hold a signature.
        self.request_line = f"{scope['method'][:_MAX_LOGGED]} {scope['path'][:_MAX_LOGGED]!r}"
        self.status: int | None = None
        self._scope = scope
        self._receive = receive
        self._send = send
        self._stall_seconds = stall_seconds
        headers = Headers(scope=scope)
        # Browsers ask for it, and no other program.
        self._for_browser = "application/xhtml+xml" in headers.get("accept", "")
        self._body_pending = (
            "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
        )
        self._start = perf_counter()

    async def receive(self) -> Message:
        if not self._body_pending:
            return await self._receive()
        try:
            async with asyncio.timeout(self._stall_seconds):
                message = await self._receive()
        except TimeoutError:
            raise ProblemError(
                408,
                f"The rest of the body did not arrive within {self._stall_seconds:g} seconds: "
                "send it again.",
            ) from None
        self._body_pending = message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self.id
            headers["X-Content-Type-Options"] = "nosniff"
            if self._body_pending:
                # The server does not wait for a body that nobody reads: it closes the connection,
                # on which the client would otherwise send its next request.
                headers["Connection"] = "close"
        await self._send(message)

    async def respond_with(self, problem: ProblemError) -> None:
        """Respond with a problem; a response that has begun is cut off by the server."""
        if self.status is not None:
            _log.info("%s: response aborted: %s", self.id, problem.detail)
            return
        response = problem.page(self.id) if self._for_browser else problem.response(self.id)
        await response(self._scope, self._receive, self.send)

    def log_failure(self, problem: ProblemError) -> None:
        """Log the exception that is being handled, with its traceback if it is a bug."""
        if problem is OUT_OF_FILES:
            _log.warning("too many open files: requests are answered with 503")
        elif problem is DISK_FULL:
            _log.error("request %s failed: %s: the disk is full", self.id, self.request_line)
        elif problem in (DATABASE_UNAVAILABLE, FILES_UNAVAILABLE):
            _log.error("request %s failed: %s", self.id, self.request_line, exc_info=True)
        else:
            _log.exception("request %s failed: %s", self.id, self.request_line)

    def log(self) -> float:
        """Log the request, and return how many seconds it took."""
        spent = perf_counter() - self._start
        _log.info("%s %s -> %s in %.1f ms", self.id, self.request_line, self.status, spent * 1000)
        return spent


def _to_problem(error: Exception) -> ProblemError:
    if is_disk_full(error):
        return DISK_FULL
    if isinstance(error, DatabaseUnavailableError):
        return DATABASE_UNAVAILABLE
    if isinstance(error, FilesUnavailableError):
        return FILES_UNAVAILABLE
    return OUT_OF_FILES if is_out_of_files(error) else _INTERNAL


_STOPPING = ProblemError(503, "The hub is shutting down: try again once it is running.")
_INTERNAL = ProblemError(500, "Internal error of the hub: see its log for details.")
