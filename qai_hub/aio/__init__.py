"""The client for event loops of asyncio.

Requests are sent by the event loop itself, and sent again where that is safe. Files, archives and
arrays are left to threads. A task that is cancelled leaves no connection and no task behind; jobs
that were submitted go on.
"""

from __future__ import annotations

from qai_hub.aio.download import AsyncDownloadingClient
from qai_hub.aio.waits import as_completed, wait_all

__all__ = ["AsyncClient", "as_completed", "wait_all"]


class AsyncClient(AsyncDownloadingClient):
    """A client of one hub, as one user, whose methods are coroutines.

    They take and return what the methods of `Client` do. Within `async with`, requests share
    connections; elsewhere each call opens its own and closes them. Jobs, models and datasets are
    those of `Client`: their own methods block, but for `Job.wait_async`. Methods that take one
    expect it from the same hub and account.

    Args:
        config: The configuration; None reads the environment and `~/.qai_hub/client.ini`.
        profile: Name of a profile to read instead: `~/.qai_hub/PROFILE.ini`.
        default_project_id: Project of what is uploaded and submitted, in place of the
            configuration's.

    Raises:
        FileNotFoundError: If the profile does not exist.
        UserError: If the profile is not valid, or if both a configuration and a profile are given.

    Examples:
        >>> import asyncio
        >>> async def main():
        ...     async with hub.aio.AsyncClient() as client:
        ...         job = await client.submit_compile_job("model.onnx", device)
        ...         status = await client.wait(job, timeout=3600)
        ...         return status, await client.download_target_model(job, "compiled")
        >>> asyncio.run(main())
        (JobStatus(code='SUCCESS', message=''), 'compiled.onnx')
    """
