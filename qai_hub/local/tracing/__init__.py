"""Traces: what a hub does for a request or a job, told across its processes."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Literal

Attributes = Mapping[str, str | int | bool | Sequence[str]]
"""What a span tells, by names such as `qai_hub.job.id`: no secrets, no addresses of users."""

SpanKind = Literal["internal", "server", "consumer"]

NO_ATTRIBUTES: Attributes = {}
_NO_SPAN = nullcontext()


class Tracer:
    """Records spans, from any thread and any task: this one, of a hub without traces, none.

    Attributes:
        enabled: Whether it records any.
    """

    enabled = False

    def span(
        self,
        name: str,
        attributes: Attributes = NO_ATTRIBUTES,
        *,
        parent: str | None = None,
        kind: SpanKind = "internal",
    ) -> AbstractContextManager[None]:
        """Record a span, which is the current one of this thread or task until it ends.

        Args:
            name: Its name, one of few.
            attributes: What it tells.
            parent: The span that it belongs to, as `traceparent` returned it; the current one of
                this thread or task if None.
            kind: Whether it answers a request, carries out what was queued, or neither.
        """
        return _NO_SPAN

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

    def annotate(
        self,
        attributes: Attributes = NO_ATTRIBUTES,
        *,
        name: str | None = None,
        error: str | None = None,
    ) -> None:
        """Tell more of the current span.

        Args:
            attributes: What it tells besides.
            name: Its name, if that was not known before.
            error: The kind of error that it ends with; None if there is none.
        """

    def traceparent(self) -> str | None:
        """Return the current span in W3C's form, for its children elsewhere; None without one."""
        return None

    def close(self) -> None:
        """Send what is still to be sent; it may take some seconds."""


NO_TRACES = Tracer()
"""Records nothing."""
