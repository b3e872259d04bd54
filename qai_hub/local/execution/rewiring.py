"""Changes the inputs and outputs of an ONNX model, and leaves what is between them alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import onnx
from onnx import helper

from qai_hub.local.execution.failures import FailureType, JobFailure
from qai_hub.local.execution.messages import shortened
from qai_hub.local.execution.renaming import fresh, names_in, rename
from qai_hub.local.execution.signature import required_inputs

# The index of the channels, by the number of dimensions: CHW, NCHW, NCDHW.
CHANNELS = {3: 0, 4: 1, 5: 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an input or output is to become.

    Attributes:
        name: Its name.
        elem_type: Its element type, one of ONNX's.
        channel_last: The number of its dimensions where its channels are to come last; 0 where
            it keeps its layout.
    """

    name: str
    elem_type: int
    channel_last: int = 0

    def is_one_of(self, value: onnx.ValueInfoProto) -> bool:
        """Tell whether it changes something."""
        elem_type = value.type.tensor_type.elem_type
        return bool(self.channel_last) or (self.name, self.elem_type) != (value.name, elem_type)


def rewire(model: onnx.ModelProto, inputs: Sequence[Change], outputs: Sequence[Change]) -> bool:
    """Change a model's inputs and outputs, in place.

    The tensors that were inputs or outputs get names of their own, and a node or two between
    them and the new ones: Cast, Transpose, or Identity, which the optimiser takes away.

    Args:
        model: The model.
        inputs: What its inputs are to become, those that must be given, in its order.
        outputs: What its outputs are to become, in its order.

    Returns:
        Whether that changed anything.

    Raises:
        JobFailure: Two of them would have one name.
    """
    graph = model.graph
    ends = list(zip(required_inputs(model), inputs, strict=True))
    results = list(zip(graph.output, outputs, strict=True))
    # One tensor can be an input and an output, and several outputs: it moves for all of them.
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
    """Check that each new name is that of one input or output.

    What stays may have what it has: an input can be an output, and several of them.
    """
    seen = {value.name for value, _ in ports if value.name not in moved}
    for value, change in ports:
        if value.name not in moved:
            continue
        if change.name in seen:
            raise JobFailure(
                FailureType.INVALID_ARGUMENT,
                "Two inputs or outputs of the target model would have the name "
                f"{shortened(change.name)}: give one of them another by input_specs or "
                "--output_names.",
            )
        seen.add(change.name)


def _entry(value: onnx.ValueInfoProto, change: Change, taken: set[str]) -> list[onnx.NodeProto]:
    """Return the nodes from a new input to the tensor that was one.

    Values are transposed outside and cast inside, where they are wider.
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
    """Return the nodes from the tensor that was an output to the new one."""
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
    """State the name, element type and shape of a new input or output."""
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
        # All versions of these operators from this one on do what is wanted.
        model.opset_import.append(helper.make_opsetid("", 9))
