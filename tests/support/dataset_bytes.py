"""The bytes of dataset files, as clients upload them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from qai_hub.dataset_layout import add_input, sample_key
from qai_hub.hdf5_files import create_hdf5


def dataset_bytes(entries: Mapping[str, Sequence[np.ndarray[Any, Any]]]) -> bytes:
    """Return a dataset file with the given samples by name."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "dataset.h5")
        with create_hdf5(path) as (file, _):
            for order, (name, samples) in enumerate(entries.items()):
                group = add_input(file, order, name, len(samples))
                for index, sample in enumerate(samples):
                    group.create_dataset(sample_key(index), data=sample)
        return path.read_bytes()
