"""Has a Dask worker do nothing for a while in place of each attempt.

    dask worker tcp://… --preload dask_idle.py SECONDS

All else that its task does stays: the call, the marks, the files, their way to the disk.
"""

import threading
import time
from pathlib import Path
from unittest.mock import patch

import click
from distributed import Worker
from performance.hub_process import Idle

from qai_hub.local.core import dask_task
from qai_hub.local.engine.attempt import AttemptOutcome, AttemptRequest
from qai_hub.local.engine.workers import Workers

_POLL_SECONDS = 0.05


class _Polling(threading.Event):
    """An event that is waited for by asking another again and again, as tasks of Dask must."""

    def __init__(self, cancelled: threading.Event) -> None:
        super().__init__()
        self._cancelled = cancelled

    def wait(self, timeout: float | None = None) -> bool:
        deadline = time.monotonic() + (timeout or 0)
        while not self._cancelled.is_set():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(left, _POLL_SECONDS))
        return True


@click.command()
@click.argument("seconds", type=float)
def dask_setup(_: Worker, seconds: float) -> None:
    """Prepare a worker, before it takes tasks."""
    idle = Idle(seconds)

    def carry_out(
        request: AttemptRequest,
        folder: Path,
        *,
        time_limit: float,
        memory_limit: int | None,
        cancelled: threading.Event,
        workers: Workers,
    ) -> AttemptOutcome:
        return idle(
            request,
            folder,
            time_limit=time_limit,
            memory_limit=memory_limit,
            cancelled=_Polling(cancelled),
        )

    patch.object(dask_task, "run_attempt", carry_out).start()
