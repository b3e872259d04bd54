"""The spans of jobs: how long one is queued, and each attempt with its steps."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Literal

from qai_hub.local.core.results import AttemptResult
from qai_hub.local.enums import FailureType
from qai_hub.local.store.records import Job
from qai_hub.local.tracing import Attributes, Tracer

Step = Literal["prepare", "start", "run", "publish", "commit"]
"""A step of an attempt. `start` fetches the input, and starts what runs the tools."""

GivenUp = Literal["cancelled", "superseded", "requeued", "lost"]
"""How an attempt ended that does not end its job."""


class JobTraces:
    """Records the spans of jobs, below those of the requests that submitted them.

    Args:
        tracer: Records spans.
    """

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    @contextmanager
    def attempt(self, job: Job) -> Iterator[None]:
        """Record an attempt.

        Args:
            job: The job, as it was claimed.
        """
        if not self._tracer.enabled:
            yield
            return
        about = describe_job(job.id, job.kind)
        if job.attempt == 1 and job.started is not None:
            queued, claimed = map(datetime.fromisoformat, (job.created, job.started))
            self._tracer.add_span("queued", queued, claimed, about, parent=job.traceparent)
        numbers = {"qai_hub.job.attempt": job.attempt, "qai_hub.job.losses": job.losses}
        with self._tracer.span(
            f"{job.kind} attempt", {**about, **numbers}, parent=job.traceparent, kind="consumer"
        ):
            yield

    def step(self, name: Step) -> AbstractContextManager[None]:
        """Record a step of the current attempt."""
        return self._tracer.span(name)

    def ended(self, result: AttemptResult) -> None:
        """Tell that the current attempt has ended its job."""
        if result.failure_type == FailureType.SUCCESS:
            is_cached = result.cached_job is not None
            tools = [f"{each['name']} {each['version']}" for each in _tools(result)]
            self._tracer.annotate(
                {
                    "qai_hub.job.outcome": "succeeded",
                    "qai_hub.job.cached": is_cached,
                    "qai_hub.job.tools": tools,
                }
            )
        else:
            failure = result.failure_type
            self._tracer.annotate(
                {"qai_hub.job.outcome": "failed", "qai_hub.job.failure_type": failure},
                error=failure,
            )

    def given_up(self, how: GivenUp) -> None:
        """Tell that the current attempt does not end its job."""
        self._tracer.annotate({"qai_hub.job.outcome": how}, error=how if how == "lost" else None)


def describe_job(job_id: str, kind: str) -> Attributes:
    """Return the attributes of a span that tell of a job.

    Args:
        job_id: The job.
        kind: Its type.
    """
    return {"qai_hub.job.id": job_id, "qai_hub.job.type": kind}


def _tools(result: AttemptResult) -> list[dict[str, str]]:
    found: list[dict[str, str]] = result.report.get("tool_versions", [])
    return found
