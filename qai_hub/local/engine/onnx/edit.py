"""Edits ONNX graphs: renames tensors, changes inputs and outputs, converts operator sets."""

import logging
from collections.abc import Callable, Iterator, Mapping, MutableSequence, Sequence
from dataclasses import dataclass

import onnx
from onnx import helper

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.onnx.session import format_runtime_error
from qai_hub.local.engine.onnx.signature import get_required_inputs
from qai_hub.local.engine.protocol import quote_name


def collect_names(graph: onnx.GraphProto) -> set[str]:
    """Return the names of all tensors and nodes of a graph and its subgraphs.

    Args:
        graph: The graph.
    """
    nodes = (node.name for inner in iter_graphs(graph) for node in inner.node)
    return collect_tensors(graph) | set(nodes)


def collect_tensors(graph: onnx.GraphProto) -> set[str]:
    """Return the names of all tensors of a graph and its subgraphs.

    Args:
        graph: The graph.
    """
    found: set[str] = set()
    for inner in iter_graphs(graph):
        for values in (inner.input, inner.output, inner.value_info, inner.initializer):
            found.update(value.name for value in values)
        found.update(tensor.values.name for tensor in inner.sparse_initializer)
        for node in inner.node:
            found.update((*node.input, *node.output))
    return found


def name_nodes(graph: onnx.GraphProto, clean: Callable[[str], str] = str) -> bool:
    """Name the nodes without a name after their first output, as the user knows tensors.

    Args:
        graph: The graph, which is changed.
        clean: Returns the user's name of a tensor that a tool has renamed.

    Returns:
        Whether there were any such nodes.
    """
    taken = {node.name for node in graph.node}
    unnamed = [node for node in graph.node if not node.name]
    for node in unnamed:
        node.name = clean(next(filter(None, node.output), "")) or node.op_type
        while node.name in taken:
            node.name += "_"
        taken.add(node.name)
    return bool(unnamed)


def unique_name(name: str, taken: set[str]) -> str:
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


def rename_tensors(graph: onnx.GraphProto, names: Mapping[str, str]) -> None:
    """Rename tensors, in place.

    A name changes wherever it occurs, in subgraphs as well, so that a tensor that shadows another,
    or a reference to an outer tensor, still does so.

    Args:
        graph: The graph.
        names: The new names by the old ones; no tensor may have one of the new names yet.
    """
    for inner in iter_graphs(graph):
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


def _rename_all(references: MutableSequence[str], names: Mapping[str, str]) -> None:
    for index, name in enumerate(references):
        if name in names:
            references[index] = names[name]


def iter_graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """Yield a graph and all of its subgraphs.

    Args:
        graph: The graph.
    """
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from iter_graphs(attribute.g)
            for inner in attribute.graphs:
                yield from iter_graphs(inner)


