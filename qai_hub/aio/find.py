"""Finding jobs, models, datasets, devices and frameworks in an event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from qai_hub.aio.base import AsyncBaseClient
from qai_hub.client import list_operations
from qai_hub.client.arguments import build_job_filters
from qai_hub.client.fetch import (
    cancel_job,
    collect_attributes,
    fetch_dataset,
    fetch_devices,
    fetch_frameworks,
    fetch_job,
    fetch_model,
    fetch_sign_in_link,
    fetch_user,
)

if TYPE_CHECKING:
    from datetime import date, datetime

    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.device import Device, Framework
    from qai_hub.resources.job import Job
    from qai_hub.resources.model import Model
    from qai_hub.resources.payload import User
    from qai_hub.resources.project import Project
    from qai_hub.resources.summary import JobSummary
    from qai_hub.status import JobStatus, JobType


class AsyncFindingClient(AsyncBaseClient):
    """An asynchronous client that finds and lists what is on the hub."""

    async def get_job(self, job_id: str, job_type: JobType | None = None) -> Job:
        """Fetches a job, as `Client.get_job` does.

        Args:
            job_id: Identifier; starts with `j` and is part of the job's URL.
            job_type: Type that the job must have; None allows any.

        Returns:
            The job.

        Raises:
            UserError: If there is no such job, you may not see it, or it has another type.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> asyncio.run(client.get_job(inference_job.job_id)).device.name
            'Samsung Galaxy S24'
        """
        async with self._driver() as driver:
            return await fetch_job(driver, self._client, job_id, job_type)

    async def cancel_job(self, job_id: str) -> JobStatus:
        """Cancels a job on a local hub, as `Client.cancel_job` does.

        Args:
            job_id: Identifier; starts with `j` and is part of the job's URL.

        Returns:
            The status afterwards: `SUCCESS` if the job ended before it could be cancelled.

        Raises:
            UserError: If there is no such job, you are not the owner, or the server cannot cancel
                jobs, such as the official service.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> asyncio.run(client.cancel_job(inference_job.job_id))
            JobStatus(code='SUCCESS', message='')
        """
        async with self._driver() as driver:
            return await cancel_job(driver, self._client, job_id)

    async def get_model(self, model_id: str) -> Model:
        """Fetches a model, as `Client.get_model` does.

        Args:
            model_id: Identifier; starts with `m`.

        Returns:
            The model.

        Raises:
            UserError: If there is no such model, or you may not see it.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> asyncio.run(client.get_model(model.model_id)).model_type
            <SourceModelType.ONNX: 6>
        """
        async with self._driver() as driver:
            return await fetch_model(driver, self._client, model_id)

    async def get_dataset(self, dataset_id: str) -> Dataset:
        """Fetches a dataset, as `Client.get_dataset` does.

        Args:
            dataset_id: Identifier; starts with `d`.

        Returns:
            The dataset.

        Raises:
            UserError: If there is no such dataset, or you may not see it.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> asyncio.run(client.get_dataset(dataset.dataset_id)).name
            'inputs'
        """
        async with self._driver() as driver:
            return await fetch_dataset(driver, self._client, dataset_id)

    async def get_devices(
        self, name: str = "", os: str = "", attributes: str | list[str] | None = None
    ) -> list[Device]:
        """Lists devices that match all given criteria, as `Client.get_devices` does.

        Args:
            name: Exact name, such as `"Samsung Galaxy S24"`; empty matches any.
            os: Version of the operating system (`"14"`), or an interval (`"[14,15)"`); empty
                matches any.
            attributes: One or more attributes, such as `"chipset:qualcomm-snapdragon-8gen3"`.

        Returns:
            The devices, sorted by name and operating system.

        Raises:
            UserError: If an attribute is not of the form `key:value`.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> devices = asyncio.run(client.get_devices("Samsung Galaxy S24"))
            >>> [device.os for device in devices]
            ['14']
        """
        async with self._driver() as driver:
            return await fetch_devices(driver, name, os, attributes)

    async def get_device_attributes(self) -> list[str]:
        """Lists the attributes that devices have.

        Returns:
            The attributes in alphabetical order, without duplicates.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> "os:android" in asyncio.run(client.get_device_attributes())
            True
        """
        return collect_attributes(await self.get_devices())

    async def get_frameworks(self) -> list[Framework]:
        """Lists the runtime frameworks that jobs can ask for.

        Returns:
            The frameworks.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> "onnxruntime" in [one.name for one in asyncio.run(client.get_frameworks())]
            True
        """
        async with self._driver() as driver:
            return await fetch_frameworks(driver)

    async def get_user(self) -> User:
        """Fetches the user whom the API token belongs to.

        Returns:
            The user.

        Raises:
            UserError: If the server refuses the token.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> asyncio.run(client.get_user()).email
            'you@example.com'
        """
        async with self._driver() as driver:
            return await fetch_user(driver)

    async def create_sign_in_link(self, path: str = "/") -> str:
        """Makes a link that signs a browser in to the pages of a local hub.

        It can be used once, for a few minutes. The browser is signed out when the API token is
        revoked. The official service has no such links.

        Args:
            path: The page to open, such as `"/jobs/jabc12345/"`.

        Returns:
            The link. It is a secret until it is used.

        Raises:
            UserError: If the server has no such links, or refuses the token.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> "/sign-in/" in asyncio.run(client.create_sign_in_link())
            True
        """
        async with self._driver() as driver:
            return await fetch_sign_in_link(driver, path)

    async def get_job_summaries(
        self,
        offset: int = 0,
        limit: int = 50,
        creator: str | None = None,
        state: JobStatus.State | list[JobStatus.State] | None = None,
        type: JobType | None = None,  # noqa: A002 (as Client.get_job_summaries has it)
        project: str | Project | None = None,
        *,
        name: str | None = None,
        device: str | None = None,
        model: str | Model | None = None,
        after: datetime | date | None = None,
        before: datetime | date | None = None,
    ) -> list[JobSummary]:
        """Lists jobs that you submitted or that are shared with you, newest first.

        Args:
            offset: Number of jobs to skip.
            limit: Maximum number of jobs to list.
            creator: E-mail address of the submitter; None lists the jobs of all submitters.
            state: State or states to list; None lists all.
            type: Job type to list; None lists all.
            project: Project to list; None lists all projects.
            name: Text that the name or the identifier contains, in upper or lower case. This filter
                and the following need a local hub.
            device: Text that the name of the device contains, in upper or lower case.
            model: A model that the jobs use or make, or its identifier.
            after: Time since when they were submitted, local if it has no time zone; a date is its
                beginning.
            before: Time before which they were submitted, read like `after`.

        Returns:
            The job summaries.

        Raises:
            UserError: If an argument is not valid.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> len(asyncio.run(client.get_job_summaries(limit=2)))
            2
        """
        operation = list_operations.summary_list(
            self._client,
            project,
            build_job_filters(
                self._client.config,
                creator,
                state,
                type,
                name=name,
                device=device,
                model=model,
                after=after,
                before=before,
            ),
        )
        async with self._driver() as driver:
            return await operation.fetch_range_async(driver, offset, limit)

    async def get_models(
        self, offset: int = 0, limit: int = 50, project: str | Project | None = None
    ) -> list[Model]:
        """Lists models that are yours or shared with you, newest first.

        Args:
            offset: Number of models to skip.
            limit: Maximum number of models to list.
            project: Project to list; None lists all projects.

        Returns:
            The models.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> len(asyncio.run(client.get_models(limit=1)))
            1
        """
        async with self._driver() as driver:
            return await list_operations.model_list(self._client, project).fetch_range_async(
                driver, offset, limit
            )

    async def get_datasets(self, offset: int = 0, limit: int = 50) -> list[Dataset]:
        """Lists datasets that are yours or shared with you, newest first.

        Args:
            offset: Number of datasets to skip.
            limit: Maximum number of datasets to list.

        Returns:
            The datasets.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> len(asyncio.run(client.get_datasets(limit=1)))
            1
        """
        async with self._driver() as driver:
            return await list_operations.dataset_list(self._client).fetch_range_async(
                driver, offset, limit
            )

    def iter_jobs(
        self,
        creator: str | None = None,
        state: JobStatus.State | list[JobStatus.State] | None = None,
        type: JobType | None = None,  # noqa: A002 (as get_job_summaries has it)
        project: str | Project | None = None,
        page_size: int = 100,
        *,
        name: str | None = None,
        device: str | None = None,
        model: str | Model | None = None,
        after: datetime | date | None = None,
        before: datetime | date | None = None,
    ) -> AsyncIterator[Job]:
        """Iterates over all jobs, newest first, as `Client.iter_jobs` does.

        Args:
            creator: E-mail address of the submitter; None includes all.
            state: State or states to include; None includes all.
            type: Job type to include; None includes all.
            project: Project to include; None includes all projects.
            page_size: Maximum number of jobs per request, from 1 to 1000.
            name: Text that the name or the identifier contains, in upper or lower case. This filter
                and the following need a local hub.
            device: Text that the name of the device contains, in upper or lower case.
            model: A model that the jobs use or make, or its identifier.
            after: Time since when they were submitted, local if it has no time zone; a date is its
                beginning.
            before: Time before which they were submitted, read like `after`.

        Returns:
            The jobs, each once.

        Raises:
            UserError: If an argument is not valid.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> async def links():
            ...     return [job async for job in client.iter_jobs(type=hub.JobType.LINK)]
            >>> link_job.job_id in {job.job_id for job in asyncio.run(links())}
            True
        """
        operation = list_operations.job_list(
            self._client,
            project,
            build_job_filters(
                self._client.config,
                creator,
                state,
                type,
                name=name,
                device=device,
                model=model,
                after=after,
                before=before,
            ),
        )
        return operation.iterate_async(self._driver(), page_size)

    def iter_job_summaries(
        self,
        creator: str | None = None,
        state: JobStatus.State | list[JobStatus.State] | None = None,
        type: JobType | None = None,  # noqa: A002 (as get_job_summaries has it)
        project: str | Project | None = None,
        page_size: int = 100,
        *,
        name: str | None = None,
        device: str | None = None,
        model: str | Model | None = None,
        after: datetime | date | None = None,
        before: datetime | date | None = None,
    ) -> AsyncIterator[JobSummary]:
        """Iterates over the summaries of all jobs, newest first.

        Args:
            creator: E-mail address of the submitter; None includes all.
            state: State or states to include; None includes all.
            type: Job type to include; None includes all.
            project: Project to include; None includes all projects.
            page_size: Maximum number of jobs per request, from 1 to 1000.
            name: Text that the name or the identifier contains, in upper or lower case. This filter
                and the following need a local hub.
            device: Text that the name of the device contains, in upper or lower case.
            model: A model that the jobs use or make, or its identifier.
            after: Time since when they were submitted, local if it has no time zone; a date is its
                beginning.
            before: Time before which they were submitted, read like `after`.

        Returns:
            The job summaries, each once.

        Raises:
            UserError: If an argument is not valid.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> async def count():
            ...     return len([one async for one in client.iter_job_summaries()])
            >>> asyncio.run(count()) > 1
            True
        """
        operation = list_operations.summary_list(
            self._client,
            project,
            build_job_filters(
                self._client.config,
                creator,
                state,
                type,
                name=name,
                device=device,
                model=model,
                after=after,
                before=before,
            ),
        )
        return operation.iterate_async(self._driver(), page_size)

    def iter_models(
        self, project: str | Project | None = None, page_size: int = 100
    ) -> AsyncIterator[Model]:
        """Iterates over all models that are yours or shared with you, newest first.

        Args:
            project: Project to include; None includes all projects.
            page_size: Maximum number of models per request, from 1 to 1000.

        Returns:
            The models, each once.

        Raises:
            UserError: If an argument is not valid.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> async def names():
            ...     return {model.name async for model in client.iter_models()}
            >>> "model" in asyncio.run(names())
            True
        """
        return list_operations.model_list(self._client, project).iterate_async(
            self._driver(), page_size
        )

    def iter_datasets(self, page_size: int = 100) -> AsyncIterator[Dataset]:
        """Iterates over all datasets that are yours or shared with you, newest first.

        Args:
            page_size: Maximum number of datasets per request, from 1 to 1000.

        Returns:
            The datasets, each once.

        Raises:
            UserError: If the page size is not valid.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> async def names():
            ...     return {dataset.name async for dataset in client.iter_datasets()}
            >>> "inputs" in asyncio.run(names())
            True
        """
        return list_operations.dataset_list(self._client).iterate_async(self._driver(), page_size)
