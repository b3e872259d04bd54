"""Times per layer, from the trace that ONNX Runtime writes."""

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from qai_hub.local.engine.machine import timed, tool_versions
from qai_hub.local.engine.onnx.model_files import ModelFile
from qai_hub.local.engine.onnx.session import PROVIDER, Session, Tensor
from qai_hub.local.engine.onnx.signature import Port, inputs_of, outputs_of
from qai_hub.local.engine.option_table import DEFAULT_ITERATIONS
from qai_hub.local.engine.runners.base import Breakdown
from qai_hub.local.enums import ComputeUnit

SEGMENT = "0"
_TRACE_LIMIT = 64 * 2**20
_SUFFIX = "_kernel_time"
_NAME_LIMIT = 1024
_WITH_GRAPHS = {"If", "Loop", "Scan", "BeamSearch", "GreedySearch", "Sampling", "WhisperBeamSearch"}


@dataclass(slots=True)
class TracedNode:
    """An operator of the outer graph, and its times in the traced inferences, in microseconds."""

    name: str
    op: str
    provider: str
    times: list[int] = field(default_factory=list)

    @property
    def time(self) -> int:
        """The median over the inferences but the first, which warms up.

        One pause of the system would spoil a mean.
        """
        return round(statistics.median(self.times[1:]))


def layer_details(trace: Path) -> list[dict[str, Any]]:
    """Return the layers of a model in the order in which they ran.

    Args:
        trace: ONNX Runtime's trace of two inferences or more.

    Returns:
        The JSON of `LayerDetail` messages.

    Raises:
        ValueError: The trace cannot be read, or is too large to be.
    """
    return [
        layer_detail(
            number,
            node.name,
            node.op,
            unit=ComputeUnit.CPU,
            provider=node.provider,
            segment=SEGMENT,
            time=node.time,
        )
        for number, node in enumerate(read_trace(trace))
    ]


def layer_detail(
    number: int, name: str, op: str, *, unit: str, provider: str, segment: str, time: int | None
) -> dict[str, Any]:
    """Return one layer of a profile.

    Args:
        number: Its place among the layers.
        name: Its name.
        op: Its operator.
        unit: Where it runs, as the contract spells it.
        provider: What runs it.
        segment: The segment that it belongs to.
        time: Its time in one inference, in microseconds; None where only its segment's is known.

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


def read_trace(trace: Path) -> list[TracedNode]:
    """Return the operators of a model in the order in which they ran.

    The time of an operator with graphs of its own, such as If, includes what ran inside.

    Args:
        trace: ONNX Runtime's trace of two inferences or more.

    Raises:
        ValueError: The trace cannot be read, or is too large to be.
    """
    size = trace.stat().st_size
    if size > _TRACE_LIMIT:
        raise ValueError(f"the model ran so many operators that it has {size / 2**20:.0f} MiB")
    events = json.loads(trace.read_bytes())
    kernels = [
        event for event in events if event.get("cat") == "Node" and event["name"].endswith(_SUFFIX)
    ]
    found: dict[str, TracedNode] = {}
    for position in _outer(kernels):
        event = kernels[position]
        node = event["args"]
        if node["node_index"] not in found:
            name = event["name"].removesuffix(_SUFFIX)
            traced = TracedNode(name, node["op_name"], node["provider"])
            found[node["node_index"]] = traced
        found[node["node_index"]].times.append(event["dur"])
    return list(found.values())


def _outer(kernels: list[dict[str, Any]]) -> list[int]:
    """Return the positions of the events that ran within no other, in the order of execution.

    Events are recorded when they end: what ran within an operator comes right before it, and
    began after it began.
    """
    outer = []
    begin = None
    for position in reversed(range(len(kernels))):
        event = kernels[position]
        if begin is not None and event["ts"] >= begin:
            continue
        begin = event["ts"] if event["args"]["op_name"] in _WITH_GRAPHS else None
        outer.append(position)
    return outer[::-1]


_TRACED_RUNS = 5
_TRACED_SECONDS = 10.0


class OnnxModel:
    """A `RunnableModel` for ONNX Runtime on the host CPU.

    Args:
        path: The .onnx file.
        inputs: What the model takes.
    """

    default_iterations = DEFAULT_ITERATIONS
    compute_units: Sequence[str] = ("cpu",)
    notices: Sequence[dict[str, str]] = ()
    measured_on = "Measured on the CPU of this hub's host, not on a device."
    conditions: Mapping[str, str] = {
        "execution provider": PROVIDER,
        "times of layers": "from further inferences, which tracing slows down",
    }

    def __init__(self, path: Path, inputs: list[Port]) -> None:
        self._path = path
        self.inputs = inputs

    @classmethod
    def of(cls, model: ModelFile) -> Self:
        """Keep nothing of a model in memory but its inputs.

        Args:
            model: The model.

        Raises:
            JobFailure: Its inputs or outputs have no names here.
        """
        outputs_of(model.proto)
        return cls(model.path, inputs_of(model.proto))

    @property
    def tools(self) -> list[dict[str, str]]:
        """What it is run with."""
        return tool_versions()

    def load(self) -> Session:
        """Load it."""
        return Session(self._path)

    def break_down(
        self, inputs: Mapping[str, Tensor], what: str, execution_time: int, work: Path
    ) -> Breakdown:
        """Trace a few inferences: a layer's time is from these, which tracing slows down."""
        trace = record_trace(lambda prefix: Session(self._path, trace=prefix), inputs, what, work)
        segment = {
            "id": SEGMENT,
            "compute_unit": ComputeUnit.CPU,
            "delegate_name": PROVIDER,
            "delegate_extra_info": "",
            "execution_time": execution_time,
        }
        try:
            layers = layer_details(trace)
        except ValueError as error:
            return Breakdown.without_layers(error, segment)
        return Breakdown(layers=layers, segments=[segment], trace=trace)


def record_trace(
    load: Callable[[Path], Session], inputs: Mapping[str, Tensor], what: str, work: Path
) -> Path:
    """Let ONNX Runtime record the times of a few inferences, the first of which warms up.

    Args:
        load: Loads the model, to be traced to a file with this prefix.
        inputs: A tensor for each input.
        what: What these inputs are, for people.
        work: Folder for the file.

    Returns:
        The file, in Chrome's trace format.

    Raises:
        JobFailure: The model does not run on them.
    """
    session = load(work / "trace")
    session.run(inputs, what)
    timed(lambda: session.run(inputs, what), _TRACED_RUNS, _TRACED_SECONDS)
    return session.end_trace()
