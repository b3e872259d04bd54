"""Finding a job, model or dataset by its identifier, and listing devices and frameworks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qai_hub.client.base import BaseClient
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
from qai_hub.driver import run_blocking

if TYPE_CHECKING:
    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.device import Device, Framework
    from qai_hub.resources.job import Job
    from qai_hub.resources.model import Model
    from qai_hub.resources.payload import User
    from qai_hub.status import JobStatus, JobType


class FindingClient(BaseClient):
    """A client that finds jobs, models and datasets, and lists devices and frameworks."""

    def get_job(self, job_id: str, job_type: JobType | None = None) -> Job:
        """Fetches a job.

        Args:
            job_id: Identifier; starts with `j` and is part of the job's URL.
            job_type: Type that the job must have; None allows any.

        Returns:
            The job.

        Raises:
            UserError: If there is no such job, you may not see it, or it has another type.

        Examples:
            >>> job = hub.get_job(inference_job.job_id)
            >>> job.device.name
            'Samsung Galaxy S24'
        """
        return run_blocking(fetch_job(self._driver, self, job_id, job_type))

    def cancel_job(self, job_id: str) -> JobStatus:
        """Cancels a running or queued job, as `Job.cancel` does.

        Args:
            job_id: Identifier; starts with `j` and is part of the job's URL.

        Returns:
            The status afterwards: `SUCCESS` if the job ended before it could be cancelled.

        Raises:
            UserError: If there is no such job, you are not the owner, or the server cannot cancel
                jobs, such as the official service.

        Examples:
            >>> hub.cancel_job(inference_job.job_id)
            JobStatus(code='SUCCESS', message='')
        """
        return run_blocking(cancel_job(self._driver, self, job_id))

    def get_model(self, model_id: str) -> Model:
        """Fetches a model.

        Args:
            model_id: Identifier; starts with `m`.

        Returns:
            The model.

        Raises:
            UserError: If there is no such model, or you may not see it.

        Examples:
            >>> hub.get_model(model.model_id).model_type
            <SourceModelType.ONNX: 6>
        """
        return run_blocking(fetch_model(self._driver, self, model_id))

    def get_dataset(self, dataset_id: str) -> Dataset:
        """Fetches a dataset.

        Args:
            dataset_id: Identifier; starts with `d`.

        Returns:
            The dataset.

        Raises:
            UserError: If there is no such dataset, or you may not see it.

        Examples:
            >>> hub.get_dataset(dataset.dataset_id).name
            'inputs'
        """
        return run_blocking(fetch_dataset(self._driver, self, dataset_id))

    def get_devices(
        self, name: str = "", os: str = "", attributes: str | list[str] | None = None
    ) -> list[Device]:
        """Lists devices that match all given criteria.

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
            >>> for device in hub.get_devices(attributes="chipset:qualcomm-snapdragon-8gen3"):
            ...     print(device.name)
            Samsung Galaxy S24
            Samsung Galaxy S24 (Family)
            Samsung Galaxy S24 Ultra
            Samsung Galaxy S24+
            Snapdragon 8 Gen 3 QRD
        """
        return run_blocking(fetch_devices(self._driver, name, os, attributes))

    def get_device_attributes(self) -> list[str]:
        """Lists the attributes that devices have.

        Returns:
            The attributes in alphabetical order, without duplicates.

        Examples:
            >>> [text for text in hub.get_device_attributes() if text.startswith("os:")]
            ['os:android', 'os:qc_linux', 'os:ubuntu', 'os:windows']
        """
        return collect_attributes(self.get_devices())

    def get_frameworks(self) -> list[Framework]:
        """Lists the runtime frameworks that jobs can ask for.

        Returns:
            The frameworks.

        Examples:
            >>> versions = {one.name: one.full_version for one in hub.get_frameworks()}
            >>> "onnxruntime" in versions
            True
        """
        return run_blocking(fetch_frameworks(self._driver))

    def get_user(self) -> User:
        """Fetches the user whom the API token belongs to.

        Returns:
            The user.

        Raises:
            UserError: If the server refuses the token.

        Examples:
            >>> hub.get_user().email
            'you@example.com'
        """
        return run_blocking(fetch_user(self._driver))

    def create_sign_in_link(self, path: str = "/") -> str:
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
            >>> "/sign-in/" in hub.create_sign_in_link()
            True
        """
        return run_blocking(fetch_sign_in_link(self._driver, path))
