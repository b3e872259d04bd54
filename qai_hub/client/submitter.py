"""The steps that all submit methods share, carried out blocking or in an event loop."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from qai_hub.client.fetch import DEVICES, SelectedDevice, fetch_dataset, refresh_devices
from qai_hub.client.upload import UploadingClient, check_data
from qai_hub.errors import Error, UserError
from qai_hub.next_steps import Step
from qai_hub.resources.job import Job
from qai_hub.resources.kinds import job_from_submission
from qai_hub.submit.model_checks import check_framework

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.driver import AsyncDriver, BlockingDriver, Driver
    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.device import Device
    from qai_hub.resources.job_request import JobRequest
    from qai_hub.resources.model import Model
    from qai_hub.resources.project import Project
    from qai_hub.tensors import DatasetSamples

J = TypeVar("J", bound=Job)

# Status codes with which a service may refuse a device that no longer exists.
_REFUSALS = frozenset({400, 404, 409, 422})
_DATASET_ID = re.compile(r"d[a-z0-9]{1,31}")


class JobPlan(NamedTuple):
    """A job to create.

    Attributes:
        devices: Its devices.
        build_request: Builds the request for the devices, which may be selected anew.
    """

    devices: Sequence[SelectedDevice]
    build_request: Callable[[list[Device]], JobRequest]


class Submitter(ABC):
    """The steps of one call of a submit method.

    Args:
        client: The client that submits.
        driver: Runs the requests.
    """

    def __init__(self, client: UploadingClient, driver: Driver) -> None:
        self.client = client
        self.driver = driver

    @abstractmethod
    async def get_dataset(self, dataset_id: str) -> Dataset:
        """Fetches a dataset."""

    @abstractmethod
    async def upload_model(self, model: Any, project: str | Project | None) -> Model:  # noqa: ANN401
        """Uploads a model, unless it is on the hub already."""

    @abstractmethod
    async def upload_dataset(
        self, data: Dataset | DatasetSamples | str, project: str | Project | None
    ) -> Dataset:
        """Uploads a dataset, unless it is on the hub already."""

    @abstractmethod
    async def complete_job(self, job: Job) -> None:
        """Fetches what is not known yet of a job that was just created, if it must be now."""

    async def check_dataset(
        self, data: Dataset | DatasetSamples | str
    ) -> Dataset | DatasetSamples | str:
        """Checks that data can be used or uploaded; fetches the dataset if given an identifier.

        Raises:
            FileNotFoundError: If a path does not exist.
            UserError: If it is not a dataset, or the dataset has expired.
        """
        if isinstance(data, str) and _DATASET_ID.fullmatch(data) and not Path(data).exists():  # noqa: ASYNC240 - the call is short
            data = await self.get_dataset(data)
        await self.driver.run(lambda: check_data(data))
        return data

    async def select_devices(
        self, queries: list[Device], models: Sequence[Any] = ()
    ) -> list[SelectedDevice]:
        """Finds the devices for jobs, one for each query.

        Args:
            queries: What the user asked for.
            models: Models that the devices must run: each a `Model`, or one that could be uploaded.

        Returns:
            The devices.

        Raises:
            UserError: If no device matches a query, a query is malformed, or a device cannot run a
                model.
        """
        devices = [await DEVICES.select(self.driver, self.client, query) for query in queries]
        try:
            _check_frameworks(models, devices)
        except UserError:
            # A cached device may be out of date, and may have the framework by now.
            refreshed = await refresh_devices(self.driver, self.client, devices)
            if refreshed is None:
                raise
            _check_frameworks(models, refreshed)
            return refreshed
        return devices

    async def create_jobs(
        self,
        cls: type[J],
        plans: Sequence[JobPlan],
        project: str | Project | None,
        retry: bool = True,
    ) -> list[J]:
        """Creates jobs one after the other; an error has a note that names those created before it.

        Args:
            cls: Class of the jobs.
            plans: The jobs.
            project: Project of the jobs; None uses the client's default.
            retry: Whether to wait and retry when the service limits the rate of requests.

        Returns:
            The jobs.

        Raises:
            UserError: If the service refuses a job.
        """
        project_id = self.client._project_id(project)
        jobs: list[J] = []
        with note_created_jobs(jobs):
            for plan in plans:
                jobs.append(self._take_over(cls, *await self._create_job(plan, project_id, retry)))
                await self.complete_job(jobs[-1])
        return jobs

    async def create_fresh_job(self, cls: type[J], request: JobRequest) -> J:
        """Creates a job that the cache of a local hub does not serve.

        Args:
            cls: Class of the job.
            request: The request, whose devices are taken as they are.

        Returns:
            The job.

        Raises:
            UserError: If the service refuses it.
        """
        project_id = self.client._project_id(None)
        answer = await self._send(request.body, project_id, retry=True, cache_control="no-cache")
        job = self._take_over(cls, request, answer)
        await self.complete_job(job)
        return job

    def _take_over(self, cls: type[J], request: JobRequest, answer: api.CreateUpdateResponse) -> J:
        """Returns the job that the service has created, and shows that it has."""
        from qai_hub.waiting.progress import show_submission

        name = {"name": request.name} if request.name else {}
        job = job_from_submission(cls, answer, self.client, name | request.attributes)
        show_submission(job)
        return job

    async def _create_job(
        self, plan: JobPlan, project_id: str | None, retry: bool
    ) -> tuple[JobRequest, api.CreateUpdateResponse]:
        """Creates a job; returns the request that the service has accepted, and its response."""
        request = plan.build_request([selected.device for selected in plan.devices])
        try:
            answer = await self._send(request.body, project_id, retry)
        except UserError as error:
            # A cached device may no longer exist, or the query may select another one by now.
            if error.status_code not in _REFUSALS:
                raise
            refreshed = await refresh_devices(self.driver, self.client, plan.devices)
            if refreshed is None:
                raise
            request = plan.build_request([selected.device for selected in refreshed])
            answer = await self._send(request.body, project_id, retry)
        return request, answer

    async def _send(
        self, body: api.JobSubmit, project_id: str | None, retry: bool, **headers: str
    ) -> api.CreateUpdateResponse:
        from qai_hub_api.api.jobs import create_job
        from qai_hub_api.api.projects import create_project_job

        given: dict[str, Any] = {"body": body, "seed_target_model": True, **headers}
        with self.driver.connection.request_limits(retry_rate_limit=retry):
            if project_id is None:
                return await self.driver.call(create_job.sync, **given)
            return await self.driver.call(create_project_job.sync, project_id, **given)


class BlockingSubmitter(Submitter):
    """Uploads and fetches by the methods of the client, which a subclass may override."""

    def __init__(self, client: UploadingClient, driver: BlockingDriver) -> None:
        super().__init__(client, driver)

    async def get_dataset(self, dataset_id: str) -> Dataset:
        """Fetches a dataset."""
        return self.client.get_dataset(dataset_id)

    async def upload_model(self, model: Any, project: str | Project | None) -> Model:  # noqa: ANN401
        """Uploads a model, unless it is on the hub already."""
        return self.client.upload_model(model, project=project)

    async def upload_dataset(
        self, data: Dataset | DatasetSamples | str, project: str | Project | None
    ) -> Dataset:
        """Uploads a dataset, unless it is on the hub already."""
        return self.client._upload_dataset(data, project=project)

    async def complete_job(self, job: Job) -> None:
        """Does nothing: attributes are fetched when they are first read."""


class AsyncSubmitter(Submitter):
    """Uploads and fetches in an event loop."""

    def __init__(self, client: UploadingClient, driver: AsyncDriver) -> None:
        super().__init__(client, driver)

    async def get_dataset(self, dataset_id: str) -> Dataset:
        """Fetches a dataset."""
        return await fetch_dataset(self.driver, self.client, dataset_id)

    async def upload_model(self, model: Any, project: str | Project | None) -> Model:  # noqa: ANN401
        """Uploads a model, unless it is on the hub already."""
        return await self.client._send_model(self.driver, model, project=project)

    async def upload_dataset(
        self, data: Dataset | DatasetSamples | str, project: str | Project | None
    ) -> Dataset:
        """Uploads a dataset, unless it is on the hub already."""
        return await self.client._send_dataset(self.driver, data, project=project)

    async def complete_job(self, job: Job) -> None:
        """Fetches the attributes of a job, so that reading one never blocks the event loop."""
        await job._fetch(self.driver)


@contextmanager
def note_created_jobs(jobs: Sequence[Job]) -> Iterator[None]:
    """Adds a note to errors that names the jobs created before; to Ctrl+C, those that go on.

    Args:
        jobs: The jobs; the list may grow while the context is open.
    """
    try:
        yield
    except KeyboardInterrupt as interruption:
        from qai_hub.waiting.progress import note_what_goes_on

        statuses = [(job.job_id, job._last_status) for job in jobs]
        left = [job_id for job_id, status in statuses if status is None or not status.finished]
        note_what_goes_on(interruption, left)
        raise
    except Error as error:
        if jobs:
            ids = ", ".join(job.job_id for job in jobs)
            fetch = Step("get_job fetches", "`qai-hub job show` shows")
            error.add_note(f"Jobs already created, which {fetch}: {ids}")
        raise


def _check_frameworks(models: Sequence[Any], devices: Sequence[SelectedDevice]) -> None:
    for selected in devices:
        for model in models:
            check_framework(model, selected.device)
