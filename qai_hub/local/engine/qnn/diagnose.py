"""Operators that QNN handles badly: diagnosis of failures, and workarounds in the model."""

import resource
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import onnx
from onnx import defs, helper, inliner

from qai_hub.local.engine.failures import FailureType, JobFailure, resource_failure_from_text
from qai_hub.local.engine.onnx import edit
from qai_hub.local.engine.onnx.graph_index import GraphIndex, attributes_of
from qai_hub.local.engine.protocol import quote_name
from qai_hub.local.engine.qnn.activations import bound_activations
from qai_hub.local.engine.qnn.casts import rewrite_casts
from qai_hub.local.engine.qnn.placement import INSERTED_CAST, place_nodes
from qai_hub.local.engine.qnn.pools import convolve_padded_pools
from qai_hub.local.engine.qnn.provider import PROVIDER, RECORD_ASSIGNMENT, QnnSession
from qai_hub.local.engine.qnn.rewrites import rewrite_for_qnn
from qai_hub.local.engine.qnn.sigmoid_outputs import refine_sigmoid_outputs
from qai_hub.local.engine.qnn.support import (
    MAX_NODES_SHOWN,
    describe_problems,
    find_support,
)
from qai_hub.local.engine.quantize.qdq import is_quantized
from qai_hub.local.engine.steps import Step, begin_step

# What ONNX Runtime's quantizer adds to the name of a tensor that a Q takes.
_QUANTIZER_SUFFIX = "_QuantizeLinear_Input"


def name_nodes(model: onnx.ModelProto) -> bool:
    """Name the nodes that have no name, in place, as the compiler refers to nodes by name.

    Args:
        model: The model.

    Returns:
        Whether there were any such nodes.
    """
    return edit.name_nodes(model.graph, _clean_name)


def _clean_name(tensor: str) -> str:
    return tensor.removesuffix(_QUANTIZER_SUFFIX).removeprefix(INSERTED_CAST)


def format_nodes(nodes: Sequence[tuple[str, str]]) -> str:
    """Format a list of nodes for a message, by operator.

    Args:
        nodes: Their names and operators.
    """
    named = [f"{op} ({quote_name(name)})" for name, op in nodes[:MAX_NODES_SHOWN]]
    more = len(nodes) - MAX_NODES_SHOWN
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")


def check_qnn_works(options: Mapping[str, str], work: Path) -> None:
    """Check that QNN accepts an addition of integers, which it supports for every chip.

    With too little memory, QNN loads but refuses every operator.

    Args:
        options: Options of the provider.
        work: Folder for the model with the addition.

    Raises:
        MemoryError: QNN refuses it, in a process with a memory limit.
        JobFailure: QNN refuses it, without a memory limit.
    """
    path = work / "addition.onnx"
    path.write_bytes(_build_addition().SerializeToString())
    try:
        parts = QnnSession(path, options, settings={RECORD_ASSIGNMENT: "1"}).get_assignment()
    except JobFailure:
        parts = []
    if any(provider == PROVIDER for provider, _ in parts):
        return
    if resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY:
        raise MemoryError("QNN refuses every operator, as it does when memory is short")
    reason = "QNN does not work on this machine: it refuses even an addition."
    raise JobFailure(FailureType.RUNTIME_UNKNOWN, reason)


def _build_addition() -> onnx.ModelProto:
    x, y = (
        helper.make_tensor_value_info(name, onnx.TensorProto.INT32, [1, 4]) for name in ("x", "y")
    )
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "addition", [x], [y])
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def explain_failure(
    failure: JobFailure, source: Path, options: Mapping[str, str], *, allow_cpu: bool = False
) -> JobFailure:
    """Explain a compile failure by the model's operators, if they are the cause.

    Args:
        failure: The failure of the compilation.
        source: The .onnx file.
        options: Options of the provider in that compilation.
        allow_cpu: Whether the target lets the CPU run what the HTP does not.

    Returns:
        The failure, with the operators that QNN does not support, if any.

    Raises:
        MemoryError: QNN does not work, in a process with a memory limit.
    """
    if failure.failure_type is FailureType.UNSUPPORTED or resource_failure_from_text(
        failure.reason
    ):
        return failure
    begin_step(Step.EXPLAINING)
    support = find_support(source, options)
    if support.placement is None or not support.placement.htp:
        check_qnn_works(options, source.parent.parent)
    explained = describe_problems(support, allow_cpu=allow_cpu)
    if explained is None and support.failure:
        # Memory is not short: the operators' own limits are the cause of this error as well.
        words = support.failure.partition("QNN_COMMON_ERROR")[0]
        reason = (
            f"QNN supports each operator of the model alone, but not all of them together: {words}"
        )
        return JobFailure(FailureType.UNSUPPORTED, reason)
    return explained or failure


