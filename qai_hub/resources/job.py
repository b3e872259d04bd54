"""What scripts use of the inside of jobs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar

from qai_hub.errors import UserError
from qai_hub.resources.artifacts import LeavesArtifacts, known_types
from qai_hub.resources.extensions import call_extension
from qai_hub.resources.payload import JobDetails, Notice, User, UsesTools, any_details
from qai_hub.resources.sharing import Shareable
from qai_hub.status import JobStatus, JobType
from qai_hub.transport.values import has_ended, identified, known, local, not_understood, utc
from qai_hub.waiting.poll import ask, wait_for
from qai_hub.waiting.progress import ProgressLine
from qai_hub.waiting.schedule import OVERTIME

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.client import Client
    from qai_hub.resources.results import JobResult


class CompatJob:
    """The inner methods of a job that scripts call."""

    def _extract_job_specific_pb(self, job_pb: Any) -> Any:  # noqa: ANN401 - protobuf messages
        """The part of a `Job` message that is about its type, such as a `CompileJob` message."""
        return getattr(job_pb, job_pb.WhichOneof("job"))


class ShownInNotebooks(ABC):
    """Something with a page on the hub, which notebooks show as a link."""

    job_id: str
    name: str

    @property
    @abstractmethod
    def url(self) -> str:
        """URL of its page."""

    @property
    @abstractmethod
    def job_type(self) -> str:
        """Its type in lower case."""

    def _repr_html_(self) -> str:
        page, label = escape(self.url), escape(self.job_id)
        link = f'<a href="{page}" target="_blank" rel="noopener">{label}</a>'
        shown = link if self.url.startswith(("https://", "http://")) else label
        return f"<b>{escape(self.job_type)} job</b> {shown} {escape(self.name)}"


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

    look = partial(owner._connection.call, get_job.sync, job_id)
    call_extension(owner, cancel_job.sync, job_id, doing="cancel jobs", look=look)
    return look()


class Job(LeavesArtifacts, UsesTools, ShownInNotebooks, Shareable, CompatJob):
    """A job on the hub. It is made by the client, not by users.

    Attributes:
        job_id: Identifier; starts with `j`.
        name: Name that people see.
        date: When it was submitted, as a naive local datetime; 1970 if the service does not tell.
        hub_version: Release of the service.
        options: Options, as on a command line.
        project_id: Project that it belongs to, if any.
        created_at: When it was submitted, in UTC; None if the service does not tell.
        queued_at: When it began to wait for its turn, in UTC; None if that is not known.
        started_at: When it began to run, in UTC; None before.
        completed_at: When it ended, in UTC; None before.
        failure_type: Class of its failure, such as `"MODEL_INVALID"`; None unless it failed.
        notices: What it wants its user to know.
        owner: Who submitted it; None if the service does not tell.

    Examples:
        >>> job = hub.get_job(compile_job.job_id)
        >>> job.job_type, job.wait().code, job.completed_at > job.started_at
        ('compile', 'SUCCESS', True)
    """

    created_at: datetime | None = None
    queued_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    failure_type: str | None = None
    notices: tuple[Notice, ...] = ()
    owner: User | None = None

    _job_type: JobType = JobType.UNSPECIFIED
    # States that a job of this type passes through between CREATED and its end.
    _states: ClassVar[tuple[JobStatus.State, ...]] = ()

    def __init__(
        self,
        owner: Client,
        job_id: str,
        name: str,
        date: datetime,
        hub_version: str,
        options: str,
        verbose: bool | None,
        job_type: JobType,
        in_progress_states: list[JobStatus.State],
        *,
        project_id: str | None = None,
        available_artifacts: list[Any] | None = None,
    ) -> None:
        self._owner = owner
        self.job_id = job_id
        self.name = name
        self.date = date
        self.hub_version = hub_version
        self.options = options
        self._verbose = verbose
        self.project_id = project_id
        self._job_type = job_type
        self._in_progress_states = in_progress_states
        self._available_artifacts = known_types(available_artifacts or ())

    def _init_from(self, owner: Client, payload: api.Job, job_id: str) -> None:
        """Initializes what all job types have in common from a payload."""
        if not identified(job_id):
            raise not_understood("a job")
        details = self._details(payload)
        Job.__init__(
            self,
            owner,
            job_id,
            details.name,
            local(details.creation_time),
            known(payload.hub_version) or "",
            details.options,
            None,
            self._job_type,
            list(self._states),
        )

    @property
    def job_type(self) -> str:
        """Type of the job in lower case, such as `"compile"`."""
        return self._job_type.display_name

    @property
    def verbose(self) -> bool:
        """Whether waits show their progress, as set on this job or else by its client."""
        return self._owner.verbose if self._verbose is None else self._verbose

    @verbose.setter
    def verbose(self, verbose: bool) -> None:
        self._verbose = verbose

    @property
    def url(self) -> str:
        """URL of the job's page."""
        return f"{self._owner.config.web_url}/jobs/{self.job_id}/"

    def get_status(self) -> JobStatus:
        """Asks for the job's status.

        Returns:
            The status, with the reason as its message if the job failed.

        Raises:
            UserError: If there is no such job, or you may not see it.

        Examples:
            >>> job.get_status()
            JobStatus(code='SUCCESS', message='')
        """
        from qai_hub_api.api.jobs import get_job

        return self._update(self._owner._connection.call(get_job.sync, self.job_id))

    def wait(self, timeout: float | None = None) -> JobStatus:
        """Waits until the job has ended.

        A job that failed, or that the service timed out, is returned as such, not raised. Faults of
        the network are ridden out for 5 minutes. Ctrl+C stops waiting; the job goes on.

        Args:
            timeout: Seconds to wait at most; 0 looks once, None waits for as long as it takes.

        Returns:
            The final status.

        Raises:
            TimeoutError: If the job has not ended in time. It goes on, and can be fetched again.
            UserError: If the server refuses to tell about the job.
            InternalError: If the server has not answered for 5 minutes.

        Examples:
            >>> status = job.wait(timeout=3600)
            >>> if not status.success:
            ...     print(f"{job.name} failed: {status.message}")
        """
        progress = ProgressLine.on_stderr(f"{self.name} ({self.job_id})", verbose=self.verbose)
        return wait_for(
            partial(ask, self), timeout, job_id=self.job_id, url=self.url, progress=progress
        )

    async def wait_async(self, timeout: float | None = None) -> JobStatus:  # noqa: ASYNC109 - as wait
        """Waits in an event loop of asyncio until the job has ended, as `wait` does.

        Cancelling the task leaves no connection behind; the job goes on.

        Args:
            timeout: Seconds to wait at most; 0 looks once, None waits for as long as it takes.

        Returns:
            The final status.

        Raises:
            TimeoutError: If the job has not ended in time. It goes on, and can be fetched again.
            UserError: If the server refuses to tell about the job.
            InternalError: If the server has not answered for 5 minutes.

        Examples:
            >>> import asyncio
            >>> asyncio.run(job.wait_async(timeout=3600)).success
            True
        """
        from qai_hub.waiting.aio import Gathering

        wait = Gathering([self], timeout, overtime=OVERTIME)
        ((_, status),) = [ended async for ended in wait.run()]
        return status

    def cancel(self) -> JobStatus:
        """Ends the job, whether it runs or waits for its turn.

        It fails, with a reason that tells who cancelled it and the failure type `"CANCELLED"`;
        jobs that wait for its model fail with it. A job that has ended stays as it is. The official
        service cannot do this.

        Returns:
            The status afterwards: `SUCCESS` if the job was done before it could be cancelled.

        Raises:
            UserError: If you are not the owner, or the server cannot cancel jobs.

        Examples:
            >>> job = hub.submit_inference_job(target_model, device, dataset, profile=True)
            >>> job.cancel().finished
            True
        """
        return self._update(cancel(self._owner, self.job_id))

    def set_name(self, job_name: str) -> None:
        """Renames the job.

        Args:
            job_name: New name, of 1 to 255 characters.

        Raises:
            UserError: If the name is not valid, or if you are not the owner.

        Examples:
            >>> compile_job.set_name("nightly")
            >>> hub.get_job(compile_job.job_id).name
            'nightly'
        """
        from qai_hub_api.api.jobs import update_job
        from qai_hub_api.models import JobUpdate

        if not isinstance(job_name, str) or not job_name:
            raise UserError(f"A job's name is a text that is not empty, not {job_name!r}.")
        body = JobUpdate(name=job_name)
        self._owner._connection.call(update_job.sync, self.job_id, body=body)
        self.name = job_name

    @abstractmethod
    def download_results(self, artifacts_dir: str) -> JobResult:
        """Downloads all results of the job, after waiting for its end.

        Args:
            artifacts_dir: Folder to write to; it is made.

        Returns:
            The results; of a failed job, its status with the reason.

        Examples:
            >>> result = job.download_results("results")
            >>> result.status.success
            True
        """

    @classmethod
    def _details(cls, payload: api.Job) -> JobDetails:
        """The part of a payload that is about the type of job."""
        return any_details(payload)

    def _update(self, payload: api.Job) -> JobStatus:
        """Takes over what has changed since the job was fetched."""
        details = self._details(payload)
        self.name, self.options = details.name, details.options
        self.hub_version = known(payload.hub_version) or ""
        self.project_id = known(details.project_id)
        self.date = local(details.creation_time)
        self.created_at = utc(details.creation_time)
        self.queued_at = utc(details.queued_time)
        self.started_at = utc(details.start_time)
        self.completed_at = utc(details.completion_time)
        self.owner = User._from_api(details.user)
        self.notices = tuple(
            Notice(str(n.severity), str(n.context), n.message)
            for n in known(payload.notices) or ()
            if n.message
        )
        self._available_artifacts = known_types(known(payload.available_artifacts) or ())
        reason = known(details.failure_reason) or ""
        ended = has_ended(self.completed_at)
        status = JobStatus._from_wire(details.job_state.value, reason, ended=ended)
        failure = str(payload.failure_type).removeprefix("JOB_FAILURE_TYPE_")
        self.failure_type = failure if status.failure else None
        return status

    def _fetch_sharing(self) -> api.SharedAccess:
        from qai_hub_api.api.sharing import get_job_sharing

        return self._owner._connection.call(get_job_sharing.sync, self.job_id)

    def _change_sharing(self, change: api.SharingUpdate) -> None:
        from qai_hub_api.api.sharing import update_job_sharing

        self._owner._connection.call(update_job_sharing.sync, self.job_id, body=change)

    def _stop_sharing(self) -> None:
        from qai_hub_api.api.sharing import delete_job_sharing

        self._owner._connection.call(delete_job_sharing.sync, self.job_id)
