"""Replaces formulas that exporters write in parts by the single operators that chips have.

A GELU or a LayerNormalization in parts loses accuracy at every step that is quantized, and some of
its parts, such as Erf, cannot be quantized at all. ONNX Runtime fuses the common spellings; those
that it leaves differ in the order of their parts from exporter to exporter. So formulas are
recognised here by their values: the parts are run on sample values, and the results are compared
with those of the operators.
"""

import logging
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import helper

from qai_hub.local.engine.onnx.graph_index import GraphIndex
from qai_hub.local.engine.onnx.session import PROVIDER, RUNTIME_ERRORS

logger = logging.getLogger(__name__)

# The first operator sets with Gelu, and with RMSNormalization.
OPSET_GELU = 20
OPSET_RMS_NORMALIZATION = 23

_ELEMENTWISE = frozenset(
    {
        "Abs",
        "Add",
        "Cast",
        "Clip",
        "Div",
        "Erf",
        "Exp",
        "HardSigmoid",
        "Identity",
        "Log",
        "Max",
        "Min",
        "Mul",
        "Neg",
        "Pow",
        "Reciprocal",
        "Relu",
        "Sigmoid",
        "Softplus",
        "Sqrt",
        "Sub",
        "Tanh",
    }
)
# Exporters give a norm the shape of what they divide by it.
_EXPANSIONS = frozenset({"Expand", "Reshape", "Squeeze", "Unsqueeze"})
_REDUCTIONS = frozenset({"ReduceL2", "ReduceMean", "ReduceSum", "ReduceSumSquare"})
# Each formula has one of these operators in it, at most so many steps from its input.
_ACTIVATION_ANCHORS = frozenset({"Clip", "Erf", "HardSigmoid", "Log", "Min", "Tanh"})
_NORM_ANCHORS = frozenset({"Sqrt", "ReduceL2", "Pow"})
_MAX_STEPS = 12
_MAX_NODES = 200
# Largest deviation that rounding in float32 explains, relative to the largest value.
_TOLERANCE = 1e-5
_MAX_ELEMENTS = 2**20
_MAX_EPSILON = 1e-2

_Values = npt.NDArray[np.float64]


def _gelu(x: _Values) -> _Values:
    erf = np.asarray(np.vectorize(math.erf)(x / math.sqrt(2)), np.float64)
    return 0.5 * x * (1 + erf)


def _tanh_gelu(x: _Values) -> _Values:
    tanh = np.asarray(np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)), np.float64)
    return 0.5 * x * (1 + tanh)


def _softplus(x: _Values) -> _Values:
    return np.logaddexp(0, x)


# HardSwish is not among them: ONNX Runtime has no kernel for it, so it takes it to its parts again
# when it loads the quantized model, and these would be floats.
_ACTIVATIONS: tuple[tuple[str, dict[str, Any], Callable[[_Values], _Values]], ...] = (
    ("Gelu", {"approximate": "none"}, _gelu),
    ("Gelu", {"approximate": "tanh"}, _tanh_gelu),
    ("Softplus", {}, _softplus),
)


def has_formulas(model: onnx.ModelProto) -> bool:
    """Return whether a model has an operator from which formulas are recognised."""
    anchors = _ACTIVATION_ANCHORS | _NORM_ANCHORS
    return any(node.op_type in anchors for node in model.graph.node)


def fuse_formulas(graph: GraphIndex, opset: int) -> int:
    """Replace activations and normalizations in parts, in place.

    Args:
        graph: The graph of a folded model with shapes, in float32.
        opset: Its operator set.

    Returns:
        The operator set in which more could be replaced; the present one if nothing is left.
    """
    needed = opset
    done: set[str] = set()
    while match := _find_match(graph, opset, done):
        if match.op == "RMSNormalization" and opset < OPSET_RMS_NORMALIZATION:
            needed = OPSET_RMS_NORMALIZATION
            continue
        logger.info("Fusing %d nodes to %s: %r", len(match.parts), match.op, match.result)
        last = graph.producers[match.result]
        graph.replace_nodes([last], [match.build(graph)])
    graph.remove_dead_nodes()
    return needed


