"""Measures a model on this machine: load and inference times, memory, times per layer."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self, TypeVar

from qai_hub.local.engine.machine import Clock, MemoryRecorder, runtime_config, time_calls
from qai_hub.local.engine.onnx.integer_ports import Encodings
from qai_hub.local.engine.onnx.session import Tensor
from qai_hub.local.engine.onnx.signature import Port
from qai_hub.local.engine.protocol import build_notice


class LoadedModel(Protocol):
    """A loaded model."""

    @property
    def output_names(self) -> Sequence[str]:
        """Names of the outputs, in the model's order."""

    def run(self, inputs: Mapping[str, Tensor], label: str) -> list[Tensor]:
        """Run one inference.

        Args:
            inputs: A tensor for each input.
            label: How messages refer to these inputs.

        Returns:
            The outputs, in the model's order.

        Raises:
            JobFailure: The model does not run on these inputs.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeBreakdown:
    """How the time of an inference is distributed.

    Attributes:
        layers: The JSON of `LayerDetail` messages.
        segments: The JSON of `SegmentDetail` messages.
        notices: Notices for the job's user about them.
        trace: Timed events in Chrome's trace format; None if the runtime records none.
    """

    layers: list[dict[str, Any]]
    segments: list[dict[str, Any]]
    notices: list[dict[str, str]] = field(default_factory=list)
    trace: Path | None = None

    @classmethod
    def without_layers(cls, error: ValueError, *segments: dict[str, Any]) -> Self:
        """Return a breakdown with a notice instead of layers, as their trace cannot be read.

        Args:
            error: The error of the trace.
            *segments: The segments, which are known nevertheless.
        """
        message = f"The profile has no layers, since their trace cannot be read: {error}."
        notices = [build_notice("WARNING", "MODEL", message)]
        return cls(layers=[], segments=list(segments), notices=notices)


_LoadedT = TypeVar("_LoadedT", bound=LoadedModel)


class TimedInferences(NamedTuple):
    """Inferences of a loaded model.

    Attributes:
        times: The time of each in microseconds, one of them at least.
        outputs: What the last one returned.
        warm_ups: Number of inferences before these.
    """

    times: list[int]
    outputs: list[Tensor]
    warm_ups: int

    @property
    def shortest(self) -> int:
        """The shortest time, in microseconds."""
        return min(self.times)


class RunnableModel(Protocol[_LoadedT]):
    """A model file with the runtime that can load it here, repeatedly."""

    @property
    def inputs(self) -> Sequence[Port]:
        """The inputs of the model."""

    @property
    def encodings(self) -> Encodings:
        """How the integers of quantized inputs and outputs represent numbers, by name."""

    @property
    def default_iterations(self) -> int:
        """Number of inferences to time by default."""

    @property
    def compute_units(self) -> Sequence[str]:
        """The compute units that it runs on, as in `--compute_unit`."""

    @property
    def is_simulated(self) -> bool:
        """Whether it runs in simulation, which takes seconds for an inference, traced or not."""

    @property
    def notices(self) -> Sequence[dict[str, str]]:
        """Notices for the user that apply to every run."""

    @property
    def measured_on(self) -> str:
        """Sentence that describes what its profiles are measured on."""

    @property
    def tools(self) -> list[dict[str, str]]:
        """The tools that run it, as the JSON of `ToolVersion` messages."""

    @property
    def conditions(self) -> Mapping[str, str]:
        """Conditions of its profiles, in addition to those of all profiles on this machine."""

    def load(self, trace_prefix: Path | None = None) -> _LoadedT:
        """Load the model.

        Args:
            trace_prefix: Prefix of a file for the times of each inference, if the runtime can
                record them; None for none.

        Raises:
            JobFailure: The runtime cannot load the model.
        """

    def measure_breakdown(
        self,
        loaded: _LoadedT,
        inputs: Mapping[str, Tensor],
        label: str,
        timed: TimedInferences,
        work: Path,
    ) -> TimeBreakdown:
        """Return how the time of an inference is distributed, running further inferences if needed.

        Args:
            loaded: The model as it was measured: with a trace if it is simulated.
            inputs: A tensor for each input.
            label: How messages refer to these inputs.
            timed: The inferences that were measured.
            work: Folder for recorded files.

        Raises:
            JobFailure: The model does not run on these inputs.
        """


logger = logging.getLogger(__name__)

_MAX_WARM_LOADS = 3
_MAX_LOAD_SECONDS = 10.0
_MAX_SIMULATED_WARM_UPS = 4
_MAX_WARM_UP_SECONDS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The measurements of a model.

    Attributes:
        profile: The JSON of a `ProfileDetail` (times in microseconds, memory in bytes).
        notices: Notices for the user.
        trace: Timed events in Chrome's trace format; None if there are none.
        loaded: The model as it was loaded to be measured.
        outputs: What it returned for the inputs that it was measured on.
    """

    profile: dict[str, Any]
    notices: list[dict[str, str]]
    trace: Path | None
    loaded: LoadedModel
    outputs: list[Tensor]


