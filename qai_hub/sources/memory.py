"""Models in memory.

The packages that define these models are never imported here: a caller who has such a model has
already imported its package.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from qai_hub.errors import UserError
from qai_hub.resources.model_types import SourceModelType
from qai_hub.sources.path import SourceFile


def detect_memory_type(model: object) -> SourceModelType:
    """Returns the format of a model in memory.

    Args:
        model: An `onnx.ModelProto`, a `torch.export.ExportedProgram`, a traced or scripted
            `torch.jit.ScriptModule`, a Core ML `MLModel`, or the bytes of a TFLite model.

    Returns:
        The format.

    Raises:
        UserError: If it is something else.
    """
    if isinstance(model, bytes) and model[4:8] == b"TFL3":
        return SourceModelType.TFLITE
    if _is_instance(model, "onnx", "ModelProto"):
        return SourceModelType.ONNX
    if _is_instance(model, "torch.jit", "ScriptModule"):
        return SourceModelType.TORCHSCRIPT
    if _is_instance(model, "torch.export", "ExportedProgram"):
        return SourceModelType.TORCH_EXPORTED_PROGRAM
    if _is_instance(model, "coremltools.models", "MLModel"):
        package = getattr(model, "is_package", False)
        return SourceModelType.MLPACKAGE if package else SourceModelType.MLMODEL
    if _is_instance(model, "torch.nn", "Module"):
        raise UserError(
            f"The torch module {type(model).__name__} is Python code: export it first"
            " with torch.export.export(module, example_inputs), and pass the exported program."
        )
    if hasattr(model, "get_target_model"):
        raise UserError(
            f"model is a {type(model).__name__}: pass its target model, get_target_model()."
        )
    raise UserError(
        "model must be a path, a Model of this hub, an onnx.ModelProto, a torch ExportedProgram or"
        f" ScriptModule, an MLModel, or a TFLite model's bytes, not {type(model).__name__}."
    )


def write_model(model: Any, model_type: SourceModelType, folder: Path) -> SourceFile:  # noqa: ANN401
    """Writes a model that is in memory to a file.

    Args:
        model: The model.
        model_type: Its format.
        folder: An empty folder to write to.

    Returns:
        The file.

    Raises:
        UserError: If the model is too large for one file.
    """
    path = folder / "model"
    if model_type is SourceModelType.TORCHSCRIPT:
        sys.modules["torch"].jit.save(model, str(path))
        return SourceFile(path, model_type, model.original_name)
    if model_type is SourceModelType.TORCH_EXPORTED_PROGRAM:
        path = path.with_suffix(".pt2")  # torch refuses any other suffix
        sys.modules["torch"].export.save(model, str(path))
        return SourceFile(path, model_type, "ExportedProgram")
    if model_type is SourceModelType.MLPACKAGE:
        package = folder / "model.mlpackage"
        model.save(str(package))
        return SourceFile(package, model_type, package.name, is_directory=True)
    if model_type is SourceModelType.MLMODEL:
        path = path.with_suffix(".mlmodel")
        model.save(str(path))
        return SourceFile(path, model_type, path.name)
    if model_type is SourceModelType.TFLITE:
        path.write_bytes(model)
        return SourceFile(path, model_type, "model.tflite")
    path.write_bytes(_serialize(model))
    return SourceFile(path, model_type, model.graph.name or "model.onnx")


def _is_instance(model: object, module: str, name: str) -> bool:
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(model, kind)


def _serialize(model: Any) -> bytes:  # noqa: ANN401 (an onnx.ModelProto)
    from google.protobuf.message import EncodeError

    try:
        return bytes(model.SerializeToString())
    except (EncodeError, ValueError) as error:
        raise UserError(
            f"The model cannot be serialized: {error}. Save a model of more than 2 GB with its"
            " weights as external data, and pass the folder."
        ) from error
