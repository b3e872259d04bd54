"""Finding one job, model or dataset, and what there is to run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qai_hub.client.arguments import check_type, identifier
from qai_hub.client.base import BaseClient
from qai_hub.errors import InvalidValueError
from qai_hub.resources.dataset import Dataset
from qai_hub.resources.device import Device, Framework, attribute_list
from qai_hub.resources.extensions import cancel_job
from qai_hub.resources.kinds import job_from_api, with_id
from qai_hub.resources.model import Model
from qai_hub.transport.values import listed

if TYPE_CHECKING:
    from qai_hub.resources.job import Job
    from qai_hub.status import JobStatus, JobType


class FindingClient(BaseClient):
    """A client that finds things by their identifiers, and devices and frameworks."""

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

        check_type("job_type", job_type)
        payload = self._connection.call(get_job.sync, identifier("job_id", job_id))
        job = job_from_api(with_id(payload, job_id), self)
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
        payload = cancel_job(self, identifier("job_id", job_id))
        return job_from_api(payload, self)._update(payload)

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
        return Model._fetch(self, identifier("model_id", model_id))

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
        return Dataset._fetch(self, identifier("dataset_id", dataset_id))

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