# The index of the channel dimension, by the number of dimensions: CHW, NCHW, NCDHW.
CHANNEL_AXES = {3: 0, 4: 1, 5: 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class PortChange:
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

    def differs_from(self, value: onnx.ValueInfoProto) -> bool:
        """Return whether it differs from the present form."""
        elem_type = value.type.tensor_type.elem_type
        return bool(self.channel_last) or (self.name, self.elem_type) != (value.name, elem_type)


def apply_port_changes(
    model: onnx.ModelProto, inputs: Sequence[PortChange], outputs: Sequence[PortChange]
) -> bool:
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
    input_changes = list(zip(get_required_inputs(model), inputs, strict=True))
    output_changes = list(zip(graph.output, outputs, strict=True))
    # One tensor can be both an input and an output, or several outputs: it is renamed for all of
    # them.
    renamed = {
        value.name for value, change in input_changes + output_changes if change.differs_from(value)
    }
    if not renamed:
        return False
    _check_unique_names(input_changes + output_changes, renamed)
    input_changes = [(value, change) for value, change in input_changes if value.name in renamed]
    output_changes = [(value, change) for value, change in output_changes if value.name in renamed]
    names = collect_names(graph)
    taken = names | {change.name for _, change in input_changes + output_changes}
    renamed |= names & {change.name for _, change in input_changes + output_changes}
    rename_tensors(graph, {name: unique_name(f"{name}_inner", taken) for name in sorted(renamed)})
    before = [
        node for value, change in input_changes for node in _make_input_nodes(value, change, taken)
    ]
    after = [
        node
        for value, change in output_changes
        for node in _make_output_nodes(value, change, taken)
    ]
    for index, node in enumerate(before):
        graph.node.insert(index, node)
    graph.node.extend(after)
    for value, change in input_changes + output_changes:
        _update_declaration(value, change)
    _import_standard_operators(model)
    return True


def _check_unique_names(
    ports: Sequence[tuple[onnx.ValueInfoProto, PortChange]], renamed: set[str]
) -> None:
    """Check that each new name belongs to one input or output only.

    Unchanged ones may share a name: an input can also be an output, even several.
    """
    seen = {value.name for value, _ in ports if value.name not in renamed}
    for value, change in ports:
        if value.name not in renamed:
            continue
        if change.name in seen:
            raise JobFailure(
                FailureType.INVALID_ARGUMENT,
                "Two inputs or outputs of the target model would have the name "
                f"{quote_name(change.name)}: rename one of them by input_specs or --output_names.",
            )
        seen.add(change.name)


def _make_input_nodes(
    value: onnx.ValueInfoProto, change: PortChange, taken: set[str]
) -> list[onnx.NodeProto]:
    """Return the nodes from a new input to the tensor that was the input.

    Values are transposed in the outer type and cast inside, where they are wider.
    """
    nodes = []
    if change.channel_last:
        axes = list(range(change.channel_last - 1))
        axes.insert(CHANNEL_AXES[change.channel_last], change.channel_last - 1)
        nodes.append(helper.make_node("Transpose", [""], [""], perm=axes))
    elem_type = value.type.tensor_type.elem_type
    if change.elem_type != elem_type:
        nodes.append(helper.make_node("Cast", [""], [""], to=elem_type))
    return _chain_nodes(nodes, change.name, value.name, taken)


def _make_output_nodes(
    value: onnx.ValueInfoProto, change: PortChange, taken: set[str]
) -> list[onnx.NodeProto]:
    """Return the nodes from the tensor that was the output to the new output."""
    nodes = []
    if change.elem_type != value.type.tensor_type.elem_type:
        nodes.append(helper.make_node("Cast", [""], [""], to=change.elem_type))
    if change.channel_last:
        nodes.append(
            helper.make_node("Transpose", [""], [""], perm=_channel_last_order(change.channel_last))
        )
    return _chain_nodes(nodes, value.name, change.name, taken)


def _chain_nodes(
    nodes: list[onnx.NodeProto], source: str, target: str, taken: set[str]
) -> list[onnx.NodeProto]:
    nodes = nodes or [helper.make_node("Identity", [""], [""])]
    for node in nodes:
        node.name = unique_name(f"{source}_{node.op_type}", taken)
        node.input[0] = source
        source = target if node is nodes[-1] else unique_name(node.name, taken)
        node.output[0] = source
    return nodes


def _update_declaration(value: onnx.ValueInfoProto, change: PortChange) -> None:
    """Set the name, element type and shape of a new input or output."""
    tensor = value.type.tensor_type
    value.name = change.name
    tensor.elem_type = change.elem_type
    if change.channel_last and tensor.HasField("shape"):
        dims = [tensor.shape.dim[axis] for axis in _channel_last_order(change.channel_last)]
        tensor.shape.CopyFrom(onnx.TensorShapeProto(dim=dims))


def _channel_last_order(rank: int) -> list[int]:
    channels = CHANNEL_AXES[rank]
    return [axis for axis in range(rank) if axis != channels] + [channels]


def _import_standard_operators(model: onnx.ModelProto) -> None:
    if not {opset.domain for opset in model.opset_import} & {"", "ai.onnx"}:
        # All versions of these operators from this one on are suitable.
        model.opset_import.append(helper.make_opsetid("", 9))


logger = logging.getLogger(__name__)

# The first operator sets whose Q and DQ nodes support a scale per channel, and 4 and 16 bits.
OPSET_PER_CHANNEL = 13
OPSET_ALL_TYPES = 21


def convert_opset(
    model: onnx.ModelProto, minimum: int, purpose: str = "Quantizing to these types"
) -> onnx.ModelProto:
    """Convert a model to a later operator set.

    Args:
        model: The model.
        minimum: The required version.
        purpose: What it is required for, as the subject of a sentence.

    Returns:
        The model itself if its version is recent enough, otherwise a converted one.

    Raises:
        JobFailure: It cannot be converted.
    """
    version = max(opset.version for opset in model.opset_import if opset.domain in {"", "ai.onnx"})
    if version >= minimum:
        return model
    logger.info("Converting from opset %d to %d", version, minimum)
    try:
        return onnx.version_converter.convert_version(model, minimum)
    except (RuntimeError, ValueError) as error:
        reason = (
            f"{purpose} needs opset {minimum}, and the model, which has opset "
            f"{version}, cannot be converted ({format_runtime_error(error)}): export it with "
            f"opset {minimum}."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason) from error
