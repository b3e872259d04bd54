"""Gives tensors of an ONNX graph other names, wherever they are mentioned."""

from collections.abc import Iterator, Mapping, MutableSequence

import onnx


def names_in(graph: onnx.GraphProto) -> set[str]:
    """Return the names of all tensors and nodes of a graph and of the graphs within it.

    Args:
        graph: The graph.
    """
    found: set[str] = set()
    for inner in _graphs(graph):
        for values in (inner.input, inner.output, inner.value_info, inner.initializer):
            found.update(value.name for value in values)
        found.update(tensor.values.name for tensor in inner.sparse_initializer)
        for node in inner.node:
            found.update((node.name, *node.input, *node.output))
    return found


def fresh(name: str, taken: set[str]) -> str:
    """Return a name like another that nothing has yet, and take it.

    Args:
        name: The name that it is to resemble.
        taken: The names that there are, to which it is added.
    """
    number, found = 0, name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    taken.add(found)
    return found


def rename(graph: onnx.GraphProto, names: Mapping[str, str]) -> None:
    """Give tensors other names, in place.

    A name changes wherever it stands, in the graphs within as well, so that what hid another
    tensor of its name, or refers to one outside, still does.

    Args:
        graph: The graph.
        names: The new names, by the old ones; no tensor may have one of them yet.
    """
    for inner in _graphs(graph):
        for values in (inner.input, inner.output, inner.value_info, inner.initializer):
            for value in values:
                value.name = names.get(value.name, value.name)
        for tensor in inner.sparse_initializer:
            tensor.values.name = names.get(tensor.values.name, tensor.values.name)
        for node in inner.node:
            _rename_all(node.input, names)
            _rename_all(node.output, names)
        for annotation in inner.quantization_annotation:
            annotation.tensor_name = names.get(annotation.tensor_name, annotation.tensor_name)
            for entry in annotation.quant_parameter_tensor_names:
                entry.value = names.get(entry.value, entry.value)


def _rename_all(mentions: MutableSequence[str], names: Mapping[str, str]) -> None:
    for index, name in enumerate(mentions):
        if name in names:
            mentions[index] = names[name]


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _graphs(attribute.g)
            for inner in attribute.graphs:
                yield from _graphs(inner)
