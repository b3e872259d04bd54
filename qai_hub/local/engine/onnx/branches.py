"""Takes the branch of each If whose condition is known, and finds values of flags."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from qai_hub.local.engine.onnx.edit import collect_names, unique_name
from qai_hub.local.engine.onnx.session import PROVIDER, RUNTIME_ERRORS, Tensor

_SHAPE_OPS = frozenset({"Shape", "Size"})
_COMPARISONS = frozenset({"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"})
# Combinations of flags to try.
_MAX_COMBINATIONS = 16


@dataclass(frozen=True, slots=True)
class TakenBranch:
    """An If that gave way to one of its branches.

    Attributes:
        name: The name of the If, or of its first output if it has none.
        branch: Whether the condition is true.
        inputs: The inputs of the model whose values decide it; none if it is constant.
    """

    name: str
    branch: bool
    inputs: tuple[str, ...]


def has_branches(model: onnx.ModelProto) -> bool:
    """Return whether the graph of a model has an If."""
    return any(node.op_type == "If" for node in model.graph.node)


def take_known_branches(
    model: onnx.ModelProto, values: Mapping[str, Tensor] | None = None
) -> list[TakenBranch]:
    """Replace each If whose condition is known by the branch that it takes, in place.

    A condition is known if it depends only on constants, on fixed shapes of inputs, and on inputs
    whose values are known.

    Args:
        model: The model.
        values: The known values of inputs, by name.

    Returns:
        What was replaced.
    """
    taken: list[TakenBranch] = []
    while found := _find_known(model, values or {}):
        node, branch = found
        _inline(model.graph, node, branch=branch.branch)
        taken.append(branch)
    return taken


def iter_flags(model: onnx.ModelProto) -> Iterator[dict[str, Tensor]]:
    """Yield values for the flags among a model's inputs: those that it compares them with.

    Args:
        model: The model.
    """
    constants = _collect_constants(model.graph)
    candidates: dict[str, list[Tensor]] = {}
    inputs = {value.name: value.type.tensor_type.elem_type for value in model.graph.input}
    for node in model.graph.node:
        if node.op_type not in _COMPARISONS:
            continue
        for name, other in (tuple(node.input), tuple(reversed(node.input))):
            if name in inputs and other in constants and constants[other].size == 1:
                candidates.setdefault(name, []).append(constants[other])
    combinations = itertools.product(*candidates.values()) if candidates else iter(())
    for values in itertools.islice(combinations, _MAX_COMBINATIONS):
        yield dict(zip(candidates, values, strict=True))


def _find_known(
    model: onnx.ModelProto, values: Mapping[str, Tensor]
) -> tuple[onnx.NodeProto, TakenBranch] | None:
    for node in model.graph.node:
        if node.op_type == "If":
            known = _evaluate(model, node.input[0], values)
            if known is not None:
                condition, inputs = known
                name = node.name or next(iter(node.output), "")
                return node, TakenBranch(name, condition, inputs)
    return None


def _evaluate(
    model: onnx.ModelProto, name: str, values: Mapping[str, Tensor]
) -> tuple[bool, tuple[str, ...]] | None:
    """Return a condition and the inputs that decide it; None if it is not known."""
    graph = model.graph
    producers = {output: node for node in graph.node for output in node.output if output}
    inputs = {value.name: value for value in graph.input}
    constants = {tensor.name: tensor for tensor in graph.initializer}
    nodes: dict[int, onnx.NodeProto] = {}
    used: list[str] = []
    feeds: dict[str, Tensor] = {}
    pending = [(name, "")]
    while pending:
        current, consumer = pending.pop()
        if not current or current in constants:
            if current and constants[current].data_location == onnx.TensorProto.EXTERNAL:
                return None
            continue
        if current in inputs:
            if current in values:
                feeds[current] = values[current]
                used.append(current)
            elif consumer in _SHAPE_OPS and (zeros := _make_zeros(inputs[current])) is not None:
                feeds.setdefault(current, zeros)
            else:
                return None
            continue
        node = producers.get(current)
        if node is None or any(each.HasField("g") or each.graphs for each in node.attribute):
            return None
        if id(node) not in nodes:
            nodes[id(node)] = node
            pending += [(each, node.op_type) for each in node.input]
    kept = [node for node in graph.node if id(node) in nodes]
    result = _run(model, kept, name, feeds)
    return None if result is None else (result, tuple(dict.fromkeys(used)))


def _make_zeros(value: onnx.ValueInfoProto) -> Tensor | None:
    tensor = value.type.tensor_type
    dims = tensor.shape.dim if tensor.HasField("shape") else None
    if dims is None or not all(dim.HasField("dim_value") for dim in dims):
        return None
    dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type)
    return np.zeros([dim.dim_value for dim in dims], dtype)


def _run(
    model: onnx.ModelProto,
    nodes: Sequence[onnx.NodeProto],
    name: str,
    feeds: Mapping[str, Tensor],
) -> bool | None:
    used = {each for node in nodes for each in node.input} | {name}
    ports = [value for value in model.graph.input if value.name in feeds]
    tensors = [tensor for tensor in model.graph.initializer if tensor.name in used]
    output = helper.make_tensor_value_info(name, onnx.TensorProto.BOOL, None)
    graph = helper.make_graph(nodes, "condition", ports, [output], tensors)
    part = helper.make_model(
        graph, opset_imports=model.opset_import, ir_version=max(model.ir_version, 4)
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            part.SerializeToString(), options, providers=[PROVIDER]
        )
        (value,) = session.run([name], dict(feeds))
    except (*RUNTIME_ERRORS, ValueError):
        return None
    return bool(np.asarray(value).reshape(-1)[0]) if np.size(value) == 1 else None


def _inline(graph: onnx.GraphProto, node: onnx.NodeProto, *, branch: bool) -> None:
    """Put the nodes of a branch in the place of an If."""
    attribute = "then_branch" if branch else "else_branch"
    body = next(each.g for each in node.attribute if each.name == attribute)
    names = collect_names(graph)
    inner = onnx.GraphProto()
    inner.CopyFrom(body)
    own = {name for each in inner.node for name in each.output if name}
    own |= {tensor.name for tensor in inner.initializer}
    renamed = {name: unique_name(f"{name}_taken", names) for name in sorted(own)}
    nodes = [_rename(each, renamed) for each in inner.node]
    for output, result in zip(node.output, inner.output, strict=True):
        source = renamed.get(result.name, result.name)
        nodes.append(helper.make_node("Identity", [source], [output]))
    for tensor in inner.initializer:
        tensor.name = renamed[tensor.name]
        graph.initializer.append(tensor)
    position = next(i for i, each in enumerate(graph.node) if each is node)
    copies = [onnx.NodeProto.FromString(each.SerializeToString()) for each in graph.node]
    copies[position : position + 1] = nodes
    del graph.node[:]
    graph.node.extend(copies)


def _rename(node: onnx.NodeProto, names: Mapping[str, str]) -> onnx.NodeProto:
    """Return a node with other names of tensors, in its subgraphs as well."""
    copy = onnx.NodeProto.FromString(node.SerializeToString())
    copy.input[:] = [names.get(name, name) for name in copy.input]
    copy.output[:] = [names.get(name, name) for name in copy.output]
    for attribute in copy.attribute:
        graphs = [attribute.g] if attribute.HasField("g") else list(attribute.graphs)
        for graph in graphs:
            # Names that the subgraph defines itself hide those around it.
            defined = {each for inner in graph.node for each in inner.output}
            defined |= {value.name for value in graph.input}
            defined |= {tensor.name for tensor in graph.initializer}
            outer = {old: new for old, new in names.items() if old not in defined}
            inner_nodes = [_rename(inner, outer) for inner in graph.node]
            del graph.node[:]
            graph.node.extend(inner_nodes)
            for value in graph.output:
                value.name = outer.get(value.name, value.name)
    return copy


def _collect_constants(graph: onnx.GraphProto) -> dict[str, Tensor]:
    found = {
        tensor.name: np.asarray(numpy_helper.to_array(tensor))
        for tensor in graph.initializer
        if tensor.data_location != onnx.TensorProto.EXTERNAL and not list(tensor.dims)[1:]
    }
    for node in graph.node:
        for attribute in node.attribute if node.op_type == "Constant" else ():
            if attribute.name == "value":
                found[node.output[0]] = np.asarray(numpy_helper.to_array(attribute.t))
    return found
