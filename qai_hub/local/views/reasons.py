"""Why jobs have failed, as far as the person who looks at them may know it."""

from collections.abc import Iterable

from qai_hub.local.access import visible
from qai_hub.local.store.records import Job
from qai_hub.local.store.rows import JOBS
from qai_hub.local.work import Work

_REASON_LIMIT = 2000


def reasons(work: Work, jobs: Iterable[Job]) -> dict[str, str]:
    """Tell why jobs have failed, reading all that it takes in a few queries.

    A job that failed since another did not make its model tells why that one failed only to those
    who may see that one.

    Args:
        work: The request.
        jobs: The jobs.

    Returns:
        The reasons by job, of those that have failed and that the viewer may see.
    """
    failed = visible(work.db, work.viewer, (job for job in jobs if job.failure_reason))
    causes = JOBS.get_many(work.db, (job.cause_id for job in failed.values() if job.cause_id))
    known = visible(work.db, work.viewer, causes.values())
    return {key: _reason(job, known.get(job.cause_id or "")) for key, job in failed.items()}


def _reason(job: Job, cause: Job | None) -> str:
    own = job.failure_reason or ""
    if cause is None or not cause.failure_reason:
        return own
    return f"{own.removesuffix('.')}: {cause.failure_reason[:_REASON_LIMIT]}"
