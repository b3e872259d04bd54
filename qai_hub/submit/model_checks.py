"""Checks which models a job accepts, and which devices can run them."""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qai_hub.errors import UserError, warn_deprecated
from qai_hub.resources.model import Model
from qai_hub.resources.model_types import SourceModelType
from qai_hub.tensors import INPUT_SPECS

if TYPE_CHECKING:
    from qai_hub.resources.device import Device
    from qai_hub.tensors import InputSpecs

_SOURCE_ONLY_TYPES = (
    SourceModelType.TORCHSCRIPT,
    SourceModelType.TORCH_EXPORTED_PROGRAM,
    SourceModelType.AIMET_ONNX,
)
# The operating systems that accept Core ML packages, each with its first such version.
_MLPACKAGE_MIN_VERSIONS = {"os:ios": 15, "os:macos": 12}
_FRAMEWORKS = {
    SourceModelType.ONNX: "onnx",
    SourceModelType.TFLITE: "tflite",
    SourceModelType.QNN_DLC: "qnn",
    SourceModelType.QNN_CONTEXT_BINARY: "qnn",
    SourceModelType.MLMODEL: "coreml",
    SourceModelType.MLMODELC: "coreml",
    SourceModelType.MLPACKAGE: "coreml",
}


def check_compilable(model: Any, input_specs: InputSpecs | None, options: str) -> None:  # noqa: ANN401
    """Checks that a model can be compiled.

    Args:
        model: A `Model`, or one that could be uploaded.
        input_specs: Its input specs.
        options: Options of the job.

    Raises:
        FileNotFoundError: If its path does not exist.
        UserError: If it cannot be compiled, or not with these input specs and options.
    """
    model_type = get_model_type(model)
    if model_type is SourceModelType.QNN_CONTEXT_BINARY:
        if options or input_specs:
            raise UserError(
                "A context binary is compiled unchanged, into an ONNX model that contains it: omit"
                f" options and {INPUT_SPECS}."
            )
    elif model_type not in (None, SourceModelType.ONNX, *_SOURCE_ONLY_TYPES):
        raise UserError(
            f"{_format_model(model)} cannot be compiled: its format is {model_type.name}. Pass an"
            " ONNX or PyTorch model, such as the one that it was compiled from."
        )
    if model_type is SourceModelType.TORCHSCRIPT:
        if input_specs is None:
            raise UserError(
                f"The TorchScript model {_format_model(model)} needs {INPUT_SPECS}, such as"
                ' {"image": (1, 3, 224, 224)}: its file does not contain its input shapes.'
            )
        warn_deprecated(
            "Compiling TorchScript is deprecated: export the module with torch.export.export"
            " instead of tracing it."
        )


def check_quantizable(model: Any) -> None:  # noqa: ANN401 (a Model, or one that could be uploaded)
    """Checks that a model can be quantized.

    Args:
        model: A `Model`, or one that could be uploaded.

    Raises:
        FileNotFoundError: If its path does not exist.
        UserError: If it is not ONNX.
    """
    if get_model_type(model) not in (None, SourceModelType.ONNX):
        raise UserError(f"Only ONNX models can be quantized: {_format_model(model)} is not one.")


def check_linkable(model: Any) -> None:  # noqa: ANN401 (a Model, or one that could be uploaded)
    """Checks that a model can be linked.

    Args:
        model: A `Model`, or one that could be uploaded.

    Raises:
        FileNotFoundError: If its path does not exist.
        UserError: If it is not a QNN DLC model.
    """
    if get_model_type(model) not in (None, SourceModelType.QNN_DLC):
        raise UserError(
            f"Only QNN DLC models can be linked: {_format_model(model)} is not one. Compile it with"
            " --target_runtime qnn_dlc."
        )


def check_runnable(model: Any) -> None:  # noqa: ANN401 (a Model, or one that could be uploaded)
    """Checks that a model can run on a device.

    Args:
        model: A `Model`, or one that could be uploaded.

    Raises:
        FileNotFoundError: If its path does not exist.
        UserError: If it must be compiled first.
    """
    model_type = get_model_type(model)
    if model_type in _SOURCE_ONLY_TYPES:
        raise UserError(
            f"{_format_model(model)} cannot run on a device: its format is {model_type.name}."
            " Compile it, and pass the target model."
        )


def check_framework(model: Any, device: Device) -> None:  # noqa: ANN401
    """Checks that a device has the framework that runs a model.

    Args:
        model: A `Model`, or one that could be uploaded.
        device: The device, as the service describes it.

    Raises:
        UserError: If the device does not have the framework.
    """
    model_type = get_model_type(model)
    framework = _FRAMEWORKS.get(model_type) if model_type else None
    if framework and f"framework:{framework}" not in device.attributes:
        raise UserError(
            f"{device.name} cannot run {_format_model(model)}: it lacks the attribute"
            f" framework:{framework}."
        )
    if model_type is SourceModelType.MLPACKAGE and not _accepts_mlpackage(device):
        raise UserError(
            f"{device.name} (OS {device.os}) cannot run {_format_model(model)}: an .mlpackage"
            " needs iOS 15 or macOS 12. Pass an .mlmodel, or choose a newer system."
        )


def get_model_key(model: Any) -> Hashable:  # noqa: ANN401 (a Model, or one that could be uploaded)
    """Returns a key that identifies a model.

    Args:
        model: A `Model`, or one that could be uploaded.

    Returns:
        A key that is equal for the same model given several times.
    """
    if isinstance(model, Model):
        return str(model.model_id)
    # By identity: models in memory, such as onnx.ModelProto, need not be hashable.
    return Path(model).expanduser().resolve() if isinstance(model, str | Path) else id(model)


def get_model_type(model: Any) -> SourceModelType | None:  # noqa: ANN401 (checked here)
    """Returns the format of a model.

    Args:
        model: A `Model`, or one that could be uploaded.

    Returns:
        The format; None if the service has not reported it yet, or it is newer than this client.
        The service then decides what the model can be used for.

    Raises:
        FileNotFoundError: If its path does not exist.
        UserError: If it is not a model.
    """
    from qai_hub.sources import detect_source_type

    if model is None:
        raise UserError(
            "model is None: the job that produces it may have failed. Its get_status() tells why."
        )
    if not isinstance(model, Model):
        return detect_source_type(model)
    unknown = model.model_type is SourceModelType.UNRECOGNIZED_MODEL_TYPE
    return None if unknown else model.model_type


def _accepts_mlpackage(device: Device) -> bool:
    """Returns whether the operating system of a device accepts Core ML packages."""
    major = re.match(r"\d{1,6}", device.os)
    first = [
        least for system, least in _MLPACKAGE_MIN_VERSIONS.items() if system in device.attributes
    ]
    return major is not None and bool(first) and int(major[0]) >= min(first)


def _format_model(model: object) -> str:
    """Describes a model briefly for messages: reprs of models in memory may be huge."""
    if isinstance(model, Model):
        return (
            f"Model {model.model_id} ({model.name!r})" if model.name else f"Model {model.model_id}"
        )
    return str(model) if isinstance(model, str | Path) else f"the {type(model).__name__}"
