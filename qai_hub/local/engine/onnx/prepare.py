"""The steps common to compiling and quantizing, from the input model to the published file."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.onnx.edit import collect_names, rename_tensors, unique_name
from qai_hub.local.engine.onnx.model_files import ModelFile, pack_archive
from qai_hub.local.engine.onnx.session import WITHOUT_PACKING, OptimizationLevel, Session
from qai_hub.local.engine.onnx.signature import (
    Port,
    check_name,
    describe_name_mismatch,
    format_ports,
    get_inputs,
    get_required_inputs,
)
from qai_hub.local.engine.protocol import (
    TensorSpec,
    quote_name,
)

# The operator that stands for a graph compiled for one chip in ONNX Runtime.
CONTEXT_OP = "EPContext"

# How ONNX Runtime names the reshapes around a Gemm that it makes of MatMul and Add.
_FUSED_PREFIXES = ("gemm_input_", "gemm_output_")

# A protobuf message cannot exceed 2 GiB, and folding constants makes models grow.
EXTERNAL_DATA_THRESHOLD = 3 * 2**29
# A model that is compiled further is loaded and stored many times, fastest without its weights.
INTERMEDIATE_THRESHOLD = 2**25
_MIN_EXTERNAL_SIZE = 2**16
_SMALL_SIZE = 2**10


def check_model(model: ModelFile) -> None:
    """Check that a model is valid ONNX and not compiled already.

    Args:
        model: The model.

    Raises:
        JobFailure: It is not valid, or is compiled already.
    """
    if any(node.op_type == CONTEXT_OP for node in model.proto.graph.node):
        reason = "The model is already compiled: submit its source model, or run it as it is."
        raise JobFailure(FailureType.MODEL_INVALID, reason)
    try:
        onnx.checker.check_model(model.path)
    except UnicodeDecodeError as error:
        reason = f"The model is damaged: it contains text that is not UTF-8 ({error.reason})."
        raise JobFailure(FailureType.MODEL_CORRUPT, reason) from None
    except onnx.checker.ValidationError as error:
        text = " ".join(str(error).split())[:1500]
        reason = _explain_missing_shapes(model.proto) or f"The model is not valid ONNX: {text}"
        raise JobFailure(FailureType.MODEL_INVALID, reason) from None


def _explain_missing_shapes(model: onnx.ModelProto) -> str:
    """Name the inputs and outputs without a shape, whose names the checker does not tell."""
    missing = [
        f"{role} {quote_name(value.name)}"
        for role, values in (("input", model.graph.input), ("output", model.graph.output))
        for value in values
        if value.type.HasField("tensor_type") and not value.type.tensor_type.HasField("shape")
    ]
    if not missing:
        return ""
    return (
        f"The model declares no shape for its {', '.join(missing[:10])}: export it with shapes, or "
        "add them by onnx.shape_inference.infer_shapes."
    )


def optimise(source: Path, target: Path, external_data_threshold: int) -> None:
    """Fold and simplify a graph without regard to any hardware.

    Args:
        source: The .onnx file.
        target: File to write, in a separate folder, which receives the weights as well.
        external_data_threshold: Size of the model in bytes from which weights stay apart.

    Raises:
        JobFailure: ONNX Runtime cannot load the model.
    """
    settings = WITHOUT_PACKING | {
        "session.optimized_model_external_initializers_file_name": "model.data",
        # Small constants stay in the graph, where all that rewrites it finds them.
        "session.optimized_model_external_initializers_min_size_in_bytes": str(
            min(_MIN_EXTERNAL_SIZE, max(_SMALL_SIZE, external_data_threshold))
        ),
    }
    # Higher levels would insert nodes specific to this machine's CPU.
    Session(
        source, level=OptimizationLevel.ORT_ENABLE_BASIC, settings=settings, optimised_path=target
    )


def clean_up_model(target: Path, external_data_threshold: int) -> bool:
    """Remove unused operator sets that ONNX Runtime lists, and add all shapes.

    Tensors that ONNX Runtime has added get other names: it would use the same ones again when it
    loads the model, and fail.

    Args:
        target: The .onnx file.
        external_data_threshold: Size of the model in bytes from which weights in a separate file
            stay there.

    Returns:
        Whether they stay there.
    """
    size = sum(path.stat().st_size for path in target.parent.iterdir())
    has_external_data = size >= external_data_threshold
    model = onnx.load(target, load_external_data=not has_external_data)
    used = {node.domain for node in iter_nodes(model)} | {""}
    kept = [opset for opset in model.opset_import if opset.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    _rename_fused_tensors(model.graph)
    target.write_bytes(model.SerializeToString())
    onnx.shape_inference.infer_shapes_path(target, target)
    return has_external_data


def _rename_fused_tensors(graph: onnx.GraphProto) -> None:
    """Rename what ONNX Runtime's fusion of MatMul and Add has added, in place."""
    ports = {value.name for values in (graph.input, graph.output) for value in values}
    taken = collect_names(graph)
    names = {
        name: unique_name(f"fused_{name}", taken)
        for name in sorted(taken - ports)
        if name.startswith(_FUSED_PREFIXES)
    }
    rename_tensors(graph, names)
    for node in graph.node:
        node.name = names.get(node.name, node.name)


