"""`util.dataset_entries_converters`: datasets in open HDF5 files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qai_hub import dataset_files

if TYPE_CHECKING:
    import h5py
    import numpy as np

    from qai_hub.tensors import DatasetEntries

__all__ = ["dataset_entries_to_h5", "h5_to_dataset_entries"]


def dataset_entries_to_h5(data: DatasetEntries, h5f: h5py.File) -> h5py.File:
    """Writes a dataset into an open file.

    Args:
        data: For each name, in order, its arrays, one a sample.
        h5f: An empty file, open for writing.

    Returns:
        The file, still open.

    Raises:
        UserError: If the data is no dataset.
    """
    return dataset_files.dataset_entries_to_h5(data, h5f)


def h5_to_dataset_entries(h5f: h5py.File) -> dict[str, list[np.ndarray[Any, Any]]]:
    """Reads the dataset of an open file.

    Args:
        h5f: The file, open for reading.

    Returns:
        For each name, in order, its arrays.

    Raises:
        UserError: If the file holds no dataset, or is damaged.
    """
    return dataset_files.h5_to_dataset_entries(h5f)