@dataclass(frozen=True, slots=True)
class _Match:
    """A formula found in a graph."""

    root: str
    result: str
    parts: Sequence[onnx.NodeProto]
    op: str
    attributes: dict[str, Any] = field(default_factory=dict)
    gamma: npt.NDArray[np.float32] | None = None
    beta: npt.NDArray[np.float32] | None = None

    def build(self, graph: GraphIndex) -> onnx.NodeProto:
        """Return the operator for it, whose constants are added to the graph."""
        inputs = [self.root]
        if self.gamma is not None:
            inputs.append(graph.add_constant(f"{self.result}_weight", self.gamma))
        if self.beta is not None and np.any(self.beta):
            inputs.append(graph.add_constant(f"{self.result}_offset", self.beta))
        name = graph.producers[self.result].name or graph.name(f"{self.op}_of_{self.result}")
        return helper.make_node(self.op, inputs, [self.result], name=name, **self.attributes)


def _find_match(graph: GraphIndex, opset: int, done: set[str]) -> _Match | None:
    for anchor in graph.graph.node:
        key = anchor.output[0] if anchor.output else ""
        if key in done:
            continue
        if anchor.op_type in _ACTIVATION_ANCHORS and opset >= OPSET_GELU:
            roots = _iter_roots(graph, anchor, _ELEMENTWISE)
            match = _match_anchor(graph, anchor, _ELEMENTWISE, roots, _match_activation)
        elif anchor.op_type in _NORM_ANCHORS:
            operators = _ELEMENTWISE | _REDUCTIONS | _EXPANSIONS
            # The farthest tensor comes first: a LayerNormalization is also the
            # RMSNormalization of its centred values.
            roots = reversed(list(_iter_roots(graph, anchor, operators)))
            match = _match_anchor(graph, anchor, operators, roots, _match_norm)
        else:
            continue
        done.add(key)
        if match:
            return match
    return None


_Matcher = Callable[[GraphIndex, str, "_Region"], _Match | None]


def _match_anchor(
    graph: GraphIndex,
    anchor: onnx.NodeProto,
    operators: frozenset[str],
    roots: Iterable[str],
    matcher: _Matcher,
) -> _Match | None:
    """Return the formula around a node whose input is the first of some tensors that fits."""
    for root in roots:
        region = _Region.grow(graph, root, operators, anchor)
        if region and (match := matcher(graph, root, region)):
            return match
    return None


def _iter_roots(
    graph: GraphIndex, anchor: onnx.NodeProto, operators: frozenset[str]
) -> Iterator[str]:
    """Yield the tensors that a node is computed from by some operators, the nearest first."""
    seen: set[str] = set()
    level = [name for name in anchor.input if name]
    for _ in range(_MAX_STEPS):
        following: list[str] = []
        for name in level:
            if name in seen or name in graph.constants:
                continue
            seen.add(name)
            if graph.is_float(name):
                yield name
            producer = graph.producers.get(name)
            if producer is not None and producer.op_type in operators:
                following += producer.input
        level = following


