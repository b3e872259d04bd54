"""Models that are files."""

from __future__ import annotations

import zipfile
from pathlib import Path

from qai_hub.errors import UserError
from qai_hub.models import SourceModelType
from qai_hub.sources.folders import archive_type

_BY_SUFFIX = {
    ".onnx": SourceModelType.ONNX,
    ".pt": SourceModelType.TORCHSCRIPT,
    ".pth": SourceModelType.TORCHSCRIPT,
    ".pt2": SourceModelType.TORCH_EXPORTED_PROGRAM,
    ".tflite": SourceModelType.TFLITE,
    ".dlc": SourceModelType.QNN_DLC,
    ".bin": SourceModelType.QNN_CONTEXT_BINARY,
    ".mlmodel": SourceModelType.MLMODEL,
    ".trtmodel": SourceModelType.TETRART,
}
_TORCH = (SourceModelType.TORCHSCRIPT, SourceModelType.TORCH_EXPORTED_PROGRAM)
_PICKLE = b"\x80\x02"


def file_type(path: Path) -> SourceModelType:
    """Tells the format of a model that is a file, or a ZIP archive of a folder.

    Args:
        path: The file.

    Returns:
        The format, by the suffix.

    Raises:
        UserError: If it is empty, is not known by its suffix, or holds weights alone.
    """
    if path.stat().st_size == 0:
        raise UserError(f"{path} is empty.")
    if path.suffix == ".zip":
        return archive_type(path)
    model_type = _BY_SUFFIX.get(path.suffix.lower())
    if model_type is None:
        raise UserError(
            f"{path} is not a model that is known by its suffix: {', '.join(sorted(_BY_SUFFIX))}."
            " Folders, and ZIP archives of them, are models too: see upload_model."
        )
    if model_type in _TORCH and _is_pickled(path):
        raise UserError(
            f"{path} was written by torch.save: it holds weights or a module that needs its Python"
            " code. Load it into its module, export that (torch.export.export), and give the"
            " exported program."
        )
    return model_type


def _is_pickled(path: Path) -> bool:
    """Whether `torch.save` wrote a file; TorchScript and exported programs carry their code."""
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            return file.read(len(_PICKLE)) == _PICKLE
    with zipfile.ZipFile(path) as zipped:
        inside = {name.partition("/")[2].partition("/")[0] for name in zipped.namelist()}
    return "data.pkl" in inside and not inside & {"code", "constants.pkl", "models"}
