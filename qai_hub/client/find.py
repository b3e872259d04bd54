"""The client's methods that find jobs, and cancel them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, overload

from qai_hub.client.base import Verbs, identifier
from qai_hub.client.pages import Page, Place, mapped, some_items
from qai_hub.errors import InvalidValueError, UserError
from qai_hub.resources.device import Device, Framework, attribute_list
from qai_hub.resources.job import cancel
from qai_hub.resources.kinds import job_from_api, with_id
from qai_hub.resources.summary import JobSummary, summary_from_api
from qai_hub.status import JobStatus, JobType
from qai_hub.transport.values import listed

if TYPE_CHECKING:
    from qai_hub.resources.compile import CompileJob
    from qai_hub.resources.inference import InferenceJob
    from qai_hub.resources.job import Job
    from qai_hub.resources.link import LinkJob
    from qai_hub.resources.project import Project
    from qai_hub.resources.quantize import QuantizeJob


class JobVerbs(Verbs):
    """Methods that find jobs, and cancel them."""

    @overload
    def get_job(self, job_id: str, job_type: Literal[JobType.COMPILE]) -> CompileJob: ...

    @overload
    def get_job(
        self, job_id: str, job_type: Literal[JobType.INFERENCE, JobType.PROFILE]
    ) -> InferenceJob: ...

    @overload
    def get_job(self, job_id: str, job_type: Literal[JobType.QUANTIZE]) -> QuantizeJob: ...

    @overload
    def get_job(self, job_id: str, job_type: Literal[JobType.LINK]) -> LinkJob: ...

    @overload
    def get_job(self, job_id: str, job_type: JobType | None = None) -> Job: ...

    def get_job(self, job_id: str, job_type: JobType | None = None) -> Job:
        """Fetches a job.

        Args:
            job_id: Identifier; starts with `j`, and stands in the job's URL.
            job_type: Type that the job must have; None allows all.

        Returns:
            The job.

        Raises:
            UserError: If there is no such job, you may not see it, or it has another type.

        Examples:
            >>> job = hub.get_job(inference_job.job_id)
            >>> job.device.name
            'Samsung Galaxy S24'
        """
        from qai_hub_api.api.jobs import get_job

        _check_type("job_type", job_type)
        payload = self._connection.call(get_job.sync, identifier("job_id", job_id))
        job = job_from_api(with_id(payload, job_id), self._client)
        if job_type is not None and job._job_type is not job_type:
            raise InvalidValueError(
                f"Job {job_id} is of the type {job.job_type}, not {job_type.display_name}."
            )
        return job

    def cancel_job(self, job_id: str) -> JobStatus:
        """Ends a job, whether it runs or waits for its turn, as `Job.cancel` does.

        Args:
            job_id: Identifier; starts with `j`, and stands in the job's URL.

        Returns:
            The status afterwards: `SUCCESS` if the job was done before it could be cancelled.

        Raises:
            UserError: If there is no such job, you are not the owner, or the server cannot cancel
                jobs, as the official service cannot.

        Examples:
            >>> hub.cancel_job(inference_job.job_id)
            JobStatus(code='SUCCESS', message='')
        """
        payload = cancel(self._client, identifier("job_id", job_id))
        return job_from_api(payload, self._client)._update(payload)

    def get_job_summaries(
        self,
        offset: int = 0,
        limit: int = 50,
        creator: str | None = None,
        state: JobStatus.State | list[JobStatus.State] | None = None,
        type: JobType | None = None,  # noqa: A002 (the name that users know)
        project: str | Project | None = None,
    ) -> list[JobSummary]:
        """Lists jobs that you submitted or that are shared with you, newest first.

        Args:
            offset: How many jobs to skip.
            limit: How many jobs to list at most.
            creator: E-mail address of who submitted them; None lists all.
            state: State or states that they are in; None lists all.
            type: Type of the jobs; None lists all.
            project: Project that they belong to; None lists those of all projects.

        Returns:
            The short forms of the jobs.

        Raises:
            UserError: If an argument is not valid.

        Examples:
            >>> failed = hub.get_job_summaries(limit=10, state=hub.JobStatus.State.FAILED)
            >>> {summary.status.code for summary in failed}
            {'FAILED'}
        """
        page = self._summary_pages(project, job_filters(creator, state, type))
        return some_items(page, lambda summary: summary.job_id, offset, limit)

    def _summary_pages(
        self, project: str | Project | None, filters: dict[str, Any]
    ) -> Callable[[Place, int], Page[JobSummary]]:
        """What fetches one page of the short forms of jobs."""
        from qai_hub_api.api.jobs import list_job_summaries
        from qai_hub_api.api.projects import list_project_job_summaries

        fetch = self._lister(list_job_summaries, list_project_job_summaries, project, filters)

        def page(place: Place, limit: int) -> Page[JobSummary]:
            answer, cursor = fetch(place, limit)
            told = listed(answer.job_summaries, "a list of jobs")
            client = self._client
            summaries = mapped(lambda each: summary_from_api(each, client), told, "jobs")
            return Page(summaries, len(told), answer.total_query_count, cursor)

        return page


def job_filters(
    creator: str | None,
    state: JobStatus.State | list[JobStatus.State] | None,
    job_type: JobType | None,
) -> dict[str, Any]:
    """Which jobs a list is to hold, as the operations that list jobs take it.

    Raises:
        UserError: If one of them is not valid.
    """
    from qai_hub_api.models import JobTypeName
    from qai_hub_api.types import UNSET

    _check_type("type", job_type)
    named = None if job_type is JobType.UNSPECIFIED else job_type
    return {
        "creator": creator or UNSET,
        "state": _states(state) or UNSET,
        "type_": JobTypeName(named.display_name) if named else UNSET,
    }


def _states(state: JobStatus.State | list[JobStatus.State] | None) -> str:
    """States as the service takes them: their numbers, joined by commas."""
    states = [] if state is None else state if isinstance(state, list | tuple) else [state]
    for one in states:
        if not isinstance(one, JobStatus.State):
            raise UserError(f"state takes members of JobStatus.State, not {one!r}.")
    return ",".join(str(one.value) for one in states)


def _check_type(argument: str, job_type: JobType | None) -> None:
    if job_type is not None and not isinstance(job_type, JobType):
        raise UserError(f"{argument} takes a member of JobType, not {job_type!r}.")


class DeviceVerbs(Verbs):
    """Methods on devices and frameworks."""

    def get_devices(
        self, name: str = "", os: str = "", attributes: str | list[str] | None = None
    ) -> list[Device]:
        """Lists devices that match all of what is given.

        Args:
            name: Exact name, such as `"Samsung Galaxy S24"`; empty matches all.
            os: Version of the operating system (`"14"`), or an interval (`"[14,15)"`); empty
                matches all.
            attributes: One attribute or several, such as `"chipset:qualcomm-snapdragon-8gen3"`.

        Returns:
            The devices, ordered by name and operating system.

        Raises:
            UserError: If an attribute is not of the form `key:value`.

        Examples:
            >>> for device in hub.get_devices(attributes="chipset:qualcomm-snapdragon-8gen3"):
            ...     print(device.name)
            Samsung Galaxy S24
            Samsung Galaxy S24 (Family)
            Samsung Galaxy S24 Ultra
            Samsung Galaxy S24+
            Snapdragon 8 Gen 3 QRD
        """
        from qai_hub_api.api.devices import list_devices

        answer = self._connection.call(
            list_devices.sync, name=name, os=os, attributes=attribute_list(attributes), select=False
        )
        devices = listed(answer.devices, "a list of devices")
        return [Device._from_api(device) for device in devices if device.name]

    def _selected(self, devices: list[Device]) -> list[Device]:
        """The devices that jobs will get, one for each query.

        Raises:
            UserError: If none matches a query, or it is not well formed.
        """
        return [self._select(device) for device in devices]

    def _select(self, query: Device) -> Device:
        from qai_hub_api.api.devices import list_devices

        answer = self._connection.call(
            list_devices.sync,
            name=query.name,
            os=query.os,
            attributes=attribute_list(query.attributes),
            select=True,
        )
        found = [one for one in listed(answer.devices, "a list of devices") if one.name]
        if not found:
            raise UserError(f"No device matches {query}: get_devices() lists those that exist.")
        return Device._from_api(found[0])

    def get_device_attributes(self) -> list[str]:
        """Lists the attributes that devices have.

        Returns:
            The attributes in alphabetical order, each once.

        Examples:
            >>> [text for text in hub.get_device_attributes() if text.startswith("os:")]
            ['os:android', 'os:qc_linux', 'os:ubuntu', 'os:windows']
        """
        found = (device.attributes for device in self.get_devices())
        return sorted({attribute for attributes in found for attribute in attributes})

    def get_frameworks(self) -> list[Framework]:
        """Lists the runtime frameworks that jobs can ask for.

        Returns:
            The frameworks.

        Examples:
            >>> versions = {one.name: one.full_version for one in hub.get_frameworks()}
            >>> "onnxruntime" in versions
            True
        """
        from qai_hub_api.api.devices import list_frameworks

        answer = self._connection.call(list_frameworks.sync)
        frameworks = listed(answer.frameworks, "a list of frameworks")
        return [Framework._from_api(framework) for framework in frameworks if framework.name]
