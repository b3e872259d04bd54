"""Keeps what a float model returns, so that it runs only once on its calibration data."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from qai_hub.local.engine.onnx.session import Tensor

MAX_BYTES = 256 << 20


class ReferenceOutputs:
    """The outputs of a float model on the first samples, in files of limited size together.

    Args:
        folder: Folder of the files.
        limit: Size in bytes from which no further outputs are kept.
    """

    def __init__(self, folder: Path, limit: int = MAX_BYTES) -> None:
        self._folder = folder
        self._remaining = limit

    def keep(self, index: int, outputs: Sequence[Tensor]) -> None:
        """Keep the outputs on a sample, if there is space for them.

        Args:
            index: The sample.
            outputs: The outputs, in the model's order.
        """
        self._remaining -= sum(tensor.nbytes for tensor in outputs)
        if self._remaining >= 0 and not any(tensor.dtype.hasobject for tensor in outputs):
            self._folder.mkdir(exist_ok=True)
            np.savez(self._path(index), *outputs, allow_pickle=False)

    def read(self, index: int) -> list[Tensor] | None:
        """Return the outputs on a sample; None if they were not kept."""
        path = self._path(index)
        if not path.exists():
            return None
        with np.load(path) as arrays:
            return [arrays[name] for name in arrays.files]

    def _path(self, index: int) -> Path:
        return self._folder / f"{index}.npz"
