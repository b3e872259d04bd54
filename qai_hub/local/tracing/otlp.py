"""Sends traces to a collector by OpenTelemetry's protocol, as its environment variables say."""

import logging
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import requests
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from qai_hub._version import __version__
from qai_hub.local.json_logs import logging_about
from qai_hub.local.tracing import NO_ATTRIBUTES, Attributes, SpanKind, Tracer

_PROTOCOL = "http/protobuf"
_PROTOCOL_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
# A collector that does not answer holds up the end of a process for so long.
_CLOSE_SECONDS = 3.0
# The propagator logs a warning of longer ones, which anybody may send.
_MAX_TRACEPARENT = 512
_PROPAGATOR = TraceContextTextMapPropagator()
_KINDS = {
    "internal": trace.SpanKind.INTERNAL,
    "server": trace.SpanKind.SERVER,
    "consumer": trace.SpanKind.CONSUMER,
}
_log = logging.getLogger(__name__)


class OtlpTracer(Tracer):
    """Records spans, and sends them in the background.

    Args:
        role: That of this process: `web` or `worker`.

    Raises:
        ValueError: A variable asks for another protocol, or has a value that makes no sense.
    """

    enabled = True

    def __init__(self, role: str) -> None:
        for name in _PROTOCOL_VARIABLES:
            if os.environ.get(name, _PROTOCOL) != _PROTOCOL:
                raise ValueError(f"traces are sent by {_PROTOCOL}: {name} must say so, or nothing")
        own: dict[str, Any] = {
            "service.name": "qai-hub",
            "service.version": __version__,
            "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
            "qai_hub.role": role,
        }
        # What the environment says counts more.
        resource = Resource.create({**own, **OTELResourceDetector().detect().attributes})
        # Several hubs in one process have a provider each, and users' own is left alone.
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(_OtlpExporter()))
        self._tracer = self._provider.get_tracer("qai_hub.local", __version__)

    @contextmanager
    def span(
        self,
        name: str,
        attributes: Attributes = NO_ATTRIBUTES,
        *,
        parent: str | None = None,
        kind: SpanKind = "internal",
    ) -> Iterator[None]:
        """Record a span; lines that are logged meanwhile name it."""
        with self._tracer.start_as_current_span(
            name,
            context=_to_context(parent),
            kind=_KINDS[kind],
            attributes=attributes,
            # The texts of exceptions are for the log, which leaves out secrets.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            ids = span.get_span_context()
            with logging_about(
                trace_id=trace.format_trace_id(ids.trace_id),
                span_id=trace.format_span_id(ids.span_id),
            ):
                yield

    def add_span(
        self,
        name: str,
        start: datetime,
        end: datetime,
        attributes: Attributes = NO_ATTRIBUTES,
        *,
        parent: str | None = None,
    ) -> None:
        """Record a span that has ended."""
        span = self._tracer.start_span(
            name,
            context=_to_context(parent),
            attributes=attributes,
            start_time=_to_nanoseconds(start),
        )
        # The clocks of two machines may differ.
        span.end(_to_nanoseconds(max(start, end)))

    def annotate(
        self,
        attributes: Attributes = NO_ATTRIBUTES,
        *,
        name: str | None = None,
        error: str | None = None,
    ) -> None:
        """Tell more of the current span."""
        span = trace.get_current_span()
        span.set_attributes(attributes)
        if name is not None:
            span.update_name(name)
        if error is not None:
            span.set_attribute("error.type", error)
            span.set_status(trace.StatusCode.ERROR)

    def traceparent(self) -> str | None:
        """Return the current span in W3C's form."""
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier)
        return carrier.get("traceparent")

    def close(self) -> None:
        """Send what is still to be sent, for some seconds at most."""
        # OpenTelemetry would wait for half a minute.
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(_CLOSE_SECONDS)


def _to_context(parent: str | None) -> Context | None:
    """Return the context of a span elsewhere; None for the current one."""
    if parent is None:
        return None
    return _PROPAGATOR.extract({"traceparent": parent[:_MAX_TRACEPARENT]}, Context())


def _to_nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000


class _OtlpExporter(SpanExporter):
    """OpenTelemetry's exporter, which says once that the collector takes nothing, and why."""

    def __init__(self) -> None:
        # It would log each of its tries, with the address, in which there may be a key.
        logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)
        session = requests.Session()
        session.hooks["response"].append(self._remember_status)
        self._status: int | None = None
        self._failing = False
        self._exporter = OTLPSpanExporter(session=session)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans; those that the collector does not take within some seconds are dropped."""
        self._status = None
        result = self._exporter.export(spans)
        failing = result is not SpanExportResult.SUCCESS
        if failing and not self._failing:
            why = "cannot be reached" if self._status is None else f"answers {self._status}"
            _log.warning("traces are dropped: their collector %s", why)
        elif self._failing and not failing:
            _log.warning("traces are sent again")
        self._failing = failing
        return result

    def shutdown(self) -> None:
        """Give up what is being sent."""
        self._exporter.shutdown()

    def _remember_status(self, response: requests.Response, *_: object, **__: object) -> None:
        self._status = response.status_code
