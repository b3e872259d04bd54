"""Brings models to one form: no functions, no sparse tensors, and outputs with shapes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import inliner, numpy_helper

from qai_hub.local.engine.onnx.edit import iter_graphs
from qai_hub.local.engine.onnx.model_files import ModelFile
from qai_hub.local.engine.onnx.prepare import check_model


def standardize_model(model: ModelFile, work: Path) -> ModelFile:
    """Check a model, and bring it to a form that all tools read.

    Functions are inlined and sparse tensors become dense. Outputs without a shape get the one that
    can be inferred: ONNX Runtime takes them without, but ONNX's checker does not.

    Args:
        model: The model.
        work: Folder for the file that is written if anything changes.

    Returns:
        The model.

    Raises:
        JobFailure: It is not valid.
    """
    if _add_output_shapes(model.proto):
        model = _write(model, model.proto, work)
    check_model(model)
    proto = model.proto
    if proto.functions:
        proto = inliner.inline_local_functions(proto)
    dense = [graph for graph in iter_graphs(proto.graph) if _make_dense(graph)]
    return _write(model, proto, work) if dense or proto is not model.proto else model


def _write(model: ModelFile, proto: onnx.ModelProto, work: Path) -> ModelFile:
    """Return a model in a file of this job, beside its external tensors."""
    path = model.path if model.is_unpacked else work / "standard.onnx"
    path.write_bytes(proto.SerializeToString())
    return replace(model, path=path, proto=proto, is_unpacked=True)


def _add_output_shapes(proto: onnx.ModelProto) -> bool:
    """Declare the shapes of outputs that declare none, in place; return whether there were any."""
    missing = [
        output
        for output in proto.graph.output
        if output.type.WhichOneof("value") in {None, "tensor_type"}
        and not output.type.tensor_type.HasField("shape")
    ]
    if not missing:
        return False
    try:
        inferred = onnx.shape_inference.infer_shapes(proto)
    except (onnx.shape_inference.InferenceError, ValueError):
        # The checker, or ONNX Runtime, finds what is wrong with the model.
        return False
    types = {output.name: output.type for output in inferred.graph.output}
    for output in missing:
        output.type.MergeFrom(types[output.name])
    return any(output.type.tensor_type.HasField("shape") for output in missing)


def _make_dense(graph: onnx.GraphProto) -> bool:
    """Make the sparse tensors of a graph dense, in place; return whether there were any."""
    changed = bool(graph.sparse_initializer)
    for tensor in graph.sparse_initializer:
        graph.initializer.append(_to_dense(tensor, tensor.values.name))
    del graph.sparse_initializer[:]
    for node in graph.node:
        for attribute in node.attribute if node.op_type == "Constant" else ():
            if attribute.name == "sparse_value":
                dense = _to_dense(attribute.sparse_tensor, "")
                attribute.CopyFrom(onnx.helper.make_attribute("value", dense))
                changed = True
    return changed


def _to_dense(tensor: onnx.SparseTensorProto, name: str) -> onnx.TensorProto:
    values = numpy_helper.to_array(tensor.values)
    indices = numpy_helper.to_array(tensor.indices)
    dense = np.zeros(tuple(tensor.dims), values.dtype)
    if indices.ndim == 1:
        dense.reshape(-1)[indices] = values
    else:
        dense[tuple(indices.T)] = values
    return numpy_helper.from_array(dense, name)
