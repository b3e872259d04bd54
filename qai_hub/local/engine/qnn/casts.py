"""Rewrites Casts between integers and floats that the HTP computes wrongly or does not support.

Which Casts these are was determined by compiling each pair of types alone and comparing all values
with ONNX Runtime on the CPU. The rewritten Casts are exact in the range of the HTP's integers,
which have 32 bits.
"""

from collections.abc import Mapping, Sequence

import onnx
from onnx import TensorProto, helper

from qai_hub.local.engine.onnx.edit import collect_names, unique_name

# The type that a Cast goes through, by the types that it converts from and to.
_INTERMEDIATE_TYPES: Mapping[tuple[int, int], int] = {
    # Gives 1 for all that is not 0.
    (TensorProto.UINT8, TensorProto.FLOAT): TensorProto.INT32,
    # Gives False for negative numbers.
    (TensorProto.INT32, TensorProto.BOOL): TensorProto.FLOAT,
    (TensorProto.INT64, TensorProto.BOOL): TensorProto.FLOAT,
    # Not supported.
    (TensorProto.BOOL, TensorProto.INT64): TensorProto.INT32,
    (TensorProto.UINT8, TensorProto.INT64): TensorProto.INT32,
    (TensorProto.INT16, TensorProto.INT64): TensorProto.INT32,
    (TensorProto.INT16, TensorProto.FLOAT): TensorProto.INT32,
    (TensorProto.FLOAT, TensorProto.INT64): TensorProto.INT32,
    (TensorProto.FLOAT16, TensorProto.INT64): TensorProto.INT32,
    (TensorProto.FLOAT16, TensorProto.UINT8): TensorProto.FLOAT,
    (TensorProto.FLOAT16, TensorProto.BOOL): TensorProto.FLOAT,
}
# Types that the HTP has for quantized tensors alone, without any Cast.
_QUANTIZED_TYPES = frozenset({TensorProto.INT8, TensorProto.UINT16})
_FLAT_CAST = ["Reshape", "Cast", "Reshape"]
_CONTRIBUTED = "com.microsoft"
_FLOATS = frozenset({TensorProto.FLOAT, TensorProto.FLOAT16})
_WIDE_INTEGERS = frozenset({TensorProto.INT32, TensorProto.INT64})
# Operators that move elements, which the HTP does not support for 8-bit integers without a scale.
_MOVING_OPS = frozenset({"Transpose", "Concat", "Gather", "Identity"})
# The layout of tensors with fewer dimensions is not changed for the HTP.
_MIN_RANK_OF_LAYOUTS = 3


