"""Rewrites convolutions whose padding the HTP computes wrongly."""

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import helper

from qai_hub.local.engine.onnx.graph_index import GraphIndex, attributes_of
from qai_hub.local.engine.qnn.moves import Surroundings, change_parameter

_AUTOMATIC = {b"SAME_UPPER", b"SAME_LOWER", b"VALID"}


def enlarge_convolutions(graph: GraphIndex) -> bool:
    """Enlarge the kernel of each Conv of floats that is padded by its size or more, in place.

    The HTP pads floats by less than the kernel, and makes a Pad before the Conv a part of it. More
    rows of zeros at the end of the kernel, and of padding beneath them, change no result.

    Args:
        graph: The graph, with types and shapes of all tensors, which is changed.

    Returns:
        Whether there were any.
    """
    changed = False
    for node in list(graph.graph.node):
        pads = list(attributes_of(node).get("pads", ()))
        shape = graph.shape(node.input[1]) if node.op_type == "Conv" and pads else None
        if not shape or Surroundings(graph, node).is_quantized:
            continue
        kernel = [size or 0 for size in shape[2:]]
        count = len(kernel)
        missing = [
            max(0, pad + 1 - size) if size > 1 else 0
            for size, pad in zip(kernel, pads[:count], strict=True)
        ]
        if any(missing):
            dilations = attributes_of(node).get("dilations", [1] * count)
            for axis, (more, step) in enumerate(zip(missing, dilations, strict=True)):
                pads[count + axis] += more * step
            changed |= _enlarge_kernel(graph, node, missing, pads)
    if changed:
        graph.remove_dead_nodes()
    return changed


def crop_transposed_convolutions(graph: GraphIndex) -> bool:
    """Replace the padding of the output of each ConvTranspose, in place.

    The HTP computes depthwise ones with such a padding wrongly. It is the same to crop the output
    less or, where it is not cropped, to make the kernel larger by zeros.

    Args:
        graph: The graph, with types and shapes of all tensors, which is changed.

    Returns:
        Whether there were any.
    """
    changed = False
    for node in list(graph.graph.node):
        attributes = attributes_of(node)
        padding = attributes.get("output_padding", [])
        automatic = attributes.get("auto_pad") in _AUTOMATIC or "output_shape" in attributes
        if node.op_type != "ConvTranspose" or not any(padding) or automatic:
            continue
        count = len(padding)
        pads = list(attributes.get("pads", [0] * 2 * count))
        ends = [end - more for end, more in zip(pads[count:], padding, strict=True)]
        missing = [max(0, -end) for end in ends]
        pads[count:] = [max(0, end) for end in ends]
        changed |= _enlarge_kernel(graph, node, missing, pads)
    if changed:
        graph.remove_dead_nodes()
    return changed


def _enlarge_kernel(
    graph: GraphIndex, node: onnx.NodeProto, missing: Sequence[int], pads: Sequence[int]
) -> bool:
    """Give a node other pads and a kernel with more zeros; return whether its weights are known."""
    around = Surroundings(graph, node)
    nodes: tuple[onnx.NodeProto, ...] = ()
    if any(missing):
        zero = _find_zero(graph, node.input[1])
        weights = change_parameter(
            graph, node.input[1], lambda name: _enlarge(graph, name, missing, zero)
        )
        if weights is None:
            return False
        around.node.input[1], nodes = weights
        around.remove_attributes("kernel_shape")
    around.remove_attributes("output_padding", "pads")
    around.node.attribute.append(helper.make_attribute("pads", pads))
    around.insert(*nodes)
    return True


def _find_zero(graph: GraphIndex, weights: str) -> int | None:
    """Return the number that stands for 0 in weights; None if channels have different ones."""
    dequantize = graph.producers.get(weights)
    if dequantize is None or len(dequantize.input) < len(("tensor", "scale", "zero point")):
        return 0
    zeros = graph.value(dequantize.input[2])
    numbers = set() if zeros is None else set(zeros.ravel().tolist())
    return numbers.pop() if len(numbers) == 1 else None


def _enlarge(graph: GraphIndex, name: str, missing: Sequence[int], zero: int | None) -> str | None:
    """Return a copy of weights with more rows at the ends of the kernel; None if unknown."""
    value = graph.value(name)
    if value is None or zero is None:
        return None
    widths = [(0, 0), (0, 0), *((0, more) for more in missing)]
    # NumPy does not fill arrays of 4-bit integers.
    enlarged = np.pad(value.astype(np.float64), widths, constant_values=zero).astype(value.dtype)
    return graph.add_constant(f"{name}_enlarged", enlarged)
