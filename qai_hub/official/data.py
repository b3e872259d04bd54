"""Models as ZIP files, datasets as HDF5 files, and the message classes of the API.

These are the names of `util.zipped_model`, `util.dataset_entries_converters` and `public_api_pb2`.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from qai_hub import dataset_file as dataset_files
from qai_hub.official.archives import unzip_model, zip_model
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
