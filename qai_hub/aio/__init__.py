"""The client for asyncio.

The event loop itself sends requests, and retries them if that is safe; threads handle files,
archives and arrays. Cancelling a task closes its connections and ends its subtasks; submitted jobs
continue.
"""

from __future__ import annotations

from qai_hub.aio.download import AsyncDownloadingClient
from qai_hub.aio.waits import as_completed, wait_all

__all__ = ["AsyncClient", "as_completed", "wait_all"]


class AsyncClient(AsyncDownloadingClient):
    """A client of one hub, as one user, whose methods are coroutines.

    The methods take and return the same as those of `Client`. Within `async with`, requests share
    connections; otherwise each call opens connections and closes them. Jobs, models and datasets
    are the classes that `Client` returns: their methods block, except `Job.wait_async`. Pass to the
    methods only objects from the same hub and account.

    Args:
        config: The configuration; None reads it from the environment and `~/.qai_hub/client.ini`.
        profile: Name of a profile to read instead, from `~/.qai_hub/PROFILE.ini`.
        default_project_id: Project of uploads and jobs; overrides the configuration's.

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
