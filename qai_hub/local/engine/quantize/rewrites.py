"""Rewrites operators whose quantized form Qualcomm's HTP computes inaccurately or not at all."""

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import helper

from qai_hub.local.engine.onnx.graph_index import GraphIndex, Tensor, Use, attributes_of
from qai_hub.local.engine.onnx.separate import separate_constant

# Inputs that the quantizer stores as integers of a scale that depends on the node's other inputs.
_BIAS_INPUTS = {"Conv": 2, "ConvTranspose": 2, "Gemm": 2, "LayerNormalization": 2}


def separate_constants(graph: GraphIndex) -> None:
    """Give each node its own copy of constants that would be quantized in different ways, in place.

    A bias is quantized with the scales of its node's input and weights, weights along the
    dimension of their output channels. The quantizer itself copies a shared bias, but under a name
    that another tensor may have.

    Args:
        graph: The graph.
    """
    for name, tensor in list(graph.constants.items()):
        if tensor.data_type == onnx.TensorProto.FLOAT:
            separate_constant(graph, name, _quantization_kind)
    graph.refresh()


def _quantization_kind(use: Use) -> object:
    op = use.node.op_type
    if _BIAS_INPUTS.get(op) == use.place:
        return use.node.output[0]
    if use.place == 1 and op in {"Conv", "ConvTranspose", "Gemm", "MatMul"}:
        attributes = attributes_of(use.node)
        return (op, attributes.get("group", 1), attributes.get("transB", 0))
    if op.endswith("Normalization"):
        return (op, use.place)
    return "activation"


def replace_batch_norms(graph: GraphIndex) -> None:
    """Replace each BatchNormalization by a depthwise Conv, or by Mul and Add, in place.

    The HTP reads the largest of a BatchNormalization's quantized offsets with the wrong sign. A
    depthwise Conv has a scale for each channel, and a bias of 32 bits: it is more accurate than
    other offsets of the BatchNormalization would be.

    Args:
        graph: The graph of a folded model with shapes.
    """
    for node in list(graph.graph.node):
        if node.op_type != "BatchNormalization" or len(node.output) != 1:
            continue
        values = [graph.value(name) for name in node.input[1:5]]
        rank = graph.rank(node.input[0])
        if rank is None or rank < 2 or attributes_of(node).get("training_mode"):
            continue
        if any(value is None or value.dtype != np.float32 for value in values):
            continue
        epsilon = attributes_of(node).get("epsilon", 1e-5)
        parameters = [np.asarray(value, np.float64) for value in values]
        scale = parameters[0] / np.sqrt(parameters[3] + epsilon)
        shift = parameters[1] - parameters[2] * scale
        if np.isfinite(scale).all() and np.isfinite(shift).all():
            _replace_batch_norm(
                graph, node, scale.astype(np.float32), shift.astype(np.float32), rank
            )
    graph.remove_unused_constants()


def _replace_batch_norm(
    graph: GraphIndex, node: onnx.NodeProto, scale: Tensor, shift: Tensor, rank: int
) -> None:
    result = node.output[0]
    if rank == 2:
        product = graph.name(f"{result}_scaled")
        inputs = [node.input[0], graph.add_constant(f"{result}_weight", scale)]
        nodes = [
            helper.make_node("Mul", inputs, [product], name=graph.name(f"{node.name}_Mul")),
            helper.make_node(
                "Add",
                [product, graph.add_constant(f"{result}_offset", shift)],
                [result],
                name=node.name,
            ),
        ]
    else:
        kernel = scale.reshape(-1, *[1] * (rank - 1))
        inputs = [
            node.input[0],
            graph.add_constant(f"{result}_weight", kernel),
            graph.add_constant(f"{result}_offset", shift),
        ]
        kernel_shape = [1] * (rank - 2)
        nodes = [
            helper.make_node(
                "Conv",
                inputs,
                [result],
                name=node.name,
                group=len(scale),
                kernel_shape=kernel_shape,
            )
        ]
    graph.replace_nodes([node], nodes)


def merge_offsets(graph: GraphIndex) -> None:
    """Make constants that are added to the channels of a ConvTranspose its bias, in place.

    QNN takes both as one operator, and loses the constant if it is quantized.

    Args:
        graph: The graph of a folded model with shapes.
    """
    for node in list(graph.graph.node):
        if node.op_type == "ConvTranspose":
            _merge_offset(graph, node)
    graph.remove_unused_constants()