class _Rewriter:
    """Inserts nodes into a model whose tensors have known types and shapes."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._graph = model.graph
        self._taken = collect_names(model.graph)
        self._nodes: list[onnx.NodeProto] = []
        self._users: dict[str, list[onnx.NodeProto]] = {}
        for node in model.graph.node:
            for name in node.input:
                self._users.setdefault(name, []).append(node)
        values = (*model.graph.input, *model.graph.value_info, *model.graph.output)
        self._types = {each.name: each.type.tensor_type.elem_type for each in values}
        self._shapes = {
            each.name: [dim.dim_value for dim in each.type.tensor_type.shape.dim]
            for each in values
            if each.type.tensor_type.HasField("shape")
        }
        for tensor in model.graph.initializer:
            self._types[tensor.name] = tensor.data_type
            self._shapes[tensor.name] = list(tensor.dims)

    def rewrite(self) -> bool:
        """Rewrite the graph; return whether anything was changed."""
        kept = [node.SerializeToString() for node in self._graph.node]
        for node in self._graph.node:
            if node.op_type == "Cast":
                self._rewrite_cast(node)
            elif node.op_type in _MOVING_OPS and self._is_bytes(node.input[0]):
                self._move_as_integers(node)
            else:
                self._nodes.append(node)
        self._flatten_outputs()
        nodes = list(self._nodes)
        if [node.SerializeToString() for node in nodes] == kept:
            return False
        del self._graph.node[:]
        self._graph.node.extend(nodes)
        return True

    def _flatten_outputs(self) -> None:
        """Make outputs of int64 of integers of 32 bits that were a vector, in the HTP's layout too.

        The provider mistakes the size of such an output where ONNX Runtime transposes it.
        """
        outputs = {
            each.name
            for each in self._graph.output
            if each.type.tensor_type.elem_type == TensorProto.INT64
            and len(self._shapes.get(each.name, ())) >= _MIN_RANK_OF_LAYOUTS
            and all(self._shapes[each.name])
        }
        nodes, self._nodes = self._nodes, []
        flat = _find_flat_casts(nodes)
        for node in nodes:
            self._nodes.append(node)
            if node.op_type == "Cast" and node.input[0] in flat:
                continue
            for index, name in enumerate(node.output):
                if name in outputs:
                    node.output[index] = unique_name(f"{name}_inner", self._taken)
                    self._flatten_output(node, node.output[index], name)

    def _flatten_output(self, node: onnx.NodeProto, inner: str, output: str) -> None:
        shape = self._shapes[output]
        self._declare(inner, TensorProto.INT64, shape)
        flat = self._reshape(node.name, inner, [-1], TensorProto.INT64)
        narrow = self._cast(node.name, flat, None, TensorProto.INT32)
        back = self._reshape(node.name, narrow, shape, TensorProto.INT32)
        name = unique_name(f"{node.name}_to_int64", self._taken)
        self._nodes.append(
            helper.make_node("Cast", [back], [output], name=name, to=TensorProto.INT64)
        )

    def _rewrite_cast(self, node: onnx.NodeProto) -> None:
        source, target = node.input[0], node.output[0]
        to = next(each.i for each in node.attribute if each.name == "to")
        is_whole = self._types.get(source) in _QUANTIZED_TYPES
        if is_whole:
            source = node.input[0] = self._dequantize(node.name, source)
            if to == TensorProto.FLOAT:
                self._nodes[-1].name, self._nodes[-1].output[0] = node.name, target
                return
        through = _INTERMEDIATE_TYPES.get((self._types.get(source, 0), to))
        if not is_whole and self._loses_truncation(node, to):
            source = node.input[0] = self._truncate(node.name, source)
        if self._needs_flat(source, to):
            if through is not None:
                source = self._cast(node.name, source, self._shapes[source], through)
            self._cast_flat(node, source, to)
            return
        if through is not None:
            node.input[0] = self._cast(node.name, source, self._shapes.get(source), through)
        self._nodes.append(node)
        self._types[target] = to

    def _dequantize(self, base: str, source: str) -> str:
        """Add the node that converts integers to the same floats, with a scale of 1."""
        elem_type = self._types[source]
        scale, zero = (unique_name(f"{base}_{what}", self._taken) for what in ("step", "zero"))
        self._graph.initializer.append(helper.make_tensor(scale, TensorProto.FLOAT, [], [1]))
        self._graph.initializer.append(helper.make_tensor(zero, elem_type, [], [0]))
        inputs, shape = [source, scale, zero], self._shapes.get(source)
        floats = self._add(base, "DequantizeLinear", inputs, TensorProto.FLOAT, shape)
        if elem_type != TensorProto.INT8:
            # ONNX's own has these types in its latest operator sets only.
            self._nodes[-1].domain = _CONTRIBUTED
        return floats

    def _loses_truncation(self, node: onnx.NodeProto, to: int) -> bool:
        """Return whether the compiler would combine a Cast to integers with one that follows.

        The HTP rounds in such a combined Cast, or leaves floats as they are, where a Cast to
        integers truncates.
        """
        if self._types.get(node.input[0]) not in _FLOATS or to not in _WIDE_INTEGERS:
            return False
        followers = self._users.get(node.output[0], ())
        return to == TensorProto.INT64 or any(each.op_type == "Cast" for each in followers)

    def _truncate(self, base: str, source: str) -> str:
        """Add the nodes that round a tensor towards 0: sign(x) * floor(abs(x))."""
        elem_type, shape = self._types[source], self._shapes.get(source)
        magnitude = self._add(base, "Abs", [source], elem_type, shape)
        floor = self._add(base, "Floor", [magnitude], elem_type, shape)
        sign = self._add(base, "Sign", [source], elem_type, shape)
        return self._add(base, "Mul", [sign, floor], elem_type, shape)

    def _add(
        self, base: str, op: str, inputs: list[str], elem_type: int, shape: list[int] | None
    ) -> str:
        name = unique_name(f"{base}_{op}", self._taken)
        target = unique_name(f"{name}_output", self._taken)
        self._nodes.append(helper.make_node(op, inputs, [target], name=name))
        self._declare(target, elem_type, shape)
        return target

    def _needs_flat(self, source: str, to: int) -> bool:
        """Return whether a Transpose could follow a Cast to bytes, as the HTP has no such one.

        ONNX Runtime moves the Transpose that ends a chain of operators in the HTP's layout behind
        all elementwise operators, but not behind a Reshape.
        """
        shape = self._shapes.get(source)
        return (
            to == TensorProto.UINT8
            and shape is not None
            and len(shape) >= _MIN_RANK_OF_LAYOUTS
            and all(shape)
        )

    def _cast_flat(self, node: onnx.NodeProto, source: str, to: int) -> None:
        """Add the nodes that cast a tensor as a vector, between two Reshapes."""
        shape = self._shapes[source]
        target = node.output[0]
        node.input[0] = self._reshape(node.name, source, [-1], self._types[source])
        node.output[0] = unique_name(f"{target}_flat", self._taken)
        self._nodes.append(node)
        self._declare(node.output[0], to, None)
        self._reshape(node.name, node.output[0], shape, to, output=target)

    def _move_as_integers(self, node: onnx.NodeProto) -> None:
        """Add the nodes that move bytes as integers of 32 bits."""
        target = node.output[0]
        shape = self._shapes.get(target)
        moved = [node.input[0]] if node.op_type != "Concat" else list(node.input)
        if shape is None or not all(shape) or any(each not in self._shapes for each in moved):
            self._nodes.append(node)
            return
        for index, name in enumerate(moved):
            flat = self._reshape(node.name, name, [-1], TensorProto.UINT8)
            wide = self._cast(node.name, flat, None, TensorProto.INT32)
            dims = self._shapes[name]
            node.input[index] = self._reshape(node.name, wide, dims, TensorProto.INT32)
        node.output[0] = unique_name(f"{target}_int32", self._taken)
        self._declare(node.output[0], TensorProto.INT32, shape)
        self._nodes.append(node)
        flat = self._reshape(node.name, node.output[0], [-1], TensorProto.INT32)
        narrow = self._cast(node.name, flat, None, TensorProto.UINT8)
        self._reshape(node.name, narrow, shape, TensorProto.UINT8, output=target)

    def _is_bytes(self, name: str) -> bool:
        return self._types.get(name) == TensorProto.UINT8

    def _cast(self, base: str, source: str, shape: list[int] | None, to: int) -> str:
        type_name = TensorProto.DataType.Name(to).lower()
        target = unique_name(f"{source}_{type_name}", self._taken)
        name = unique_name(f"{base}_to_{type_name}", self._taken)
        self._nodes.append(helper.make_node("Cast", [source], [target], name=name, to=to))
        self._declare(target, to, shape)
        return target

    def _reshape(
        self, base: str, source: str, shape: list[int], elem_type: int, *, output: str | None = None
    ) -> str:
        sizes = unique_name(f"{base}_shape", self._taken)
        self._graph.initializer.append(
            helper.make_tensor(sizes, TensorProto.INT64, [len(shape)], shape)
        )
        target = output or unique_name(f"{source}_reshaped", self._taken)
        name = unique_name(f"{base}_reshape", self._taken)
        self._nodes.append(helper.make_node("Reshape", [source, sizes], [target], name=name))
        if output is None:
            self._declare(target, elem_type, None if shape == [-1] else shape)
        return target

    def _declare(self, name: str, elem_type: int, shape: list[int] | None) -> None:
        self._types[name] = elem_type
        if shape is not None:
            self._shapes[name] = shape
            self._graph.value_info.append(helper.make_tensor_value_info(name, elem_type, shape))


def _find_flat_casts(nodes: Sequence[onnx.NodeProto]) -> set[str]:
    """Return the tensors that were cast as a vector, between two Reshapes."""
    producers = {node.output[0]: node for node in nodes if node.output}
    found = set()
    for node in nodes:
        before, chain = node, [node.op_type]
        while len(chain) < len(_FLAT_CAST) and before.input and before.input[0] in producers:
            before = producers[before.input[0]]
            chain.append(before.op_type)
        if chain == _FLAT_CAST:
            found.add(node.output[0])
    return found


def rewrite_casts(model: onnx.ModelProto) -> bool:
    """Rewrite the Casts of a model that the HTP computes wrongly or does not support, in place.

    This must come after the graph was optimised, which would merge consecutive Casts.

    Args:
        model: The model, whose nodes are named and whose tensors have types and shapes.

    Returns:
        Whether anything was changed.
    """
    changed = _Rewriter(model).rewrite()
    domains = {opset.domain for opset in model.opset_import}
    if _CONTRIBUTED not in domains and any(n.domain == _CONTRIBUTED for n in model.graph.node):
        model.opset_import.append(helper.make_opsetid(_CONTRIBUTED, 1))
    return changed
