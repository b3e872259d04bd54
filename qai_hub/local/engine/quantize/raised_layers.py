"""Keeps layers of a quantized model more precise: in 16-bit floats, or with 16-bit weights."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.onnx.edit import collect_names, name_nodes, unique_name
from qai_hub.local.engine.option_table import LITE_MP
from qai_hub.local.engine.options import FP16
from qai_hub.local.engine.quantize.overrides import Overrides

# Where the range of integers does what these operators do, the quantizer makes them part of the
# node before.
_ABSORBED = frozenset({"Clip", "Relu"})
# Operators with weights in QNN, and which of their inputs those are.
_WEIGHTS = {"Conv": (1,), "ConvTranspose": (1,), "Gemm": (1,), "MatMul": (0, 1)}
_LARGEST_HALF = float(np.finfo(np.float16).max)

RaisedKind = Literal["activations", "weights", "floats"]


@dataclass(frozen=True, slots=True)
class RaisedLayers:
    """Layers that are kept more precise than others.

    Attributes:
        tensors: The tensors that they compute.
        kind: What gets 16 bits: what they compute, their weights, or all of it as floats.
    """

    tensors: Sequence[str]
    kind: RaisedKind


NO_LAYERS = RaisedLayers((), "activations")


def get_raised_kind(override: str, activations_dtype: str) -> RaisedKind:
    """Return what gets more precise in the layers that `--lite_mp` chooses.

    Args:
        override: The type that the option names, "int16" or "fp16".
        activations_dtype: Type of the activations.
    """
    if override == FP16:
        return "floats"
    return "activations" if activations_dtype == "INT8" else "weights"


def find_nodes(model: onnx.ModelProto, raised: RaisedLayers) -> list[str]:
    """Return the names of the nodes that become more precise.

    A tensor is a float only if the nodes that use it take floats, so these come with the node that
    computes it. A Relu or Clip comes with the node before it, of which it is to be part.

    Args:
        model: The float model, whose nodes get names if they have none.
        raised: The layers.
    """
    name_nodes(model.graph)
    makers = {output: node for node in model.graph.node for output in node.output}
    tensors = set(raised.tensors)
    for name in raised.tensors:
        maker = makers.get(name)
        if maker is not None and maker.op_type in _ABSORBED:
            tensors.add(maker.input[0])
    used = tensors if raised.kind == "floats" else set()
    return [
        node.name
        for node in model.graph.node
        if not (tensors.isdisjoint(node.output) and used.isdisjoint(node.input))
    ]


def override_weights(model: onnx.ModelProto, names: Collection[str]) -> Overrides:
    """Return the overrides that give layers weights of 16 bits.

    They have one scale: 16 bits are enough for all channels, and the HTP has no scale for each.

    Args:
        model: The float model.
        names: The names of the nodes of the layers.

    Raises:
        JobFailure: None of the layers has weights.
    """
    constants = {each.name for each in model.graph.initializer}
    weights = {
        node.input[place]
        for node in model.graph.node
        for place in _WEIGHTS.get(node.op_type, ())
        if node.name in names and node.input[place] in constants
    }
    if not weights:
        reason = f"{LITE_MP} has nothing to raise: the chosen layers have no weights."
        raise JobFailure(FailureType.UNSUPPORTED, reason)
    return {name: [{"quant_type": QuantType.QInt16, "symmetric": True}] for name in sorted(weights)}


def convert_to_half(model: onnx.ModelProto, names: Collection[str]) -> None:
    """Let nodes compute in 16-bit floats, in place.

    Casts around them also keep a runtime from fusing them with the Q and DQ nodes of neighbours.

    Args:
        model: The quantized model, in which these nodes use and compute 32-bit floats.
        names: The names of the nodes.
    """
    if not names:
        return
    graph = model.graph
    taken = collect_names(graph)
    constants = {each.name: each for each in graph.initializer}
    kinds = _find_types(model)
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.name not in names:
            nodes.append(node)
            continue
        for place, name in enumerate(node.input):
            if kinds.get(name) != onnx.TensorProto.FLOAT:
                continue
            half = unique_name(f"{name}_half", taken)
            node.input[place] = half
            if name in constants:
                values = numpy_helper.to_array(constants[name])
                clipped = np.clip(values, -_LARGEST_HALF, _LARGEST_HALF).astype(np.float16)
                graph.initializer.append(numpy_helper.from_array(clipped, half))
            else:
                nodes.append(_make_cast(name, half, onnx.TensorProto.FLOAT16))
        nodes.append(node)
        for place, name in enumerate(node.output):
            if kinds.get(name) == onnx.TensorProto.FLOAT:
                half = unique_name(f"{name}_half", taken)
                node.output[place] = half
                nodes.append(_make_cast(half, name, onnx.TensorProto.FLOAT))
    del graph.node[:]
    graph.node.extend(nodes)
    _remove_unused_constants(graph)


def has_half_floats(model: onnx.ModelProto) -> bool:
    """Return whether any node of a model computes in 16-bit floats.

    Args:
        model: The model, with or without its external tensors.
    """
    half = onnx.TensorProto.FLOAT16
    casts = (node for node in model.graph.node if node.op_type == "Cast")
    return any(each.data_type == half for each in model.graph.initializer) or any(
        attribute.i == half for node in casts for attribute in node.attribute
    )


def _make_cast(source: str, target: str, elem_type: int) -> onnx.NodeProto:
    return helper.make_node("Cast", [source], [target], name=f"{target}_Cast", to=elem_type)


def _find_types(model: onnx.ModelProto) -> dict[str, int]:
    """Return the element types of all tensors of a model, as far as they are known."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    values = (*graph.input, *graph.value_info, *graph.output)
    types = {value.name: value.type.tensor_type.elem_type for value in values}
    return types | {each.name: each.data_type for each in graph.initializer}


def _remove_unused_constants(graph: onnx.GraphProto) -> None:
    used = set(_iter_used(graph))
    kept = [each for each in graph.initializer if each.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _iter_used(graph: onnx.GraphProto) -> Iterator[str]:
    for node in graph.node:
        yield from node.input
    for value in graph.output:
        yield value.name
