"""Finds the tensors of a model quantized to 8 bits that are worth keeping at 16 bits."""

import logging
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper

from qai_hub.local.engine.onnx.edit import collect_names, unique_name
from qai_hub.local.engine.onnx.session import Tensor
from qai_hub.local.engine.quantize.calibration import CalibrationData
from qai_hub.local.engine.quantize.layer_trials import LayerTrials
from qai_hub.local.engine.quantize.layers import Layer, compute_losses
from qai_hub.local.engine.quantize.trials import Trials

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


class BitTrials(Trials):
    """Runs a quantized model with 8 or 16 bits for each of its tensors, without quantizing anew.

    One session serves all trials: the scales and zero points are inputs of its model.

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
        names = {node.output[0]: node.input[1] for node in _iter_quantizers(model.graph)}
        # Tensors that only move data share the scale of what they move.
        self.layers = {}
        for layer in layers:
            if names.get(layer.integers) in self._parameters:
                self.layers.setdefault(names[layer.integers], layer)
        super().__init__(original, model, samples, work)

    def _make_inputs(self, raised: AbstractSet[str]) -> dict[str, Tensor]:
        inputs: dict[str, Tensor] = {}
        for name, (zero_name, scale, zero) in self._parameters.items():
            factor = _WIDEN if name in raised else 1
            inputs[name] = np.asarray(scale / factor, np.float32)
            inputs[zero_name] = np.asarray(int(zero) * factor, np.uint16)
        return inputs


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
    for node in list(graph.node):
        if node.op_type in ("QuantizeLinear", "DequantizeLinear") and node.input[1] in found:
            zero_name, scale, zero = found[node.input[1]]
            node.domain = _WIDE_DOMAIN
            node.input[2] = zero_name
            del node.attribute[:]
            if node.op_type == "QuantizeLinear":
                ends = [(integer - int(zero)) * float(scale) for integer in (0, 255)]
                _clip(graph, node, ends, taken)
    for name, (zero_name, _, _) in found.items():
        graph.initializer.remove(constants[name])
        graph.input.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, []))
        graph.input.append(helper.make_tensor_value_info(zero_name, onnx.TensorProto.UINT16, []))
    # The types of quantized tensors have changed.
    del graph.value_info[:]
    if _WIDE_DOMAIN not in {opset.domain for opset in model.opset_import}:
        model.opset_import.append(helper.make_opsetid(_WIDE_DOMAIN, 1))
    return found


def _clip(
    graph: onnx.GraphProto, node: onnx.NodeProto, range_ends: Sequence[float], taken: set[str]
) -> None:
    """Clip what a node quantizes, as 8 bits would; 16 bits have the same range.

    The integers of 8 bits are stored in 16, which would hold larger ones as well.
    """
    names = []
    for end in range_ends:
        names.append(unique_name(f"{node.input[1]}_end", taken))
        tensor = onnx.numpy_helper.from_array(np.asarray(end, np.float32), names[-1])
        graph.initializer.append(tensor)
    clipped = unique_name(f"{node.input[0]}_clipped", taken)
    clip = helper.make_node("Clip", [node.input[0], *names], [clipped], name=clipped)
    graph.node.insert(list(graph.node).index(node), clip)
    node.input[0] = clipped


def rank_tensors(trials: Trials, layers: Sequence[Layer], deadline: float) -> list[Candidate]:
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


def choose_tensors(
    trials: Trials, ranking: Sequence[Candidate], before: float, best: float, deadline: float
) -> list[Candidate]:
    """Choose few tensors whose 16 bits gain most of what 16 bits for all would.

    Args:
        trials: Trials of the model.
        ranking: The tensors, the one that costs most accuracy first.
        before: PSNR in decibels of the least accurate output without 16 bits.
        best: The same with 16 bits for all tensors.
        deadline: Time of `time.monotonic` after which no trial begins.

    Returns:
        The chosen ones, in that order; none if they would gain less than `MIN_GAIN`.
    """
    scales = {layer.tensor: name for name, layer in trials.layers.items()}
    limit = max(1, int(len(trials.layers) * _MAX_SHARE))
    goal = before + _SHARE_OF_GAIN * (best - before)
    chosen: list[Candidate] = []
    reached = before
    for count in range(1, min(limit, len(ranking)) + 1):
        if reached >= goal or time.monotonic() > deadline:
            break
        chosen = list(ranking[:count])
        reached = trials.run({scales[each.layer.tensor] for each in chosen})
    return chosen if reached >= before + MIN_GAIN else []


def try_bits(arguments: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Rank the tensors of a quantized model by what 8 bits for each cost, in a process of its own.

    Args:
        arguments: `original` and `quantized`, the .onnx files of the float model and the quantized
            one; `layers`, the tensors as the fields of `Layer`; `data`, as JSON of
            `CalibrationData`; `seconds`, after which no trial begins; `choose`, whether to
            choose those that are worth 16 bits, if all together gain enough; and `kind`, what
            gets more precise: "activations", "weights" or "floats".
        folder: Folder for generated files.

    Returns:
        `ranking`, the tensors that were tried, the one that costs most accuracy first, each with
        the PSNR if it alone has 8 bits; `chosen`, how many of them are worth 16 bits; and `count`,
        the number of tensors that could be tried.

    Raises:
        JobFailure: One of the models cannot be run.
    """
    began = time.monotonic()
    layers = list(map(Layer.from_fields, arguments["layers"]))
    models = Path(arguments["original"]), Path(arguments["quantized"])
    kind = arguments["kind"]
    with CalibrationData.from_json(arguments["data"]).open() as samples:
        trials: Trials
        if kind == "activations":
            trials = BitTrials(*models, layers, samples, folder)
        else:
            with_activations = kind == "floats"
            trials = LayerTrials(
                *models, layers, samples, folder, with_activations=with_activations
            )
    before, best = trials.run(set()), trials.run(trials.layers.keys())
    if arguments["choose"] and best < before + MIN_GAIN:
        return {"ranking": [], "chosen": 0, "count": len(trials.layers)}
    ranking = rank_tensors(trials, layers, began + arguments["seconds"])
    chosen: Sequence[Candidate] = ()
    if arguments["choose"]:
        # As much time as the ranking may take: without a choice, it was of no use.
        deadline = time.monotonic() + arguments["seconds"]
        chosen = choose_tensors(trials, ranking, before, best, deadline)
    return {
        "ranking": [[each.layer.tensor, each.psnr] for each in ranking],
        "chosen": len(chosen),
        "count": len(trials.layers),
    }
