"""Sharing, renaming and deleting in an event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qai_hub.aio.download import AsyncDownloadingClient

if TYPE_CHECKING:
    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.job import Job
    from qai_hub.resources.model import Model


class AsyncManagingClient(AsyncDownloadingClient):
    """An asynchronous client that shares, renames and deletes jobs, models and datasets."""

    async def set_job_name(self, job: Job, job_name: str) -> None:
        """Renames a job, as `Job.set_name` does.

        Args:
            job: The job.
            job_name: New name, of 1 to 255 characters.

        Raises:
            UserError: If the name is not valid, or if you are not the owner.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> asyncio.run(client.set_job_name(compile_job, "nightly"))
            >>> compile_job.name
            'nightly'
        """
        async with self._driver() as driver:
            await job._set_name(driver, job_name)

    async def get_sharing(self, resource: Job | Model | Dataset) -> list[str]:
        """Lists the e-mail addresses that a job, model or dataset is shared with.

        Args:
            resource: The job, model or dataset.

        Returns:
            The addresses, in the order in which they were added.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> asyncio.run(client.get_sharing(dataset))
            []
        """
        async with self._driver() as driver:
            return await resource._get_sharing(driver)

    async def modify_sharing(
        self,
        resource: Job | Model | Dataset,
        add_emails: list[str] | None = None,
        delete_emails: list[str] | None = None,
    ) -> None:
        """Shares a job, model or dataset with people, and stops sharing it with others.

        What sharing a job grants is described at `Job.modify_sharing`.

        Args:
            resource: The job, model or dataset.
            add_emails: Addresses to share with; addresses already added are ignored.
            delete_emails: Addresses to stop sharing with; addresses not present are ignored.

        Raises:
            UserError: If no address is given, one is not valid, or you are not the owner.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> asyncio.run(client.modify_sharing(dataset, add_emails=["colleague@example.com"]))
            >>> dataset.get_sharing()
            ['colleague@example.com']
            >>> asyncio.run(client.modify_sharing(dataset, delete_emails=dataset.get_sharing()))
        """
        async with self._driver() as driver:
            await resource._modify_sharing(driver, add_emails, delete_emails)

    async def disable_sharing(self, resource: Job | Model | Dataset) -> None:
        """Stops sharing a job, model or dataset with everyone.

        Args:
            resource: The job, model or dataset.

        Raises:
            UserError: If you are not the owner.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> asyncio.run(client.disable_sharing(dataset))
            >>> dataset.get_sharing()
            []
        """
        async with self._driver() as driver:
            await resource._disable_sharing(driver)

    async def delete_model(self, model: Model) -> None:
        """Deletes a model from a local hub, as `Model.delete` does.

        Args:
            model: The model.

        Raises:
            UserError: If a job that has not ended needs it (the message names the job), if you are
                not the owner, or if the server cannot delete models.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> old = hub.upload_model("model.onnx")
            >>> asyncio.run(client.delete_model(old))
        """
        async with self._driver() as driver:
            await model._delete(driver)

    async def delete_dataset(self, dataset: Dataset) -> None:
        """Deletes a dataset from a local hub, as `Dataset.delete` does.

        Args:
            dataset: The dataset.

        Raises:
            UserError: If a job that has not ended needs it (the message names the job), if you are
                not the owner, or if the server cannot delete datasets.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> old = hub.upload_dataset({"x": [np.zeros((1, 3, 48, 192), np.float32)]})
            >>> asyncio.run(client.delete_dataset(old))
        """
        async with self._driver() as driver:
            await dataset._delete(driver)
