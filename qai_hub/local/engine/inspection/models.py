"""Tells what is in a model: of ONNX its graph, of other formats the files that an archive has."""

import errno
import math
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.onnx.prepare import CONTEXT_OP
from qai_hub.local.engine.onnx.signature import get_required_inputs
from qai_hub.local.engine.protocol import InputModel
from qai_hub.local.enums import ModelType

_NAME_LIMIT = 200
_TEXT_LIMIT = 2000
_MAX_PORTS = 200
_MAX_OPERATORS = 500
_MAX_METADATA = 100
_MAX_FILES = 200
_LARGEST = 20
_MAX_DIMS = 32
# What protobuf can hold.
_MAX_ONNX_BYTES = 2 << 30
_MAX_MEMBERS = 10_000
_ONNX_FORMATS = (ModelType.ONNX, ModelType.AIMET_ONNX)
# The exception of a damaged archive depends on where the damage is; in names, it is a
# UnicodeDecodeError, which is a ValueError.
_ARCHIVE_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


def inspect_model(model: InputModel) -> dict[str, Any]:
    """Tell what is in a model.

    Args:
        model: The model.

    Returns:
        The `files` of an archive, and of an ONNX model its `graph`; None if it has none, or cannot
        be read without a runtime.

    Raises:
        JobFailure: It is damaged.
    """
    found: dict[str, Any] = {"files": [], "file_count": 0, "graph": None}
    is_onnx = model.model_type in _ONNX_FORMATS
    try:
        if zipfile.is_zipfile(model.path):
            with zipfile.ZipFile(model.path) as archive:
                members = [each for each in archive.infolist() if not each.is_dir()]
                found["file_count"] = len(members)
                found["files"] = [
                    {"name": _shorten(each.filename), "size": each.file_size}
                    for each in sorted(members, key=lambda each: -each.file_size)[:_MAX_FILES]
                ]
                content = _read_onnx_member(archive, members) if is_onnx else None
        else:
            content = _read_onnx(model.path) if is_onnx else None
    except _ARCHIVE_ERRORS as error:
        raise _damaged(f"its archive cannot be read: {error}") from None
    except OSError as error:
        # Of a place before the beginning of the file.
        if error.errno != errno.EINVAL:
            raise
        raise _damaged("its archive cannot be read: it names a place that is not in it") from None
    if content is not None:
        found["graph"] = _describe_onnx(content)
    return found


def _read_onnx(path: Path) -> bytes:
    size = path.stat().st_size
    if size > _MAX_ONNX_BYTES:
        raise _damaged("it has more than 2 GiB, which no ONNX model can have in one file")
    return path.read_bytes()


