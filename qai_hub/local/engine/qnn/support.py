"""Why QNN refuses nodes of a model, and what helps: found by asking QNN about each operator."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

import onnx

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.onnx.graph_index import GraphIndex
from qai_hub.local.engine.protocol import quote_name
from qai_hub.local.engine.qnn.placement import INSERTED_CAST, NodeNames, Placement, place_nodes
from qai_hub.local.engine.qnn.probes import Form, Tensors, ask_qnn, build_probe

MAX_NODES_SHOWN = 10
# A probe that QNN accepts takes about 0.4 s, since it is compiled.
_SEARCH_SECONDS = 20.0
# A chip whose HTP computes with floats, to learn whether QNN has an operator for any chip.
_FLOAT_CHIP = {"soc_model": "57", "htp_arch": "75", "enable_htp_fp16_precision": "1"}
# A chip of integers whose floats QNN refuses, with the HTP of the chips whose floats it does not.
_STRICT_CHIP = {"soc_model": "35", "htp_arch": "68"}
_FP16 = "enable_htp_fp16_precision"
_QDQ_OPS = {"QuantizeLinear", "DequantizeLinear"}
# QNN has most operators for up to 4 dimensions, and few for more than 5.
_HIGH_RANK = 5
_WIDE_TYPES = {onnx.TensorProto.UINT16, onnx.TensorProto.INT16}


class Cause(Enum):
    """Why QNN refuses a node."""

    NO_OPERATOR = "no operator"
    TYPES = "types"
    SHAPES = "shapes"
    FLOATS_ONLY = "floats only"
    LEFT_IN_FLOATS = "left in floats"
    PARTLY_QUANTIZED = "partly quantized"
    QUANTIZED_FORM = "quantized form"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Problem:
    """A node that the HTP does not run.

    Attributes:
        name: Its name in the model.
        op: Its operator.
        cause: Why QNN refuses it.
        detail: The tensors or types that matter, if any.
    """

    name: str
    op: str
    cause: Cause
    detail: str = ""

    @property
    def explanation(self) -> str:
        """Why QNN refuses it, in a few words."""
        words = _SHORT_TEXTS[self.cause]
        return f"{words} ({self.detail})" if self.detail else words

    def __str__(self) -> str:
        detail = f", {self.detail}" if self.detail else ""
        return f"{self.op} ({quote_name(self.name)}{detail})"


@dataclass(frozen=True, slots=True)
class Support:
    """What QNN runs of a model.

    Attributes:
        placement: Where its nodes run; None if QNN takes them all, but fails to compile them.
        problems: The nodes that the HTP does not run.
        failure: Why QNN fails to compile them, in its words; empty if it does not.
    """

    placement: Placement | None
    problems: tuple[Problem, ...]
    failure: str = ""


def find_support(source: Path, options: Mapping[str, str]) -> Support:
    """Find out which nodes of a model QNN does not run on a chip, and why.

    Args:
        source: The .onnx file, all of whose nodes have names. Probes are written beside it.
        options: Options of the provider, such as the chip.

    Returns:
        What QNN runs.
    """
    model = onnx.load(source, load_external_data=False)
    examiner = _Examiner(model, source.parent, options)
    try:
        placement = place_nodes(source, options)
    except JobFailure as failure:
        return Support(None, tuple(examiner.find_culprits()), failure.reason)
    problems = [examiner.explain(name) for name in placement.refused]
    problems += [
        examiner.explain_inserted(op, name)
        for op, name in placement.inserted
        if name not in placement.refused
    ]
    return Support(placement, tuple(dict.fromkeys(problems)))


def uses_floats(model: onnx.ModelProto) -> bool:
    """Return whether any node of a model computes with floats.

    Args:
        model: The model, with inferred shapes.
    """
    tensors = Tensors(model)
    return any(
        tensors.is_float(name) for node in model.graph.node for name in (*node.input, *node.output)
    )


def find_floats_only(source: Path, options: Mapping[str, str]) -> list[Problem]:
    """Find the float operators of a model that no quantization brings to a chip of integers.

    Args:
        source: The .onnx file. Probes are written beside it.
        options: Options of the provider.

    Returns:
        One node of each such operator.
    """
    model = onnx.load(source, load_external_data=False)
    return list(_Examiner(model, source.parent, options).find_floats_only())


def find_accepted_floats(source: Path, options: Mapping[str, str]) -> "NodesRefused | None":
    """Find floats that QNN compiles for a chip of integers, although the chip cannot run them.

    QNN refuses floats for all such chips but some, such as SoC 30. For those, another chip with the
    same HTP is asked in its place.

    Args:
        source: The .onnx file of a quantized model. Probes are written beside it.
        options: Options of the provider for the chip.

    Returns:
        The failure; None if there are none, or QNN itself refuses them.
    """
    addition = onnx.helper.make_node("Add", ["x", "x"], ["y"])
    ports = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1, 4]) for n in "xy"]
    graph = onnx.helper.make_graph([addition], "floats", ports[:1], ports[1:])
    opsets = [onnx.helper.make_opsetid("", 17)]
    probe = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=9)
    if ask_qnn(probe, source.parent, options):
        return None
    support = find_support(source, {**options, **_STRICT_CHIP})
    of_floats = Cause.FLOATS_ONLY, Cause.LEFT_IN_FLOATS
    problems = tuple(each for each in support.problems if each.cause in of_floats)
    # Where the CPU may run nodes, QNN would not leave it these.
    return describe_problems(replace(support, problems=problems), allow_cpu=True)


class NodesRefused(JobFailure):
    """Ends a job since QNN refuses nodes of its model.

    Args:
        reason: Which, why, and what helps.
        support: What QNN runs of the model.
    """

    def __init__(self, reason: str, support: Support) -> None:
        super().__init__(FailureType.UNSUPPORTED, reason)
        self.support = support


def describe_problems(support: Support, *, allow_cpu: bool = False) -> NodesRefused | None:
    """Describe in a job's failure why a model cannot be compiled for the HTP.

    Args:
        support: What QNN runs of the model.
        allow_cpu: Whether the target already lets the CPU run what the HTP does not.

    Returns:
        The failure; None if no node is known to be the cause.
    """
    if not support.problems:
        return None
    sentences, remedies = [], list[str]()
    for cause in Cause:
        found = [problem for problem in support.problems if problem.cause is cause]
        if found:
            text, remedy = _TEXTS[cause]
            sentences.append(text.format(format_problems(found)))
            remedies += [remedy] if remedy not in remedies else []
    # A model that QNN fails to compile as a whole is not divided between the HTP and the CPU.
    if support.placement is not None and not allow_cpu:
        remedies.append(
            "compile with --target_runtime precompiled_qnn_onnx, where the CPU runs what the HTP "
            "cannot"
        )
    advice = ", or ".join(remedies)
    reason = f"{' '.join(sentences)} {advice[0].upper()}{advice[1:]}."
    return NodesRefused(reason, support)


_INTEGERS = "The HTP of this chip supports integers only"
_OTHER_CHIP = "choose a device whose HTP supports floats"
# What each cause means, and what helps.
_TEXTS = {
    Cause.NO_OPERATOR: ("QNN does not support these operators of the model: {}.", "replace them"),
    Cause.TYPES: (
        "QNN does not support these operators of the model for the types of their tensors: {}.",
        "cast before or after them",
    ),
    Cause.SHAPES: (
        "QNN needs fixed shapes, and these nodes have tensors whose shapes depend on data: {}.",
        "replace what makes them",
    ),
    Cause.FLOATS_ONLY: (
        f"{_INTEGERS}, and QNN supports these operators of the model for floats only: {{}}.",
        f"replace them, or {_OTHER_CHIP}",
    ),
    Cause.LEFT_IN_FLOATS: (
        f"{_INTEGERS}, and these nodes of the model use floats that are not quantized: {{}}.",
        f"quantize these tensors too, or {_OTHER_CHIP}",
    ),
    Cause.PARTLY_QUANTIZED: (
        "QNN needs Q and DQ around all tensors of an operator or none, and these have some: {}.",
        "add Q and DQ to the others",
    ),
    Cause.QUANTIZED_FORM: (
        "QNN supports these operators of the model, but not as they are quantized: {}.",
        "quantize them otherwise",
    ),
    Cause.UNKNOWN: ("QNN refuses these nodes of the model: {}.", "replace them"),
}


_SHORT_TEXTS = {
    Cause.NO_OPERATOR: "QNN does not support this operator",
    Cause.TYPES: "QNN does not support it for these types",
    Cause.SHAPES: "its shapes depend on data",
    Cause.FLOATS_ONLY: "QNN supports it for floats only",
    Cause.LEFT_IN_FLOATS: "not quantized",
    Cause.PARTLY_QUANTIZED: "only some of its tensors are quantized",
    Cause.QUANTIZED_FORM: "QNN does not support it as it is quantized",
    Cause.UNKNOWN: "QNN refuses it",
}


def format_problems(problems: Sequence[Problem]) -> str:
    """Format a list of problems for a message."""
    more = len(problems) - MAX_NODES_SHOWN
    shown = ", ".join(map(str, problems[:MAX_NODES_SHOWN]))
    return shown + (f" and {more} more" if more > 0 else "")


class _Examiner:
    """Asks QNN about operators of a model, each kind once, for a limited time."""

    def __init__(self, model: onnx.ModelProto, folder: Path, options: Mapping[str, str]) -> None:
        self._model = model
        self._names = NodeNames(model)
        self._tensors = Tensors(model)
        graph = GraphIndex(model)
        self._producers, self._get_users = graph.producers, graph.users
        self._folder = folder
        self._options = dict(options)
        self._integers_only = "soc_model" in options and _FP16 not in options
        self._answers: dict[tuple[object, ...], bool | None] = {}
        self._deadline = time.monotonic() + _SEARCH_SECONDS

    def explain(self, name: str) -> Problem:
        """Return why QNN refuses a node."""
        node = self._names.nodes[name]
        if self._integers_only:
            problem = self._explain_for_integers(node)
        else:
            problem = self._explain_for_floats(node)
        if problem.cause is Cause.UNKNOWN and self._has_unknown_shape(node):
            return replace(problem, cause=Cause.SHAPES)
        if problem.cause is Cause.NO_OPERATOR and not problem.detail:
            # It may have the operator for fewer dimensions.
            rank = self._get_rank(node)
            return replace(problem, detail=f"of {rank} dimensions" if rank >= _HIGH_RANK else "")
        return problem

    def _explain_for_floats(self, node: onnx.NodeProto) -> Problem:
        quantized = self._is_quantized(node)
        as_floats = self._is_supported(node, "floats")
        if as_floats is None:
            return Problem(node.name, node.op_type, Cause.UNKNOWN)
        if as_floats and quantized:
            floats = self._list_floats(node)
            if not floats:
                return Problem(node.name, node.op_type, Cause.QUANTIZED_FORM)
            detail = self._describe_floats(node, floats)
            return Problem(node.name, node.op_type, Cause.PARTLY_QUANTIZED, detail)
        if as_floats:
            return Problem(node.name, node.op_type, Cause.UNKNOWN)
        # There is no other Cast than that for its types.
        if node.op_type == "Cast" or self._is_supported(self._with_floats(node), "floats"):
            return Problem(node.name, node.op_type, Cause.TYPES, self._list_types(node))
        return Problem(node.name, node.op_type, Cause.NO_OPERATOR)

    def explain_inserted(self, op: str, name: str) -> Problem:
        """Return what QNN refuses about a node that ONNX Runtime has inserted."""
        if not name:
            return Problem(op, op, Cause.UNKNOWN, "inserted by ONNX Runtime")
        node = self._names.nodes[name]
        types = self._list_types(node, outputs_only=True)
        detail = f"whose {types or 'result'} ONNX Runtime needs to {op.lower()}"
        return Problem(node.name, node.op_type, Cause.TYPES, detail)

    def find_culprits(self) -> Iterator[Problem]:
        """Yield the nodes that QNN takes, but does not compile even alone."""
        for node in self._model.graph.node:
            if node.op_type in _QDQ_OPS:
                continue
            if self._is_supported(node, self._get_form(node)) is False:
                yield self.explain(node.name)

    def find_floats_only(self) -> Iterator[Problem]:
        """Yield a node of each operator that QNN has for floats only, on a chip of integers."""
        seen = set[str]()
        for node in self._model.graph.node:
            if node.op_type in _QDQ_OPS | seen or not self._list_floats(node):
                continue
            # ONNX Runtime inserts Casts for its own CPU, and fuses what moves tensors of many
            # dimensions, so that neither tells what becomes of the quantized model.
            if node.name.startswith(INSERTED_CAST) or self._get_rank(node) >= _HIGH_RANK:
                continue
            seen.add(node.op_type)
            if self._has_integer_form(node) is False:
                yield self._explain_for_integers(node)

    def _explain_for_integers(self, node: onnx.NodeProto) -> Problem:
        if node.op_type == "Cast" or not any(
            map(self._tensors.is_float, (*node.input, *node.output))
        ):
            changed = self._with_floats(node)
            known = node.op_type == "Cast" or self._is_supported(
                changed, "floats", on_float_chip=True
            )
            cause = Cause.TYPES if known else Cause.NO_OPERATOR
            return Problem(node.name, node.op_type, cause, self._list_types(node) if known else "")
        as_integers = self._has_integer_form(node)
        if as_integers:
            floats = self._list_floats(node)
            if floats:
                detail = self._describe_floats(node, floats)
                return Problem(node.name, node.op_type, Cause.LEFT_IN_FLOATS, detail)
            return Problem(node.name, node.op_type, Cause.QUANTIZED_FORM)
        as_floats = self._is_supported(node, "floats", on_float_chip=True)
        if as_integers is None or as_floats is None:
            return Problem(node.name, node.op_type, Cause.UNKNOWN)
        cause = Cause.FLOATS_ONLY if as_floats else Cause.NO_OPERATOR
        return Problem(node.name, node.op_type, cause)

    def _has_integer_form(self, node: onnx.NodeProto) -> bool | None:
        answers = [self._is_supported(node, "8 bits")]
        if not answers[0]:
            answers.append(self._is_supported(node, "16 bits"))
        return True if True in answers else None if None in answers else False

    def _is_supported(
        self, node: onnx.NodeProto, form: Form, *, on_float_chip: bool = False
    ) -> bool | None:
        """Return whether QNN runs a node alone; None if that could not be found out in time."""
        attributes = b"".join(sorted(each.SerializeToString() for each in node.attribute))
        names = (*node.input, *node.output)
        ranks = [len(self._tensors.get_shape(name) or ()) for name in names]
        types = map(self._tensors.get_type, names)
        key = (node.op_type, attributes, *types, *ranks, form, on_float_chip)
        if key not in self._answers:
            self._answers[key] = self._ask(node, form, on_float_chip=on_float_chip)
        return self._answers[key]

    def _ask(self, node: onnx.NodeProto, form: Form, *, on_float_chip: bool) -> bool | None:
        if time.monotonic() > self._deadline:
            return None
        constants = {
            name
            for name in node.input
            if name in self._producers and self._is_dequantized_constant(self._producers[name])
        }
        probe = build_probe(node, self._tensors, form, self._model.opset_import, constants)
        if probe is None:
            return None
        options = self._options | _FLOAT_CHIP if on_float_chip else self._options
        return not ask_qnn(probe, self._folder, options)

    def _is_dequantized_constant(self, node: onnx.NodeProto) -> bool:
        return node.op_type == "DequantizeLinear" and node.input[0] in self._tensors.constants

    def _get_form(self, node: onnx.NodeProto) -> Form:
        """Return the form in which the model has an operator."""
        if not self._is_quantized(node):
            return "floats"
        around = [self._producers[name] for name in node.input if name in self._producers]
        around += [each for name in node.output for each in self._get_users(name)]
        zeros = [each.input[2] for each in around if each.op_type in _QDQ_OPS and each.input[2:]]
        wide = any(self._tensors.get_type(name) in _WIDE_TYPES for name in zeros)
        return "16 bits" if wide else "8 bits"

    def _has_unknown_shape(self, node: onnx.NodeProto) -> bool:
        names = filter(None, (*node.input, *node.output))
        return any(self._tensors.get_shape(name) is None for name in names)

    def _get_rank(self, node: onnx.NodeProto) -> int:
        shapes = map(self._tensors.get_shape, filter(None, (*node.input, *node.output)))
        return max((len(shape) for shape in shapes if shape is not None), default=0)

    def _is_quantized(self, node: onnx.NodeProto) -> bool:
        return any(map(self._is_dequantized, node.input)) or any(
            map(self._is_taken_by_q, node.output)
        )

    def _is_dequantized(self, name: str) -> bool:
        return name in self._producers and self._producers[name].op_type == "DequantizeLinear"

    def _is_taken_by_q(self, name: str) -> bool:
        taken = self._get_users(name)
        return bool(taken) and all(each.op_type == "QuantizeLinear" for each in taken)

    def _list_floats(self, node: onnx.NodeProto) -> list[str]:
        """Return the float tensors of a node that are neither from a DQ nor for a Q alone."""
        floats = [
            n for n in node.input if self._tensors.is_float(n) and not self._is_dequantized(n)
        ]
        floats += [
            n for n in node.output if self._tensors.is_float(n) and not self._is_taken_by_q(n)
        ]
        return list(dict.fromkeys(floats))

    def _describe_floats(self, node: onnx.NodeProto, names: Sequence[str]) -> str:
        """Name tensors of floats, and the operators that take them from a node."""
        told = []
        for name in names[:3]:
            takers = [
                f"{other.op_type} ({quote_name(other.name)})"
                for other in self._get_users(name)
                if name in node.output
            ]
            told.append(quote_name(name) + f" before {' and '.join(takers[:3])}" * bool(takers))
        return f"with {', '.join(told)}"

    def _list_types(self, node: onnx.NodeProto, *, outputs_only: bool = False) -> str:
        names = node.output if outputs_only else (*node.input, *node.output)
        types = dict.fromkeys(self._tensors.get_type(name) for name in names if name)
        known = [onnx.helper.tensor_dtype_to_np_dtype(each).name for each in types if each]
        return " and ".join(known)

    def _with_floats(self, node: onnx.NodeProto) -> onnx.NodeProto:
        """Return a node whose integers that are computed are floats, under names of their own."""
        changed = onnx.NodeProto()
        changed.CopyFrom(node)
        for names in (changed.input, changed.output):
            for index, name in enumerate(names):
                if (
                    name
                    and name not in self._tensors.constants
                    and not self._tensors.is_float(name)
                ):
                    names[index] = self._tensors.add_float_copy(name)
        return changed
