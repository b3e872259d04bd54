"""The job types, one row each; and jobs of types that this client does not know.

A newer service may have such types. What all job types have in common is read as if it were a link
job: that payload requires no other fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from qai_hub.driver import run_blocking
from qai_hub.resources.compile import CompileJob, CompileJobResult, CompileJobSummary
from qai_hub.resources.inference import (
    InferenceJob,
    InferenceJobResult,
    InferenceJobSummary,
    ProfileJob,
    ProfileJobResult,
    ProfileJobSummary,
)
from qai_hub.resources.job import Job
from qai_hub.resources.job_kind import JobKind, PayloadField
from qai_hub.resources.link import LinkJob, LinkJobResult, LinkJobSummary
from qai_hub.resources.payload import find_job
from qai_hub.resources.quantize import (
    QuantizeDtype,
    QuantizeJob,
    QuantizeJobResult,
    QuantizeJobSummary,
)
from qai_hub.resources.results import JobResult
from qai_hub.resources.summary import JobSummary
from qai_hub.status import JobStatus, JobType
from qai_hub.transport.values import require_id, valid_id_or_empty

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.driver import Driver
    from qai_hub.owner import Owner
    from qai_hub.resources.job import JobOwner

__all__ = [
    "CompileJob",
    "CompileJobResult",
    "CompileJobSummary",
    "InferenceJob",
    "InferenceJobResult",
    "InferenceJobSummary",
    "LinkJob",
    "LinkJobResult",
    "LinkJobSummary",
    "ProfileJob",
    "ProfileJobResult",
    "ProfileJobSummary",
    "QuantizeDtype",
    "QuantizeJob",
    "QuantizeJobResult",
    "QuantizeJobSummary",
]
"""The names of job types that users import, from here through `qai_hub.client`."""


class UnknownJob(Job):
    """A job of a type that this client does not know.

    It can be waited for, renamed and shared, and its logs can be downloaded.
    """

    def _get_details(self, payload: api.Job) -> tuple[str, Any]:
        from qai_hub_api.models import LinkJob

        job_id, details = find_job(payload.additional_properties)
        return "link_job", LinkJob.from_dict({**details, "link_job_id": job_id})

    def download_results(self, artifacts_dir: str) -> JobResult:
        """Downloads the logs of the job, after waiting for its end.

        Args:
            artifacts_dir: Folder to write to; created if missing. Existing files in it are
                overwritten.

        Returns:
            The final status, without results: this client does not know their form.
        """
        return run_blocking(self._download_results(self._driver, artifacts_dir))

    async def _download_results(self, driver: Driver, artifacts_dir: str) -> JobResult:
        status = await driver.wait(self)
        await self._download_artifacts(driver, artifacts_dir)
        return JobResult(status, self.url, artifacts_dir)


J = TypeVar("J", bound=Job)

_State = JobStatus.State

KINDS: tuple[JobKind[Any], ...] = (
    JobKind(
        JobType.COMPILE,
        states=(_State.OPTIMIZING_MODEL,),
        job=CompileJob,
        summary=CompileJobSummary,
        fields=(PayloadField("compile_job", detail="compile_detail"),),
    ),
    JobKind(
        JobType.INFERENCE,
        states=(
            _State.PROVISIONING_DEVICE,
            _State.MEASURING_PERFORMANCE,
            _State.RUNNING_INFERENCE,
        ),
        job=InferenceJob,
        summary=InferenceJobSummary,
        # A profile job is an inference job with profiling on.
        fields=(
            PayloadField("inference_job", detail="detail"),
            PayloadField("profile_job", detail="profile"),
        ),
    ),
    JobKind(
        JobType.QUANTIZE,
        states=(_State.QUANTIZING_MODEL,),
        job=QuantizeJob,
        summary=QuantizeJobSummary,
        fields=(PayloadField("quantize_job", detail="quantize_detail"),),
    ),
    JobKind(
        JobType.LINK,
        states=(_State.LINKING_MODELS,),
        job=LinkJob,
        summary=LinkJobSummary,
        fields=(PayloadField("link_job", detail="link_detail"),),
    ),
)
"""The job types that this client knows."""

_UNKNOWN = JobKind(JobType.UNSPECIFIED, states=(), job=UnknownJob, summary=JobSummary, fields=())

_SUMMARIES = tuple((f"{field.name}_summary", kind) for kind in KINDS for field in kind.fields)


def job_from_api(payload: api.Job, owner: JobOwner) -> Job:
    """Creates a job from a payload: an `UnknownJob` if this client does not know its type.

    Raises:
        InternalError: If the payload does not describe a job, or has no identifier.
    """
    kind = next((kind for kind in KINDS if kind.get_details(payload)), _UNKNOWN)
    return kind.job._from_api(payload, owner, kind)


def job_from_submission(
    cls: type[J], answer: api.CreateUpdateResponse, owner: JobOwner, attributes: Mapping[str, Any]
) -> J:
    """Creates a job that was just submitted; attributes not yet known are fetched on demand.

    Args:
        cls: Class of the job.
        answer: The service's response.
        owner: The client that submitted it.
        attributes: Attributes of the job that are known from what was sent, by name.

    Returns:
        The job.

    Raises:
        InternalError: If the answer has no identifier.
    """
    kind = next(kind for kind in KINDS if kind.job is cls)
    return cls._from_submission(
        owner, kind, require_id(answer.id), answer.creation_time, attributes
    )


def add_missing_id(payload: api.Job, job_id: str) -> api.Job:
    """Adds the identifier that a job was requested by to its payload if missing."""
    for kind in KINDS:
        found = kind.get_details(payload)
        if found is not None:
            field, details = found
            if not valid_id_or_empty(getattr(details, f"{field}_id")):
                setattr(details, f"{field}_id", job_id)
    return payload


def summary_from_api(payload: api.JobSummary, owner: Owner) -> JobSummary:
    """Creates a job summary from a payload: the common part if this client does not know the type.

    Raises:
        InternalError: If the payload does not describe a job, or has no identifier.
    """
    for name, kind in _SUMMARIES:
        summary = getattr(payload, name)
        if summary:
            return kind.summary._from_api(summary, kind.job_type, owner)
    return JobSummary._from_api(_unknown_summary(payload), JobType.UNSPECIFIED, owner)


def _unknown_summary(payload: api.JobSummary) -> api.LinkJobSummary:
    """Returns what the summaries of all job types have in common.

    Raises:
        InternalError: If the payload does not describe a job.
    """
    from qai_hub_api.models import LinkJobSummary

    job_id, summary = find_job(payload.additional_properties)
    return LinkJobSummary.from_dict({**summary, "job_id": job_id, "device_name": ""})
