"""The span of a request: what was asked for, and what came of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.datastructures import Headers
from starlette.types import Scope

from qai_hub.local.tracing import Tracer

# Asked for every few seconds, by what watches a hub.
_PROBES = frozenset({"/livez", "/readyz", "/healthz", "/metrics"})
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


@contextmanager
def trace_request(
    tracer: Tracer, scope: Scope, request_id: str, get_status: Callable[[], int | None]
) -> Iterator[None]:
    """Record the span of a request, below that of the caller if the request names one.

    It has the operation and its route, but no URL, which may have a signature in it, and nothing
    of the user.

    Args:
        tracer: Records spans.
        scope: The request.
        request_id: Its `X-Request-Id`.
        get_status: Returns the status of the response; None if there was none.
    """
    if not tracer.enabled or scope["path"] in _PROBES:
        yield
        return
    method = scope["method"]
    about = {
        "http.request.method": method if method in _METHODS else "_OTHER",
        "url.scheme": scope["scheme"],
        "qai_hub.request_id": request_id,
    }
    parent = Headers(scope=scope).get("traceparent")
    with tracer.span("other", about, parent=parent, kind="server"):
        try:
            yield
        finally:
            _tell_outcome(tracer, scope, get_status())


def _tell_outcome(tracer: Tracer, scope: Scope, status: int | None) -> None:
    attributes: dict[str, str | int] = {}
    name = scope.get("operation", "other")
    if "operation_path" in scope:
        attributes["http.route"] = scope["operation_path"]
    if scope.get("long_poll"):
        # Of a name of its own, as it takes as long as the job does.
        name += " wait"
    if status is not None:
        attributes["http.response.status_code"] = status
    # One without a status is of a client that has disconnected.
    error = str(status) if status is not None and status >= 500 else None
    tracer.annotate(attributes, name=name, error=error)
