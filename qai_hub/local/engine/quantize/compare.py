"""Compares a quantized model with its float model in a process of its own."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import onnx

from qai_hub.local.engine.failures import FailureType
from qai_hub.local.engine.isolated import CallError, call_isolated
from qai_hub.local.engine.onnx.signature import Port, get_outputs
from qai_hub.local.engine.protocol import build_notice
from qai_hub.local.engine.quantize.calibration import CalibrationData
from qai_hub.local.engine.quantize.psnr import compare_models
from qai_hub.local.engine.quantize.references import ReferenceOutputs

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedModels:
    """How close a quantized model is to its float model.

    Attributes:
        psnr: PSNR of each output that has one, in decibels.
        shapes: The shape of each output on the first sample; unknown dimensions are -1.
        notices: Notices for the user.
    """

    psnr: dict[str, float] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    notices: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatModel:
    """A float model that runs on its calibration data.

    Attributes:
        path: Its .onnx file.
        data: The data.
        references: Folder with its outputs on the first samples.
    """

    path: Path
    data: CalibrationData
    references: Path

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        references = str(self.references)
        return {"path": str(self.path), "data": self.data.to_json(), "references": references}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Create it from what `to_json` returned."""
        data = CalibrationData.from_json(value["data"])
        return cls(path=Path(value["path"]), data=data, references=Path(value["references"]))


def compare_isolated(original: FloatModel, quantized: Path, folder: Path) -> ComparedModels:
    """Run both models on the calibration data, and compare their outputs.

    They run in a process of its own, so that a crash of ONNX Runtime is not the job's.

    Args:
        original: The float model.
        quantized: The quantized model.
        folder: Folder for generated files, which is created.

    Returns:
        The comparison; after a crash, one without PSNR, with a notice.

    Raises:
        JobFailure: One of them cannot be loaded or run, or the quantized one returns values that
            are not finite.
        MemoryError: There is too little memory to run them.
    """
    arguments = {"original": original.to_json(), "quantized": str(quantized)}
    try:
        found = call_isolated(f"{__name__}:run_both", arguments, folder)
    except CallError as error:
        if error.cause is FailureType.OUT_OF_MEMORY:
            raise MemoryError(error.reason) from error
        message = (
            f"The quantized model was not compared with the model: running both {error.reason}."
        )
        logger.warning(message)
        outputs = get_outputs(onnx.load(quantized, load_external_data=False))
        return ComparedModels(
            shapes={port.name: _to_shape(port) for port in outputs},
            notices=[build_notice("WARNING", "MODEL", message)],
        )
    shapes = {name: tuple(shape) for name, shape in found["shapes"].items()}
    return ComparedModels(psnr=found["psnr"], shapes=shapes, notices=found["notices"])


def run_both(arguments: Mapping[str, Any], _: Path) -> dict[str, Any]:
    """Run two models on the same samples and compare their outputs, in a process of its own.

    Args:
        arguments: The `original`, as JSON of a `FloatModel`, and the path of the `quantized` model.

    Returns:
        The `psnr`, `shapes` and `notices` of the comparison.

    Raises:
        JobFailure: One of them cannot be loaded or run.
    """
    compared = compare_here(
        FloatModel.from_json(arguments["original"]), Path(arguments["quantized"])
    )
    return asdict(compared)


def compare_here(original: FloatModel, quantized: Path) -> ComparedModels:
    """Do what `compare_isolated` does, in this process.

    Args:
        original: The float model.
        quantized: The quantized model.

    Returns:
        The comparison.

    Raises:
        JobFailure: One of them cannot be loaded or run, or the quantized one returns values that
            are not finite.
    """
    references = ReferenceOutputs(original.references)
    with original.data.open() as samples:
        comparison = compare_models(original.path, quantized, samples, references)
    psnr = comparison.compute_psnr()
    return ComparedModels(psnr=psnr, shapes=comparison.shapes, notices=comparison.notices)


def _to_shape(port: Port) -> tuple[int, ...]:
    return tuple(-1 if isinstance(dim, str) else dim for dim in port.shape or ())
