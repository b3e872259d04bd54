"""Runs ONNX models on the host CPU, with times per layer from ONNX Runtime's trace."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from qai_hub.local.engine.machine import time_calls, tool_versions
from qai_hub.local.engine.onnx.integer_ports import Encodings, read_encodings
from qai_hub.local.engine.onnx.model_files import ModelFile
from qai_hub.local.engine.onnx.session import AS_USERS_RUN_IT, PROVIDER, Session, Tensor
from qai_hub.local.engine.onnx.signature import Port, get_inputs, get_outputs
from qai_hub.local.engine.option_table import DEFAULT_ITERATIONS
from qai_hub.local.engine.runners.base import TimeBreakdown, TimedInferences
from qai_hub.local.enums import ComputeUnit

SEGMENT_ID = "0"
_TRACE_LIMIT = 64 * 2**20
_KERNEL_SUFFIX = "_kernel_time"
_NAME_LIMIT = 1024
_SUBGRAPH_OPS = {
    "If",
    "Loop",
    "Scan",
    "BeamSearch",
    "GreedySearch",
    "Sampling",
    "WhisperBeamSearch",
}


@dataclass(slots=True)
class TracedNode:
    """An operator of the main graph, and its times in the traced inferences, in microseconds."""

    name: str
    op: str
    provider: str
    times: list[int] = field(default_factory=list)

    @property
    def time(self) -> int:
        """The median over all inferences: a single pause of the system would distort a mean."""
        return round(statistics.median(self.times))


def read_layer_details(trace: Path) -> list[dict[str, Any]]:
    """Return the layers of a model in the order in which they ran.

    Args:
        trace: ONNX Runtime's trace of at least two inferences, the first of which is a warm-up.

    Returns:
        The JSON of `LayerDetail` messages.

    Raises:
        ValueError: The trace is unreadable or too large.
    """
    return [
        build_layer_detail(
            number,
            node.name,
            node.op,
            unit=ComputeUnit.CPU,
            provider=node.provider,
            segment=SEGMENT_ID,
            time=node.time,
        )
        for number, node in enumerate(read_trace(trace, warm_ups=1))
    ]


def build_layer_detail(
    number: int, name: str, op: str, *, unit: str, provider: str, segment: str, time: int | None
) -> dict[str, Any]:
    """Return one layer of a profile.

    Args:
        number: Its position among the layers.
        name: Its name.
        op: Its operator.
        unit: Its compute unit, as in the contract.
        provider: The execution provider that runs it.
        segment: The segment that it belongs to.
        time: Its time in one inference, in microseconds; None if only the time of its segment is
            known.

    Returns:
        The JSON of a `LayerDetail`.
    """
    layer: dict[str, Any] = {
        "name": name[:_NAME_LIMIT],
        "compute_unit": unit,
        "layer_type_name": op[:_NAME_LIMIT],
        "id": str(number),
        "delegate_name": provider,
        "delegate_extra_info": "",
        "delegate_reported_ops": [],
        "segment_id": segment,
    }
    if time is not None:
        layer["execution_time"] = time
    return layer


def read_trace(trace: Path, *, warm_ups: int = 0) -> list[TracedNode]:
    """Return the operators of a model in the order in which they ran.

    The time of an operator with subgraphs, such as If, includes their operators.

    Args:
        trace: ONNX Runtime's trace of inferences.
        warm_ups: Number of inferences that come before those that count, one of them at least.

    Raises:
        ValueError: The trace is unreadable or too large.
    """
    size = trace.stat().st_size
    if size > _TRACE_LIMIT:
        raise ValueError(f"it has {size / 2**20:.0f} MiB, as the model runs so many operators")
    events = json.loads(trace.read_bytes())
    kernels = [
        event
        for event in events
        if event.get("cat") == "Node" and event["name"].endswith(_KERNEL_SUFFIX)
    ]
    found: dict[str, TracedNode] = {}
    for position in _outermost_positions(kernels):
        event = kernels[position]
        node = event["args"]
        if node["node_index"] not in found:
            name = event["name"].removesuffix(_KERNEL_SUFFIX)
            traced = TracedNode(name, node["op_name"], node["provider"])
            found[node["node_index"]] = traced
        found[node["node_index"]].times.append(event["dur"])
    for traced in found.values():
        del traced.times[:warm_ups]
    return list(found.values())


def _outermost_positions(kernels: list[dict[str, Any]]) -> list[int]:
    """Return the positions of the events that are not nested in others, in execution order.

    Events are recorded when they end, so the events nested in an operator come right before it, and
    began after it did.
    """
    outer = []
    begin = None
    for position in reversed(range(len(kernels))):
        event = kernels[position]
        if begin is not None and event["ts"] >= begin:
            continue
        begin = event["ts"] if event["args"]["op_name"] in _SUBGRAPH_OPS else None
        outer.append(position)
    return outer[::-1]


_MAX_TRACED_RUNS = 5
_MAX_TRACE_SECONDS = 10.0


class OnnxModel:
    """A `RunnableModel` for ONNX Runtime on the host CPU.

    Args:
        path: The .onnx file.
        inputs: The inputs of the model.
        encodings: How the integers of quantized inputs and outputs represent numbers.
    """

    default_iterations = DEFAULT_ITERATIONS
    compute_units: Sequence[str] = ("cpu",)
    is_simulated = False
    notices: Sequence[dict[str, str]] = ()
    measured_on = "Measured on the CPU of this hub's host, not on a device."
    conditions: Mapping[str, str] = {
        "execution provider": PROVIDER,
        "times of layers": "from further inferences, which tracing slows down",
    }

    def __init__(self, path: Path, inputs: list[Port], encodings: Encodings) -> None:
        self._path = path
        self.inputs = inputs
        self.encodings = encodings

    @classmethod
    def from_model_file(cls, model: ModelFile) -> Self:
        """Create it from an opened model, of which only the inputs are kept in memory.

        Args:
            model: The model.

        Raises:
            JobFailure: An input or output has a name or type that is not supported.
        """
        get_outputs(model.proto)
        return cls(model.path, get_inputs(model.proto), read_encodings(model.proto))

    @property
    def tools(self) -> list[dict[str, str]]:
        """The tools that run it."""
        return tool_versions()

    def load(self, trace_prefix: Path | None = None) -> Session:
        """Load the model; record the times per node of each run if there is a prefix for files."""
        return Session(self._path, settings=AS_USERS_RUN_IT, trace_prefix=trace_prefix)

    def measure_breakdown(
        self,
        loaded: Session,
        inputs: Mapping[str, Tensor],
        label: str,
        timed: TimedInferences,
        work: Path,
    ) -> TimeBreakdown:
        """Trace a few inferences for the times of layers, which tracing makes longer."""
        del loaded  # it was measured without a trace
        trace = self._record_trace(inputs, label, work)
        segment = {
            "id": SEGMENT_ID,
            "compute_unit": ComputeUnit.CPU,
            "delegate_name": PROVIDER,
            "delegate_extra_info": "",
            "execution_time": timed.shortest,
        }
        try:
            layers = read_layer_details(trace)
        except ValueError as error:
            return TimeBreakdown.without_layers(error, segment)
        return TimeBreakdown(layers=layers, segments=[segment], trace=trace)

    def _record_trace(self, inputs: Mapping[str, Tensor], label: str, work: Path) -> Path:
        """Let ONNX Runtime record the times of a few inferences, the first of which is a warm-up.

        Returns:
            The file, in Chrome's trace format.
        """
        session = self.load(work / "trace")
        session.run(inputs, label)
        time_calls(lambda: session.run(inputs, label), _MAX_TRACED_RUNS, _MAX_TRACE_SECONDS)
        return session.end_trace()
