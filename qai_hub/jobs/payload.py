"""Parts of jobs' payloads, as far as all job types have them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from qai_hub.errors import InternalError
from qai_hub.transport.values import known

if TYPE_CHECKING:
    from qai_hub_api import models as api
    from qai_hub_api.types import Unset

T = TypeVar("T")


class JobDetails(Protocol):
    """What the payloads of all job types have."""

    name: str
    options: str
    job_state: api.JobState
    creation_time: datetime | Unset
    queued_time: datetime | Unset
    start_time: datetime | Unset
    completion_time: datetime | Unset
    failure_reason: str | Unset
    project_id: str | Unset
    user: api.User | Unset


class Notice(NamedTuple):
    """Something that a job wants its user to know.

    Attributes:
        severity: `"DEBUG"`, `"INFO"`, `"WARNING"` or `"ERROR"`.
        context: What it is about: `"DEVICE"`, `"MODEL"` or `"USER"`.
        message: The text.

    Examples:
        >>> for notice in inference_job.notices:
        ...     print(notice.severity, notice.message)
        INFO Measured on the CPU of this hub's host, not on a device.
    """

    severity: str
    context: str
    message: str


class User(NamedTuple):
    """A person with an account.

    Attributes:
        email: E-mail address.
        first_name: First name; empty if the service does not tell.
        last_name: Last name, likewise.

    Examples:
        >>> job.owner.email
        'you@example.com'
    """

    email: str
    first_name: str = ""
    last_name: str = ""

    @classmethod
    def _from_api(cls, user: api.User | Unset) -> User | None:
        given = known(user)
        if given is None or not given.email:
            return None
        return cls(given.email, given.first_name, given.last_name)


def expect(details: T | Unset, job_type: str) -> T:
    """The part of a payload that is about a type of job.

    Raises:
        InternalError: If the payload is about another type.
    """
    given = known(details)
    if given is None:
        raise InternalError(
            f"The service answered another type of job where a {job_type} job was.",
            status_code=200,
        )
    return given


def any_details(payload: api.Job) -> JobDetails:
    """The part of a payload that is about a type of job, whichever it is.

    Raises:
        InternalError: If the payload is about no type that this client knows.
    """
    details: list[JobDetails | Unset] = [
        payload.compile_job,
        payload.inference_job,
        payload.profile_job,
        payload.quantize_job,
        payload.link_job,
    ]
    for one in map(known, details):
        if one is not None:
            return one
    raise InternalError(
        "The service answered a type of job that this client does not know.", status_code=200
    )