def _read_onnx_member(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> bytes:
    """Return the model in an archive; its weights may be in files beside it."""
    models = [each for each in members if each.filename.endswith(".onnx")]
    if len(members) > _MAX_MEMBERS or len(models) != 1:
        raise _damaged(f"its archive has {len(models)} .onnx files instead of one")
    if models[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _damaged("its archive is compressed by an unusual method")
    with archive.open(models[0]) as file:
        content = file.read(_MAX_ONNX_BYTES + 1)
    if len(content) > _MAX_ONNX_BYTES:
        raise _damaged("it has more than 2 GiB, which no ONNX model can have in one file")
    return content


def _describe_onnx(content: bytes) -> dict[str, Any]:
    try:
        model = onnx.ModelProto.FromString(content)
    except DecodeError:
        raise _damaged("it cannot be parsed") from None
    if not model.HasField("graph"):
        raise _damaged("it has no graph")
    nodes = [*_iter_nodes(model)]
    operators = Counter(map(_operator, nodes))
    tensors = [*_iter_weights(model, nodes)]
    sizes = [(_count(tensor.dims), _count_bytes(tensor), tensor) for tensor in tensors]
    largest = sorted(sizes, key=lambda each: -each[1])[:_LARGEST]
    by_type = Counter[str]()
    for elements, _, tensor in sizes:
        by_type[_dtype(tensor.data_type)] += elements
    inputs, outputs = get_required_inputs(model), model.graph.output
    return {
        "producer": " ".join(map(_shorten, (model.producer_name, model.producer_version))).strip(),
        "ir_version": model.ir_version,
        "opsets": [
            {"domain": _shorten(each.domain) or "ai.onnx", "version": each.version}
            for each in model.opset_import[:_MAX_PORTS]
        ],
        "name": _shorten(model.graph.name),
        "description": _shorten(model.doc_string or model.graph.doc_string, _TEXT_LIMIT),
        "metadata": [
            {"key": _shorten(each.key), "value": _shorten(each.value, _TEXT_LIMIT)}
            for each in model.metadata_props[:_MAX_METADATA]
        ],
        "inputs": [*map(_describe_port, inputs[:_MAX_PORTS])],
        "outputs": [*map(_describe_port, outputs[:_MAX_PORTS])],
        "nodes": len(nodes),
        "operators": [
            {"name": name, "count": count} for name, count in operators.most_common(_MAX_OPERATORS)
        ],
        "contexts": sum(node.op_type == CONTEXT_OP for node in nodes),
        "quantize_nodes": operators["QuantizeLinear"],
        "dequantize_nodes": operators["DequantizeLinear"],
        "parameters": sum(elements for elements, _, _ in sizes),
        "parameter_bytes": sum(size for _, size, _ in sizes),
        "parameter_types": [
            {"dtype": dtype, "count": count} for dtype, count in by_type.most_common()
        ],
        "tensors": len(sizes),
        "largest": [
            {
                "name": _shorten(tensor.name),
                "dtype": _dtype(tensor.data_type),
                "shape": [*tensor.dims[:_MAX_DIMS]],
                "size": size,
            }
            for _, size, tensor in largest
        ],
    }


def _iter_nodes(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    """Yield all nodes, those of branches, loops and functions included."""
    waiting: list[Iterable[onnx.NodeProto]] = [model.graph.node]
    waiting += [function.node for function in model.functions]
    while waiting:
        for node in waiting.pop():
            yield node
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    waiting.append(attribute.g.node)
                waiting += [graph.node for graph in attribute.graphs]


def _iter_weights(
    model: onnx.ModelProto, nodes: Iterable[onnx.NodeProto]
) -> Iterator[onnx.TensorProto]:
    """Yield the constants of a model: the initializers of its graphs, and those in nodes."""
    yield from model.graph.initializer
    for node in nodes:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            for graph in (attribute.g, *attribute.graphs):
                yield from graph.initializer


def _shorten(text: str | bytes, limit: int = _NAME_LIMIT) -> str:
    """Return the beginning of a text in a model; protobuf has it as bytes if it is not UTF-8."""
    return (text.decode("utf-8", "replace") if isinstance(text, bytes) else text)[:limit]


def _operator(node: onnx.NodeProto) -> str:
    name = _shorten(node.op_type)
    return name if node.domain in ("", "ai.onnx") else f"{_shorten(node.domain)}.{name}"


def _describe_port(value: onnx.ValueInfoProto) -> dict[str, Any]:
    kind = value.type.WhichOneof("value") or "nothing"
    tensor = value.type.tensor_type
    if kind != "tensor_type":
        return {
            "name": _shorten(value.name),
            "dtype": kind.removesuffix("_type"),
            "shape": None,
        }
    dims = [
        dim.dim_value if dim.HasField("dim_value") else _shorten(dim.dim_param) or "?"
        for dim in tensor.shape.dim[:_MAX_DIMS]
    ]
    return {
        "name": _shorten(value.name),
        "dtype": _dtype(tensor.elem_type),
        "shape": dims if tensor.HasField("shape") else None,
    }


def _dtype(number: int) -> str:
    if number == onnx.TensorProto.FLOAT:
        return "float32"
    if number in onnx.TensorProto.DataType.values():
        return onnx.TensorProto.DataType.Name(number).lower()
    return f"type {number}"


def _count(dims: Iterable[int]) -> int:
    """Return how many elements a tensor has; what no tensor can have counts as 0."""
    sizes = [*dims][: _MAX_DIMS + 1]
    elements: int = math.prod(sizes)
    return elements if len(sizes) <= _MAX_DIMS and 0 <= elements < 1 << 50 else 0


def _count_bytes(tensor: onnx.TensorProto) -> int:
    bits = _BITS.get(tensor.data_type, 32)
    return -(-_count(tensor.dims) * bits // 8)


_BITS: Mapping[int, int] = {
    **dict.fromkeys((onnx.TensorProto.INT64, onnx.TensorProto.UINT64, onnx.TensorProto.DOUBLE), 64),
    **dict.fromkeys(
        (
            onnx.TensorProto.INT16,
            onnx.TensorProto.UINT16,
            onnx.TensorProto.FLOAT16,
            onnx.TensorProto.BFLOAT16,
        ),
        16,
    ),
    **dict.fromkeys((onnx.TensorProto.INT8, onnx.TensorProto.UINT8, onnx.TensorProto.BOOL), 8),
    **dict.fromkeys((onnx.TensorProto.INT4, onnx.TensorProto.UINT4), 4),
}


def _damaged(problem: str) -> JobFailure:
    return JobFailure(FailureType.MODEL_CORRUPT, f"The model is damaged: {problem}.")
