"""Measures a model on the host CPU: load and inference times, memory, times per layer."""

import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from qai_hub.local.execution.host import runtime_config, tool_versions
from qai_hub.local.execution.layers import SEGMENT, layer_details
from qai_hub.local.execution.memory import MemoryPhases
from qai_hub.local.execution.messages import notice
from qai_hub.local.execution.sessions import PROVIDER, Session, Tensor

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

_WARM_LOADS = 3
_TRACED_RUNS = 5
_OTHER_SECONDS = 10.0


def profile_model(
    path: Path,
    inputs: Mapping[str, Tensor],
    what: str,
    iterations: int,
    work: Path,
    *,
    seconds: float = 30,
) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Measure a model.

    Loads: once cold, which is the first in this fresh process, then up to three times warm.
    Inferences: one that warms up and is not counted, then those that are.
    The estimated time of an inference and of a warm load is the smallest one observed, which
    other work on the machine disturbs least. Times per layer come from further inferences, since
    tracing slows them down.

    Args:
        path: The .onnx file.
        inputs: A tensor for each of its inputs.
        what: What these inputs are, for people.
        iterations: Most inferences to time.
        work: Folder for the trace.
        seconds: Time after which no further inference is timed.

    Returns:
        The JSON of a `ProfileDetail` (times in microseconds, memory in bytes), and notices.

    Raises:
        JobFailure: The model does not load or run.
    """
    logger.info("Measuring up to %d inferences on %s", iterations, what)
    notices = [notice("INFO", "DEVICE", "Measured on the CPU of this hub's host, not on a device.")]
    memory = MemoryPhases()
    memory.leave_out("compile")
    # The first session is gone before the next one is loaded: only its times are kept.
    cold_loads = _load(path, memory, "cold_load", 1)[0]
    warm_loads, session = _load(path, memory, "warm_load", _WARM_LOADS)
    run = partial(session.run, inputs, what)
    with memory.phase("execution"):
        run()
        runs, _ = timed(run, iterations, seconds)
    if len(runs) < iterations:
        message = f"Measured {len(runs)} of {iterations} iterations in {seconds:g} s."
        notices.append(notice("INFO", "USER", message))
    if not memory.measured:
        message = "This system does not tell the peak memory of a phase: memory is not measured."
        notices.append(notice("WARNING", "DEVICE", message))
    try:
        layers = layer_details(_trace(path, inputs, what, work))
    except ValueError as error:
        layers = []
        message = f"The profile has no layers, since their trace cannot be read: {error}."
        notices.append(notice("WARNING", "MODEL", message))
    profile = {
        "major_version": 1,
        "minor_version": 2,
        "execution_time": min(runs),
        "all_execution_times": runs,
        "cold_load_time": cold_loads[0],
        "all_cold_load_times": cold_loads,
        "warm_load_time": min(warm_loads),
        "all_warm_load_times": warm_loads,
        "compile_time": 0,
        "all_compile_times": [],
        **memory.fields,
        "peak_memory_usage": memory.fields["after_execution_peak_memory"],
        "layer_details": layers,
        "segment_details": [_segment(min(runs))],
        "runtime_config": runtime_config(),
        "tool_versions": tool_versions(),
    }
    return profile, notices


def timed(
    action: Callable[[], _T],
    most: int,
    seconds: float,
    clock: Callable[[], int] = time.perf_counter_ns,
) -> tuple[list[int], _T]:
    """Time an action, once or more.

    What a call returned is dropped before the next one, outside of the measured time.

    Args:
        action: What to time.
        most: Most calls.
        seconds: Time after which no further call begins.
        clock: Clock in nanoseconds.

    Returns:
        The time of each call in microseconds, 1 or more, and what the last one returned.
    """
    times = []
    start = clock()
    while True:
        before = clock()
        result = action()
        times.append(max(1, round((clock() - before) / 1000)))
        if len(times) >= most or clock() - start >= seconds * 1e9:
            return times, result
        del result


def _load(path: Path, memory: MemoryPhases, phase: str, most: int) -> tuple[list[int], Session]:
    with memory.phase(phase):
        return timed(partial(Session, path), most, _OTHER_SECONDS)


def _trace(path: Path, inputs: Mapping[str, Tensor], what: str, work: Path) -> Path:
    session = Session(path, trace=work / "trace")
    session.run(inputs, what)
    timed(partial(session.run, inputs, what), _TRACED_RUNS, _OTHER_SECONDS)
    return session.end_trace()


def _segment(execution_time: int) -> dict[str, Any]:
    return {
        "id": SEGMENT,
        "compute_unit": "COMPUTE_UNIT_CPU",
        "delegate_name": PROVIDER,
        "delegate_extra_info": "",
        "execution_time": execution_time,
    }