def iter_nodes(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    """Yield every node of a model: of its graph, its subgraphs and its functions."""
    yield from _iter_graph_nodes(model.graph)
    for function in model.functions:
        yield from _iter_graph_nodes(function)


def publish_model(
    target: Path, folder: Path, *, has_external_data: bool, name: str = "target_model"
) -> str:
    """Move a model to the published files of an attempt.

    Args:
        target: The .onnx file.
        folder: The attempt's folder.
        has_external_data: Whether weights are in files beside it, so that it is published as a
            zipped directory.
        name: Name of the file, without suffixes.

    Returns:
        Name of the file within the folder.
    """
    if not has_external_data:
        target.replace(folder / f"{name}.onnx")
        return f"{name}.onnx"
    files = {f"model.onnx/{path.name}": path for path in sorted(target.parent.iterdir())}
    pack_archive(files, folder / f"{name}.onnx.zip")
    return f"{name}.onnx.zip"


def _iter_graph_nodes(graph: onnx.GraphProto | onnx.FunctionProto) -> Iterator[onnx.NodeProto]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _iter_graph_nodes(attribute.g)
            for inner in attribute.graphs:
                yield from _iter_graph_nodes(inner)


def match_specs(model: onnx.ModelProto, specs: Sequence[TensorSpec]) -> list[TensorSpec]:
    """Match specs to the inputs of a model.

    Specs with the names of a model's inputs apply to those, in any order. Others rename its inputs,
    in the model's order.

    Args:
        model: The model.
        specs: The name, shape and element type that each input must have; may be empty.

    Returns:
        The specs in the order of the model's inputs; empty if there are none.

    Raises:
        JobFailure: The specs do not match the model.
    """
    if not specs:
        return []
    ports = get_inputs(model)
    problems = describe_name_mismatch(ports, [spec.name for spec in specs])
    if problems and not _can_rename(ports, specs):
        raise _invalid_inputs(
            f"The names in input_specs do not match the model's inputs ({problems}). "
            f"The model takes {format_ports(ports)}. To rename inputs, give a spec for each of "
            "them, in this order."
        )
    order = {port.name: index for index, port in enumerate(ports)}
    matched = list(specs) if problems else sorted(specs, key=lambda spec: order[spec.name])
    for port, spec in zip(ports, matched, strict=True):
        _check_spec(port, spec)
    return matched


def fix_input_shapes(model: onnx.ModelProto, specs: Sequence[TensorSpec]) -> bool:
    """Fix the dimensions of a model's inputs, in place.

    Shapes that the model declares for computed tensors may no longer hold and are removed.

    Args:
        model: The model.
        specs: The result of `fit_specs`.

    Returns:
        Whether a dimension was dynamic.
    """
    if not specs:
        return False
    changed = False
    for value, port, spec in zip(get_required_inputs(model), get_inputs(model), specs, strict=True):
        if port.dynamic_dims:
            changed = True
            dims = [onnx.TensorShapeProto.Dimension(dim_value=size) for size in spec.shape]
            value.type.tensor_type.shape.CopyFrom(onnx.TensorShapeProto(dim=dims))
    if changed:
        del model.graph.value_info[:]
        for output in model.graph.output:
            output.type.tensor_type.ClearField("shape")
    return changed


def remove_initializer_inputs(model: onnx.ModelProto) -> bool:
    """Turn initializers that a model also lists as inputs into constants, in place.

    Old exporters list all of them. The optimiser folds the initializers but leaves the inputs,
    which then have no value.

    Args:
        model: The model.

    Returns:
        Whether there were any.
    """
    inputs = get_required_inputs(model)
    if len(inputs) == len(model.graph.input):
        return False
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    # Before version 4, each initializer had to be an input.
    model.ir_version = max(model.ir_version, 4)
    return True


def _can_rename(ports: Sequence[Port], specs: Sequence[TensorSpec]) -> bool:
    """Return whether specs may be intended to rename all inputs, in order."""
    names = [spec.name for spec in specs]
    positions = {port.name: index for index, port in enumerate(ports)}
    in_order = all(positions.get(name, index) == index for index, name in enumerate(names))
    return in_order and len(ports) == len(names) == len(set(names))


def _check_spec(port: Port, spec: TensorSpec) -> None:
    check_name(spec.name, "input", FailureType.INVALID_INPUTS)
    if any(size < 1 for size in spec.shape):
        raise _invalid_inputs(
            f"In input_specs, each dimension must be at least 1; this does not hold for {spec}."
        )
    if not np.can_cast(spec.dtype, port.dtype, "safe"):
        raise _invalid_inputs(
            f"The model's input {port} cannot hold every value of the type in input_specs, "
            f"{spec.dtype}: change the model or input_specs."
        )
    if not port.accepts(spec.shape):
        raise _invalid_inputs(
            f"The model's input {port} does not accept the shape in input_specs, {spec}: they give "
            "sizes to dynamic dimensions, and change no others."
        )


def _invalid_inputs(reason: str) -> JobFailure:
    return JobFailure(FailureType.INVALID_INPUTS, reason)