@dataclass(frozen=True, slots=True)
class _Region:
    """The nodes that compute from one tensor and constants alone."""

    nodes: list[onnx.NodeProto]
    results: list[str]
    constants: list[str]

    @classmethod
    def grow(
        cls, graph: GraphIndex, root: str, operators: frozenset[str], anchor: onnx.NodeProto
    ) -> "_Region | None":
        """Return the nodes around an anchor that compute from a tensor; None without the anchor.

        Args:
            graph: The graph.
            root: The tensor.
            operators: The operators that the nodes may have.
            anchor: A node that must be among them; the results are what is computed from it.
        """
        inside = {root}
        nodes: list[onnx.NodeProto] = []
        constants: set[str] = set()
        after: set[str] = set()
        candidates = _find_users(graph, root, operators)
        grown = True
        while grown:
            grown = False
            for node in candidates:
                result, inputs = node.output[0], [name for name in node.input if name]
                if result in inside or not all(
                    name in inside or name in graph.constants for name in inputs
                ):
                    continue
                inside.add(result)
                nodes.append(node)
                constants |= {name for name in inputs if name in graph.constants}
                if result == anchor.output[0] or any(name in after for name in inputs):
                    after.add(result)
                grown = True
        if not after:
            return None
        results = [node.output[0] for node in nodes if node.output[0] in after]
        return cls(nodes, results, sorted(constants))

    def run(
        self, graph: GraphIndex, root: str, values: npt.NDArray[np.float32]
    ) -> dict[str, _Values]:
        """Run the nodes on values of the root; nothing if they cannot be run."""
        tensors = []
        for name in self.constants:
            value = graph.value(name)
            if value is None:
                return {}
            tensors.append(onnx.numpy_helper.from_array(value, name))
        model = helper.make_model(
            helper.make_graph(
                self.nodes,
                "region",
                [helper.make_tensor_value_info(root, onnx.TensorProto.FLOAT, values.shape)],
                [onnx.ValueInfoProto(name=name) for name in self.results],
                tensors,
            ),
            opset_imports=graph.model.opset_import,
            ir_version=graph.model.ir_version,
        )
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            session = onnxruntime.InferenceSession(
                model.SerializeToString(), options, providers=[PROVIDER]
            )
            outputs = session.run(self.results, {root: values})
        except RUNTIME_ERRORS:
            return {}
        return {
            name: np.asarray(value, np.float64)
            for name, value in zip(self.results, outputs, strict=True)
        }

    def parts_of(self, graph: GraphIndex, result: str, root: str) -> list[onnx.NodeProto]:
        """Return the nodes that compute a result."""
        found: list[onnx.NodeProto] = []
        pending = [result]
        while pending:
            name = pending.pop()
            producer = graph.producers.get(name)
            if name == root or producer is None or producer in found:
                continue
            found.append(producer)
            pending += producer.input
        return found


def _find_users(graph: GraphIndex, root: str, operators: frozenset[str]) -> list[onnx.NodeProto]:
    """Return the nodes of some operators that a tensor reaches through such nodes."""
    found: list[onnx.NodeProto] = []
    reached = {root}
    pending = deque([root])
    while pending and len(found) < _MAX_NODES:
        for use in graph.uses.get(pending.popleft(), []):
            result = use.node.output[0]
            if use.node.op_type in operators and result not in reached:
                reached.add(result)
                found.append(use.node)
                pending.append(result)
    return found


def _match_activation(graph: GraphIndex, root: str, region: _Region) -> _Match | None:
    constants = region.constants
    if any(graph.scalar(name) is None for name in constants):
        region = _restrict_to_scalars(graph, root, region)
    points = np.linspace(-12, 12, 481, dtype=np.float32)
    wide = points.astype(np.float64)
    results = region.run(graph, root, points)
    for name, values in reversed(results.items()):
        for op, attributes, function in _ACTIVATIONS:
            expected = function(wide)
            close = values.shape == expected.shape and _is_close(values, expected)
            if close and len(parts := region.parts_of(graph, name, root)) > 1:
                return _Match(root, name, parts, op, attributes)
    return None


def _restrict_to_scalars(graph: GraphIndex, root: str, region: _Region) -> _Region:
    """Return the part of a region whose constants are all scalars."""
    inside = {root}
    nodes = []
    for node in region.nodes:
        if all(name in inside or graph.scalar(name) is not None for name in node.input if name):
            inside.add(node.output[0])
            nodes.append(node)
    used = {name for node in nodes for name in node.input}
    return _Region(
        nodes,
        [name for name in region.results if name in inside],
        [name for name in region.constants if name in used],
    )


