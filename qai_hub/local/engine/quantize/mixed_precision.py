"""Finds the tensors of a model quantized to 8 bits that are worth keeping at 16 bits."""

import logging
import math
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper
from onnxruntime.quantization import QuantType
from onnxruntime.quantization.execution_providers.qnn.mixed_precision_overrides_utils import (
    MixedPrecisionTensorQuantOverridesFixer,
)
from onnxruntime.quantization.tensor_quant_overrides import TensorQuantOverridesHelper

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.onnx.edit import collect_names, unique_name
from qai_hub.local.engine.onnx.graph_index import GraphIndex, Use
from qai_hub.local.engine.onnx.separate import separate_constant
from qai_hub.local.engine.onnx.session import OptimizationLevel, Session, Tensor
from qai_hub.local.engine.quantize.layers import ErrorSum, Layer, compute_losses

logger = logging.getLogger(__name__)

# A model whose outputs are better than this, in decibels, needs no 16 bits.
SUFFICIENT_PSNR = 40
# In decibels: what a proposal must gain. It halves the error, nearly.
MIN_GAIN = 5
# A proposal aims at this share of the gain, in decibels, of 16 bits for all tensors.
_SHARE_OF_GAIN = 0.75
# More than this share of the tensors is no mix any more: w8a16 is simpler, and not much slower.
_MAX_SHARE = 0.25
# The operator domain whose Q and DQ nodes have 16 bits in every operator set.
_WIDE_DOMAIN = "com.microsoft"
# Operators whose constants have the type of the other inputs. Those of others are weights, biases
# and parameters, which have types of their own.
_SAME_TYPE_OPS = frozenset({"Add", "Concat", "Div", "Gather", "Max", "Min", "Mul", "PRelu", "Sub"})
# An 8-bit step and zero point for the same range in 16 bits: 65535 / 255.
_WIDEN = 257


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tensor that could be kept at 16 bits.

    Attributes:
        layer: The tensor.
        psnr: PSNR in decibels of the least accurate output if this tensor alone has 8 bits;
            infinity if the outputs are then equal to the float model's.
    """

    layer: Layer
    psnr: float

    def to_json(self) -> dict[str, Any]:
        """Return the JSON of a `MixedPrecisionLayer`."""
        layer = self.layer
        names = {"tensor": layer.tensor, "node": layer.node, "operator": layer.operator}
        return {**names, "psnr": round(min(self.psnr, _MAX_PSNR), 2)}


_MAX_PSNR = 999.0


class BitTrials:
    """Runs a quantized model with 8 or 16 bits for each of its tensors, without quantizing anew.

    One session serves all trials: the scales and zero points are inputs of its model. In 8 bits,
    values above the range of a tensor are not clipped; on the calibration data there are none.

    Args:
        original: The float model.
        quantized: The model quantized from it, with 8-bit activations.
        layers: Its tensors.
        samples: The samples.
        work: Folder for generated files.

    Raises:
        JobFailure: One of the models cannot be run.
    """

    def __init__(
        self,
        original: Path,
        quantized: Path,
        layers: Sequence[Layer],
        samples: Iterable[Mapping[str, Tensor]],
        work: Path,
    ) -> None:
        model = onnx.load(quantized)
        self._parameters = _make_parameters_inputs(model)
        path = work / "trials.onnx"
        path.write_bytes(model.SerializeToString())
        names = {node.output[0]: node.input[1] for node in _iter_quantizers(model.graph)}
        # Tensors that only move data share the scale of what they move.
        self.layers: dict[str, Layer] = {}
        for layer in layers:
            if names.get(layer.integers) in self._parameters:
                self.layers.setdefault(names[layer.integers], layer)
        self._session = Session(path, level=OptimizationLevel.ORT_DISABLE_ALL)
        before = Session(original, level=OptimizationLevel.ORT_DISABLE_ALL)
        self._samples = [(sample, before.run(sample, _LABEL)) for sample in samples]
        self._names = before.output_names

    def run(self, wide: AbstractSet[str]) -> float:
        """Return the PSNR of the least accurate output.

        Args:
            wide: The scales of the tensors with 16 bits.
        """
        parameters: dict[str, Tensor] = {}
        for name, (zero_name, scale, zero) in self._parameters.items():
            factor = _WIDEN if name in wide else 1
            parameters[name] = np.asarray(scale / factor, np.float32)
            parameters[zero_name] = np.asarray(int(zero) * factor, np.uint16)
        errors = [ErrorSum() for _ in self._names]
        places = [self._session.output_names.index(name) for name in self._names]
        for sample, expected in self._samples:
            actual = self._session.run({**sample, **parameters}, _LABEL)
            for error, place, tensor in zip(errors, places, expected, strict=True):
                if tensor.dtype.kind == "f":
                    error.add(tensor, actual[place])
        return min((each.psnr for each in errors if each.psnr is not None), default=math.inf)


_LABEL = "a sample of the calibration data"


def _iter_quantizers(graph: onnx.GraphProto) -> Iterable[onnx.NodeProto]:
    return (node for node in graph.node if node.op_type == "QuantizeLinear")


def _make_parameters_inputs(model: onnx.ModelProto) -> dict[str, tuple[str, Any, Any]]:
    """Turn the scales and zero points of 8-bit activations into inputs, in place.

    Returns:
        The name of the zero point, the scale and the zero point, by the name of the scale.
    """
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    found: dict[str, tuple[str, Any, Any]] = {}
    taken = collect_names(graph)
    for node in _iter_quantizers(graph):
        scale, zero = (constants.get(name) for name in node.input[1:3])
        is_narrow = zero is not None and zero.data_type == onnx.TensorProto.UINT8
        if scale is None or zero is None or not is_narrow or scale.dims:
            continue
        if scale.name not in found:
            found[scale.name] = (
                unique_name(f"{scale.name}_zero", taken),
                onnx.numpy_helper.to_array(scale),
                onnx.numpy_helper.to_array(zero),
            )
    for node in graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear") and node.input[1] in found:
            node.domain = _WIDE_DOMAIN
            node.input[2] = found[node.input[1]][0]
            del node.attribute[:]
    for name, (zero_name, _, _) in found.items():
        graph.initializer.remove(constants[name])
        graph.input.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, []))
        graph.input.append(helper.make_tensor_value_info(zero_name, onnx.TensorProto.UINT16, []))
    # The types of quantized tensors have changed.
    del graph.value_info[:]
    if _WIDE_DOMAIN not in {opset.domain for opset in model.opset_import}:
        model.opset_import.append(helper.make_opsetid(_WIDE_DOMAIN, 1))
    return found


def rank_tensors(trials: BitTrials, layers: Sequence[Layer], deadline: float) -> list[Candidate]:
    """Rank tensors by what their 8 bits cost alone, while all others have 16.

    Args:
        trials: Trials of the model.
        layers: All layers, with their PSNR on the CPU. Those that lose most are tried first.
        deadline: Time of `time.monotonic` after which no trial begins.

    Returns:
        The tensors that were tried, the one that costs most accuracy first.
    """
    losses = compute_losses(layers)
    every = trials.layers.keys()
    order = sorted(every, key=lambda name: -losses.get(trials.layers[name].tensor, -math.inf))
    found: list[Candidate] = []
    for name in order:
        if time.monotonic() > deadline:
            logger.info("Time ran out after %d of %d trials", len(found), len(order))
            break
        found.append(Candidate(trials.layers[name], trials.run(every - {name})))
    return sorted(found, key=lambda candidate: candidate.psnr)


def choose_tensors(trials: BitTrials, ranking: Sequence[Candidate]) -> list[Candidate]:
    """Choose few tensors whose 16 bits gain most of what 16 bits for all would.

    Args:
        trials: Trials of the model.
        ranking: The tensors, the one that costs most accuracy first.

    Returns:
        The chosen ones, in that order; none if they would gain less than `MIN_GAIN`.
    """
    scales = {layer.tensor: name for name, layer in trials.layers.items()}
    before, best = trials.run(set()), trials.run(trials.layers.keys())
    limit = max(1, int(len(trials.layers) * _MAX_SHARE))
    if best < before + MIN_GAIN:
        return []
    goal = before + _SHARE_OF_GAIN * (best - before)
    chosen: list[Candidate] = []
    reached = before
    for count in range(1, min(limit, len(ranking)) + 1):
        reached = trials.run({scales[each.layer.tensor] for each in ranking[:count]})
        chosen = list(ranking[:count])
        if reached >= goal:
            break
    return chosen if reached >= before + MIN_GAIN else []


def iter_float_values(model: onnx.ModelProto) -> Iterable[onnx.ValueInfoProto]:
    """Yield the inputs, outputs and computed tensors of floats, as far as types are known.

    Args:
        model: The model.
    """
    inferred = onnx.shape_inference.infer_shapes(model).graph
    for value in (*inferred.input, *inferred.value_info, *inferred.output):
        if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT:
            yield value


def build_overrides(model: onnx.ModelProto, tensors: Collection[str]) -> dict[str, Any]:
    """Return the quantizer's overrides that keep tensors at 16 bits while others have 8.

    The nodes that compute or use such a tensor have 16-bit inputs and outputs. Where those are
    tensors of 8 bits elsewhere, the quantizer converts them; constants get copies.

    Args:
        model: The float model, in which each node has a name. Copies of constants are added.
        tensors: The tensors.

    Raises:
        JobFailure: The quantizer cannot mix types that way.
    """
    wide = [*tensors, *_separate_constants(GraphIndex(model), set(tensors))]
    overrides = TensorQuantOverridesHelper(
        {name: [{"quant_type": QuantType.QUInt16}] for name in wide}
    )
    try:
        fixer = MixedPrecisionTensorQuantOverridesFixer.create_from_model(
            overrides, model, QuantType.QUInt8
        )
        fixer.apply(QuantType.QUInt8, default_activation_symmetric=False)
    except ValueError as error:
        reason = f"ONNX Runtime cannot keep these tensors at 16 bits: {error}"
        raise JobFailure(FailureType.UNSUPPORTED, reason[:1500]) from error
    found: dict[str, Any] = overrides.get_dict()
    return found


def _separate_constants(graph: GraphIndex, tensors: AbstractSet[str]) -> list[str]:
    """Give nodes that compute or use tensors constants of their own, where those are like inputs.

    Args:
        graph: The graph.
        tensors: The tensors.

    Returns:
        The names of these constants.
    """

    def is_wide(use: Use) -> bool:
        node = use.node
        return node.op_type in _SAME_TYPE_OPS and not tensors.isdisjoint(
            (*node.input, *node.output)
        )

    for name, tensor in list(graph.constants.items()):
        if tensor.data_type == onnx.TensorProto.FLOAT:
            separate_constant(graph, name, is_wide)
    graph.refresh()
    return [
        name
        for name, tensor in graph.constants.items()
        if tensor.data_type == onnx.TensorProto.FLOAT
        and any(map(is_wide, graph.uses.get(name, ())))
    ]
