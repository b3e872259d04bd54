"""Puts nodes before and after an operator, quantized where the operator is."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import onnx
from onnx import helper

from qai_hub.local.engine.onnx.graph_index import GraphIndex


class Parameter(NamedTuple):
    """A constant input of an operator, and the nodes that it comes from.

    Attributes:
        name: Its name.
        nodes: The DQ that it comes from, if any.
    """

    name: str
    nodes: tuple[onnx.NodeProto, ...] = ()


def change_parameter(
    graph: GraphIndex, name: str, change: Callable[[str], str | None]
) -> Parameter | None:
    """Change the constant that an operator takes, or that is dequantized for it.

    Args:
        graph: The graph.
        name: The input of the operator.
        change: Returns the name of a changed copy of a constant; None if it cannot be changed.

    Returns:
        The changed input; None if it is no constant, or cannot be changed.
    """
    dequantize = graph.producers.get(name)
    if dequantize is None:
        changed = change(name) if name in graph.constants else None
        return None if changed is None else Parameter(changed)
    source = dequantize.input[0]
    if dequantize.op_type != "DequantizeLinear" or source not in graph.constants:
        return None
    changed = change(source)
    if changed is None:
        return None
    copy = onnx.NodeProto()
    copy.CopyFrom(dequantize)
    copy.input[0] = changed
    copy.name = graph.name(f"{dequantize.name}_changed")
    copy.output[0] = graph.declare(f"{name}_changed", name, list(graph.constants[changed].dims))
    return Parameter(copy.output[0], (copy,))


class Surroundings:
    """An operator and the nodes that are put around it.

    QNN takes an operator with the Q and DQ around it. So what is put between a quantized tensor and
    the operator gets a Q and a DQ of the same scale, which change none of its values.

    Args:
        graph: The graph, with types and shapes of all tensors.
        node: The operator.
    """

    def __init__(self, graph: GraphIndex, node: onnx.NodeProto) -> None:
        self._graph = graph
        self._original = node
        self.node = onnx.NodeProto()
        self.node.CopyFrom(node)
        self._before: list[onnx.NodeProto] = []
        self._after: list[onnx.NodeProto] = []

    @property
    def is_quantized(self) -> bool:
        """Whether its input is quantized."""
        return self._find_dequantize() is not None

    def remove_attributes(self, *names: str) -> None:
        """Let the operator have the defaults of some attributes."""
        kept = [each for each in self.node.attribute if each.name not in names]
        del self.node.attribute[:]
        self.node.attribute.extend(kept)

    def reshape_input(self, shape: Sequence[int]) -> None:
        """Reshape the input of the operator."""
        source, dequantize = self.node.input[0], self._find_dequantize()
        size = self._add_shape("rows", shape)
        moved = self._graph.declare(f"{self._original.output[0]}_input", source, shape)
        name = self._graph.name(f"{self.node.name}_Reshape")
        self._before.append(helper.make_node("Reshape", [source, size], [moved], name=name))
        if dequantize is not None:
            moved = self._quantize(self._before, moved, dequantize)
        self.node.input[0] = moved

    def reshape_output(self, shape: Sequence[int]) -> None:
        """Let the operator compute another shape, which is reshaped to that of its output."""
        result = self.node.output[0]
        inner = self._graph.declare(f"{result}_rows", result, shape)
        self.node.output[0] = inner
        uses = self._graph.uses.get(result, [])
        if len(uses) == 1 and uses[0].node.op_type == "QuantizeLinear":
            inner = self._quantize(self._after, inner, uses[0].node)
        size = self._add_shape("shape", self._read_shape(result))
        name = self._graph.name(f"{self.node.name}_Reshape")
        self._after.append(helper.make_node("Reshape", [inner, size], [result], name=name))

    def insert(self, *first: onnx.NodeProto) -> None:
        """Replace the operator by itself with all nodes around it.

        Args:
            *first: Further nodes that it needs.
        """
        nodes = [*first, *self._before, self.node, *self._after]
        self._graph.replace_nodes([self._original], nodes)

    def _find_dequantize(self) -> onnx.NodeProto | None:
        producer = self._graph.producers.get(self._original.input[0])
        return producer if producer is not None and producer.op_type == "DequantizeLinear" else None

    def _quantize(self, nodes: list[onnx.NodeProto], source: str, like: onnx.NodeProto) -> str:
        """Append a Q and a DQ with the scale of another one; return the result."""
        shape = self._read_shape(source)
        integers = self._graph.name(f"{source}_quantized")
        floats = self._graph.declare(f"{source}_dequantized", source, shape)
        for op, start, end in (
            ("QuantizeLinear", source, integers),
            ("DequantizeLinear", integers, floats),
        ):
            name = self._graph.name(f"{end}_{op}")
            pair = helper.make_node(op, [start, *like.input[1:]], [end], name=name)
            pair.domain = like.domain
            nodes.append(pair)
        return floats

    def _add_shape(self, what: str, shape: Sequence[int]) -> str:
        wanted = f"{self._original.output[0]}_{what}"
        return self._graph.add_constant(wanted, np.array(shape, np.int64))

    def _read_shape(self, name: str) -> list[int]:
        return [size or 0 for size in self._graph.shape(name) or ()]
