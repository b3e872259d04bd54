"""Looks up the constants, producers and consumers of the tensors of an ONNX graph."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.external_data_helper import uses_external_data

from qai_hub.local.engine.onnx.edit import collect_names, unique_name

Tensor = np.ndarray[tuple[int, ...], np.dtype[Any]]


class Use(NamedTuple):
    """The use of a tensor by a node.

    Attributes:
        node: The node.
        place: Which of its inputs it is.
    """

    node: onnx.NodeProto
    place: int

    @property
    def name(self) -> str:
        """The tensor."""
        return self.node.input[self.place]


class GraphIndex:
    """What produces and what uses each tensor of a graph, while the graph is rewritten.

    Tensors that a subgraph uses count as outputs of the graph: they are not safe to change.

    Args:
        model: The model, whose graph is changed by the methods.
        folder: Folder of the file with its external tensors; None if it has none.
    """

    def __init__(self, model: onnx.ModelProto, folder: Path | None = None) -> None:
        self.model = model
        self.graph = model.graph
        self._folder = folder
        self._taken = collect_names(model.graph)
        self.constants = {tensor.name: tensor for tensor in model.graph.initializer}
        self.refresh()

    def refresh(self) -> None:
        """Look up all tensors anew, after nodes have changed."""
        self.producers: dict[str, onnx.NodeProto] = {}
        self.uses: dict[str, list[Use]] = {}
        self.outputs = {value.name for value in self.graph.output}
        self._values = {
            value.name: value
            for values in (self.graph.value_info, self.graph.input, self.graph.output)
            for value in values
        }
        for node in self.graph.node:
            for index, name in enumerate(node.input):
                if name:
                    self.uses.setdefault(name, []).append(Use(node, index))
            self.producers.update((name, node) for name in node.output if name)
            self.outputs |= _names_within(node)

    def name(self, wanted: str) -> str:
        """Return an unused name that resembles another, and mark it as used."""
        return unique_name(wanted, self._taken)

    def value(self, name: str) -> Tensor | None:
        """Return the value of a constant; None for other tensors, or if its file is not known."""
        tensor = self.constants.get(name)
        if tensor is None or (self._folder is None and uses_external_data(tensor)):
            return None
        folder = "" if self._folder is None else str(self._folder)
        return np.asarray(numpy_helper.to_array(tensor, base_dir=folder))

    def scalar(self, name: str) -> float | None:
        """Return the value of a constant with a single element; None for other tensors."""
        tensor = self.constants.get(name)
        if tensor is None or any(size != 1 for size in tensor.dims):
            return None
        value = self.value(name)
        return None if value is None else float(value.reshape(()))

    def add_constant(self, wanted: str, value: Tensor) -> str:
        """Add a constant, and return its name, which resembles another."""
        tensor = numpy_helper.from_array(np.asarray(value, order="C"), self.name(wanted))
        return self._append(tensor)

    def copy_constant(self, name: str, wanted: str) -> str:
        """Add a copy of a constant, and return its name, which resembles another."""
        tensor = _copy(self.constants[name])
        tensor.name = self.name(wanted)
        return self._append(tensor)

    def rank(self, name: str) -> int | None:
        """Return the number of dimensions of a tensor; None if it is unknown."""
        shape = self.shape(name)
        return None if shape is None else len(shape)

    def shape(self, name: str) -> list[int | None] | None:
        """Return the dimensions of a tensor, None for those that are not fixed; None if unknown."""
        if name in self.constants:
            return list(self.constants[name].dims)
        value = self._values.get(name)
        if value is None or not value.type.tensor_type.HasField("shape"):
            return None
        return [
            dim.dim_value if dim.HasField("dim_value") else None
            for dim in value.type.tensor_type.shape.dim
        ]

    def list_nodes(self) -> list[onnx.NodeProto]:
        """Return copies of the nodes of the graph, which stay valid while it is rewritten."""
        return [_copy(node) for node in self.graph.node]

    def elem_type(self, name: str) -> int:
        """Return the type of the elements of a tensor; 0 if it is unknown."""
        value = self._values.get(name)
        return onnx.TensorProto.UNDEFINED if value is None else value.type.tensor_type.elem_type

    def is_float(self, name: str) -> bool:
        """Return whether a tensor that is computed is known to be float32."""
        return self.elem_type(name) == onnx.TensorProto.FLOAT

    def computes_floats(self, node: onnx.NodeProto) -> bool:
        """Return whether a node takes floats, and is not between a DQ and a Q."""
        producer = self.producers.get(node.input[0])
        users = [user.op_type for user in self.users(node.output[0])]
        return (
            self.elem_type(node.input[0]) in {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16}
            and (producer is None or producer.op_type != "DequantizeLinear")
            and "QuantizeLinear" not in users
        )

    def declare_floats(self, wanted: str, like: str) -> str:
        """Declare a tensor of float32 with the shape of another one.

        Returns:
            Its name, which resembles the wanted one.
        """
        if like not in self._values:
            return self.name(wanted)
        name = self.declare_like(wanted, like)
        self._values[name].type.tensor_type.elem_type = onnx.TensorProto.FLOAT
        return name

    def users(self, name: str) -> list[onnx.NodeProto]:
        """Return the nodes that use a tensor, each as often as it does."""
        return [use.node for use in self.uses.get(name, ())]

    def sole_user(self, name: str) -> onnx.NodeProto | None:
        """Return the node that alone uses a tensor; None if it is an output or has more uses."""
        users = self.users(name)
        return users[0] if len(users) == 1 and name not in self.outputs else None

    def declare(self, wanted: str, like: str, shape: Sequence[int]) -> str:
        """Declare a tensor with the type of another one; return its name, which resembles `wanted`.

        Args:
            wanted: The name to resemble.
            like: The tensor with the same type.
            shape: The dimensions.
        """
        name = self.name(wanted)
        elem_type = self._values[like].type.tensor_type.elem_type
        self.graph.value_info.append(helper.make_tensor_value_info(name, elem_type, shape))
        self._values[name] = self.graph.value_info[-1]
        return name

    def declare_like(self, wanted: str, like: str) -> str:
        """Declare a tensor with the type and shape of another one, and return its name.

        Args:
            wanted: Name that the new one resembles.
            like: The other tensor, whose type is known.
        """
        value = _copy(self._values[like])
        value.name = self.name(wanted)
        self.graph.value_info.append(value)
        self._values[value.name] = self.graph.value_info[-1]
        return value.name

    def dtype(self, name: str) -> np.dtype[Any]:
        """Return the element type of a declared tensor."""
        return helper.tensor_dtype_to_np_dtype(self._values[name].type.tensor_type.elem_type)

    def replace_nodes(self, old: Iterable[onnx.NodeProto], new: Sequence[onnx.NodeProto]) -> None:
        """Replace nodes, the last of which gives way to the new ones.

        The nodes are known by their outputs: all nodes are new after another replacement.
        """
        removed = {tuple(node.output) for node in old}
        nodes = list(self.graph.node)
        last = max(i for i, node in enumerate(nodes) if tuple(node.output) in removed)
        kept = [node for node in nodes[:last] if tuple(node.output) not in removed]
        self.set_nodes([*kept, *new, *nodes[last + 1 :]])

    def insert_nodes(self, added: Mapping[int, Sequence[onnx.NodeProto]]) -> None:
        """Insert nodes before those at given indices."""
        if any(added.values()):
            nodes = enumerate(self.graph.node)
            self.set_nodes([each for i, node in nodes for each in (*added.get(i, ()), node)])

    def set_nodes(self, nodes: Iterable[onnx.NodeProto]) -> None:
        """Replace all nodes."""
        # The field takes copies, so the nodes must be copied before it is cleared.
        copies = [_copy(node) for node in nodes]
        del self.graph.node[:]
        self.graph.node.extend(copies)
        self.refresh()

    def remove_dead_nodes(self) -> None:
        """Remove nodes whose outputs are not used, and constants that only they used."""
        while True:
            dead = [
                node
                for node in self.graph.node
                if not any(name in self.uses or name in self.outputs for name in node.output)
            ]
            if not dead:
                break
            for node in dead:
                self.graph.node.remove(node)
            self.refresh()
        self.remove_unused_constants()

    def remove_unused_constants(self) -> None:
        """Remove constants that no node uses, and that are not outputs."""
        used = self.uses.keys() | self.outputs
        kept = [tensor for tensor in self.graph.initializer if tensor.name in used]
        copies = [_copy(tensor) for tensor in kept]
        del self.graph.initializer[:]
        self.graph.initializer.extend(copies)
        self.constants = {tensor.name: tensor for tensor in self.graph.initializer}

    def _append(self, tensor: onnx.TensorProto) -> str:
        self.graph.initializer.append(tensor)
        self.constants[tensor.name] = self.graph.initializer[-1]
        return tensor.name


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    """Return the attributes of a node by name."""
    return {each.name: helper.get_attribute_value(each) for each in node.attribute}


_Message = TypeVar("_Message", onnx.NodeProto, onnx.TensorProto, onnx.ValueInfoProto)


def _copy(message: _Message) -> _Message:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy


def _names_within(node: onnx.NodeProto) -> set[str]:
    """Return the names that the subgraphs of a node refer to."""
    found: set[str] = set()
    for attribute in node.attribute:
        graphs = [attribute.g] if attribute.HasField("g") else list(attribute.graphs)
        for graph in graphs:
            found |= {name for inner in graph.node for name in inner.input}
            found |= {value.name for value in graph.output}
            for inner in graph.node:
                found |= _names_within(inner)
    return found
