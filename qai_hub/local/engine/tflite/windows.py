"""Convolutions and pools with a padding that the converter refuses or gets wrong."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from qai_hub.local.engine.onnx.graph_index import GraphIndex, attributes_of
from qai_hub.local.engine.tflite.nodes import Nodes, make_node


def convolve(index: GraphIndex, node: onnx.NodeProto) -> Nodes | None:
    """Padding that is larger at the beginning is given in numbers."""
    attributes = attributes_of(node)
    names = node.input[0], node.input[1], node.output[0]
    sizes = [[size or 0 for size in (index.shape(name) or ())[2:]] for name in names]
    if attributes.get("auto_pad") != b"SAME_LOWER" or not all(each and all(each) for each in sizes):
        return None
    steps = [attributes.get(name, [1] * len(sizes[0])) for name in ("strides", "dilations")]
    totals = [
        max(0, (after - 1) * stride + (width - 1) * dilation + 1 - before)
        for before, width, after, stride, dilation in zip(*sizes, *steps, strict=True)
    ]
    del attributes["auto_pad"]
    attributes["pads"] = [
        *(total - total // 2 for total in totals),
        *(total // 2 for total in totals),
    ]
    return [make_node("Conv", node.input, node.output[0], **attributes)]


def deconvolve(index: GraphIndex, node: onnx.NodeProto) -> Nodes | None:
    """What a transposed convolution leaves out where it adds something is sliced off."""
    attributes = attributes_of(node)
    names = node.input[0], node.input[1], node.output[0]
    source, kernel, shape = ([size or 0 for size in index.shape(name) or ()] for name in names)
    is_known = all(each and all(each) for each in (source, kernel, shape))
    if not is_known or attributes.get("auto_pad", b"NOTSET") != b"NOTSET":
        return None
    rank = len(shape) - 2
    added = attributes.get("output_padding", [0] * rank)
    is_sized = attributes.pop("output_shape", None) is not None
    if is_sized:
        strides = attributes.get("strides", [1] * rank)
        dilations = attributes.get("dilations", [1] * rank)
        parts = zip(source[2:], strides, kernel[2:], dilations, added, shape[2:], strict=True)
        totals = [
            (before - 1) * stride + (width - 1) * dilation + 1 + extra - after
            for before, stride, width, dilation, extra, after in parts
        ]
        begins, ends = [each - each // 2 for each in totals], [each // 2 for each in totals]
        if min(totals) < 0:
            return None
    else:
        pads = attributes.get("pads", [0] * 2 * rank)
        begins, ends = pads[:rank], pads[rank:]
    attributes["pads"] = [*begins, *ends]
    sides = list(zip(begins, ends, added, strict=True))
    if any(begin and extra > end for begin, end, extra in sides):
        return _crop(index, node, attributes, shape, sides)
    made = make_node("ConvTranspose", node.input, node.output[0], **attributes)
    return [made] if is_sized else None


def _crop(
    index: GraphIndex,
    node: onnx.NodeProto,
    attributes: Mapping[str, Any],
    shape: Sequence[int],
    sides: Sequence[tuple[int, int, int]],
) -> Nodes:
    """Return a transposed convolution that leaves nothing out, and a Slice that does.

    Args:
        index: The graph.
        node: The transposed convolution.
        attributes: Its attributes.
        shape: The shape of its result.
        sides: What it leaves out at the beginning and at the end, and what it adds there, of each
            dimension.
    """
    output = node.output[0]
    stops = [size + begin for size, (begin, _, _) in zip(shape[2:], sides, strict=True)]
    sizes = [stop + max(0, end - extra) for stop, (_, end, extra) in zip(stops, sides, strict=True)]
    whole = index.declare(f"{output}_whole", output, [*shape[:2], *sizes])
    changed = {
        "pads": [0] * 2 * len(sides),
        "output_padding": [max(0, extra - end) for _, end, extra in sides],
    }
    bounds = {
        "starts": [begin for begin, _, _ in sides],
        "stops": stops,
        "axes": range(2, len(shape)),
    }
    inputs = [
        index.add_constant(f"{output}_{name}", np.array(values, np.int64))
        for name, values in bounds.items()
    ]
    return [
        make_node("ConvTranspose", node.input, whole, **{**attributes, **changed}),
        make_node("Slice", [whole, *inputs], output),
    ]


def _pad_before(index: GraphIndex, node: onnx.NodeProto) -> Nodes | None:
    """An average that counts padding counts none of what rounding up the size adds beyond it."""
    attributes = attributes_of(node)
    if not (attributes.get("ceil_mode", 0) and attributes.pop("count_include_pad", 0)):
        return None
    source, shape = node.input[0], index.shape(node.input[0])
    pads = np.array(attributes.pop("pads", [0] * 2 * len(attributes["kernel_shape"])))
    if shape is None or None in shape or b"SAME" in attributes.get("auto_pad", b""):
        return None
    nodes: Nodes = []
    if np.any(pads):
        whole = np.concatenate([np.zeros((2, 2), np.int64), pads.reshape(2, -1)], axis=1)
        sizes = [size or 0 for size in shape] + whole.sum(axis=0)
        padded = index.declare(f"{node.output[0]}_padded", source, sizes.tolist())
        amounts = index.add_constant(f"{node.output[0]}_pads", whole.ravel())
        nodes.append(make_node("Pad", [source, amounts], padded))
        source = padded
    return [*nodes, make_node("AveragePool", [source], node.output[0], **attributes)]


def pool(index: GraphIndex, node: onnx.NodeProto) -> Nodes | None:
    """A pool along one dimension whose size is rounded up is padded wrongly."""
    source, output = node.input[0], node.output[0]
    before, after = index.shape(source), index.shape(output)
    attributes = attributes_of(node)
    if not attributes.get("ceil_mode", 0) or len(attributes["kernel_shape"]) != 1:
        return None
    if before is None or after is None or None in before or None in after or len(node.output) > 1:
        return None
    for name in ("kernel_shape", "strides", "dilations"):
        if name in attributes:
            attributes[name] = [1, *attributes[name]]
    if "pads" in attributes:
        begin, end = attributes["pads"]
        attributes["pads"] = [0, begin, 0, end]
    sizes = [[size or 0 for size in shape] for shape in (before, after)]
    flat, pooled = (
        index.declare(f"{output}_{part}", source, [*shape[:2], 1, shape[2]])
        for part, shape in zip(("flat", "pooled"), sizes, strict=True)
    )
    there, back = (
        index.add_constant(f"{output}_{part}", np.array(shape))
        for part, shape in (("there", [*sizes[0][:2], 1, sizes[0][2]]), ("back", sizes[1]))
    )
    pool = make_node(node.op_type, [flat], pooled, **attributes)
    return [
        make_node("Reshape", [source, there], flat),
        *((_pad_before(index, pool) if node.op_type == "AveragePool" else None) or [pool]),
        make_node("Reshape", [pooled, back], output),
    ]


def average(index: GraphIndex, node: onnx.NodeProto) -> Nodes | None:
    """An average pool that is rounded up: see `pool`, and `_pad_before`."""
    return pool(index, node) or _pad_before(index, node)
