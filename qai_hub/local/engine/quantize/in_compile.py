"""Quantizes a model within a compile job, as `--quantize_full_type` requests."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.onnx.prepare import EXTERNAL_FROM
from qai_hub.local.engine.onnx.signature import inputs_of
from qai_hub.local.engine.option_table import FULL_TYPE
from qai_hub.local.engine.protocol import (
    AttemptRequest,
    notice,
    shortened,
)
from qai_hub.local.engine.quantize.qdq import check_quantizable, quantize_file


def check_calibration(request: AttemptRequest, values: Mapping[str, Any]) -> list[dict[str, str]]:
    """Check, before any work is done, that calibration data and options match.

    Args:
        request: The request.
        values: The values of the job's options, by flag.

    Returns:
        A notice if the data is not used.

    Raises:
        JobFailure: The data is missing.
    """
    if FULL_TYPE in values and request.dataset is None:
        reason = (
            f"{FULL_TYPE} needs calibration_data: this hub does not quantize by the ranges of "
            "random data, which would make a model of no use."
        )
        raise JobFailure(FailureType.INVALID_ARGUMENT, reason)
    if FULL_TYPE in values or request.dataset is None:
        return []
    return [notice("WARNING", "USER", f"calibration_data was not used: no {FULL_TYPE} was given.")]


def quantized(
    source: Path,
    request: AttemptRequest,
    values: Mapping[str, Any],
    work: Path,
    *,
    external_from: int = EXTERNAL_FROM,
) -> tuple[Path, list[dict[str, str]]]:
    """Quantize a model with the calibration data of a compile job.

    Args:
        source: The .onnx file, whose inputs are those of the data.
        request: The request.
        values: The values of the job's options, by flag.
        work: Folder for generated files.
        external_from: Size in bytes from which weights are stored in a file beside the graph.

    Returns:
        The .onnx file of the quantized model, and notices.

    Raises:
        JobFailure: The model or the data cannot be used.
    """
    if request.dataset is None:
        raise ValueError("Quantizing needs calibration data.")
    model = onnx.load(source, load_external_data=False)
    check_quantizable(model)
    made = quantize_file(
        source,
        inputs_of(model),
        request.dataset,
        values[FULL_TYPE],
        work,
        external_from=external_from,
    )
    psnr = ", ".join(f"{shortened(name)} {ratio:.1f} dB" for name, ratio in made.psnr.items())
    message = f"Quantized on {made.samples} samples. PSNR of the model's outputs: {psnr or 'none'}."
    return made.path, [*made.notices, notice("INFO", "MODEL", message)]
