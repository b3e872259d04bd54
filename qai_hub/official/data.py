"""Models as ZIP files, datasets as HDF5 files, and the message classes of the API.

These are the names of `util.zipped_model`, `util.dataset_entries_converters` and `public_api_pb2`.
"""

from __future__ import annotations

import functools
import os
import shutil
import stat
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qai_hub import dataset_file as dataset_files
from qai_hub.errors import UserError
from qai_hub.wire.descriptor import PACKAGE, load_descriptor, message_class

if TYPE_CHECKING:
    import h5py
    import numpy as np

    from qai_hub.tensors import DatasetEntries

__all__ = [
    "SUPPORTED_ZIPPED_MODEL_ASSETS",
    "dataset_entries_to_h5",
    "h5_to_dataset_entries",
    "unzip_model",
    "zip_model",
]


SUPPORTED_ZIPPED_MODEL_ASSETS = {".aimet", ".mlmodelc", ".mlpackage", ".onnx", ".trtmodel"}


def zip_model(output_dir_path: str, model_path: str) -> str:
    """Packs a model into a ZIP file, whose only top-level entry has the name of the model.

    Args:
        output_dir_path: Folder to write to.
        model_path: The model, a folder or a file.

    Returns:
        Path of the ZIP file, which is named after the model with `.zip` appended.

    Raises:
        FileNotFoundError: If the model does not exist.
    """
    model = Path(os.path.abspath(model_path))  # noqa: PTH100 - links stay as they are
    if not model.exists():
        raise FileNotFoundError(f"There is no model at {model_path}.")
    target = Path(output_dir_path) / f"{model.name}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in [model, *sorted(model.rglob("*"))]:
            archive.write(path, path.relative_to(model.parent))
    return str(target)


def unzip_model(zipped_model_path: str, path_to_extract: str) -> str:
    """Unpacks a model from a ZIP file.

    Args:
        zipped_model_path: The ZIP file.
        path_to_extract: Folder to write to, which is created if it is missing.

    Returns:
        Path of the model: the only top-level entry, or the folder if there are several entries.

    Raises:
        UserError: If it is not a ZIP file, or an entry would be written outside the folder.
    """
    folder = Path(path_to_extract)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(zipped_model_path) as archive:
            entries = [(entry, _parse_entry(entry)) for entry in archive.infolist()]
            for entry, place in entries:
                target = folder.joinpath(*place)
                if entry.is_dir():
                    target.mkdir(parents=True, exist_ok=True)
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as packed, target.open("wb") as file:
                    shutil.copyfileobj(packed, file)
    except zipfile.BadZipFile as error:
        raise UserError(f"{zipped_model_path} is not a ZIP file or is damaged: {error}.") from error
    tops = {place[0] for _, place in entries}
    return str(folder / tops.pop() if len(tops) == 1 else folder)


def _parse_entry(entry: zipfile.ZipInfo) -> tuple[str, ...]:
    """Returns the path of an entry as parts, and rejects one that leads out of the folder."""
    parts = tuple(part for part in entry.filename.split("/") if part not in {"", "."})
    is_link = stat.S_ISLNK(entry.external_attr >> 16)
    leads_out = ".." in parts or any(set(part) & set("\\:") for part in parts)
    if not parts or leads_out or entry.filename.startswith("/") or is_link:
        raise UserError(f"The entry {entry.filename!r} of a ZIP file leads outside it.")
    return parts


def dataset_entries_to_h5(data: DatasetEntries, h5f: h5py.File) -> h5py.File:
    """Writes a dataset to an open HDF5 file.

    Args:
        data: The arrays of each input, one per sample, by the name of the input, in order.
        h5f: An empty file, open for writing.

    Returns:
        The file, still open.

    Raises:
        UserError: If the data is not a valid dataset.
    """
    return dataset_files.dataset_entries_to_h5(data, h5f)


def h5_to_dataset_entries(h5f: h5py.File) -> dict[str, list[np.ndarray[Any, Any]]]:
    """Reads the dataset in an open HDF5 file.

    Args:
        h5f: The file, open for reading.

    Returns:
        The arrays of each input, by the name of the input, in order.

    Raises:
        UserError: If the file contains no dataset, or is damaged.
    """
    return dataset_files.h5_to_dataset_entries(h5f)


def __getattr__(name: str) -> Any:  # noqa: ANN401 - classes, enums and their values
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _resolve(name)


def __dir__() -> list[str]:
    file = load_descriptor().file
    values = [value.name for enum in file.enum_type for value in enum.value]
    messages = [message.name for message in file.message_type]
    enums = [enum.name for enum in file.enum_type]
    return sorted({*messages, *enums, *values, "DESCRIPTOR"})


# The values are not cached in this module's namespace, whose own names some of them share.
@functools.cache
def _resolve(name: str) -> object:
    from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

    file = load_descriptor().pool.FindFileByName(load_descriptor().file.name)
    if name == "DESCRIPTOR":
        return file
    if name in file.message_types_by_name:
        return message_class(f"{PACKAGE}.{name}")
    if name in file.enum_types_by_name:
        return EnumTypeWrapper(file.enum_types_by_name[name])
    for enum in file.enum_types_by_name.values():
        if name in enum.values_by_name:
            return enum.values_by_name[name].number
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
