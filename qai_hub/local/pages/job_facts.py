"""What lists and pages of jobs tell of each, from the API's JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from qai_hub.local.core.kinds import FINISHED_STATES, KINDS
from qai_hub.local.pages.text import format_model_type, humanize, seconds_between
from qai_hub.local.store.records import JobSummary
from qai_hub.option_string import OptionStringError, parse_option_string

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFacts:
    """A job, as a person sees it.

    Attributes:
        id: Its identifier.
        type: Its type, such as `compile`; `profile` for a job that runs a model without inputs.
        name: Its name.
        state: Its state, a value of the contract's `JobState`.
        owner: The e-mail address of who submitted it.
        device: The name of the device that it is for; empty if it is for none.
        device_os: The version of its operating system.
        created: When it was submitted.
        started: When its last attempt began; None if it has not.
        ended: When it ended; None if it has not.
        execution_time: Microseconds of an inference; None if it was not measured.
        peak_memory: Bytes, the lower and the upper bound; None if it was not measured.
        target: The format of the model that it makes or runs, in words.
        options: Its options, each as it was given.
        failure: What kind of failure it ended with, in words; empty if it did not fail.
        detail: All that the API tells of it; empty in a list.
    """

    id: str
    type: str
    name: str
    state: str
    owner: str
    device: str
    device_os: str
    created: str
    started: str | None
    ended: str | None
    execution_time: int | None
    peak_memory: Json | None
    target: str
    options: Sequence[str] = ()
    failure: str = ""
    detail: Json = field(default_factory=dict, repr=False)

    @property
    def is_finished(self) -> bool:
        """Whether it has ended."""
        return self.state in FINISHED_STATES

    @property
    def tone(self) -> str:
        """How its state is coloured: queued, running, done or failed."""
        if self.state == "JOB_STATE_CREATED":
            return "queued"
        if not self.is_finished:
            return "running"
        return "done" if self.state == "JOB_STATE_DONE" else "failed"

    @property
    def queued_seconds(self) -> float | None:
        """How long it waited for its last attempt; None if it still does, or never began."""
        return None if self.started is None else seconds_between(self.created, self.started)

    @property
    def running_seconds(self) -> float | None:
        """How long its last attempt took; None if it still runs, or never began."""
        if self.started is None or self.ended is None:
            return None
        return seconds_between(self.started, self.ended)

    @classmethod
    def of_summary(cls, summary: Json, *, has_inputs: bool) -> Self:
        """Read a member of the contract's `JobSummaryList`.

        Args:
            summary: The summary.
            has_inputs: Whether the job runs its model on a dataset, which a summary does not tell.
        """
        message, fields = _member(summary, "_job_summary")
        return cls(
            id=fields["job_id"],
            type=_type(message, has_inputs=has_inputs),
            **_common(fields),
            device=fields.get("device_name", ""),
            device_os=fields.get("device_os_version", ""),
            target=format_model_type(fields.get("target_model_type", "")),
        )

    @classmethod
    def of_job(cls, job: Json) -> Self:
        """Read the contract's `Job`."""
        message, fields = _member(job, "_job")
        device = fields.get("device") or {}
        model = fields.get("target_model") or fields.get("model") or {}
        failure = job["failure_type"]
        return cls(
            id=fields[f"{message}_job_id"],
            type=_type(message, has_inputs="dataset" in fields),
            **_common(fields),
            device=device.get("name", ""),
            device_os=device.get("os", ""),
            target=format_model_type(model.get("model_type", "")),
            options=_split(fields.get("options", "")),
            failure=""
            if failure in ("JOB_FAILURE_TYPE_SUCCESS", "JOB_FAILURE_TYPE_UNSPECIFIED")
            else humanize(failure, "JOB_FAILURE_TYPE_"),
            detail=job,
        )

    @classmethod
    def of_record(cls, job: JobSummary, owner: str, *, has_inputs: bool) -> Self:
        """Read a row of the database.

        Args:
            job: The job.
            owner: The e-mail address of who submitted it.
            has_inputs: Whether it runs its model on a dataset.
        """
        device = job.device or {}
        return cls(
            id=job.id,
            type=_type(KINDS[job.kind].message.removesuffix("_job"), has_inputs=has_inputs),
            name=job.name,
            state=job.state,
            owner=owner,
            device=device.get("name", ""),
            device_os=device.get("os", ""),
            created=job.created,
            started=job.started,
            ended=job.completed,
            execution_time=job.execution_time,
            peak_memory=job.peak_memory,
            target="",
        )

    @property
    def fields(self) -> Json:
        """The part of its detail that belongs to its type."""
        return _member(self.detail, "_job")[1]


def job_id_of_summary(summary: Json) -> str:
    """Return the identifier of the job that a member of the contract's `JobSummaryList` is of."""
    key: str = _member(summary, "_job_summary")[1]["job_id"]
    return key


def _type(message: str, *, has_inputs: bool) -> str:
    """Return what people call a job, as the command does: one with inputs may profile, too."""
    return "profile" if message == "inference" and not has_inputs else message


def _common(fields: Json) -> dict[str, Any]:
    return {
        "name": fields["name"],
        "state": fields["job_state"],
        "owner": fields["user"]["email"],
        "created": fields["creation_time"],
        "started": fields.get("start_time"),
        "ended": fields.get("completion_time"),
        "execution_time": fields.get("execution_time"),
        "peak_memory": fields.get("execution_peak_memory"),
    }


def _member(body: Json, suffix: str) -> tuple[str, Json]:
    """Return the member that tells of a job, and its type."""
    name = next(name for name in body if name.endswith(suffix))
    return name.removesuffix(suffix), body[name]


def _split(options: str) -> tuple[str, ...]:
    """Return options one by one; those that cannot be read as they are."""
    try:
        given = parse_option_string(options)
    except OptionStringError:
        return (options,)
    return tuple(each.name if each.value is None else f"{each.name} {each.value}" for each in given)
