"""Models as users have them: files, folders, and models in memory."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qai_hub.errors import UserError
from qai_hub.models import SourceModelType

_FILES = {
    ".onnx": SourceModelType.ONNX,
    ".pt": SourceModelType.TORCHSCRIPT,
    ".pth": SourceModelType.TORCHSCRIPT,
    ".pt2": SourceModelType.TORCH_EXPORTED_PROGRAM,
    ".tflite": SourceModelType.TFLITE,
    ".dlc": SourceModelType.QNN_DLC,
    ".bin": SourceModelType.QNN_CONTEXT_BINARY,
    ".so": SourceModelType.QNN_LIB_AARCH64_ANDROID,
    ".mlmodel": SourceModelType.MLMODEL,
}
_FOLDERS = {
    ".onnx": SourceModelType.ONNX,
    ".aimet": SourceModelType.AIMET_ONNX,
    ".mlpackage": SourceModelType.MLPACKAGE,
    ".mlmodelc": SourceModelType.MLMODELC,
}


@dataclass(frozen=True)
class SourceFile:
    """A model as one file that can be uploaded.

    Attributes:
        path: The file; of a folder, a ZIP archive of it.
        model_type: Format of the model.
        name: Name that people will see, unless they chose another.
        is_directory: Whether the file is a ZIP archive of a folder.
    """

    path: Path
    model_type: SourceModelType
    name: str
    is_directory: bool = False


@contextmanager
def source_file(model: Any) -> Iterator[SourceFile]:  # noqa: ANN401 (checked here)
    """Makes a file of a model, for as long as the context lasts.

    Args:
        model: Path of a file or folder, or an `onnx.ModelProto`.

    Yields:
        The file.

    Raises:
        FileNotFoundError: If there is nothing at the path.
        UserError: If it is not a model that can be uploaded.
    """
    model_type = source_type(model)
    if not isinstance(model, str | Path):
        with tempfile.TemporaryDirectory(prefix="qai-hub-") as folder:
            path = Path(folder) / "model.onnx"
            path.write_bytes(_serialized(model))
            yield SourceFile(path, model_type, model.graph.name or "model")
    elif (path := Path(model)).is_dir():
        with _zipped(path) as archive:
            yield SourceFile(archive, model_type, path.stem, is_directory=True)
    else:
        yield SourceFile(path, model_type, path.stem)


def source_type(model: Any) -> SourceModelType:  # noqa: ANN401 (checked here)
    """Tells the format of a model that could be uploaded.

    Args:
        model: Path of a file or folder, or an `onnx.ModelProto`.

    Returns:
        The format.

    Raises:
        FileNotFoundError: If there is nothing at the path.
        UserError: If it is not a model that can be uploaded.
    """
    if isinstance(model, str | Path):
        path = Path(model)
        if not path.exists():
            raise FileNotFoundError(f"There is no model at {path}.")
        if path.is_dir():
            return _FOLDERS.get(path.suffix.lower()) or _by_content(path)
        return _by_suffix(path)
    if _is_onnx(model):
        return SourceModelType.ONNX
    raise UserError(
        f"A model is a path, an onnx.ModelProto or a Model of this hub,"
        f" not a {type(model).__name__}."
    )


def _by_suffix(path: Path) -> SourceModelType:
    if path.stat().st_size == 0:
        raise UserError(f"{path} is empty.")
    try:
        return _FILES[path.suffix.lower()]
    except KeyError:
        raise UserError(
            f"{path} is not a model that is known by its suffix: {', '.join(sorted(_FILES))}."
        ) from None


def _by_content(path: Path) -> SourceModelType:
    models = list(path.glob("*.onnx"))
    if len(models) == 1:
        encodings = list(path.glob("*.encodings"))
        return SourceModelType.AIMET_ONNX if encodings else SourceModelType.ONNX
    raise UserError(
        f"{path} is not a model: a folder holds one .onnx file with its weights,"
        f" or ends in {', '.join(sorted(_FOLDERS))}. It holds {len(models)} .onnx files."
    )


def _is_onnx(model: object) -> bool:
    return type(model).__name__ == "ModelProto" and type(model).__module__.startswith("onnx")


def _serialized(model: Any) -> bytes:  # noqa: ANN401 (an onnx.ModelProto)
    try:
        return bytes(model.SerializeToString())
    except ValueError as error:
        raise UserError(
            f"The model cannot be serialized: {error}. Save one of more than 2 GB with its weights"
            " as external data, and give the folder."
        ) from error


@contextmanager
def _zipped(folder: Path) -> Iterator[Path]:
    """A ZIP archive of a folder, which stands at its root under its own name."""
    with tempfile.TemporaryDirectory(prefix="qai-hub-") as temporary:
        archive = Path(temporary) / "model.zip"
        # Weights hardly compress: storing them is as small, and much faster.
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as zipped:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    zipped.write(path, Path(folder.resolve().name) / path.relative_to(folder))
        yield archive
