"""The rows that measure the hub alone: long lists of jobs, requests a second, memory, start."""

import json
import resource
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from performance.history import write_history
from performance.hub_load import ask
from performance.setup import OURS, Contenders, HubProcess, Setup, hub_process, small_model, upload

_MANY = 1_000_000
_SIZES = {"1,000 jobs": 1_000, "10,000 jobs": 10_000, "100,000 jobs": 100_000, OURS: _MANY}
_LIST = "/api/v1/job_summaries/"
_PAGE = f"{_LIST}?limit=100"


def history(setup: Setup, jobs: int) -> str:
    """Returns a data folder with jobs; it is made once in a run."""
    folder = setup.folder / f"history-{jobs}"
    if not folder.exists():
        write_history(folder, setup.count(jobs))
    return str(folder)


def pages_of_jobs(
    filters: str = "", *, deep: bool = False, offset: bool = False
) -> Callable[[Setup], Any]:
    """Returns a row's contenders for a page of a list: the hub's milliseconds, by its length.

    Args:
        filters: Parameters of the list.
        deep: Whether it is a page of old jobs, by cursor.
        offset: Whether that page is found by an offset, for the longest list alone.
    """

    @contextmanager
    def prepare(setup: Setup) -> Iterator[Contenders]:
        sizes = {OURS: _MANY} if offset else _SIZES
        with ExitStack() as stack:

            def contender(jobs: int) -> Callable[[], float]:
                path = f"{_PAGE}{filters}"
                if deep:
                    path += f"&cursor={setup.count(jobs) // 5}"
                if offset:
                    path += f"&offset={setup.count(jobs) * 2 // 5}"
                running = stack.enter_context(hub_process(data_dir=history(setup, jobs)))
                return lambda: _processor_time(running, path, 1, setup.scale / 2) * 1e3

            yield {name: contender(jobs) for name, jobs in sizes.items()}

    return prepare


@contextmanager
def requests_of_hub(setup: Setup) -> Iterator[Contenders]:
    """Answers to requests for a job, in a second of the hub's processor time."""
    with hub_process(data_dir=history(setup, 1_000)) as running:
        found = json.loads(ask(running.url, f"{_LIST}?limit=1&type=compile")[0])
        job_id = found["job_summaries"][0]["compile_job_summary"]["job_id"]
        path = f"/api/v1/jobs/{job_id}/"
        yield {OURS: lambda: 1 / _processor_time(running, path, 8, 3 * setup.scale)}


def _processor_time(running: HubProcess, path: str, connections: int, seconds: float) -> float:
    """Returns the processor time that an answer takes a hub, in seconds."""
    # The first ones prepare statements.
    ask(running.url, path, connections=connections)
    before = running.processor_time
    answers = ask(running.url, path, connections=connections, seconds=seconds)
    return (running.processor_time - before) / len(answers)


@contextmanager
def hub_memory(setup: Setup) -> Iterator[Contenders]:
    """MiB of a hub's process that has sent some pages of a list of jobs."""

    def measure(**settings: object) -> float:
        with hub_process(**settings) as running:
            ask(running.url, _PAGE, connections=8, seconds=3 * setup.scale)
            return running.memory

    yield {"no jobs": measure, OURS: partial(measure, data_dir=history(setup, _MANY))}


@contextmanager
def hub_memory_after_jobs(setup: Setup) -> Iterator[Contenders]:
    """MiB of a hub's process before and after jobs that do nothing."""
    with hub_process(seconds=0, cache=False) as running:
        model = upload(running.url, small_model())

        def measure() -> float:
            setup.work(OURS, "run_flood", running.url, model, setup.count(1_000))
            return running.memory

        yield {"before": lambda: running.memory, OURS: measure}


@contextmanager
def start_of_hub(setup: Setup) -> Iterator[Contenders]:
    """Seconds of processor time to start a hub and stop it again."""

    def measure(**settings: object) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        # Without workers, which import in the background what jobs need.
        with hub_process(warm_workers=False, **settings):
            pass
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    yield {"no jobs": measure, OURS: partial(measure, data_dir=history(setup, _MANY))}
