"""Replaces average pools whose padding the HTP computes wrongly."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

from qai_hub.local.engine.onnx.graph_index import GraphIndex, attributes_of
from qai_hub.local.engine.qnn.moves import Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """The windows of a pool along one dimension.

    Attributes:
        length: Length of the image.
        kernel: Number of elements of a window.
        stride: Distance between windows.
        dilation: Distance between elements.
        begin: Padding before the image.
        end: Padding after it.
    """

    length: int
    kernel: int
    stride: int
    dilation: int
    begin: int
    end: int

    @property
    def is_common(self) -> bool:
        """Whether the HTP computes it rightly, as long as padding does not count."""
        return self.begin == self.end <= self.kernel // 2

    def compute_factors(self) -> npt.NDArray[np.float64]:
        """Return by how much the average grows if padding does not count; 0 where nothing does."""
        reach = (self.kernel - 1) * self.dilation
        starts = np.arange(-self.begin, self.length + self.end - reach, self.stride)
        places = starts[:, np.newaxis] + np.arange(self.kernel) * self.dilation
        counts = np.count_nonzero((places >= 0) & (places < self.length), axis=1)
        return np.where(counts, self.kernel / np.maximum(counts, 1), 0.0)


def _read_windows(attributes: Mapping[str, Any], shape: Sequence[int | None]) -> list[_Window]:
    kernels = attributes["kernel_shape"]
    count = len(kernels)
    lengths = [size or 0 for size in shape[-count:]]
    strides = attributes.get("strides", [1] * count)
    dilations = attributes.get("dilations", [1] * count)
    pads = attributes.get("pads", [0] * 2 * count)
    automatic = attributes.get("auto_pad", b"NOTSET")
    if automatic != b"NOTSET":
        pads = _compute_pads(automatic, lengths, kernels, strides, dilations)
    return [
        _Window(length=length, kernel=kernel, stride=stride, dilation=dilation, begin=a, end=b)
        for length, kernel, stride, dilation, a, b in zip(
            lengths, kernels, strides, dilations, pads[:count], pads[count:], strict=True
        )
    ]


def _compute_pads(
    automatic: bytes,
    lengths: Sequence[int],
    kernels: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> list[int]:
    if automatic == b"VALID":
        return [0] * 2 * len(lengths)
    totals = [
        max(0, (math.ceil(length / stride) - 1) * stride + (kernel - 1) * dilation + 1 - length)
        for length, kernel, stride, dilation in zip(
            lengths, kernels, strides, dilations, strict=True
        )
    ]
    smaller, larger = [each // 2 for each in totals], [each - each // 2 for each in totals]
    return [*smaller, *larger] if automatic == b"SAME_UPPER" else [*larger, *smaller]


def replace_average_pools(model: onnx.ModelProto) -> bool:
    """Replace AveragePools of floats whose padding the HTP computes wrongly by Convs, in place.

    Depending on the size of the kernel, it takes padding for a part of the image, or the other way
    round. It is right where padding does not count, and is the same on both sides and at most half
    of the kernel. A depthwise Conv of equal weights averages over the padding as well. Where that
    must not count, its results are multiplied by how much larger the average is without it.

    Args:
        model: The model, with types and shapes of all tensors.

    Returns:
        Whether there were any.
    """
    graph = GraphIndex(model)
    changed = False
    for node in list(model.graph.node):
        attributes = attributes_of(node)
        shape = graph.shape(node.input[0]) if node.op_type == "AveragePool" else None
        if not shape or None in shape or attributes.get("ceil_mode"):
            continue
        windows = _read_windows(attributes, shape)
        counts_pads = bool(attributes.get("count_include_pad"))
        is_right = all(each.begin == each.end == 0 for each in windows) or (
            not counts_pads and all(each.is_common for each in windows)
        )
        if is_right or Surroundings(graph, node).is_quantized:
            continue
        _replace(graph, node, windows, shape[1] or 0, counts_pads=counts_pads)
        changed = True
    return changed


def _replace(
    graph: GraphIndex,
    node: onnx.NodeProto,
    windows: Sequence[_Window],
    channels: int,
    *,
    counts_pads: bool,
) -> None:
    result = node.output[0]
    dtype = graph.dtype(result)
    kernel = [each.kernel for each in windows]
    weights = np.full((channels, 1, *kernel), 1 / math.prod(kernel), dtype)
    around = Surroundings(graph, node)
    around.node.CopyFrom(
        helper.make_node(
            "Conv",
            [node.input[0], graph.add_constant(f"{result}_weights", weights)],
            [result],
            name=node.name,
            group=channels,
            kernel_shape=kernel,
            strides=[each.stride for each in windows],
            dilations=[each.dilation for each in windows],
            pads=[*(each.begin for each in windows), *(each.end for each in windows)],
        )
    )
    if not counts_pads:
        factors = reduce(np.multiply.outer, [each.compute_factors() for each in windows])
        around.scale_output(graph.add_constant(f"{result}_factors", np.asarray(factors, dtype)))
    around.insert()
