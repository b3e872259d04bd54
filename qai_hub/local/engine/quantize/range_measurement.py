"""Measures the values of quantized tensors in the float model, on all of the calibration data."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper, numpy_helper

from qai_hub.local.engine.onnx.edit import collect_names, unique_name
from qai_hub.local.engine.onnx.session import Session
from qai_hub.local.engine.quantize.calibration import CalibrationData
from qai_hub.local.engine.quantize.quantized_tensors import (
    QuantizedActivation,
    find_activations,
    iter_constants,
)
from qai_hub.local.engine.quantize.ranges import SeenValues, describe_tensor


def measure_ranges(arguments: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Compare the values of each quantized tensor with its range, in a process of its own.

    Values are counted only of tensors that calibration has seen outside their range, or not seen
    at all: the float model itself reduces them to a few numbers, so that no tensor is kept.

    Args:
        arguments: `original` and `quantized`, the .onnx files of the float model, as it was
            quantized, and of the quantized one; `ranges`, the smallest and the largest value of
            tensors in calibration; `data`, as JSON of `CalibrationData`; and `seconds`, after which
            no further sample begins.
        folder: Folder for generated files.

    Returns:
        `tensors`, as JSON of `QuantizedTensor`, in the order of computation, constants last;
        `missing`, the number of those of which nothing is known; `counted`, the number of tensors
        whose values were counted; and `samples`, on how many samples.

    Raises:
        JobFailure: The model cannot be run.
    """
    deadline = time.monotonic() + arguments["seconds"]
    original, quantized = onnx.load(arguments["original"]), onnx.load(arguments["quantized"])
    constants = [
        describe_tensor(
            each.tensor, each.kind, each.integers, SeenValues.of(each.values, each.integers)
        )
        for each in iter_constants(original, quantized)
    ]
    activations = find_activations(original, quantized)
    del quantized
    ranges = arguments["ranges"]
    seen = {each.tensor: SeenValues(*ranges.get(each.tensor, ())) for each in activations}
    counted = [each for each in activations if not seen[each.tensor].is_within(each.integers)]
    samples = 0
    if counted:
        add_reductions(original, counted)
        probe = folder / "probe.onnx"
        probe.write_bytes(original.SerializeToString())
        del original
        data = CalibrationData.from_json(arguments["data"])
        samples = _count(probe, [seen[each.tensor] for each in counted], data, deadline)
    tensors = [
        describe_tensor(each.tensor, each.kind, each.integers, seen[each.tensor])
        for each in activations
        if seen[each.tensor].is_finite
    ]
    return {
        "tensors": [*tensors, *constants],
        "missing": len(activations) - len(tensors),
        "counted": len(counted),
        "samples": samples,
    }


def add_reductions(model: onnx.ModelProto, activations: Sequence[QuantizedActivation]) -> None:
    """Make a model return what is to be known of its tensors, in place of its outputs.

    Args:
        model: The model, which is changed.
        activations: The tensors. Each gives four outputs: its smallest and its largest value, their
            number, and the number of those outside the range of its integers.
    """
    graph = model.graph
    taken = collect_names(graph)
    del graph.output[:]

    def add(operator: str, *inputs: str, **attributes: Any) -> str:  # noqa: ANN401 - those of the operator
        name = unique_name(f"probe_{len(graph.node)}", taken)
        graph.node.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    for each in activations:
        limits = []
        for limit in each.integers.limits:
            limits.append(unique_name(f"limit_{len(graph.initializer)}", taken))
            graph.initializer.append(numpy_helper.from_array(limit, limits[-1]))
        outside = add(
            "Or", add("Less", each.tensor, limits[0]), add("Greater", each.tensor, limits[1])
        )
        found = [
            add("ReduceMin", each.tensor, keepdims=0),
            add("ReduceMax", each.tensor, keepdims=0),
            add("Size", each.tensor),
            add("ReduceSum", add("Cast", outside, to=TensorProto.INT32), keepdims=0),
        ]
        # ONNX Runtime infers their types.
        graph.output.extend(onnx.ValueInfoProto(name=name) for name in found)


def _count(
    probe: Path, tensors: Sequence[SeenValues], data: CalibrationData, deadline: float
) -> int:
    """Add the values of tensors to what is known of them; return on how many samples."""
    session, count = Session(probe), 0
    with data.open() as samples:
        for sample in samples:
            if time.monotonic() > deadline:
                break
            numbers = iter(session.run(sample, f"sample {count} of the calibration data"))
            count += 1
            for values, low, high, size, outside in zip(
                tensors, numbers, numbers, numbers, numbers, strict=True
            ):
                values.add(float(low), float(high), int(size), int(outside))
    return count
