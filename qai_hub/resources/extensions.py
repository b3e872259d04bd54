"""Operations that local hubs support and the official service does not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Concatenate, TypeVar
from urllib.parse import urlsplit

from qai_hub.errors import UserError

if TYPE_CHECKING:
    from qai_hub_api import models as api
    from qai_hub_api.client import Client as GeneratedClient

    from qai_hub.driver import Driver

R = TypeVar("R")

_LACKING_STATUSES = (404, 405)


async def call_extension(
    driver: Driver,
    operation: Callable[Concatenate[GeneratedClient, str, ...], R],
    key: str,
    *,
    action: str,
    fetch: Callable[[], Awaitable[object]],
) -> R:
    """Calls an operation that the official service lacks.

    Args:
        driver: Runs the requests.
        operation: A function of the generated client.
        key: Identifier of the job, model or dataset that the operation acts on.
        action: What the operation does, for the error message, such as `"cancel jobs"`.
        fetch: Fetches that job, model or dataset; raises `UserError` if it does not exist.

    Returns:
        What the operation returns.

    Raises:
        UserError: If the server lacks the operation, or refuses it.
    """
    from qai_hub.connection import is_official

    config = driver.connection.config
    if is_official(config):
        raise UserError(f"Qualcomm AI Hub cannot {action}: only a local hub can.")
    try:
        return await driver.call(operation, key)
    except UserError as error:
        if error.status_code not in _LACKING_STATUSES:
            raise
        if error.status_code == 404:
            # A 404 may mean that the object is missing, not the operation: then this raises.
            await fetch()
        host = urlsplit(config.api_url).netloc
        raise UserError(
            f"{host} cannot {action}: it has no such operation. Local hubs of this release do.",
            status_code=error.status_code,
            request_id=error.request_id,
            url=error.url,
        ) from error


async def cancel_and_fetch(driver: Driver, job_id: str) -> api.Job:
    """Cancels a job, unless it has ended, and fetches it.

    Args:
        driver: Runs the requests.
        job_id: Identifier of the job.

    Returns:
        The job after the cancellation.

    Raises:
        UserError: If there is no such job, the caller does not own it, or the server cannot cancel
            jobs.
    """
    from qai_hub_api.api.jobs import cancel_job, get_job

    async def fetch() -> api.Job:
        return await driver.call(get_job.sync, job_id)

    await call_extension(driver, cancel_job.sync, job_id, action="cancel jobs", fetch=fetch)
    return await fetch()
