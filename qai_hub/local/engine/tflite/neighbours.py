"""Resizes to nearest neighbours, of which runtimes know other ones than ONNX does."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper

from qai_hub.local.engine.onnx.graph_index import GraphIndex, attributes_of

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
_FIRST_AXIS = 2
_IMAGE_RANK = 4


def use_exact_neighbours(index: GraphIndex, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """Return what takes the nearest neighbours that a Resize of an image means; None to keep it.

    Args:
        index: The graph, with the shapes of its tensors, to which constants are added.
        node: The Resize.
    """
    attributes = attributes_of(node)
    source, output = node.input[0], node.output[0]
    before, after = index.shape(source), index.shape(output)
    if attributes.get("mode", b"nearest") != b"nearest" or before is None or after is None:
        return None
    old = [size for size in before if size is not None]
    new = [size for size in after if size is not None]
    if not len(old) == len(new) == len(before) == _IMAGE_RANK or old[:2] != new[:2]:
        return None
    factors = _read_factors(index, node, attributes, old, new)
    place = _PLACES.get(attributes.get("coordinate_transformation_mode", b"half_pixel"))
    if factors is None or place is None:
        return None
    rounding = _ROUNDINGS[attributes.get("nearest_mode", b"round_prefer_floor")]
    chosen = {
        axis: np.clip(
            rounding(
                place(np.arange(new[axis], dtype=np.float32), factors[axis], old[axis], new[axis])
            ),
            0,
            old[axis] - 1,
        ).astype(np.int64)
        for axis in range(_FIRST_AXIS, _IMAGE_RANK)
    }
    for shift, known in _KNOWN:
        if all(
            np.array_equal(each, _choose_as_runtimes(old[axis], new[axis], shift))
            for axis, each in chosen.items()
        ):
            sizes = index.add_constant(f"{output}_sizes", np.array(new))
            inputs = [source, "", "", sizes]
            return [
                helper.make_node("Resize", inputs, [output], name=output, mode="nearest", **known)
            ]
    *others, last = [axis for axis in chosen if not _is_all(chosen[axis], old[axis])]
    nodes = []
    for axis in (*others, last):
        old[axis] = new[axis]
        target = output if axis == last else index.declare(f"{output}_{axis}", source, old)
        indices = index.add_constant(f"{output}_neighbours_{axis}", chosen[axis])
        nodes.append(
            helper.make_node("Gather", [source, indices], [target], name=target, axis=axis)
        )
        source = target
    return nodes


def _is_all(indices: _Array, size: int) -> bool:
    """Return whether indices choose all elements of a dimension, in order."""
    return np.array_equal(indices, np.arange(size))


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
    # The second input of operator set 10 is the third one of later ones.
    name = node.input[1] if len(node.input) == 2 else "".join(node.input[2:3])
    if not name or (len(node.input) > 3 and node.input[3]):
        return found
    given = index.value(name)
    if given is None:
        return None
    axes = attributes.get("axes", range(len(found)))
    for axis, factor in zip(axes, given, strict=True):
        found[axis] = np.float32(factor)
    return found
