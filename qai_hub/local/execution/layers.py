"""Times per layer, from the trace that ONNX Runtime writes."""

import json
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SEGMENT = "0"
_TRACE_LIMIT = 64 * 2**20
_SUFFIX = "_kernel_time"
_NAME_LIMIT = 1024
_WITH_GRAPHS = {"If", "Loop", "Scan", "BeamSearch", "GreedySearch", "Sampling", "WhisperBeamSearch"}


@dataclass(slots=True)
class _Layer:
    name: str
    op: str
    provider: str
    times: list[int] = field(default_factory=list)


def layer_details(trace: Path) -> list[dict[str, Any]]:
    """Return the layers of a model in the order in which they ran.

    A layer's time is its median over the traced inferences but the first, which warms up, in
    microseconds: one pause of the system would spoil a mean. The time of an operator with graphs
    of its own, such as If, includes what ran inside.

    Args:
        trace: ONNX Runtime's trace of two inferences or more.

    Returns:
        The JSON of `LayerDetail` messages.

    Raises:
        ValueError: The trace cannot be read, or is too large to be.
    """
    size = trace.stat().st_size
    if size > _TRACE_LIMIT:
        raise ValueError(f"the model ran so many operators that it has {size / 2**20:.0f} MiB")
    events = json.loads(trace.read_bytes())
    nodes = [event for event in events if event.get("cat") == "Node"]
    kernels = [event for event in nodes if event["name"].endswith(_SUFFIX)]
    return [
        {
            "name": layer.name[:_NAME_LIMIT],
            "compute_unit": "COMPUTE_UNIT_CPU",
            "layer_type_name": layer.op[:_NAME_LIMIT],
            "id": str(number),
            "delegate_name": layer.provider,
            "delegate_extra_info": "",
            "delegate_reported_ops": [],
            "execution_time": round(statistics.median(layer.times[1:])),
            "segment_id": SEGMENT,
        }
        for number, layer in enumerate(_layers(kernels))
    ]


def _layers(kernels: list[dict[str, Any]]) -> list[_Layer]:
    """Gather the runs of each operator of the outer graph, in the order of execution."""
    layers: dict[str, _Layer] = {}
    for position in _outer(kernels):
        event = kernels[position]
        node = event["args"]
        if node["node_index"] not in layers:
            name = event["name"].removesuffix(_SUFFIX)
            layers[node["node_index"]] = _Layer(name, node["op_name"], node["provider"])
        layers[node["node_index"]].times.append(event["dur"])
    return list(layers.values())


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
