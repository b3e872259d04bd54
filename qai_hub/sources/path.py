"""Models on disk: each a single file that can be uploaded."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from qai_hub.errors import InvalidValueError, UserError
from qai_hub.resources.model_types import SourceModelType
from qai_hub.temporary_files import temporary_folder
from qai_hub.transfer.archive import FolderArchive
from qai_hub.transfer.content import BLOCK_SIZE, Content, FileContent


@dataclass(frozen=True)
class SourceFile:
    """A model as one file that can be uploaded.

    Attributes:
        path: The file, or the folder.
        model_type: Format of the model.
        name: Default display name.
        is_directory: Whether it is a folder, or the file is a ZIP archive of one.
    """

    path: Path
    model_type: SourceModelType
    name: str
    is_directory: bool = False

    def open_content(self) -> Content:
        """Returns what is uploaded: the content of the file, or a ZIP archive of the folder.

        Raises:
            OSError: If a file cannot be read.
        """
        return FolderArchive(self.path) if self.path.is_dir() else FileContent(self.path)

    @contextmanager
    def as_file(self) -> Iterator[Path]:
        """Provides the content as a file while the context is open.

        Yields:
            The path of the file.
        """
        if not self.path.is_dir():
            yield self.path
            return
        content = self.open_content()
        with temporary_folder() as folder:
            path = Path(folder) / "model.zip"
            with path.open("wb") as file:
                while (offset := file.tell()) < content.size:
                    file.write(content.read(offset, BLOCK_SIZE))
            yield path


_MEMBER_TYPES = {
    ".mlmodelc": SourceModelType.MLMODELC,
    ".mlpackage": SourceModelType.MLPACKAGE,
}
_PARTS = (".onnx", ".data", ".bin", ".encodings")


def detect_folder_type(folder: Path) -> SourceModelType:
    """Returns the format of a model that is a folder.

    Args:
        folder: An `.mlmodelc` or `.mlpackage` folder, or one that holds a `.onnx` file, its weights
            in one `.data` or `.bin` file, and AIMET's `.encodings`, if any.

    Returns:
        The format.

    Raises:
        UserError: If it holds anything else.
    """
    return _detect_type(folder.absolute().name, (path.name for path in folder.iterdir()), folder)


def detect_archive_type(archive: Path) -> SourceModelType:
    """Returns the format of a model that is a ZIP archive of a folder, without unpacking it.

    Args:
        archive: The archive, with the folder at its root.

    Returns:
        The format.

    Raises:
        UserError: If it is not an archive of one folder, or the folder is not a model.
    """
    try:
        with zipfile.ZipFile(archive) as zipped:
            names = [PurePosixPath(info.filename.replace("\\", "/")) for info in zipped.infolist()]
            folders = {
                name for name, info in zip(names, zipped.infolist(), strict=True) if info.is_dir()
            }
    except zipfile.BadZipFile as error:
        raise UserError(f"{archive} is not a ZIP archive or is damaged: {error}.") from error
    if any(name.is_absolute() or ".." in name.parts for name in names):
        raise UserError(f"{archive} contains paths that lead outside it.")
    roots = {name.parts[0] for name in names if name.parts}
    if len(roots) != 1:
        raise InvalidValueError(
            f"{archive} contains {len(roots)} entries at its root ({', '.join(sorted(roots)[:5])}):"
            " it must contain only the model's folder there."
        )
    (root,) = roots
    if {name for name in names if len(name.parts) == 1} - folders:
        raise UserError(
            f"{archive} contains a file: pass the file itself, or an archive of a folder."
        )
    return _detect_type(root, {name.parts[1] for name in names if len(name.parts) > 1}, archive)


def _detect_type(name: str, entries: Iterable[str], source: Path) -> SourceModelType:
    by_suffix = _MEMBER_TYPES.get(PurePosixPath(name).suffix.lower())
    if by_suffix is not None:
        return by_suffix
    parts: dict[str, list[str]] = {suffix: [] for suffix in _PARTS}
    for entry in sorted(entries):
        suffix = PurePosixPath(entry).suffix
        if suffix not in parts:
            raise UserError(
                f"{source} is not a model: besides its .onnx file, a folder may contain only"
                f" weights (one .data or .bin file) and .encodings. This one contains {entry}. "
                f"{_ADVICE.get(suffix) or 'Pass the file of the model, or a folder of its own.'}"
            )
        parts[suffix].append(entry)
    several = [suffix for suffix, found in parts.items() if len(found) > 1]
    if not any(parts.values()):
        raise UserError(f"{source} is not a model: the folder contains no .onnx file.")
    if not parts[".onnx"] or several:
        counts = ", ".join(f"{len(found)} {suffix}" for suffix, found in parts.items())
        raise UserError(
            f"{source} is not a model: a folder must contain one .onnx file, and at most one file"
            f" of each other kind. This one contains {counts}. Save all weights into one file."
        )
    if parts[".bin"] and (parts[".data"] or parts[".encodings"]):
        raise UserError(
            f"{source} contains {parts['.bin'][0]} besides .data or .encodings: save the weights as"
            " a .data file."
        )
    return SourceModelType.AIMET_ONNX if parts[".encodings"] else SourceModelType.ONNX


_FILE_TYPES = {
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
_TENSORFLOW = "Convert TensorFlow models to ONNX, with tf2onnx, or to TensorFlow Lite."
_EXPORTED = "pass the exported program, or the .pt2 file that torch.export.save makes of it."
_WEIGHTS = (
    "It contains weights alone: load them into their module, export that with torch.export.export,"
    f" and {_EXPORTED}"
)
_FOLDERS = "A folder, or a ZIP archive of one, is a model if it has an .onnx file and its weights."
_DATA = "It contains weights of an ONNX model: pass the folder with both files."
_ADVICE = {
    **dict.fromkeys((".pb", ".h5", ".hdf5", ".keras"), _TENSORFLOW),
    **dict.fromkeys((".ckpt", ".safetensors"), _WEIGHTS),
    ".data": _DATA,
}
_TORCH = (SourceModelType.TORCHSCRIPT, SourceModelType.TORCH_EXPORTED_PROGRAM)
# Bytes of the start of a file, which show what it is.
_SNIFFED = 64
_PICKLE = b"\x80\x02"


def detect_file_type(path: Path) -> SourceModelType:
    """Returns the format of a model that is a file, or a ZIP archive of a folder.

    Args:
        path: The file.

    Returns:
        The format, by the suffix.

    Raises:
        UserError: If it is empty, has an unknown suffix, or holds weights only.
    """
    if path.stat().st_size == 0:
        raise UserError(f"{path} is empty: export the model again.")
    if path.suffix == ".zip":
        return detect_archive_type(path)
    model_type = _FILE_TYPES.get(path.suffix.lower())
    if model_type is None:
        advice = _ADVICE.get(path.suffix.lower())
        raise UserError(
            f"{path} does not have the suffix of a model: {', '.join(sorted(_FILE_TYPES))}. "
            f"{advice or _FOLDERS}"
        )
    other = _describe_other_content(path)
    if other is not None:
        raise UserError(f"{path} {other}")
    if model_type in _TORCH and _is_pickled(path):
        raise UserError(
            f"{path} was written by torch.save: it contains weights, or a module that needs its"
            " Python code. Load it into its module, export that with torch.export.export, and"
            f" {_EXPORTED}"
        )
    return model_type


def _describe_other_content(path: Path) -> str | None:
    """Says what a file is that cannot be a model of the format that its suffix names."""
    with path.open("rb") as file:
        start = file.read(_SNIFFED)
    if start.startswith(b"version https://git-lfs"):
        return "is a pointer of Git LFS in place of the model: run `git lfs pull`."
    if start.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "is a web page in place of the model: download the file itself."
    if start.startswith(b"\x89HDF"):
        return f"is an HDF5 file, such as Keras writes. {_TENSORFLOW}"
    if start[4:8] == b"TFL3" and path.suffix.lower() != ".tflite":
        return "is a TensorFlow Lite model: give it the suffix .tflite."
    if path.suffix.lower() == ".onnx" and start.startswith(b"PK\x03\x04"):
        return (
            "is a ZIP archive: give it the suffix .zip if it holds the folder of a model, and that "
            "of PyTorch, .pt2 or .pt, if that wrote it."
        )
    return None


def _is_pickled(path: Path) -> bool:
    """Returns whether `torch.save` wrote a file; TorchScript and exported programs have code."""
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            return file.read(len(_PICKLE)) == _PICKLE
    with zipfile.ZipFile(path) as zipped:
        inside = {name.partition("/")[2].partition("/")[0] for name in zipped.namelist()}
    return "data.pkl" in inside and not inside & {"code", "constants.pkl", "models"}
