"""Requests that fetch one job, model or dataset, or a whole list, and the cache of devices."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from qai_hub.client.arguments import check_identifier, check_job_type
from qai_hub.errors import Error, InternalError, InvalidValueError, RateLimitedError, UserError
from qai_hub.resources.dataset import Dataset
from qai_hub.resources.device import Device, Framework, attribute_list
from qai_hub.resources.extensions import cancel_and_fetch
from qai_hub.resources.kinds import add_missing_id, job_from_api
from qai_hub.resources.model import Model
from qai_hub.resources.payload import User
from qai_hub.resources.resource_list import ResourceList
from qai_hub.transport.values import require_list, unexpected_response

if TYPE_CHECKING:
    from collections.abc import Hashable

    from qai_hub.driver import Driver
    from qai_hub.owner import Owner
    from qai_hub.resources.job import Job, JobOwner
    from qai_hub.status import JobStatus, JobType

__all__ = ["DEVICES", "DeviceCache", "SelectedDevice", "refresh_devices"]


async def fetch_job(
    driver: Driver, owner: JobOwner, job_id: str, job_type: JobType | None = None
) -> Job:
    """Fetches a job, as `Client.get_job` does."""
    from qai_hub_api.api.jobs import get_job

    check_job_type("job_type", job_type)
    payload = await driver.call(get_job.sync, check_identifier("job_id", job_id))
    job = job_from_api(add_missing_id(payload, job_id), owner)
    if job_type is not None and job._job_type is not job_type:
        raise InvalidValueError(
            f"Job {job_id} has the type {job.job_type}, not {job_type.display_name}."
        )
    return job


async def cancel_job(driver: Driver, owner: JobOwner, job_id: str) -> JobStatus:
    """Cancels a job, as `Client.cancel_job` does."""
    payload = await cancel_and_fetch(driver, check_identifier("job_id", job_id))
    return job_from_api(payload, owner)._update(payload)


async def fetch_model(driver: Driver, owner: JobOwner, model_id: str) -> Model:
    """Fetches a model, as `Client.get_model` does."""
    return await Model._fetch(driver, owner, check_identifier("model_id", model_id))


async def fetch_dataset(driver: Driver, owner: Owner, dataset_id: str) -> Dataset:
    """Fetches a dataset, as `Client.get_dataset` does."""
    return await Dataset._fetch(driver, owner, check_identifier("dataset_id", dataset_id))


async def fetch_devices(
    driver: Driver, name: str, os: str, attributes: str | list[str] | None
) -> list[Device]:
    """Lists devices, as `Client.get_devices` does."""
    from qai_hub_api.api.devices import list_devices

    answer = await driver.call(
        list_devices.sync, name=name, os=os, attributes=attribute_list(attributes), select=False
    )
    devices = require_list(answer.devices, "a list of devices")
    found = ResourceList(Device._from_api(device) for device in devices if device.name)
    # An empty list is a valid answer, but most often due to a misspelt name.
    if not found and (name or os or attributes):
        query = Device(name, os, attribute_list(attributes))
        logger.warning("%s", await _explain_no_device(driver, query))
    return found


async def _explain_no_device(driver: Driver, query: Device) -> str:
    from qai_hub.device_mismatch import explain_mismatch

    try:
        devices = await fetch_devices(driver, "", "", None)
    except Error as error:
        logger.debug("Devices could not be listed to find similar ones: %s", error)
        devices = ResourceList()
    return explain_mismatch(query.name, query.os, attribute_list(query.attributes), devices)


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
    matches = [one for one in require_list(answer.devices, "a list of devices") if one.name]
    if not matches:
        raise UserError(await _explain_no_device(driver, query))
    return Device._from_api(matches[0])


def collect_attributes(devices: list[Device]) -> list[str]:
    """Returns the attributes of devices in alphabetical order, without duplicates."""
    return sorted({attribute for device in devices for attribute in device.attributes})


async def fetch_frameworks(driver: Driver) -> list[Framework]:
    """Lists the runtime frameworks, as `Client.get_frameworks` does."""
    from qai_hub_api.api.devices import list_frameworks

    answer = await driver.call(list_frameworks.sync)
    frameworks = require_list(answer.frameworks, "a list of frameworks")
    return ResourceList(Framework._from_api(one) for one in frameworks if one.name)


async def fetch_user(driver: Driver) -> User:
    """Fetches the user of the token, as `Client.get_user` does."""
    from qai_hub_api.api.users import get_user

    user = User._from_api(await driver.call(get_user.sync))
    if user is None:
        raise unexpected_response("a user with an e-mail address")
    return user


logger = logging.getLogger(__name__)

LIFETIME = 300.0
"""Seconds for which a device is cached."""

_MAX_ENTRIES = 256


class SelectedDevice(NamedTuple):
    """The device that the service selects for a query.

    Attributes:
        query: What the user asked for.
        device: The device, as the service describes it.
        is_cached: Whether the device came from the cache rather than from a request just made.
    """

    query: Device
    device: Device
    is_cached: bool


class DeviceCache:
    """Caches which device the service selects for a query, by server and account.

    Args:
        lifetime: Seconds for which a device is cached.
        clock: Monotonic clock, in seconds.
    """

    def __init__(
        self, lifetime: float = LIFETIME, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lifetime = lifetime
        self._clock = clock
        self._entries: dict[Hashable, tuple[float, Device]] = {}

    async def select(
        self, driver: Driver, owner: Owner, query: Device, *, refresh: bool = False
    ) -> SelectedDevice:
        """Finds the device that the service selects for a query.

        Args:
            driver: Runs the request.
            owner: The client that asks.
            query: The query.
            refresh: Whether to ask the service even if the device is cached.

        Returns:
            The device; a copy, which the caller may modify.

        Raises:
            UserError: If no device matches, or the query is malformed.
        """
        config, attributes = owner.config, attribute_list(query.attributes)
        key = (config.api_url, config.api_token, query.name, query.os, tuple(attributes))
        fetched_at, device = self._entries.get(key, (0.0, None))
        is_fresh = self._clock() - fetched_at < self._lifetime
        is_cached = device is not None and is_fresh and not refresh
        if device is None or not is_cached:
            device = await select_device(driver, query)
            if len(self._entries) >= _MAX_ENTRIES:
                self._entries.clear()
            self._entries[key] = self._clock(), device
        copied = Device(device.name, device.os, list(device.attributes))
        return SelectedDevice(query, copied, is_cached=is_cached)

    def clear(self) -> None:
        """Empties the cache."""
        self._entries.clear()


DEVICES = DeviceCache()
"""The cache of this process, shared by its clients because devices outlive them."""


async def refresh_devices(
    driver: Driver, owner: Owner, devices: Sequence[SelectedDevice]
) -> list[SelectedDevice] | None:
    """Asks for cached devices again, after the service refused a job for them.

    Args:
        driver: Runs the requests.
        owner: The client that asks.
        devices: The devices.

    Returns:
        The devices that the service selects now; None if they are the same, did not come from the
        cache, or could not be fetched: then the refusal stands.

    Raises:
        UserError: If no device matches any longer.
    """
    if not any(selected.is_cached for selected in devices):
        return None
    try:
        refreshed = [
            await DEVICES.select(driver, owner, selected.query, refresh=True)
            for selected in devices
        ]
    except (InternalError, RateLimitedError) as error:
        logger.debug("Devices could not be fetched again after a refusal: %s", error)
        return None
    is_same = [new.device for new in refreshed] == [old.device for old in devices]
    return None if is_same else refreshed


async def fetch_sign_in_link(driver: Driver, path: str) -> str:
    """Makes a link that signs a browser in, as `Client.create_sign_in_link` does."""
    from qai_hub_api.api.users import create_sign_in_link

    if not path.startswith("/"):
        raise InvalidValueError(f"path must begin with a slash, not be {path!r}.")
    answer = await driver.call(create_sign_in_link.sync)
    return f"{answer.url}&{urlencode({'to': path})}" if path != "/" else answer.url
