"""Cancelling a job."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qai_hub.extensions import call_extension

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.client import Client


def cancel(owner: Client, job_id: str) -> api.Job:
    """Cancels a job, unless it has ended.

    Args:
        owner: The client.
        job_id: Identifier of the job.

    Returns:
        The job as it is afterwards.

    Raises:
        UserError: If there is no such job, it is not the caller's own, or the server cannot do it.
    """
    from qai_hub_api.api.jobs import cancel_job, get_job

    look = partial(owner._transport.call, get_job.sync, job_id)
    call_extension(owner, cancel_job.sync, job_id, doing="cancel jobs", look=look)
    return look()
