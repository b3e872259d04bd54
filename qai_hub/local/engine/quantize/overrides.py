"""Chooses how single tensors are quantized, where the quantizer's choice does not suit the HTP."""

from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import QuantType

from qai_hub.local.engine.onnx.graph_index import GraphIndex, attributes_of
from qai_hub.local.engine.quantize.measure import Range

# By tensor, in the form of the quantizer: one dictionary for the whole tensor.
Overrides = dict[str, list[dict[str, Any]]]

_SCALED_NORMS = frozenset({"LayerNormalization", "RMSNormalization"})


def build_overrides(graph: GraphIndex, weight_type: QuantType) -> Overrides:
    """Return the overrides for the weights of a graph.

    Args:
        graph: The graph.
        weight_type: The type of its weights.
    """
    overrides: Overrides = {}
    for node in graph.graph.node:
        if len(node.input) < 2 or node.input[1] not in graph.constants:
            continue
        if node.op_type in _SCALED_NORMS:
            # The HTP has no signed scales here, and no biases but 32-bit ones.
            overrides[node.input[1]] = [{"quant_type": QuantType.QUInt8, "symmetric": False}]
        elif node.op_type == "ConvTranspose" and attributes_of(node).get("group", 1) > 1:
            # Its channels along the axis of the weights are those of one group only, while the
            # bias has the channels of all groups.
            overrides[node.input[1]] = [{"quant_type": weight_type, "symmetric": True}]
    return overrides


def find_pads(graph: GraphIndex) -> dict[str, tuple[str, float]]:
    """Return the constant and the input of each Pad that pads with another number than 0.

    Args:
        graph: The graph.

    Returns:
        The name of the padded tensor and the number, by the name of the Pad's output.
    """
    found = {}
    for node in graph.graph.node:
        if node.op_type != "Pad" or attributes_of(node).get("mode", b"constant") != b"constant":
            continue
        constant = node.input[2] if len(node.input) > 2 else ""
        tensor = graph.constants.get(constant)
        number = graph.scalar(constant)
        if number and tensor is not None and tensor.data_type == onnx.TensorProto.FLOAT:
            found[node.output[0]] = (node.input[0], number)
    return found


def widen_for_pads(
    overrides: Overrides, pads: dict[str, tuple[str, float]], ranges: dict[str, Range]
) -> None:
    """Widen the range of padded tensors so that it has the number that they are padded with.

    The HTP encodes that number as it encodes the tensor, and would clip it.

    Args:
        overrides: The overrides, which are extended.
        pads: The Pad nodes.
        ranges: The range of each padded tensor on the calibration data.
    """
    for source, number in pads.values():
        found = ranges[source]
        if not np.isfinite(number) or found.low <= number <= found.high:
            continue
        kept = overrides.setdefault(source, [{}])[0]
        if number < found.low:
            kept["rmin"] = np.float32(min(number, kept.get("rmin", number)))
        else:
            kept["rmax"] = np.float32(max(number, kept.get("rmax", number)))
