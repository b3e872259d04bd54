"""Resizes of images, of which runtimes know other ones than ONNX does."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from qai_hub.local.engine.onnx.graph_index import GraphIndex, attributes_of
from qai_hub.local.engine.tflite.nodes import Nodes, make_node

_Array = np.ndarray[Any, Any]

# Where an element of the result is in the input, in the arithmetic of ONNX Runtime: of its number,
# the factor of the size, and both sizes.
_PLACES: Mapping[bytes, Callable[[_Array, np.float32, int, int], _Array]] = {
    b"half_pixel": lambda x, factor, _, __: (x + np.float32(0.5)) / factor - np.float32(0.5),
    b"half_pixel_symmetric": lambda x, factor, before, after: (
        np.float32(before / 2) * (1 - np.float32(after) / (factor * np.float32(before)))
        + (x + np.float32(0.5)) / factor
        - np.float32(0.5)
    ),
    b"pytorch_half_pixel": lambda x, factor, _, after: (
        (x + np.float32(0.5)) / factor - np.float32(0.5) if after > 1 else x * np.float32(0)
    ),
    b"align_corners": lambda x, _, before, after: (
        x * np.float32(before - 1) / np.float32(after - 1) if after > 1 else x * np.float32(0)
    ),
    b"asymmetric": lambda x, factor, _, __: x / factor,
}
_ROUNDINGS: Mapping[bytes, Callable[[_Array], _Array]] = {
    b"round_prefer_floor": lambda x: np.ceil(x - np.float32(0.5)),
    b"round_prefer_ceil": lambda x: np.floor(x + np.float32(0.5)),
    b"floor": np.floor,
    b"ceil": np.ceil,
}
# The two resizes of ONNX that runtimes have, which take the element at `floor((x + shift) scale)`.
_KNOWN = (
    (0.0, {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}),
    (0.5, {"coordinate_transformation_mode": "half_pixel", "nearest_mode": "round_prefer_ceil"}),
)
# How many inputs a Resize of operator set 10 has, which is an Upsample by another name.
_OLD_INPUTS = 2
_FIRST_AXIS = 2
_IMAGE_RANK = 4


def resize(index: GraphIndex, node: onnx.NodeProto) -> Nodes | None:
    """Return what resizes an image as ONNX defines it; None to leave it to the converter.

    Args:
        index: The graph, with the shapes of its tensors, to which constants are added.
        node: The Resize, or Upsample.
    """
    attributes = attributes_of(node)
    before, after = index.shape(node.input[0]), index.shape(node.output[0])
    old = [size for size in before or () if size is not None]
    new = [size for size in after or () if size is not None]
    if not len(old) == len(new) == len(before or ()) == _IMAGE_RANK or old[:2] != new[:2]:
        return None
    kind = attributes.get("mode", b"nearest")
    if node.op_type == "Upsample" or len(node.input) == _OLD_INPUTS:
        # The nearest neighbours of a smaller image were others still.
        if kind == b"nearest" and any(end < begin for begin, end in zip(old, new, strict=True)):
            return None
        attributes["coordinate_transformation_mode"] = b"asymmetric"
        attributes["nearest_mode"] = b"floor"
    factors = _read_factors(index, node, attributes, old, new)
    mode = attributes.get("coordinate_transformation_mode", b"half_pixel")
    if factors is None or mode not in _PLACES:
        return None
    places = {
        axis: _PLACES[mode](
            np.arange(new[axis], dtype=np.float32), factors[axis], old[axis], new[axis]
        )
        for axis in range(_FIRST_AXIS, _IMAGE_RANK)
    }
    if kind == b"nearest":
        rounding = _ROUNDINGS[attributes.get("nearest_mode", b"round_prefer_floor")]
        chosen = {
            axis: np.clip(rounding(each), 0, old[axis] - 1).astype(np.int64)
            for axis, each in places.items()
        }
        return _take_neighbours(index, node, old, new, chosen)
    is_exact = mode == b"align_corners" or all(
        factor == np.float32(new[axis] / old[axis]) for axis, factor in enumerate(factors)
    )
    is_single = mode == b"pytorch_half_pixel" and 1 in new[_FIRST_AXIS:]
    if attributes.get("antialias", 0) or not is_exact or is_single:
        return _interpolate(index, node, old, new, places) if kind == b"linear" else None
    attributes.pop("axes", None)
    return [_resize_to(index, node, new, attributes)]


def _resize_to(
    index: GraphIndex, node: onnx.NodeProto, new: Sequence[int], attributes: Mapping[str, Any]
) -> onnx.NodeProto:
    """Return a Resize to sizes, which the converter would round from factors in another way."""
    sizes = index.add_constant(f"{node.output[0]}_sizes", np.array(new))
    return make_node("Resize", [node.input[0], "", "", sizes], node.output[0], **attributes)


def _take_neighbours(
    index: GraphIndex,
    node: onnx.NodeProto,
    old: Sequence[int],
    new: Sequence[int],
    chosen: Mapping[int, _Array],
) -> Nodes:
    source, output = node.input[0], node.output[0]
    for shift, known in _KNOWN:
        if all(
            np.array_equal(each, _choose_as_runtimes(old[axis], new[axis], shift))
            for axis, each in chosen.items()
        ):
            return [_resize_to(index, node, new, {"mode": "nearest", **known})]
    axes = [axis for axis in chosen if not np.array_equal(chosen[axis], np.arange(old[axis]))]
    nodes, sizes = [], list(old)
    for axis in axes:
        sizes[axis] = new[axis]
        target = output if axis == axes[-1] else index.declare(f"{output}_{axis}", source, sizes)
        indices = index.add_constant(f"{output}_neighbours_{axis}", chosen[axis])
        nodes.append(make_node("Gather", [source, indices], target, axis=axis))
        source = target
    return nodes


def _interpolate(
    index: GraphIndex,
    node: onnx.NodeProto,
    old: Sequence[int],
    new: Sequence[int],
    places: Mapping[int, _Array],
) -> Nodes:
    """Return the products with the weights of the elements, along both dimensions."""
    source, output = node.input[0], node.output[0]
    is_smooth = bool(attributes_of(node).get("antialias", 0))
    rows, columns = (
        index.add_constant(
            f"{output}_weights_{axis}", _weigh(old[axis], new[axis], place, is_smooth=is_smooth).T
        )
        for axis, place in places.items()
    )
    batch, channels, height, _ = old
    wide, turned, high = (
        index.declare(f"{output}_{name}", source, [batch, channels, *sizes])
        for name, sizes in {
            "wide": (height, new[3]),
            "turned": (new[3], height),
            "high": (new[3], new[2]),
        }.items()
    )
    return [
        make_node("MatMul", [source, columns], wide),
        make_node("Transpose", [wide], turned, perm=[0, 1, 3, 2]),
        make_node("MatMul", [turned, rows], high),
        make_node("Transpose", [high], output, perm=[0, 1, 3, 2]),
    ]


def _weigh(before: int, after: int, places: _Array, *, is_smooth: bool) -> _Array:
    """Return the weight of each element of the input in each of the result."""
    reach = max(1.0, before / after) if is_smooth else 1.0
    # What is beyond the ends is like the elements there.
    beyond = int(np.ceil(reach))
    elements = np.arange(-beyond, before + beyond)
    distances = np.abs(elements - places[:, np.newaxis].astype(np.float64))
    all_weights = np.maximum(0, 1 - distances / reach)
    weights = np.zeros((after, before))
    np.add.at(weights.T, np.clip(elements, 0, before - 1), all_weights.T)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def _choose_as_runtimes(before: int, after: int, shift: float) -> _Array:
    scale = np.float32(before) / np.float32(after)
    taken = np.floor((np.arange(after, dtype=np.float32) + np.float32(shift)) * scale)
    return np.asarray(np.minimum(taken, before - 1), np.int64)


def _read_factors(
    index: GraphIndex,
    node: onnx.NodeProto,
    attributes: Mapping[str, Any],
    before: Sequence[int],
    after: Sequence[int],
) -> list[np.float32] | None:
    """Return the factor of each dimension; None if it is not known."""
    if attributes.get("keep_aspect_ratio_policy", b"stretch") != b"stretch":
        return None
    pairs = zip(before, after, strict=True)
    found = [np.float32(new / old) if old else np.float32(1) for old, new in pairs]
    # What was the second input is the third one since operator set 11.
    name = node.input[1] if len(node.input) == _OLD_INPUTS else "".join(node.input[2:3])
    if not name or (len(node.input) > 3 and node.input[3]):
        return found
    given = index.value(name)
    if given is None:
        return None
    axes = attributes.get("axes", range(len(found)))
    for axis, factor in zip(axes, given, strict=True):
        found[axis] = np.float32(factor)
    # ONNX may declare another size than ONNX Runtime computes.
    sizes = [int(np.float32(size) * factor) for size, factor in zip(before, found, strict=True)]
    return found if sizes == list(after) else None
