"""From payloads of any job type to jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qai_hub.resources.compile import CompileJob
from qai_hub.resources.inference import InferenceJob
from qai_hub.resources.link import LinkJob
from qai_hub.resources.quantize import QuantizeJob
from qai_hub.resources.unknown import UnknownJob
from qai_hub.transport.values import identified, known

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.client import Client
    from qai_hub.resources.job import Job


def job_from_api(payload: api.Job, owner: Client) -> Job:
    """The job of a payload. A `profile_job` is an inference job with profiling on.

    Raises:
        InternalError: If the payload is about no job, or tells no identifier.
    """
    if known(payload.compile_job):
        return CompileJob(owner, payload)
    if known(payload.inference_job) or known(payload.profile_job):
        return InferenceJob(owner, payload)
    if known(payload.quantize_job):
        return QuantizeJob(owner, payload)
    if known(payload.link_job):
        return LinkJob(owner, payload)
    return UnknownJob(owner, payload)


def with_id(payload: api.Job, job_id: str) -> api.Job:
    """The payload of a job that was asked for by its identifier, which it may lack."""
    for kind in ("compile_job", "inference_job", "profile_job", "quantize_job", "link_job"):
        details = known(getattr(payload, kind))
        if details is not None and not identified(getattr(details, f"{kind}_id")):
            setattr(details, f"{kind}_id", job_id)
    return payload
