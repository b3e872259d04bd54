"""The samples that a model is calibrated and compared on, read one at a time."""

from collections.abc import Iterator, Mapping

import numpy as np
from onnxruntime.quantization import CalibrationDataReader

from qai_hub.local.execution.dataset_files import InputDataset
from qai_hub.local.execution.failures import FailureType, JobFailure
from qai_hub.local.execution.messages import shortened
from qai_hub.local.execution.sessions import Tensor

MOST_SAMPLES = 1000


class CalibrationSamples:
    """The first samples of a dataset.

    Args:
        dataset: The dataset.
        most: Most samples to take.

    Attributes:
        count: How many there are.
    """

    def __init__(self, dataset: InputDataset, most: int) -> None:
        self._dataset = dataset
        self.count = min(dataset.samples, most)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        """Read the samples in order, each of them a tensor for each input.

        Raises:
            JobFailure: One is damaged, empty or not finite.
        """
        for index in range(self.count):
            sample = self._dataset.sample(index)
            _check(index, sample)
            yield sample


class Reader(CalibrationDataReader):  # type: ignore[misc] # onnxruntime states no types
    """Hands samples to ONNX Runtime's calibration.

    Args:
        samples: The samples.
    """

    def __init__(self, samples: CalibrationSamples) -> None:
        self._samples = iter(samples)

    def get_next(self) -> dict[str, Tensor] | None:
        """Give the next sample; None after the last one."""
        return next(self._samples, None)


def _check(index: int, sample: Mapping[str, Tensor]) -> None:
    for name, tensor in sample.items():
        where = f"Sample {index} of the input {shortened(name)} in the calibration data"
        if not tensor.size:
            raise JobFailure(FailureType.INVALID_INPUTS, f"{where} has no elements.")
        if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
            raise JobFailure(
                FailureType.INVALID_INPUTS,
                f"{where} holds NaN or infinity: ranges cannot be told from it.",
            )
