"""What local hubs do and the official service does not."""

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
        driver: What carries out the requests.
        operation: A function of the generated client.
        key: What it is about.
        doing: What it does, such as `"cancel jobs"`.
        look: Looks at what it is about; raises `UserError` if that is not there.

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
            # What it is about may be what is not there: then this tells so.
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
        driver: What carries out the requests.
        job_id: Identifier of the job.

    Returns:
        The job as it is afterwards.

    Raises:
        UserError: If there is no such job, it is not the caller's own, or the server cannot do it.
    """
    from qai_hub_api.api.jobs import cancel_job, get_job

    async def look() -> api.Job:
        return await driver.call(get_job.sync, job_id)

    await call_extension(driver, cancel_job.sync, job_id, doing="cancel jobs", look=look)
    return await look()