def _merge_offset(graph: GraphIndex, node: onnx.NodeProto) -> None:
    result = node.output[0]
    add, weight = graph.sole_user(result), graph.value(node.input[1])
    if add is None or add.op_type not in {"Add", "Sub"} or weight is None:
        return
    given = [name for name in node.input[2:] if name]
    other = add.input[1] if add.input[0] == result else add.input[0]
    values = [graph.value(name) for name in (other, *given)]
    if any(value is None or value.dtype != np.float32 for value in values):
        return
    if add.op_type == "Sub" and add.input[0] != result:
        return
    channels = weight.shape[1] * attributes_of(node).get("group", 1)
    offset = _read_offset(np.asarray(values[0]), channels, weight.ndim)
    if offset is None:
        return
    bias = sum(np.asarray(value) for value in values[1:]) + (
        -offset if add.op_type == "Sub" else offset
    )
    merged = onnx.NodeProto()
    merged.CopyFrom(node)
    del merged.input[2:]
    merged.input.append(graph.add_constant(f"{add.output[0]}_bias", bias.astype(np.float32)))
    merged.output[0] = add.output[0]
    graph.replace_nodes([node, add], [merged])


def _read_offset(value: Tensor, channels: int, rank: int) -> Tensor | None:
    """Return the number that a constant adds to each channel; None if it depends on the place."""
    shape = [1] * (rank - value.ndim) + list(value.shape)
    if value.ndim > rank or shape[1] not in {1, channels} or value.size != shape[1]:
        return None
    return np.broadcast_to(value.ravel(), (channels,))


def replace_activations(graph: GraphIndex, *, is_wide: bool) -> None:
    """Replace activations that the HTP lacks or computes inaccurately by equal ones, in place.

    Args:
        graph: The graph of a folded model.
        is_wide: Whether activations have 16 bits.
    """
    for node in list(graph.graph.node):
        if node.op_type == "Selu":
            _replace_selu(graph, node)
        elif node.op_type == "Tanh" and is_wide:
            before = graph.producers.get(node.input[0])
            if before is not None and before.op_type == "Softplus":
                _replace_tanh_of_softplus(graph, node, before.input[0])
            else:
                _replace_tanh(graph, node)
    graph.remove_dead_nodes()


def _replace_selu(graph: GraphIndex, node: onnx.NodeProto) -> None:
    """Replace `gamma * (x if x > 0 else alpha * (exp(x) - 1))`: v68 has no Selu."""
    # The defaults are those of ONNX.
    attributes = {"alpha": 1.67326319, "gamma": 1.05070102} | attributes_of(node)
    result = node.output[0]
    elu = graph.name(f"{result}_elu")
    gamma = graph.add_constant(f"{result}_gamma", np.asarray(attributes["gamma"], np.float32))
    nodes = [
        helper.make_node(
            "Elu", [node.input[0]], [elu], name=node.name, alpha=float(attributes["alpha"])
        ),
        helper.make_node("Mul", [elu, gamma], [result], name=graph.name(f"{node.name}_Mul")),
    ]
    graph.replace_nodes([node], nodes)


def _replace_tanh(graph: GraphIndex, node: onnx.NodeProto) -> None:
    """Replace by `2 * sigmoid(2 x) + -1`, which is as accurate.

    In simulation, a Tanh of 16 bits behind a MatMul or a Softplus is right for the first rows of
    its input alone.
    """
    result = node.output[0]
    doubled, sigmoid, wide = (
        graph.name(f"{result}_{what}") for what in ("doubled", "sigmoid", "wide")
    )
    two = graph.add_constant(f"{result}_two", np.asarray(2, np.float32))
    minus_one = graph.add_constant(f"{result}_minus_one", np.asarray(-1, np.float32))
    steps = [
        ("Mul", [node.input[0], two], doubled),
        ("Sigmoid", [doubled], sigmoid),
        ("Mul", [sigmoid, two], wide),
        ("Add", [wide, minus_one], result),
    ]
    _replace_by_steps(graph, node, steps)


