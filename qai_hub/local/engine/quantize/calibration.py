"""The calibration data of a job, sample by sample."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from onnxruntime.quantization import CalibrationDataReader

from qai_hub.local.engine.datasets import InputDataset
from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.onnx.session import Tensor
from qai_hub.local.engine.onnx.signature import Port
from qai_hub.local.engine.protocol import quote_name

MAX_CALIBRATION_SAMPLES = 1000


class CalibrationSamples:
    """The first samples of a dataset.

    Args:
        dataset: The dataset.
        maximum: Maximum number of samples.

    Attributes:
        total: Number of samples in the dataset.
        count: Number of samples.
    """

    def __init__(self, dataset: InputDataset, maximum: int) -> None:
        self._dataset = dataset
        self.total = dataset.samples
        self.count = min(dataset.samples, maximum)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        """Yield the samples in order, each as a tensor for each input.

        Raises:
            JobFailure: A sample is damaged, empty or not finite.
        """
        for index in range(self.count):
            sample = self._dataset.sample(index)
            _check_calibration_sample(index, sample)
            yield sample


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationData:
    """The calibration data of a job, which each process opens for itself.

    Attributes:
        path: HDF5 file.
        ports: The inputs of the model.
        max_samples: Maximum number of samples.
    """

    path: Path
    ports: Sequence[Port]
    max_samples: int = MAX_CALIBRATION_SAMPLES

    @contextmanager
    def open(self) -> Iterator[CalibrationSamples]:
        """Open the file.

        Raises:
            JobFailure: It is not a dataset, or does not match the ports.
        """
        with closing(InputDataset(self.path, self.ports)) as dataset:
            yield CalibrationSamples(dataset, self.max_samples)

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {**asdict(self), "path": str(self.path)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Create it from what `to_json` returned."""
        ports = [
            Port(**{**port, "shape": None if port["shape"] is None else tuple(port["shape"])})
            for port in value["ports"]
        ]
        return cls(path=Path(value["path"]), ports=ports, max_samples=value["max_samples"])


class CalibrationReader(CalibrationDataReader):  # type: ignore[misc] # onnxruntime states no types
    """Passes samples to ONNX Runtime's calibration.

    Args:
        samples: The samples.
    """

    def __init__(self, samples: Iterable[dict[str, Tensor]]) -> None:
        self._samples = iter(samples)

    def get_next(self) -> dict[str, Tensor] | None:
        """Return the next sample; None after the last one."""
        return next(self._samples, None)


def _check_calibration_sample(index: int, sample: Mapping[str, Tensor]) -> None:
    for name, tensor in sample.items():
        where = f"Sample {index} of the input {quote_name(name)} in the calibration data"
        if not tensor.size:
            raise JobFailure(FailureType.INVALID_INPUTS, f"{where} has no elements.")
        if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
            raise JobFailure(
                FailureType.INVALID_INPUTS,
                f"{where} contains NaN or infinity: no range can be computed from it.",
            )