def _match_norm(graph: GraphIndex, root: str, region: _Region) -> _Match | None:
    shape = graph.shape(root)
    if not shape or any(size is None for size in shape) or shape[-1] == 1:
        return None
    fixed = [int(size or 0) for size in shape]
    if math.prod(fixed) > _MAX_ELEMENTS or not any(
        node.op_type in _REDUCTIONS for node in region.nodes
    ):
        return None
    random = np.random.default_rng(0)
    # Values so small that epsilon matters come last, and some far from 0 for the mean.
    rows = random.normal(0.5, 2, fixed).astype(np.float32)
    rows *= np.geomspace(1, 0.01, rows.size // fixed[-1]).reshape(*fixed[:-1], 1)
    results = region.run(graph, root, rows)
    epsilons = {
        value
        for name in region.constants
        if (value := graph.scalar(name)) is not None and 0 < value <= _MAX_EPSILON
    }
    wide = rows.astype(np.float64)
    for name, values in reversed(results.items()):
        if values.shape != wide.shape:
            continue
        for op, epsilon, core in _iter_norms(wide, sorted(epsilons)):
            match = _fit_affine(values, core, exact=op == "LpNormalization")
            if match is None or (np.any(match[1]) and op != "LayerNormalization"):
                continue
            parts = region.parts_of(graph, name, root)
            if op == "LpNormalization":
                return _Match(root, name, parts, op, {"axis": -1, "p": 2})
            gamma, beta = match
            attributes = {"axis": -1, "epsilon": epsilon}
            return _Match(root, name, parts, op, attributes, gamma, beta)
    return None


def _iter_norms(x: _Values, epsilons: Sequence[float]) -> Iterator[tuple[str, float, _Values]]:
    """Yield the operators that normalize rows, and their results without scale and bias."""
    centred = x - x.mean(-1, keepdims=True)
    for epsilon in [*epsilons, 0.0]:
        variance = np.square(centred).mean(-1, keepdims=True)
        yield "LayerNormalization", epsilon, centred / np.sqrt(variance + epsilon)
        yield (
            "RMSNormalization",
            epsilon,
            x / np.sqrt(np.square(x).mean(-1, keepdims=True) + epsilon),
        )
    yield "LpNormalization", 0.0, x / np.sqrt(np.square(x).sum(-1, keepdims=True))


def _fit_affine(
    values: _Values, core: _Values, *, exact: bool
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]] | None:
    """Return the scale and bias per channel with which one tensor gives another; None if none do.

    Args:
        values: The tensor to explain, of channels along its last dimension.
        core: The tensor that explains it.
        exact: Whether they must be equal.
    """
    channels = core.shape[-1]
    if exact:
        ones = np.ones(channels, np.float32)
        return (ones, np.zeros_like(ones)) if _is_close(values, core) else None
    flat, target = core.reshape(-1, channels), values.reshape(-1, channels)
    if len(flat) < 3:
        # Too few rows to tell a scale and a bias per channel from chance.
        ones = np.ones(channels, np.float32)
        return (ones, np.zeros_like(ones)) if _is_close(values, core) else None
    centred = flat - flat.mean(0)
    spread = np.square(centred).sum(0)
    gamma = (centred * (target - target.mean(0))).sum(0) / np.where(spread > 0, spread, 1)
    beta = target.mean(0) - gamma * flat.mean(0)
    if not np.isfinite(gamma).all() or not _is_close(target, gamma * flat + beta):
        return None
    beta = np.where(np.abs(beta) < 1e-5 * np.max(np.abs(target), initial=0), 0, beta)
    if not np.any(gamma):
        return None
    return gamma.astype(np.float32), beta.astype(np.float32)


def _is_close(values: _Values, expected: _Values) -> bool:
    scale = float(np.max(np.abs(expected), initial=0))
    return bool(np.all(np.abs(values - expected) <= _TOLERANCE * max(scale, 1e-3)))
