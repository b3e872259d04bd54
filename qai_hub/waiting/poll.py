"""The blocking wait for a job."""

import random
import time
from collections.abc import Callable
from typing import TypeAlias

from qai_hub.errors import Error
from qai_hub.status import JobStatus
from qai_hub.waiting.ask import WaitableJob, ask
from qai_hub.waiting.many import Look
from qai_hub.waiting.progress import ProgressLine
from qai_hub.waiting.schedule import Ask, Pause
from qai_hub.waiting.wait import WaitForOne, line_of

__all__ = ["wait_for"]

# Asks for the status once: returns it with whether the answer was held back; raises `Error`.
AskForStatus: TypeAlias = Callable[[WaitableJob, Ask], tuple[JobStatus, bool]]


def wait_for(
    job: WaitableJob,
    timeout: float | None,
    *,
    ask: AskForStatus = ask,
    progress: ProgressLine | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
    rng: random.Random | None = None,
) -> JobStatus:
    """Waits until a job has ended, successfully or not.

    Args:
        job: The job.
        timeout: Maximum seconds to wait; 0 checks once, None waits without limit.
        ask: Asks for the status once.
        progress: Where to show the state, instead of stderr; closed at the end.
        clock: Monotonic clock, in seconds.
        sleep: Sleeps for some seconds.
        rng: Source of random jitter.

    Returns:
        The final status.

    Raises:
        TimeoutError: If the job has not ended in time. It continues.
        Error: If the server refuses a request, or has been failing for 5 minutes.
        TypeError: If the timeout is not a number.
        ValueError: If the timeout is NaN.
    """
    with progress or line_of(job) as line:
        wait = WaitForOne([job], timeout, now=clock(), rng=rng, longest_hold=line.longest_hold)
        while True:
            line.tell(wait.state)
            step = wait.next(clock())
            if isinstance(step, Look):
                try:
                    status, held = ask(job, step.ask)
                except Error as error:
                    wait.failed(0, clock(), error)
                else:
                    wait.answered(0, clock(), status, held=held)
            elif isinstance(step, Pause):
                sleep(min(step.seconds, line.tick))
            else:
                return wait.status(0)