def _replace_tanh_of_softplus(graph: GraphIndex, node: onnx.NodeProto, source: str) -> None:
    """Replace by `(1 - u^2) / (1 + u^2)` with `u = sigmoid(-x)`.

    Mish is its product with x. In simulation, a Softplus of 16 bits is inaccurate for negative
    numbers, for which the product would have 35 dB.
    """
    result = node.output[0]
    negative, gate, square, opposite, above, below = (
        graph.name(f"{result}_{what}")
        for what in ("negative", "gate", "square", "opposite", "above", "below")
    )
    one = graph.add_constant(f"{result}_one", np.asarray(1, np.float32))
    minus_one = graph.add_constant(f"{result}_minus_one", np.asarray(-1, np.float32))
    steps = [
        ("Mul", [source, minus_one], negative),
        ("Sigmoid", [negative], gate),
        ("Mul", [gate, gate], square),
        ("Mul", [square, minus_one], opposite),
        ("Add", [opposite, one], above),
        ("Add", [square, one], below),
        ("Div", [above, below], result),
    ]
    _replace_by_steps(graph, node, steps)


def _replace_by_steps(
    graph: GraphIndex, node: onnx.NodeProto, steps: Sequence[tuple[str, list[str], str]]
) -> None:
    """Replace a node by operators, each with its inputs and its output."""
    nodes = [
        helper.make_node(op, inputs, [output], name=graph.name(f"{node.name}_{op}"))
        for op, inputs, output in steps
    ]
    graph.replace_nodes([node], nodes)


def replace_differences(graph: GraphIndex) -> None:
    """Replace the subtraction of a constant by the addition of its negative, in place.

    In simulation, a Sub of 16 bits behind a Gemm is wrong where the Gemm has a single row.

    Args:
        graph: The graph.
    """
    for node in graph.graph.node:
        if node.op_type != "Sub":
            continue
        value = graph.value(node.input[1])
        if value is not None and value.dtype == np.float32:
            node.op_type = "Add"
            node.input[1] = graph.add_constant(f"{node.input[1]}_negative", -value)
    graph.refresh()


def remove_constant_choices(graph: GraphIndex) -> None:
    """Remove each Where whose constant condition chooses one of its inputs throughout, in place.

    Args:
        graph: The graph of a folded model with shapes.
    """
    for node in list(graph.graph.node):
        if node.op_type != "Where" or node.output[0] in graph.outputs:
            continue
        condition = graph.value(node.input[0])
        if condition is None or (condition.any() and not condition.all()):
            continue
        kept = node.input[1] if condition.all() else node.input[2]
        shape = graph.shape(kept)
        if shape is not None and shape == graph.shape(node.output[0]) and None not in shape:
            _redirect(graph, node.output[0], kept)


def replace_constant_gathers(graph: GraphIndex) -> None:
    """Replace each GatherND of elements by constant indices by a Reshape and a Gather, in place.

    Exporters expand attention masks so. QNN has no GatherND.

    Args:
        graph: The graph of a folded model with shapes.
    """
    for node in list(graph.graph.node):
        if node.op_type != "GatherND" or attributes_of(node).get("batch_dims", 0):
            continue
        indices, shape = graph.value(node.input[1]), graph.shape(node.input[0])
        if indices is None or not shape or None in shape or indices.shape[-1] != len(shape):
            continue
        sizes = np.array([size or 0 for size in shape])
        wrapped = np.where(indices < 0, indices + sizes, indices).astype(np.int64)
        flat = np.ravel_multi_index(tuple(np.moveaxis(wrapped, -1, 0)), tuple(sizes))
        _replace_gather(graph, node, np.asarray(flat, np.int64), int(np.prod(sizes)))
    graph.remove_unused_constants()


def _replace_gather(graph: GraphIndex, node: onnx.NodeProto, flat: Tensor, count: int) -> None:
    result, source = node.output[0], node.input[0]
    nodes = []
    if not np.array_equal(flat.ravel(), np.arange(count)):
        row, picked = graph.name(f"{result}_row"), graph.name(f"{result}_picked")
        size = graph.add_constant(f"{result}_size", np.array([count]))
        places = graph.add_constant(f"{result}_indices", flat.ravel())
        names = [graph.name(f"{node.name}_{op}") for op in ("Reshape", "Gather")]
        nodes = [
            helper.make_node("Reshape", [source, size], [row], name=names[0]),
            helper.make_node("Gather", [row, places], [picked], name=names[1], axis=0),
        ]
        source = picked
    shape = graph.add_constant(f"{result}_shape", np.array(flat.shape, np.int64))
    nodes.append(helper.make_node("Reshape", [source, shape], [result], name=node.name))
    graph.replace_nodes([node], nodes)


def _redirect(graph: GraphIndex, old: str, new: str) -> None:
    """Let the users of a tensor use another one."""
    for use in graph.uses.get(old, []):
        use.node.input[use.place] = new
    graph.refresh()
