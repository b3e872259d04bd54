"""Compares a quantized model with its float model in a process of its own."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import onnx

from qai_hub.local.engine.datasets import CalibrationSamples, InputDataset
from qai_hub.local.engine.failures import FailureType
from qai_hub.local.engine.isolated import CallError, call_isolated
from qai_hub.local.engine.onnx.signature import Port, get_outputs
from qai_hub.local.engine.protocol import build_notice
from qai_hub.local.engine.quantize.psnr import compare_models

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


def compare_isolated(
    original: Path,
    quantized: Path,
    data: Path,
    ports: Sequence[Port],
    max_samples: int,
    folder: Path,
) -> ComparedModels:
    """Run both models on the calibration data, and compare their outputs.

    They run in a process of its own, so that a crash of ONNX Runtime is not the job's.

    Args:
        original: The float model.
        quantized: The quantized model.
        data: HDF5 file of the calibration data.
        ports: The inputs of the models.
        max_samples: Maximum number of samples.
        folder: Folder for generated files, which is created.

    Returns:
        The comparison; after a crash, one without PSNR, with a notice.

    Raises:
        JobFailure: One of them cannot be loaded or run, or the quantized one returns values that
            are not finite.
        MemoryError: There is too little memory to run them.
    """
    arguments = {
        "models": [str(original), str(quantized)],
        "data": str(data),
        "ports": [asdict(port) for port in ports],
        "max_samples": max_samples,
    }
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
        arguments: The `models`, the `data`, the `ports` and `max_samples`.

    Returns:
        The `psnr`, `shapes` and `notices` of the comparison.

    Raises:
        JobFailure: One of them cannot be loaded or run.
    """
    original, quantized = map(Path, arguments["models"])
    ports = [
        Port(each["name"], each["dtype"], _read_shape(each["shape"])) for each in arguments["ports"]
    ]
    with closing(InputDataset(Path(arguments["data"]), ports)) as dataset:
        samples = CalibrationSamples(dataset, arguments["max_samples"])
        comparison = compare_models(original, quantized, samples)
    psnr = comparison.compute_psnr()
    return {"psnr": psnr, "shapes": comparison.shapes, "notices": comparison.notices}


def _read_shape(shape: Sequence[int | str] | None) -> tuple[int | str, ...] | None:
    return None if shape is None else tuple(shape)


def _to_shape(port: Port) -> tuple[int, ...]:
    return tuple(-1 if isinstance(dim, str) else dim for dim in port.shape or ())
