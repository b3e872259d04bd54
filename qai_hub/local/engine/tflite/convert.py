"""Converts a float model from ONNX to TensorFlow Lite with onnx2tf."""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import onnx2tf

from qai_hub.local.engine.failures import FailureType, JobFailure, resource_failure_from_error
from qai_hub.local.engine.onnx.prepare import iter_nodes
from qai_hub.local.engine.protocol import quote_name
from qai_hub.local.engine.tflite.contents import TfliteFile
from qai_hub.local.engine.tflite.plain_names import PlainNames
from qai_hub.local.engine.tflite.quiet import logged_output

logger = logging.getLogger(__name__)

# How the converter names operators that runtimes do not have.
_CUSTOM_PREFIX = "ONNX_"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertedModel:
    """A converted model.

    Attributes:
        path: The .tflite file.
        tensors: The tensors of the ONNX model that it has: their names there by those in ONNX.
    """

    path: Path
    tensors: dict[str, str]


def convert_floats(model: onnx.ModelProto, names: PlainNames, folder: Path) -> ConvertedModel:
    """Convert a float model, whose inputs keep their shapes.

    Args:
        model: The model, with plain names.
        names: Its names.
        folder: Folder for the converted files, which is created.

    Raises:
        JobFailure: It cannot be converted.
    """
    try:
        with logged_output():
            onnx2tf.convert(
                onnx_graph=model,
                output_folder_path=str(folder),
                tflite_backend="flatbuffer_direct",
                not_use_onnxsim=True,
                output_signaturedefs=True,
                copy_onnx_input_output_names_to_tflite=True,
                keep_shape_absolutely_input_names=[value.name for value in model.graph.input],
                verbosity="error",
            )
    # The converter raises exceptions of any type, and ends the process on wrong arguments.
    except (Exception, SystemExit) as error:
        if resource_failure_from_error(error):
            raise
        logger.exception("The converter failed")
        raise JobFailure(FailureType.UNSUPPORTED, _explain(error, names)) from error
    path = folder / "model_float32.tflite"
    _check_operators(TfliteFile.read(path), model)
    report = json.loads(next(folder.glob("*_tensor_correspondence_report.json")).read_bytes())
    return ConvertedModel(path=path, tensors=_find_tensors(report["records"]))


def _find_tensors(records: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the names of the tensors of the ONNX model in the converted one, by those in ONNX.

    The converter says of an operator that it has removed, as a division that the next product
    does, that its result is what the operator before computes. Such a tensor has the values of
    the one whose name it has, or begins with.
    """
    found: dict[str, list[str]] = {}
    for record in records:
        if record["exists_in_final_model"]:
            name = record["resolved_tflite_tensor_name"]
            found.setdefault(name, []).append(record["onnx_output_name"])
    tensors = {}
    for name, sources in found.items():
        own = [each for each in sources if name == each or name.startswith(f"{each}_")]
        for source in own or (sources if len(sources) == 1 else []):
            tensors[source] = name
    return tensors


def _check_operators(file: TfliteFile, model: onnx.ModelProto) -> None:
    """Refuse operators that no runtime has: the converter writes them as custom ones."""
    written = {name.removeprefix(_CUSTOM_PREFIX) for name in file.list_custom_operators()}
    known = {node.op_type.upper(): node.op_type for node in iter_nodes(model)}
    custom = sorted(known.get(name.replace("_", ""), name) for name in written)
    if custom:
        reason = (
            f"TensorFlow Lite has no operator for {', '.join(map(quote_name, custom[:10]))} of the "
            "model."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason)


def _explain(error: BaseException, names: PlainNames) -> str:
    """Return the reason of a job that fails as its model cannot be converted."""
    operator, node = getattr(error, "node_op", ""), getattr(error, "node_name", "")
    words = " ".join(str(error).split())[:1000]
    if operator:
        return (
            f"The operator {operator} that computes {quote_name(names.restore(node))} cannot be "
            f"converted to TensorFlow Lite: {words}"
        )
    return (
        f"The model cannot be converted to TensorFlow Lite: the converter says "
        f"{words or type(error).__name__}."
    )
