"""Generates seeded inputs with which a model computes something that is worth comparing.

Their ranges are derived from the graph: how an input is used tells which values it may have.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper

from qai_hub.local.engine.onnx.session import SEED, Tensor
from qai_hub.local.engine.protocol import TensorSpec

PLAUSIBLE_INPUTS_LABEL = "random inputs, in ranges derived from the model"

# Operators whose output has the values of their first input.
_PASSING_OPS = frozenset(
    {
        *("Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Split"),
        *("Concat", "Expand", "Tile", "Gather", "Cast", "Clip", "Max", "Min", "Where", "Mod"),
    }
)
# The data that the indices in the second input select from, by operator.
_INDEXING_OPS = frozenset({"Gather", "GatherElements", "GatherND", "ScatterElements", "ScatterND"})
_MAX_FLAGS = 8
# Float inputs that are known by nothing are drawn from a normal distribution, as normalised images
# and embeddings have, with a few outliers, which show where a target clips.
_OUTLIER_SHARE = 0.01
_OUTLIER_FACTOR = 4.0


@dataclass(frozen=True, slots=True)
class _Use:
    """A node that receives the values of an input, perhaps through others, and at which index."""

    node: onnx.NodeProto
    index: int


class PlausibleInputs:
    """Generates inputs for a model.

    Integers of 8 and 16 bits, which are images and other signals, have their whole range. Other
    integers are indices within the tables that they reach, or else 0, 1 and what they are compared
    with, as in masks and flags. Floats
    have the range of the QuantizeLinear that they reach; otherwise they are uniform in [0, 1) in
    even samples and normal with a few outliers in odd ones.

    Args:
        model: The model, with or without its external tensors.
        specs: Its inputs, with fixed shapes.
    """

    def __init__(self, model: onnx.ModelProto, specs: Sequence[TensorSpec]) -> None:
        self._specs = list(specs)
        self._constants = {tensor.name: tensor for tensor in model.graph.initializer}
        for node in model.graph.node:
            if node.op_type == "Constant" and node.attribute and node.attribute[0].HasField("t"):
                self._constants[node.output[0]] = node.attribute[0].t
        self._shapes = {
            value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
            for value in (*model.graph.input, *model.graph.value_info, *model.graph.output)
        }
        self._users: dict[str, list[_Use]] = {}
        for node in model.graph.node:
            for index, name in enumerate(node.input):
                self._users.setdefault(name, []).append(_Use(node, index))

    def sample(self, number: int) -> dict[str, Tensor]:
        """Return a sample.

        Args:
            number: Its number; each has other values, the same ones every time.

        Returns:
            A tensor for each input.
        """
        random = np.random.default_rng((SEED, number))
        return {spec.name: self._draw(spec, number, random) for spec in self._specs}

    def _draw(self, spec: TensorSpec, number: int, random: np.random.Generator) -> Tensor:
        dtype = np.dtype(spec.dtype)
        if dtype.kind == "f":
            return self._draw_floats(spec, number, random).astype(dtype)
        if dtype.kind == "b":
            return _keep_one(random.integers(0, 2, spec.shape).astype(dtype))
        if dtype.itemsize <= 2:
            limits = np.iinfo(dtype)
            return random.integers(limits.min, limits.max, spec.shape, dtype, endpoint=True)
        size = self._find_table_size(spec.name)
        if size is not None:
            return random.integers(0, size, spec.shape).astype(dtype)
        flags = sorted({0, 1, *self._find_flags(spec.name)})
        return _keep_one(random.choice(flags, spec.shape).astype(dtype))

    def _draw_floats(self, spec: TensorSpec, number: int, random: np.random.Generator) -> Tensor:
        quantized = self._find_quantized_range(spec.name)
        if quantized is not None:
            return random.uniform(*quantized, spec.shape)
        if number % 2 == 0:
            return random.random(spec.shape)
        values = random.standard_normal(spec.shape)
        outliers = random.random(spec.shape) < _OUTLIER_SHARE
        return np.where(outliers, values * _OUTLIER_FACTOR, values)

    def _find_quantized_range(self, name: str) -> tuple[float, float] | None:
        """Return the range of the QuantizeLinear that an input reaches; None if there is none."""
        for use in self._iter_uses(name):
            if use.node.op_type != "QuantizeLinear" or use.index:
                continue
            found = [self._constants.get(each) for each in use.node.input[1:3]]
            parameters = [each for each in found if each is not None and len(each.dims) < 2]
            if len(parameters) < 2:
                continue
            try:
                dtype = helper.tensor_dtype_to_np_dtype(parameters[1].data_type)
                limits = np.iinfo(dtype)
            except ValueError:
                continue
            scale, zero = (
                float(onnx.numpy_helper.to_array(each).ravel()[0].astype(np.float64))
                for each in parameters
            )
            return (float(limits.min) - zero) * scale, (float(limits.max) - zero) * scale
        return None

    def _find_table_size(self, name: str) -> int | None:
        """Return the size of the smallest table that an integer input indexes; None without one."""
        sizes = [
            size for use in self._iter_uses(name) if (size := self._indexed_size(use)) is not None
        ]
        return max(1, min(sizes)) if sizes else None

    def _find_flags(self, name: str) -> Iterator[int]:
        """Yield the constants that an integer input is compared with."""
        for use in self._iter_uses(name):
            if use.node.op_type != "Equal":
                continue
            other = self._constants.get(use.node.input[1 - use.index])
            if other is not None and len(other.dims) < 2:
                yield from map(int, onnx.numpy_helper.to_array(other).ravel()[:_MAX_FLAGS])

    def _indexed_size(self, use: _Use) -> int | None:
        """Return the size of the dimension that a node selects from by an input's values."""
        node, index = use.node, use.index
        if node.op_type == "OneHot":
            depth = self._constants.get(node.input[1])
            if index or depth is None:
                return None
            return int(onnx.numpy_helper.to_array(depth).ravel()[0])
        if node.op_type not in _INDEXING_OPS or index != 1:
            return None
        table = self._constants.get(node.input[0])
        shape = list(table.dims) if table else self._shapes.get(node.input[0], [])
        if node.op_type.endswith("ND"):
            sizes = [size for size in shape if size]
            return min(sizes, default=None)
        axis = next((int(each.i) for each in node.attribute if each.name == "axis"), 0)
        if not -len(shape) <= axis < len(shape) or not shape[axis]:
            return None
        return int(shape[axis])

    def _iter_uses(self, name: str) -> Iterator[_Use]:
        """Yield the nodes that receive an input's values, unchanged by those in between."""
        pending, seen = [name], {name}
        while pending:
            for use in self._users.get(pending.pop(0), ()):
                yield use
                if use.node.op_type not in _PASSING_OPS or self._is_parameter(use):
                    continue
                for output in use.node.output:
                    if output and output not in seen:
                        seen.add(output)
                        pending.append(output)

    @staticmethod
    def _is_parameter(use: _Use) -> bool:
        """Return whether an operator uses these values to move others."""
        if use.node.op_type in {"Concat", "Max", "Min"}:
            return False
        return use.index != 0 if use.node.op_type != "Where" else use.index == 0


def _keep_one(mask: Tensor) -> Tensor:
    """Set the first element of each row, as nothing can be computed from an empty mask.

    A single flag without dimensions stays as it was drawn.
    """
    if mask.ndim and mask.size:
        mask[..., 0] = 1
    return mask
