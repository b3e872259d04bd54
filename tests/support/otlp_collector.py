"""A collector of traces: it keeps what hubs send by OpenTelemetry's protocol over HTTP."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage
from support.polling import wait_until

SpanKind = SpanMessage.SpanKind


@dataclass(frozen=True)
class Received:
    """A span, and the process that has sent it."""

    name: str
    trace: str
    id: str
    parent: str
    kind: str
    start: int
    end: int
    attributes: Mapping[str, object]
    failed: bool
    process: Mapping[str, object]


class Collector:
    """What has been sent so far.

    Attributes:
        url: Where to send traces.
        raw: The bodies of the requests.
        status: What it answers.
    """

    def __init__(self) -> None:
        self.raw = b""
        self.status = 200
        self._spans: list[Received] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.path == "/v1/traces"
                collector.take(body)
                self.send_response(collector.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def take(self, body: bytes) -> None:
        """Keep the spans of a request."""
        self.raw += body
        for sent in ExportTraceServiceRequest.FromString(body).resource_spans:
            process = _read(sent.resource.attributes)
            self._spans += [
                _span(span, process) for scope in sent.scope_spans for span in scope.spans
            ]

    def spans(self, name: str, trace: str | None = None) -> list[Received]:
        """Return the spans of a name that are there, of one trace or of all."""
        return [each for each in self._spans if each.name == name and trace in (None, each.trace)]

    def wait_for(self, name: str, trace: str | None = None) -> Received:
        """Wait for a span, which must be the only one of its name."""
        wait_until(lambda: self.spans(name, trace), f"there is no span {name!r}")
        (found,) = self.spans(name, trace)
        return found

    def children(self, parent: Received) -> list[str]:
        """Return the names of the spans below one, in the order of their starts."""
        found = [each for each in self._spans if each.parent == parent.id]
        return [each.name for each in sorted(found, key=lambda each: each.start)]


def _span(span: SpanMessage, process: Mapping[str, object]) -> Received:
    return Received(
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        kind=SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        attributes=_read(span.attributes),
        failed=span.status.code == span.status.STATUS_CODE_ERROR,
        process=process,
    )


def _read(attributes: Iterable[KeyValue]) -> dict[str, object]:
    return {each.key: _value(each.value) for each in attributes}


def _value(value: AnyValue) -> object:
    if value.HasField("array_value"):
        return [_value(each) for each in value.array_value.values]
    return getattr(value, value.WhichOneof("value") or "string_value")


@contextmanager
def running_collector() -> Iterator[Collector]:
    """Run a collector."""
    collector = Collector()
    thread = threading.Thread(target=collector.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        collector.server.shutdown()
        collector.server.server_close()
        thread.join()
