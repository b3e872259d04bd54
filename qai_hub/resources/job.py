"""What jobs of all types have in common."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, Self

from qai_hub.driver import Driver, run_blocking
from qai_hub.errors import UserError
from qai_hub.owner import Owner
from qai_hub.resources.extensions import cancel_and_fetch
from qai_hub.resources.job_view import JobView, format_job, name_type
from qai_hub.resources.payload import Notice, User, get_any_details, on_demand, wrong_type_error
from qai_hub.resources.results import (
    download_all_artifacts,
    download_artifacts,
    parse_artifact_types,
)
from qai_hub.resources.sharing import Shareable
from qai_hub.status import JobArtifactType, JobStatus, JobType
from qai_hub.transport.values import (
    has_ended,
    to_local_time,
    to_utc,
    unexpected_response,
    valid_id_or_empty,
    value_or_none,
)

if TYPE_CHECKING:
    from qai_hub_api import models as api
    from qai_hub_api.types import Unset

    from qai_hub.resources.job_kind import JobKind
    from qai_hub.resources.results import JobResult


class JobOwner(Owner, Protocol):
    """An owner that can also fetch jobs, such as those that produce models."""

    def get_job(self, job_id: str) -> Job:
        """Fetches a job."""


class Job(Shareable):
    """A job on the hub. Instances are created by the client, not by users.

    Attributes:
        job_id: Identifier; starts with `j`.
        name: Display name.
        date: When it was submitted, as a naive local datetime; 1970 if the service does not report
            it.
        hub_version: Release of the service.
        options: Options, as on a command line.
        project_id: Project that it belongs to, if any.
        created_at: When it was submitted, in UTC; None if the service does not report it.
        queued_at: When it was queued, in UTC; None if not known.
        started_at: When it started to run, in UTC; None before.
        completed_at: When it ended, in UTC; None before.
        failure_type: Class of its failure, such as `"MODEL_INVALID"`; None unless it failed.
        notices: Messages to the user.
        owner: Who submitted it; None if the service does not report it.

    Examples:
        >>> job = hub.get_job(compile_job.job_id)
        >>> job.job_type, job.wait().code, job.completed_at > job.started_at
        ('compile', 'SUCCESS', True)
    """

    name: str = on_demand()
    date: datetime = on_demand()
    hub_version: str = on_demand()
    options: str = on_demand()
    project_id: str | None = on_demand()
    created_at: datetime | None = on_demand(None)
    queued_at: datetime | None = on_demand(None)
    started_at: datetime | None = on_demand(None)
    completed_at: datetime | None = on_demand(None)
    failure_type: str | None = on_demand(None)
    notices: tuple[Notice, ...] = on_demand(())
    owner: User | None = on_demand(None)

    _job_type: JobType = JobType.UNSPECIFIED
    _kind: JobKind[Any] | None = None
    _available_artifacts: list[JobArtifactType]
    # Whether it was submitted by this client and has not been fetched since.
    _is_partial = False
    # For its repr, which fetches nothing; None until it has been fetched.
    _last_status: JobStatus | None = None

    def __init__(
        self,
        owner: JobOwner,
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
        self._owner: JobOwner = owner
        self.job_id = job_id
        self.name = name
        self.date = date
        self.hub_version = hub_version
        self.options = options
        self._verbose = verbose
        self.project_id = project_id
        self._job_type = job_type
        self._in_progress_states = in_progress_states
        self._available_artifacts = parse_artifact_types(available_artifacts or ())

    @classmethod
    def _from_api(cls, payload: api.Job, owner: JobOwner, kind: JobKind[Any]) -> Self:
        """Creates a job from a payload.

        Raises:
            InternalError: If the payload describes a job of another type, or has no identifier.
        """
        job = cls._create(owner, kind)
        member, details = job._get_details(payload)
        job.job_id = valid_id_or_empty(getattr(details, f"{member}_id"))
        if not job.job_id:
            raise unexpected_response("a job")
        job._set_fixed_attributes(details)
        job._update(payload)
        return job

    @classmethod
    def _from_submission(
        cls,
        owner: JobOwner,
        kind: JobKind[Any],
        job_id: str,
        creation_time: datetime | Unset,
        attributes: Mapping[str, Any],
    ) -> Self:
        """Creates a job that was just submitted; attributes not yet known are fetched on demand."""
        job = cls._create(owner, kind)
        job.job_id = job_id
        job._is_partial = True
        if value_or_none(creation_time) is not None:
            job.date, job.created_at = to_local_time(creation_time), to_utc(creation_time)
        vars(job).update(attributes)
        return job

    @classmethod
    def _create(cls, owner: JobOwner, kind: JobKind[Any]) -> Self:
        job = object.__new__(cls)
        job._owner = owner
        job._verbose = None
        job._kind = kind
        job._job_type = kind.job_type
        job._in_progress_states = list(kind.states)
        return job

    @property
    def job_type(self) -> str:
        """Type of the job in lower case, such as `"compile"`."""
        return self._job_type.display_name

    @property
    def _type_name(self) -> str:
        """What people read as its type: `"profile"` for an inference job that only profiles."""
        return name_type(self._job_type, vars(self))

    @property
    def verbose(self) -> bool:
        """Whether waits show their progress; set on this job, or else by its client."""
        return self._owner.verbose if self._verbose is None else self._verbose

    @verbose.setter
    def verbose(self, verbose: bool) -> None:
        self._verbose = verbose

    @property
    def url(self) -> str:
        """URL of the job's page."""
        return f"{self._owner.config.web_url}/jobs/{self.job_id}/"

    def get_status(self) -> JobStatus:
        """Fetches the job's status.

        Returns:
            The status, with the reason as its message if the job failed.

        Raises:
            UserError: If there is no such job, or you may not see it.

        Examples:
            >>> job.get_status()
            JobStatus(code='SUCCESS', message='')
        """
        return run_blocking(self._fetch(self._driver))

    def wait(self, timeout: float | None = None) -> JobStatus:
        """Waits until the job has ended.

        If the job failed, or the service timed it out, that status is returned; no exception is
        raised. Network faults are tolerated for 5 minutes. Ctrl+C stops waiting; the job continues.

        Args:
            timeout: Maximum seconds to wait; 0 checks once, None waits without limit.

        Returns:
            The final status.

        Raises:
            TimeoutError: If the job has not ended in time. The job continues and can be fetched
                again.
            UserError: If the server refuses to report the job's status.
            InternalError: If the server has not responded for 5 minutes.

        Examples:
            >>> status = job.wait(timeout=3600)
            >>> if not status.success:
            ...     print(f"{job.name} failed: {status.message}")
        """
        from qai_hub.waiting.wait import wait_for_job

        return wait_for_job(self, timeout)

    async def wait_async(self, timeout: float | None = None) -> JobStatus:  # noqa: ASYNC109 - as wait
        """Waits in an asyncio event loop until the job has ended, as `wait` does.

        Cancelling the task closes its connection; the job continues.

        Args:
            timeout: Maximum seconds to wait; 0 checks once, None waits without limit.

        Returns:
            The final status.

        Raises:
            TimeoutError: If the job has not ended in time. The job continues and can be fetched
                again.
            UserError: If the server refuses to report the job's status.
            InternalError: If the server has not responded for 5 minutes.

        Examples:
            >>> import asyncio
            >>> asyncio.run(job.wait_async(timeout=3600)).success
            True
        """
        from qai_hub.waiting.aio import iter_ended
        from qai_hub.waiting.progress import WaitProgress
        from qai_hub.waiting.wait import WaitForOne

        with WaitProgress([self]) as progress:
            wait = WaitForOne(
                [self], timeout, now=time.monotonic(), max_long_poll=progress.max_long_poll
            )
            ((_, status),) = [pair async for pair in iter_ended(wait, progress)]
        return status

    def cancel(self) -> JobStatus:
        """Cancels the job, whether it is running or queued.

        The job fails with the failure type `"CANCELLED"` and a reason that names who cancelled it;
        jobs that wait for its model fail too. A job that has ended is left unchanged. The official
        service does not support this.

        Returns:
            The status afterwards: `SUCCESS` if the job ended before it could be cancelled.

        Raises:
            UserError: If you are not the owner, or the server cannot cancel jobs.

        Examples:
            >>> job = hub.submit_inference_job(target_model, device, dataset, profile=True)
            >>> job.cancel().finished
            True
        """
        return self._update(run_blocking(cancel_and_fetch(self._driver, self.job_id)))

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
        run_blocking(self._set_name(self._driver, job_name))

    async def _set_name(self, driver: Driver, job_name: str) -> None:
        from qai_hub_api.api.jobs import update_job
        from qai_hub_api.models import JobUpdate

        if not isinstance(job_name, str) or not job_name:
            raise UserError(f"A job's name must be a non-empty string, not {job_name!r}.")
        body = JobUpdate(name=job_name)
        await driver.call(update_job.sync, self.job_id, body=body)
        self.name = job_name

    def get_available_artifacts(self) -> list[JobArtifactType]:
        """Lists the types of the job's artifacts, after waiting for its end.

        Returns:
            The types that this client knows.

        Examples:
            >>> [artifact.name for artifact in job.get_available_artifacts()]
            ['DEVICE_LOG', 'HUB_LOG', 'PROFILE_TRACE']
        """
        return run_blocking(self._list_artifacts(self._driver))

    async def _list_artifacts(self, driver: Driver) -> list[JobArtifactType]:
        """Lists the types of the job's artifacts, after waiting for its end."""
        await driver.wait(self)
        return list(self._available_artifacts)

    def download_artifacts_for_type(
        self, output_dir: str, artifact_type: JobArtifactType
    ) -> list[str]:
        """Downloads the job's artifacts of one type, after waiting for its end.

        Args:
            output_dir: Folder to write to; created if missing. Existing files in it are
                overwritten.
            artifact_type: Type of the files.

        Returns:
            Paths of the files; empty if there are none.

        Raises:
            UserError: If the service no longer has the files, or the type does not exist.

        Examples:
            >>> logs = job.download_artifacts_for_type("logs", hub.JobArtifactType.HUB_LOG)
            >>> len(logs)
            1
        """
        if not isinstance(artifact_type, JobArtifactType):
            raise UserError(
                f"artifact_type must be a member of JobArtifactType, not {artifact_type!r}."
            )
        if artifact_type not in self.get_available_artifacts():
            return []
        downloading = download_artifacts(self._driver, self.job_id, artifact_type, output_dir)
        return run_blocking(downloading)

    def download_job_logs(self, output_dir: str) -> list[str]:
        """Downloads all logs of the job, after waiting for its end.

        Args:
            output_dir: Folder to write to; created if missing. Existing files in it are
                overwritten.

        Returns:
            Paths of the logs.

        Raises:
            UserError: If the service no longer has the files.

        Examples:
            >>> for path in job.download_job_logs("logs"):
            ...     print(path)
            logs/j..._hub.log
        """
        return run_blocking(self._download_job_logs(self._driver, output_dir))

    async def _download_job_logs(self, driver: Driver, output_dir: str) -> list[str]:
        """Downloads all logs, after waiting for the job's end."""
        logs = (JobArtifactType.DEVICE_LOG, JobArtifactType.HUB_LOG)
        available = await self._list_artifacts(driver)
        return [
            path
            for kind in logs
            if kind in available
            for path in await download_artifacts(driver, self.job_id, kind, output_dir)
        ]

    def get_tool_versions(self) -> dict[str, str]:
        """Returns the tools that the job used, after waiting for its end.

        Returns:
            The version of each tool, by name. Empty if the job failed, and on the official service
            for an inference job without profiling, for which it does not report versions.

        Examples:
            >>> list(job.get_tool_versions())
            ['ONNX Runtime', 'ONNX', 'Python', 'NumPy', 'qai-hub-openapi']
        """
        from qai_hub_api.api.jobs import get_job_result

        from qai_hub.resources.profile_payload import tools_from_api

        if not self.wait().success:
            return {}
        answer = self._owner._connection.call(get_job_result.sync, self.job_id)
        return tools_from_api(self._kind.result_tools(answer)) if self._kind else {}

    @abstractmethod
    def download_results(self, artifacts_dir: str) -> JobResult:
        """Downloads all results of the job, after waiting for its end.

        Args:
            artifacts_dir: Folder to write to; created if missing. Existing files in it are
                overwritten.

        Returns:
            The results; for a failed job, its status with the reason.

        Examples:
            >>> result = job.download_results("results")
            >>> result.status.success
            True
        """

    async def _download_results(self, driver: Driver, artifacts_dir: str) -> JobResult:
        """Downloads all results of the job, after waiting for its end."""
        return await driver.run(lambda: self.download_results(artifacts_dir))

    def _extract_job_specific_pb(self, job_pb: Any) -> Any:  # noqa: ANN401 - protobuf messages
        """Returns the part of a `Job` message that is specific to its type; scripts call this."""
        return getattr(job_pb, job_pb.WhichOneof("job"))

    def _get_details(self, payload: api.Job) -> tuple[str, Any]:
        """Returns the part of a payload that is specific to this type of job, with its name.

        Raises:
            InternalError: If the payload describes a job of another type.
        """
        if self._kind is None:
            return get_any_details(payload)
        found = self._kind.get_details(payload)
        if found is None:
            raise wrong_type_error(self.job_type)
        return found

    def _fetch_missing(self) -> None:
        """Fetches the attributes that are not yet known of a job submitted by this client."""
        if self._is_partial:
            self.get_status()

    async def _fetch(self, driver: Driver) -> JobStatus:
        """Fetches the job, and returns its status."""
        from qai_hub_api.api.jobs import get_job

        return self._update(await driver.call(get_job.sync, self.job_id))

    def _set_fixed_attributes(self, details: Any) -> None:  # noqa: ANN401 - of the type of job
        """Sets the attributes that never change, from the type-specific part of a payload."""

    def _update(self, payload: api.Job) -> JobStatus:
        """Updates the job from a payload, and returns its status."""
        _, details = self._get_details(payload)
        if self._is_partial:
            self._set_fixed_attributes(details)
        status = self._set_changing_attributes(payload, details)
        # Last: until then, other threads fetch for themselves what they find missing.
        self._is_partial = False
        return status

    def _update_from_summary(self, summary: Any, status: JobStatus) -> None:  # noqa: ANN401 - as above
        """Updates what the summary of a job that has not ended tells."""
        self.queued_at = to_utc(summary.queued_time)
        self.started_at = to_utc(summary.start_time)
        self._last_status = status

    def _set_changing_attributes(self, payload: api.Job, details: Any) -> JobStatus:  # noqa: ANN401 - as above
        """Sets the attributes that may have changed, and returns the status."""
        self.name, self.options = details.name, details.options
        self.hub_version = value_or_none(payload.hub_version) or ""
        self.project_id = value_or_none(details.project_id)
        self.date = to_local_time(details.creation_time)
        self.created_at = to_utc(details.creation_time)
        self.queued_at = to_utc(details.queued_time)
        self.started_at = to_utc(details.start_time)
        self.completed_at = to_utc(details.completion_time)
        self.owner = User._from_api(details.user)
        self.notices = tuple(
            Notice(str(n.severity), str(n.context), n.message)
            for n in value_or_none(payload.notices) or ()
            if n.message
        )
        self._available_artifacts = parse_artifact_types(
            value_or_none(payload.available_artifacts) or ()
        )
        reason = value_or_none(details.failure_reason) or ""
        ended = has_ended(self.completed_at)
        status = JobStatus._from_wire(details.job_state.value, reason, ended=ended)
        failure = str(payload.failure_type).removeprefix("JOB_FAILURE_TYPE_")
        self.failure_type = failure if status.failure else None
        self._last_status = status
        return status

    async def _download_artifacts(self, driver: Driver, folder: str) -> None:
        """Downloads all artifacts of the job, which must have ended, into a folder."""
        await download_all_artifacts(driver, self.job_id, self._available_artifacts, folder)

    @property
    def _sharing_key(self) -> tuple[str, str]:
        return "job", self.job_id

    @property
    def _view(self) -> JobView:
        # Attributes that are not known would be fetched when they are read.
        return JobView(self._job_type, self.url, self._last_status, vars(self))

    def __repr__(self) -> str:
        return format_job(type(self).__name__, self._last_status, vars(self))

    def _repr_html_(self) -> str:
        return self._view.to_html()

    def _html_row(self) -> dict[str, str]:
        return self._view.to_row()
