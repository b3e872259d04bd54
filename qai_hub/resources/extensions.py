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

_LACKED = (404, 405)


async def call_extension(
    driver: Driver,
    operation: Callable[Concatenate[GeneratedClient, str, ...], R],
    key: str,
    *,
    doing: str,
    look: Callable[[], Awaitable[object]],
) -> R:
    """Carries out an operation that the official service lacks.

    Args:
        driver: Runs the requests.
        operation: A function of the generated client.
        key: Identifier of the job, model or dataset that the operation acts on.
        doing: What the operation does, for the error message, such as `"cancel jobs"`.
        look: Fetches that job, model or dataset; raises `UserError` if it does not exist.

    Returns:
        What the operation returns.

    Raises:
        UserError: If the server lacks the operation, or refuses it.
    """
    from qai_hub.connection import is_official

    config = driver.connection.config
    if is_official(config):
        raise UserError(f"Qualcomm AI Hub cannot {doing}: only a local hub can.")
    try:
        return await driver.call(operation, key)
    except UserError as error:
        if error.status_code not in _LACKED:
            raise
        if error.status_code == 404:
            # A 404 may mean that the object is missing, not the operation: then this raises.
            await look()
        host = urlsplit(config.api_url).netloc
        raise UserError(
            f"{host} cannot {doing}: it has no such operation. A local hub of this release has.",
            status_code=error.status_code,
            request_id=error.request_id,
            url=error.url,
        ) from error


async def cancel_job(driver: Driver, job_id: str) -> api.Job:
    """Cancels a job, unless it has ended.

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

    async def look() -> api.Job:
        return await driver.call(get_job.sync, job_id)

    await call_extension(driver, cancel_job.sync, job_id, doing="cancel jobs", look=look)
    return await look()
