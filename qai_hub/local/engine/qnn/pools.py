"""A rewrite of AveragePools that QNN's HTP computes wrongly."""

from typing import NamedTuple

import numpy as np
import onnx
from onnx import helper

from qai_hub.local.engine.onnx.graph_index import GraphIndex, attributes_of

_MAX_DIMENSIONS = 2


class _Axis(NamedTuple):
    """How an AveragePool divides one dimension into windows."""

    size: int
    windows: int
    kernel: int
    stride: int
    begin: int
    end: int

    @property
    def needed_end(self) -> int:
        """The padding at the end that lets the last window fit."""
        covered = (self.windows - 1) * self.stride + self.kernel
        return max(0, covered - self.size - self.begin)

    def count_elements(self, *, with_padding: bool) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Return the number of elements that the average of each window is taken of."""
        starts = np.arange(self.windows) * self.stride - self.begin
        low, high = (-self.begin, self.size + self.end) if with_padding else (0, self.size)
        return np.minimum(starts + self.kernel, high) - np.maximum(starts, low)


def convolve_padded_pools(graph: GraphIndex) -> bool:
    """Replace each AveragePool with padding by a depthwise Conv and a Mul, in place.

    The HTP computes many of them wrongly, or crashes, with no rule as to which: others that are
    larger by one are right. A Pad before the AveragePool becomes part of it. With `ceil_mode`, the
    HTP takes the average of elements beyond the padding, too.

    Args:
        graph: The graph, with types and shapes of all tensors, which is changed.

    Returns:
        Whether there were any.
    """
    pools = [node for node in graph.list_nodes() if node.op_type == "AveragePool"]
    changed = [_rewrite(graph, node) for node in pools]
    return any(changed)


def _rewrite(graph: GraphIndex, node: onnx.NodeProto) -> bool:
    source, output = node.input[0], node.output[0]
    axes = _read_axes(graph, node)
    if axes is None or not graph.computes_floats(node):
        return False
    attributes = attributes_of(node)
    if not attributes.get("ceil_mode", 0) and not any(axis.begin or axis.end for axis in axes):
        return False
    if any(np.min(axis.count_elements(with_padding=False)) <= 0 for axis in axes):
        # Runtimes disagree on windows that are in the padding altogether.
        return False
    dtype = helper.tensor_dtype_to_np_dtype(graph.elem_type(source))
    kernel = [axis.kernel for axis in axes]
    channels = (graph.shape(source) or [])[1] or 0
    # A sum could exceed the range of 16-bit floats, and this weight is one of them.
    weight = max(np.float16(1 / np.prod(kernel)), np.finfo(np.float16).smallest_normal)
    counts = np.ones(1)
    for axis in axes:
        with_padding = bool(attributes.get("count_include_pad", 0))
        counts = np.multiply.outer(counts, axis.count_elements(with_padding=with_padding))
    weights = graph.add_constant(
        f"{node.name}_weights", np.full((channels, 1, *kernel), weight, dtype)
    )
    factors = graph.add_constant(
        f"{node.name}_factors", (1 / (counts * float(weight)))[np.newaxis].astype(dtype)
    )
    sums = graph.declare_like(f"{output}_sums", output)
    convolution = helper.make_node(
        "Conv",
        [source, weights],
        [sums],
        name=graph.name(f"{node.name}_sums"),
        group=channels,
        kernel_shape=kernel,
        strides=[axis.stride for axis in axes],
        pads=[*(axis.begin for axis in axes), *(axis.needed_end for axis in axes)],
    )
    product = helper.make_node("Mul", [sums, factors], [output], name=node.name)
    graph.replace_nodes([node], [convolution, product])
    return True


def _read_axes(graph: GraphIndex, node: onnx.NodeProto) -> list[_Axis] | None:
    """Return the spatial dimensions of an AveragePool; None if it is one that is not handled."""
    attributes = attributes_of(node)
    shapes = [graph.shape(name) for name in (node.input[0], node.output[0])]
    kernel = attributes["kernel_shape"]
    count = len(kernel)
    # QNN has no depthwise Conv for three dimensions.
    if count > _MAX_DIMENSIONS or any(shape is None or None in shape for shape in shapes):
        return None
    if any(step != 1 for step in attributes.get("dilations", ())):
        return None
    sizes, windows = (list(shape or ())[2:] for shape in shapes)
    strides = attributes.get("strides", [1] * count)
    automatic = attributes.get("auto_pad", b"NOTSET")
    pads = attributes.get("pads", [0] * 2 * count)
    axes = [
        _Axis(*values)
        for values in zip(sizes, windows, kernel, strides, pads[:count], pads[count:], strict=True)
    ]
    if automatic in {b"SAME_UPPER", b"SAME_LOWER"}:
        axes = [_pad_same(axis, is_upper=automatic == b"SAME_UPPER") for axis in axes]
    return axes


def _pad_same(axis: _Axis, *, is_upper: bool) -> _Axis:
    total = axis._replace(begin=0).needed_end
    less, more = total // 2, total - total // 2
    return axis._replace(begin=less, end=more) if is_upper else axis._replace(begin=more, end=less)