def adapt_model(model: onnx.ModelProto, folder: Path | None = None) -> bool:
    """Adapt a model to the provider, without changing its results.

    Args:
        model: The model, which is changed.
        folder: Folder of the file with its external tensors; None if it has none.

    Returns:
        Whether anything was changed.
    """
    changed = [name_nodes(model), _swap_hard_sigmoid_products(model)]
    changed += [rewrite_for_qnn(GraphIndex(model, folder)), rewrite_casts(model)]
    changed += [refine_sigmoid_outputs(GraphIndex(model, folder)), bound_activations(model)]
    changed.append(convolve_padded_pools(GraphIndex(model, folder)))
    return any(changed)


def find_unreliable_nodes(model: onnx.ModelProto) -> list[tuple[str, str]]:
    """Return the names and operators of nodes that QNN may compute incorrectly.

    These were determined by running each operator alone and comparing the result with ONNX Runtime
    on the CPU.

    Args:
        model: The model.
    """
    quantized = is_quantized(model)
    return [
        (node.name, node.op_type)
        for node in model.graph.node
        if _is_unreliable(node, quantized=quantized)
    ]


def _is_unreliable(node: onnx.NodeProto, *, quantized: bool) -> bool:
    attributes = attributes_of(node)
    if node.op_type == "Pad":
        # Floats at the edges of images are arbitrary values; integers are correct.
        return attributes.get("mode") == b"edge" and not quantized
    if node.op_type == "AveragePool":
        # Elements beyond the input are included in the average. A float one with padding that is
        # left has three dimensions, or windows without an element.
        is_padded = any(attributes.get("pads", ())) and not quantized
        return attributes.get("ceil_mode") == 1 or is_padded or _is_padded_widely(attributes)
    if node.op_type == "Resize" and attributes.get("mode", b"nearest") == b"nearest":
        # Only this rounding mode, which PyTorch exports, is examined.
        rounding = attributes.get("coordinate_transformation_mode"), attributes.get("nearest_mode")
        return rounding != (b"asymmetric", b"floor")
    return False


def _is_padded_widely(attributes: Mapping[str, Any]) -> bool:
    """Return whether padding that does not count is wider than half of a pool's kernel."""
    kernel, pads = attributes["kernel_shape"], attributes.get("pads", ())
    is_wide = any(pad > size // 2 for pad, size in zip(pads, kernel, strict=False))
    return is_wide and not attributes.get("count_include_pad")


def _swap_hard_sigmoid_products(model: onnx.ModelProto) -> bool:
    """Rewrite x * HardSigmoid(x) as HardSigmoid(x) * x.

    The provider fuses the former into one operator, which computes HardSigmoid(x) alone:
    https://github.com/onnxruntime/onnxruntime-qnn/pull/392.
    """
    sources = {
        node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "HardSigmoid"
    }
    found = [
        node
        for node in model.graph.node
        if node.op_type == "Mul" and sources.get(node.input[1]) == node.input[0]
    ]
    for node in found:
        node.input.append(node.input.pop(0))
    return bool(found)


_T = TypeVar("_T")


def compile_with_decomposition(
    compile_model: Callable[[Path], _T],
    source: Path,
    options: Mapping[str, str],
    *,
    allow_cpu: bool = False,
) -> _T:
    """Compile a model; if operators are not supported, decompose them and compile again.

    ONNX Runtime itself decomposes them while it assigns nodes to providers, after which its context
    compiler refuses the model.

    Args:
        compile_model: Compiles the model, in a folder that it creates, and does not explain why it
            fails.
        source: The .onnx file, which is changed if necessary.
        options: Options of the provider.
        allow_cpu: Whether the target lets the CPU run what the HTP does not.

    Returns:
        What `compile_model` returned.

    Raises:
        JobFailure: The model cannot be compiled.
    """
    try:
        return compile_model(source.parent.parent / "qnn")
    except JobFailure as failure:
        original = source.read_bytes()
        if _decompose_unsupported(source, options):
            with suppress(JobFailure):
                return compile_model(source.parent.parent / "qnn-pieces")
            # The explanation names the operators as they are in the original model.
            source.write_bytes(original)
        raise explain_failure(failure, source, options, allow_cpu=allow_cpu) from failure


def _decompose_unsupported(source: Path, options: Mapping[str, str]) -> bool:
    """Decompose the operators that QNN does not support; return False if there are none."""
    model = onnx.load(source, load_external_data=False)
    try:
        placement = place_nodes(source, options)
    except JobFailure:
        return False
    supported = {node.op_type for node in model.graph.node if node.name in placement.htp}
    unsupported = {node.op_type for node in model.graph.node if not node.domain} - supported
    functions = [("", op) for op in sorted(unsupported) if _is_function(op)]
    if not functions:
        return False
    inlined = inliner.inline_selected_functions(model, functions, inline_schema_functions=True)
    adapt_model(inlined, source.parent)
    source.write_bytes(onnx.shape_inference.infer_shapes(inlined).SerializeToString())
    return True


def _is_function(op: str) -> bool:
    if not defs.has(op):
        return False
    return bool(defs.get_schema(op).has_function)  # type: ignore[attr-defined]  # not in its stubs
