"""Runs variants of a quantized model in one session, and compares them with the float model."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

import onnx

from qai_hub.local.engine.onnx.session import OptimizationLevel, Session, Tensor
from qai_hub.local.engine.quantize.layers import ErrorSum, Layer

_LABEL = "a sample of the calibration data"


class Trials(ABC):
    """Trials of a quantized model, some of whose layers are more precise in each.

    Args:
        original: The float model.
        model: The quantized model, whose further inputs say which layers are more precise.
        samples: The samples.
        work: Folder for generated files.

    Attributes:
        layers: The layers that can be more precise, by keys of the subclass.

    Raises:
        JobFailure: One of the models cannot be run.
    """

    layers: dict[str, Layer]

    def __init__(
        self,
        original: Path,
        model: onnx.ModelProto,
        samples: Iterable[Mapping[str, Tensor]],
        work: Path,
    ) -> None:
        path = work / "trials.onnx"
        path.write_bytes(model.SerializeToString())
        self._session = Session(path, level=OptimizationLevel.ORT_DISABLE_ALL)
        before = Session(original, level=OptimizationLevel.ORT_DISABLE_ALL)
        self._samples = [(sample, before.run(sample, _LABEL)) for sample in samples]
        self._names = before.output_names

    @abstractmethod
    def _make_inputs(self, raised: AbstractSet[str]) -> dict[str, Tensor]:
        """Return the further inputs by which some layers, by their keys, are more precise."""

    def run(self, raised: AbstractSet[str]) -> float:
        """Return the PSNR of the least accurate output.

        Args:
            raised: The keys of the layers that are more precise.
        """
        inputs = self._make_inputs(raised)
        errors = [ErrorSum() for _ in self._names]
        places = [self._session.output_names.index(name) for name in self._names]
        for sample, expected in self._samples:
            actual = self._session.run({**sample, **inputs}, _LABEL)
            for error, place, tensor in zip(errors, places, expected, strict=True):
                if tensor.dtype.kind == "f":
                    error.add(tensor, actual[place])
        return min((each.psnr for each in errors if each.psnr is not None), default=math.inf)
