"""Which nodes of a model the HTP runs: found by asking QNN, in the names of the user's nodes."""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx

from qai_hub.local.engine.failures import JobFailure
from qai_hub.local.engine.qnn.provider import (
    PROVIDER,
    RECORD_ASSIGNMENT,
    QnnSession,
    context_settings,
)

_TRIAL_FILE = "trial.onnx"
_MAX_TRIALS = 50
# What ONNX Runtime says of a node that it has turned to the layout of QNN in vain.
_REFUSED_LAYOUT = re.compile(
    r"Node '(?P<name>.+?)' OpType:(?P<op>\S+) with domain:com\.ms\.internal"
)
# What ONNX Runtime adds to the names of nodes that it copies or turns to the layout of QNN.
_COPY_SUFFIX = re.compile(r"(?:_token_\d+|/duplicated)+$")
# How ONNX Runtime names the Casts that its CPU needs for 16-bit floats, and their tensors.
INSERTED_CAST = "InsertedPrecisionFreeCast_"
_QDQ_OPS = {"QuantizeLinear", "DequantizeLinear"}


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the nodes of a model run.

    Attributes:
        htp: Names of the model's nodes that the HTP runs.
        refused: Names of the model's nodes that QNN refuses. Q and DQ are not among them: the
            operators that they belong to are.
        inserted: For nodes that ONNX Runtime inserts and QNN refuses, their operator and the name
            of the model's node whose result they change; an empty name if it is not known.
    """

    htp: frozenset[str]
    refused: tuple[str, ...]
    inserted: tuple[tuple[str, str], ...] = ()


class NodeNames:
    """The nodes of a model by the names that ONNX Runtime makes of theirs.

    Args:
        model: The model, all of whose nodes have names.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self.nodes = {node.name: node for node in model.graph.node}
        self._producers = {out: node.name for node in model.graph.node for out in node.output}

    def find(self, name: str) -> str | None:
        """Return the model's own name of a node; None for a node that is not the model's."""
        if name in self.nodes:
            return name
        own = _COPY_SUFFIX.sub("", name)
        return own if own in self.nodes else None

    def find_producer(self, tensors: Sequence[str]) -> str | None:
        """Return the name of the node that makes the first known one of some tensors."""
        return next((self._producers[t] for t in tensors if t in self._producers), None)

    def get_operators(self, name: str) -> list[str]:
        """Return the names of the operators that a Q or DQ belongs to; else, of the node itself."""
        node = self.nodes[name]
        if node.op_type not in _QDQ_OPS:
            return [name]
        if node.op_type == "QuantizeLinear":
            producer = self._producers.get(node.input[0])
            found = [] if producer is None else [producer]
        else:
            found = [n.name for n in self.nodes.values() if node.output[0] in n.input]
        return [each for each in found if self.nodes[each].op_type not in _QDQ_OPS]


def place_nodes(source: Path, options: Mapping[str, str]) -> Placement:
    """Ask QNN which nodes of a model the HTP runs.

    Args:
        source: The .onnx file, all of whose nodes have names. Trials are written beside it.
        options: Options of the provider.

    Returns:
        The placement.

    Raises:
        JobFailure: QNN takes the model's nodes, but does not compile them together.
    """
    model = onnx.load(source, load_external_data=False)
    names = NodeNames(model)
    trial = source.with_name(_TRIAL_FILE)
    path, cut = source, list[str]()
    try:
        while True:
            try:
                parts = QnnSession(
                    path, options, settings={RECORD_ASSIGNMENT: "1"}
                ).get_assignment()
                break
            except JobFailure as failure:
                refused = _REFUSED_LAYOUT.search(failure.reason)
                name = None if refused is None else names.find(refused["name"])
                if name is None or name in cut or len(cut) == _MAX_TRIALS:
                    raise
                cut.append(name)
                _cut_node(model, name)
                if not model.graph.node:
                    parts = []
                    break
                trial.write_bytes(model.SerializeToString())
                path = trial
        own, unknown = _sort_refused(parts, names)
        inserted = _find_inserted(path, options, unknown, names) if unknown else []
    finally:
        trial.unlink(missing_ok=True)
    found = [each for name in [*cut, *own] for each in names.get_operators(name)]
    return Placement(
        htp=frozenset(
            own_name
            for provider, nodes in parts
            for name, _ in nodes
            if provider == PROVIDER and (own_name := names.find(name)) is not None
        ).difference(found),
        refused=tuple(dict.fromkeys(found)),
        inserted=tuple(inserted),
    )


def _sort_refused(
    parts: Sequence[tuple[str, Sequence[tuple[str, str]]]], names: NodeNames
) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the model's nodes that QNN refuses, and those that are not the model's."""
    refused = [node for provider, nodes in parts if provider != PROVIDER for node in nodes]
    own = [found for name, _ in refused if (found := names.find(name)) is not None]
    return own, [(name, op) for name, op in refused if names.find(name) is None]


def _find_inserted(
    path: Path, options: Mapping[str, str], unknown: Sequence[tuple[str, str]], names: NodeNames
) -> list[tuple[str, str]]:
    """Find whose results the nodes change that ONNX Runtime inserted, by the tensors around them.

    Only a compiled model tells those tensors.
    """
    operators = [(op, "") for _, op in unknown if op not in _QDQ_OPS]
    folder = path.with_name("trial-context")
    folder.mkdir()
    wrapper = folder / "model.onnx"
    try:
        QnnSession(path, options, settings=context_settings(wrapper, allow_cpu=True))
        nodes = {
            node.name: node for node in onnx.load(wrapper, load_external_data=False).graph.node
        }
    except (JobFailure, FileNotFoundError):
        return operators
    finally:
        shutil.rmtree(folder)
    return [
        (op, names.find_producer([*nodes[name].output, *nodes[name].input]) or "")
        for name, op in unknown
        if name in nodes and op not in _QDQ_OPS
    ] or operators


def _cut_node(model: onnx.ModelProto, name: str) -> None:
    """Remove a node from a model, whose results become inputs, and whose inputs outputs."""
    graph = model.graph
    (node,) = (each for each in graph.node if each.name == name)
    values = {value.name: value for value in (*graph.value_info, *graph.output)}
    cut = onnx.NodeProto()
    cut.CopyFrom(node)
    graph.node.remove(node)
    made = {out for each in graph.node for out in each.output}
    outputs = [value for value in graph.output if value.name not in cut.output]
    ends = {value.name for value in outputs}
    outputs += [values[n] for n in dict.fromkeys(cut.input) if n in made - ends and n in values]
    copies = [onnx.ValueInfoProto.FromString(value.SerializeToString()) for value in outputs]
    used = {taken for each in graph.node for taken in each.input}
    graph.input.extend(values[n] for n in cut.output if n in used and n in values)
    del graph.output[:]
    graph.output.extend(copies)
