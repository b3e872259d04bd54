"""Edits ONNX graphs: renames tensors, changes inputs and outputs, converts operator sets."""

import logging
from collections.abc import Iterator, Mapping, MutableSequence, Sequence
from dataclasses import dataclass

import onnx
from onnx import helper

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.onnx.session import explained
from qai_hub.local.engine.onnx.signature import required_inputs
from qai_hub.local.engine.protocol import quote_name


def names_in(graph: onnx.GraphProto) -> set[str]:
    """Return the names of all tensors and nodes of a graph and its subgraphs.

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
    """Return an unused name that resembles another, and mark it as used.

    Args:
        name: The name to resemble.
        taken: The names in use, to which it is added.
    """
    number, found = 0, name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    taken.add(found)
    return found


def rename(graph: onnx.GraphProto, names: Mapping[str, str]) -> None:
    """Rename tensors, in place.

    A name changes wherever it occurs, in subgraphs as well, so that a tensor that shadows another,
    or a reference to an outer tensor, still does so.

    Args:
        graph: The graph.
        names: The new names by the old ones; no tensor may have one of the new names yet.
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


# The index of the channel dimension, by the number of dimensions: CHW, NCHW, NCDHW.
CHANNELS = {3: 0, 4: 1, 5: 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The requested form of an input or output.

    Attributes:
        name: Its new name.
        elem_type: Its new element type, as in ONNX.
        channel_last: The number of its dimensions if its channels must come last; 0 to keep its
            layout.
    """

    name: str
    elem_type: int
    channel_last: int = 0

    def is_one_of(self, value: onnx.ValueInfoProto) -> bool:
        """Return whether it differs from the present form."""
        elem_type = value.type.tensor_type.elem_type
        return bool(self.channel_last) or (self.name, self.elem_type) != (value.name, elem_type)


def rewire(model: onnx.ModelProto, inputs: Sequence[Change], outputs: Sequence[Change]) -> bool:
    """Change a model's inputs and outputs, in place.

    The former inputs and outputs get new names, and are connected to the new ones by a node or two:
    Cast, Transpose, or Identity, which the optimiser removes.

    Args:
        model: The model.
        inputs: The requested form of its required inputs, in the model's order.
        outputs: The requested form of its outputs, in the model's order.

    Returns:
        Whether anything changed.

    Raises:
        JobFailure: Two of them would have the same name.
    """
    graph = model.graph
    ends = list(zip(required_inputs(model), inputs, strict=True))
    results = list(zip(graph.output, outputs, strict=True))
    # One tensor can be both an input and an output, or several outputs: it is renamed for all of
    # them.
    moved = {value.name for value, change in ends + results if change.is_one_of(value)}
    if not moved:
        return False
    _check_distinct(ends + results, moved)
    ends = [(value, change) for value, change in ends if value.name in moved]
    results = [(value, change) for value, change in results if value.name in moved]
    names = names_in(graph)
    taken = names | {change.name for _, change in ends + results}
    moved |= names & {change.name for _, change in ends + results}
    rename(graph, {name: fresh(f"{name}_inner", taken) for name in sorted(moved)})
    before = [node for value, change in ends for node in _entry(value, change, taken)]
    after = [node for value, change in results for node in _exit(value, change, taken)]
    for index, node in enumerate(before):
        graph.node.insert(index, node)
    graph.node.extend(after)
    for value, change in ends + results:
        _declare(value, change)
    _import_standard_operators(model)
    return True


def _check_distinct(ports: Sequence[tuple[onnx.ValueInfoProto, Change]], moved: set[str]) -> None:
    """Check that each new name belongs to one input or output only.

    Unchanged ones may share a name: an input can also be an output, even several.
    """
    seen = {value.name for value, _ in ports if value.name not in moved}
    for value, change in ports:
        if value.name not in moved:
            continue
        if change.name in seen:
            raise JobFailure(
                FailureType.INVALID_ARGUMENT,
                "Two inputs or outputs of the target model would have the name "
                f"{quote_name(change.name)}: give one of them another by input_specs or "
                "--output_names.",
            )
        seen.add(change.name)


def _entry(value: onnx.ValueInfoProto, change: Change, taken: set[str]) -> list[onnx.NodeProto]:
    """Return the nodes from a new input to the tensor that was the input.

    Values are transposed in the outer type and cast inside, where they are wider.
    """
    nodes = []
    if change.channel_last:
        axes = list(range(change.channel_last - 1))
        axes.insert(CHANNELS[change.channel_last], change.channel_last - 1)
        nodes.append(helper.make_node("Transpose", [""], [""], perm=axes))
    elem_type = value.type.tensor_type.elem_type
    if change.elem_type != elem_type:
        nodes.append(helper.make_node("Cast", [""], [""], to=elem_type))
    return _chained(nodes, change.name, value.name, taken)


def _exit(value: onnx.ValueInfoProto, change: Change, taken: set[str]) -> list[onnx.NodeProto]:
    """Return the nodes from the tensor that was the output to the new output."""
    nodes = []
    if change.elem_type != value.type.tensor_type.elem_type:
        nodes.append(helper.make_node("Cast", [""], [""], to=change.elem_type))
    if change.channel_last:
        nodes.append(helper.make_node("Transpose", [""], [""], perm=_to_last(change.channel_last)))
    return _chained(nodes, value.name, change.name, taken)


def _chained(
    nodes: list[onnx.NodeProto], source: str, target: str, taken: set[str]
) -> list[onnx.NodeProto]:
    nodes = nodes or [helper.make_node("Identity", [""], [""])]
    for node in nodes:
        node.name = fresh(f"{source}_{node.op_type}", taken)
        node.input[0] = source
        source = target if node is nodes[-1] else fresh(node.name, taken)
        node.output[0] = source
    return nodes


def _declare(value: onnx.ValueInfoProto, change: Change) -> None:
    """Set the name, element type and shape of a new input or output."""
    tensor = value.type.tensor_type
    value.name = change.name
    tensor.elem_type = change.elem_type
    if change.channel_last and tensor.HasField("shape"):
        dims = [tensor.shape.dim[axis] for axis in _to_last(change.channel_last)]
        tensor.shape.CopyFrom(onnx.TensorShapeProto(dim=dims))


def _to_last(rank: int) -> list[int]:
    channels = CHANNELS[rank]
    return [axis for axis in range(rank) if axis != channels] + [channels]


def _import_standard_operators(model: onnx.ModelProto) -> None:
    if not {opset.domain for opset in model.opset_import} & {"", "ai.onnx"}:
        # All versions of these operators from this one on are suitable.
        model.opset_import.append(helper.make_opsetid("", 9))


logger = logging.getLogger(__name__)

# The first operator sets whose Q and DQ nodes support a scale per channel, and 4 and 16 bits.
OPSET_PER_CHANNEL = 13
OPSET_ALL_TYPES = 21


def to_opset(model: onnx.ModelProto, needed: int) -> onnx.ModelProto:
    """Convert a model to an operator set that supports the types of its quantized tensors.

    Args:
        model: The model.
        needed: The required version.

    Returns:
        The model itself if its version is recent enough, otherwise a converted one.

    Raises:
        JobFailure: It cannot be converted.
    """
    version = max(opset.version for opset in model.opset_import if opset.domain in {"", "ai.onnx"})
    if version >= needed:
        return model
    logger.info("Converting from the operator set %d to %d", version, needed)
    try:
        return onnx.version_converter.convert_version(model, needed)
    except (RuntimeError, ValueError) as error:
        reason = (
            f"These types need the operator set {needed}, and the model, which has {version}, "
            f"cannot be converted to it ({explained(error)}): export it again with {needed}."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason) from error