def profile_model(
    model: RunnableModel[_LoadedT],
    inputs: Mapping[str, Tensor],
    label: str,
    max_iterations: int,
    work: Path,
    *,
    max_seconds: float = 30,
    clock: Clock = time.perf_counter_ns,
) -> Measurement:
    """Measure a model.

    The model is loaded once cold, which is the first load in this new process, then up to three
    times warm. Then it runs one warm-up inference, which is not counted, and the counted ones. The
    estimated time of an inference and of a warm load is the minimum observed, which is least
    affected by other work on the machine. Times per layer come from further inferences, since
    tracing slows them down. Of a simulation, which often takes seconds for an inference, beside
    which neither matters, only models that are fast nevertheless are warmed up.

    Args:
        model: The model.
        inputs: A tensor for each of its inputs.
        label: How messages refer to these inputs.
        max_iterations: Maximum number of inferences to time.
        work: Folder for the trace.
        max_seconds: Time in seconds after which no further inference is timed.
        clock: Clock in nanoseconds for the inferences.

    Returns:
        The measurements.

    Raises:
        JobFailure: The model cannot be loaded or run.
    """
    logger.info("Measuring up to %d inferences on %s", max_iterations, label)
    notices = [build_notice("INFO", "DEVICE", model.measured_on)]
    memory = MemoryRecorder()
    memory.skip("compile")
    # The first session is released before the next one is loaded: only its times are kept.
    cold_loads = _time_loads(model.load, memory, "cold_load", 1)[0]
    trace = work / "trace" if model.is_simulated else None
    load = partial(model.load, trace)
    warm_loads, loaded = _time_loads(load, memory, "warm_load", _MAX_WARM_LOADS)
    run = partial(loaded.run, inputs, label)
    time_inferences = _time_simulated if model.is_simulated else _time_warm
    with memory.phase("execution"):
        timed = time_inferences(run, max_iterations, max_seconds, clock)
    runs = timed.times
    if len(runs) < max_iterations:
        message = f"Measured {len(runs)} of {max_iterations} iterations in {max_seconds:g} s."
        notices.append(build_notice("INFO", "USER", message))
    if not memory.is_supported:
        message = "Memory was not measured, as this system does not report the peak of each phase."
        notices.append(build_notice("WARNING", "DEVICE", message))
    breakdown = model.measure_breakdown(loaded, inputs, label, timed, work)
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
        "layer_details": breakdown.layers,
        "segment_details": breakdown.segments,
        "runtime_config": runtime_config(model.conditions),
        "tool_versions": model.tools,
    }
    return Measurement(
        profile=profile,
        notices=notices + breakdown.notices,
        trace=breakdown.trace,
        loaded=loaded,
        outputs=timed.outputs,
    )


def _time_warm(
    run: Callable[[], list[Tensor]], max_iterations: int, max_seconds: float, clock: Clock
) -> TimedInferences:
    """Time inferences after a warm-up."""
    run()
    return TimedInferences(*time_calls(run, max_iterations, max_seconds, clock), warm_ups=1)


def _time_simulated(
    run: Callable[[], list[Tensor]], max_iterations: int, max_seconds: float, clock: Clock
) -> TimedInferences:
    """Time inferences, after warm-ups if they are fast.

    The first ones take some 25 ms longer.
    """
    first, outputs = time_calls(run, _MAX_SIMULATED_WARM_UPS, _MAX_WARM_UP_SECONDS, clock)
    if len(first) > 1:
        timed = time_calls(run, max_iterations, max_seconds, clock)
        return TimedInferences(*timed, warm_ups=len(first))
    seconds_left = max_seconds - first[0] / 1e6
    if max_iterations == 1 or seconds_left <= 0:
        return TimedInferences(first, outputs, warm_ups=0)
    more, outputs = time_calls(run, max_iterations - 1, seconds_left, clock)
    return TimedInferences(first + more, outputs, warm_ups=0)


def _time_loads(
    load: Callable[[], _LoadedT], memory: MemoryRecorder, phase: str, max_loads: int
) -> tuple[list[int], _LoadedT]:
    with memory.phase(phase):
        return time_calls(load, max_loads, _MAX_LOAD_SECONDS)
