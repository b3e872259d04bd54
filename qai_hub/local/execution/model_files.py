"""Opens the input model of a job: one ONNX file, or a zipped directory around one."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import onnx
from google.protobuf.message import DecodeError, Message

from qai_hub.local.execution.archive import is_archive, unpack
from qai_hub.local.execution.failures import FailureType, JobFailure
from qai_hub.local.execution.messages import shortened

_READABLE = "MODEL_TYPE_ONNX"
_TAKEN = (
    "compile jobs of this hub take ONNX, AIMET's ONNX, TorchScript and exported programs of "
    "PyTorch, quantize jobs ONNX, profile and inference jobs ONNX, TFLite and models for QNN"
)


@dataclass(frozen=True, slots=True)
class ModelFile:
    """An ONNX model on disk.

    Attributes:
        path: The .onnx file.
        proto: The model as it is in that file, without tensors kept elsewhere.
        unpacked: Whether it lies in the job's own work folder.
        tools: What it was made with, where it was made here of another format, as the JSON of
            `ToolVersion` messages.
        notices: What the job's user is to know of how it was made.
    """

    path: Path
    proto: onnx.ModelProto
    unpacked: bool
    tools: tuple[dict[str, str], ...] = ()
    notices: tuple[dict[str, str], ...] = ()


def open_model(source: Path, model_type: str, work: Path) -> ModelFile:
    """Open the input model of a job.

    Args:
        source: The uploaded file.
        model_type: Its format, such as "MODEL_TYPE_ONNX".
        work: Folder for what is unpacked.

    Returns:
        The model, whose external tensors are all within its own directory.

    Raises:
        JobFailure: The format is not supported, or the file is no readable model.
    """
    if model_type != _READABLE:
        name = model_type.removeprefix("MODEL_TYPE_")
        reason = f"A model of the format {name} cannot be the input here: {_TAKEN}."
        raise JobFailure(FailureType.UNSUPPORTED, reason)
    directory = None
    path = source
    if is_archive(source):
        directory = work / "model"
        unpack(source, directory)
        path = _only_model(directory)
    proto = _parse(path)
    _check_external(proto, path, directory)
    return ModelFile(path, proto, unpacked=directory is not None)


def _only_model(directory: Path) -> Path:
    found = sorted(path for path in directory.rglob("*.onnx") if path.is_file())
    if len(found) != 1:
        names = ", ".join(shortened(path.name) for path in found[:5]) or "none"
        reason = f"A model directory must hold exactly one .onnx file; this one has {names}."
        raise JobFailure(FailureType.MODEL_INVALID, reason)
    return found[0]


def _parse(path: Path) -> onnx.ModelProto:
    try:
        proto = onnx.load(path, format="protobuf", load_external_data=False)
    except DecodeError as error:
        reason = f"The file is not an ONNX model, or it is damaged: {error}"
        raise JobFailure(FailureType.MODEL_CORRUPT, reason) from None
    # An empty file, and some that are not ONNX at all, parse as an empty message.
    if not proto.HasField("graph"):
        reason = "The file is not an ONNX model, or it is damaged: it has no graph."
        raise JobFailure(FailureType.MODEL_CORRUPT, reason)
    return proto


def _check_external(proto: onnx.ModelProto, path: Path, directory: Path | None) -> None:
    """Check that each file with external tensors came with the model."""
    for tensor in tensors_of(proto):
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        # Readers differ in which of several locations they follow: each must be sound.
        locations = [entry.value for entry in tensor.external_data if entry.key == "location"]
        for location in locations or [""]:
            if directory is None:
                raise JobFailure(
                    FailureType.MODEL_INVALID,
                    f"The model keeps the tensor {shortened(tensor.name)} in another file, "
                    f"{shortened(location)}: upload the directory with both files.",
                )
            if not _is_beside(location, path):
                raise JobFailure(
                    FailureType.MODEL_INVALID,
                    f"The model keeps the tensor {shortened(tensor.name)} in the file "
                    f"{shortened(location)}, which is not beside it in the uploaded directory.",
                )


def _is_beside(location: str, path: Path) -> bool:
    relative = PurePosixPath(location)
    # ONNX Runtime reads a location with asterisks as an address in memory.
    if not location or relative.is_absolute() or ".." in relative.parts or "*" in location:
        return False
    return "\0" not in location and (path.parent / relative).is_file()


def tensors_of(message: Message) -> Iterator[onnx.TensorProto]:
    """Yield every tensor in a message, wherever it is: a place that is missed could read files."""
    if isinstance(message, onnx.TensorProto):
        yield message
        return
    for _, value in message.ListFields():
        if isinstance(value, Message):
            yield from tensors_of(value)
        elif not isinstance(value, str | bytes | int | float):
            for item in value:
                if not isinstance(item, Message):
                    break
                yield from tensors_of(item)
