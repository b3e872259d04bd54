"""What watches a process asks it: whether it lives, whether it is ready, and its metrics.

Nobody needs a token for this, and nothing in it is secret.
"""

import asyncio
from collections.abc import Awaitable, Callable

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from qai_hub.local.core.readiness import NOT_IN_TIME, ReadinessCheck
from qai_hub.local.errors import ProblemError

_READY_SECONDS = 5.0
_NO_STORE = {"Cache-Control": "no-store"}


def probe_routes(
    check: ReadinessCheck, render_metrics: Callable[[], tuple[bytes, str]] | None
) -> list[Route]:
    """Create the routes for probes.

    Args:
        check: Checks whether the process is ready.
        render_metrics: Returns its metrics, and their media type; None if they are off.

    Returns:
        Routes for Starlette.
    """

    async def livez(_: Request) -> Response:
        return PlainTextResponse("ok\n", headers=_NO_STORE)

    async def readyz(_: Request) -> Response:
        try:
            async with asyncio.timeout(_READY_SECONDS):
                found = await run_sync(check, abandon_on_cancel=True)
        except TimeoutError:
            found = NOT_IN_TIME
        status = "ready" if found.ready else "not ready"
        body = {"status": status, "checks": found.checks, "warnings": found.warnings}
        return JSONResponse(body, 200 if found.ready else 503, headers=_NO_STORE)

    routes = [Route("/livez", _Probe(livez)), Route("/readyz", _Probe(readyz))]
    if render_metrics is not None:

        async def metrics(_: Request) -> Response:
            content, media = await run_sync(render_metrics)
            return Response(content, headers={**_NO_STORE, "Content-Type": media})

        routes.append(Route("/metrics", _Probe(metrics)))
    return routes


class _Probe:
    """An ASGI application that only allows GET and HEAD."""

    def __init__(self, respond: Callable[[Request], Awaitable[Response]]) -> None:
        self._respond = respond

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            raise ProblemError(
                405, "Only GET and HEAD are for this URL.", headers={"Allow": "GET, HEAD"}
            )
        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)
