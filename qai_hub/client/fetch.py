"""Requests that fetch one job, model or dataset, or a list that comes in one response."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qai_hub.client.arguments import check_type, identifier
from qai_hub.errors import InvalidValueError, UserError
from qai_hub.resources.dataset import Dataset
from qai_hub.resources.device import Device, Framework, attribute_list
from qai_hub.resources.extensions import cancel_job
from qai_hub.resources.kinds import job_from_api, with_id
from qai_hub.resources.model import Model
from qai_hub.transport.values import listed

if TYPE_CHECKING:
    from qai_hub.driver import Driver
    from qai_hub.owner import Owner
    from qai_hub.resources.job import Job, JobOwner
    from qai_hub.status import JobStatus, JobType


async def fetch_job(
    driver: Driver, owner: JobOwner, job_id: str, job_type: JobType | None = None
) -> Job:
    """Fetches a job, as `Client.get_job` does."""
    from qai_hub_api.api.jobs import get_job

    check_type("job_type", job_type)
    payload = await driver.call(get_job.sync, identifier("job_id", job_id))
    job = job_from_api(with_id(payload, job_id), owner)
    if job_type is not None and job._job_type is not job_type:
        raise InvalidValueError(
            f"Job {job_id} is of the type {job.job_type}, not {job_type.display_name}."
        )
    return job


async def end_job(driver: Driver, owner: JobOwner, job_id: str) -> JobStatus:
    """Ends a job, as `Client.cancel_job` does."""
    payload = await cancel_job(driver, identifier("job_id", job_id))
    return job_from_api(payload, owner)._update(payload)


async def fetch_model(driver: Driver, owner: JobOwner, model_id: str) -> Model:
    """Fetches a model, as `Client.get_model` does."""
    return await Model._fetch(driver, owner, identifier("model_id", model_id))


async def fetch_dataset(driver: Driver, owner: Owner, dataset_id: str) -> Dataset:
    """Fetches a dataset, as `Client.get_dataset` does."""
    return await Dataset._fetch(driver, owner, identifier("dataset_id", dataset_id))


async def fetch_devices(
    driver: Driver, name: str, os: str, attributes: str | list[str] | None
) -> list[Device]:
    """Lists devices, as `Client.get_devices` does."""
    from qai_hub_api.api.devices import list_devices

    answer = await driver.call(
        list_devices.sync, name=name, os=os, attributes=attribute_list(attributes), select=False
    )
    devices = listed(answer.devices, "a list of devices")
    return [Device._from_api(device) for device in devices if device.name]


async def select_device(driver: Driver, query: Device) -> Device:
    """Finds the device that the service selects for a query.

    Raises:
        UserError: If no device matches the query, or it is malformed.
    """
    from qai_hub_api.api.devices import list_devices

    answer = await driver.call(
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


def attributes_of(devices: list[Device]) -> list[str]:
    """Returns the attributes of devices in alphabetical order, without duplicates."""
    return sorted({attribute for device in devices for attribute in device.attributes})


async def fetch_frameworks(driver: Driver) -> list[Framework]:
    """Lists the runtime frameworks, as `Client.get_frameworks` does."""
    from qai_hub_api.api.devices import list_frameworks

    answer = await driver.call(list_frameworks.sync)
    frameworks = listed(answer.frameworks, "a list of frameworks")
    return [Framework._from_api(framework) for framework in frameworks if framework.name]
