"""Runs the jobs of the sweep on a local hub, and compares what comes out with ONNX Runtime."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime
from sweep.models import Arrays

import qai_hub as hub
from qai_hub.client import Client

_LONGEST = 900
_MAX_REASON = 2000
S24, X_ELITE, RB3 = "Samsung Galaxy S24", "Snapdragon X Elite CRD", "RB3 Gen 2 (Proxy)"
_TYPES = {
    "w8a8": (hub.QuantizeDtype.INT8, hub.QuantizeDtype.INT8),
    "w8a16": (hub.QuantizeDtype.INT8, hub.QuantizeDtype.INT16),
}


@dataclass(frozen=True)
class Variant:
    """A precision, a target runtime and a device.

    Attributes:
        precision: "fp16", "w8a8" or "w8a16".
        runtime: The target runtime; empty for the target model of a quantize job itself.
        device: Name of the device.
    """

    precision: str
    runtime: str = ""
    device: str = S24

    @property
    def key(self) -> str:
        """Its name in the file of results."""
        return " ".join(filter(None, (self.precision, self.runtime, self.device)))


VARIANTS = (
    Variant("fp16", "onnx"),
    Variant("fp16", "qnn_context_binary"),
    Variant("fp16", "qnn_context_binary", X_ELITE),
    Variant("fp16", "precompiled_qnn_onnx"),
    Variant("fp16", "qnn_dlc"),
    Variant("w8a8", "onnx"),
    Variant("w8a8", "qnn_context_binary"),
    Variant("w8a8", "qnn_context_binary", RB3),
    Variant("w8a16", "onnx"),
    Variant("w8a16", "qnn_context_binary"),
    Variant("w8a16", "qnn_context_binary", RB3),
)
OPERATOR_VARIANTS = (Variant("fp16", "qnn_context_binary"),)


@dataclass(frozen=True)
class Outcome:
    """What came of a variant of a model.

    Attributes:
        psnr: PSNR in decibels of the output that is farthest from ONNX Runtime on the source model;
            infinity if all are equal; None if a job failed.
        reason: Why a job failed, or why there is no PSNR.
        notices: Warnings of the jobs.
    """

    psnr: float | None = None
    reason: str = ""
    notices: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Returns it as a JSON object."""
        psnr = "equal" if self.psnr == math.inf else self.psnr
        return {"psnr": psnr, "reason": self.reason, "notices": list(self.notices)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Outcome":
        """Creates it from what `to_json` returned."""
        psnr = math.inf if value["psnr"] == "equal" else value["psnr"]
        return cls(psnr, value["reason"], tuple(value["notices"]))


def run_variants(
    client: Client,
    model: bytes,
    data: Arrays,
    variants: tuple[Variant, ...],
    keep: Callable[[Variant, Outcome], None],
) -> None:
    """Compiles and runs a model in each variant.

    Args:
        client: Client of a local hub.
        model: The model, as the content of an .onnx file.
        data: Samples for each input. All are calibration data; the first is run.
        variants: The variants.
        keep: Receives each outcome as soon as it is known.
    """
    try:
        expected = run_on_cpu(model, {name: each[0] for name, each in data.items()})
    except Exception as error:  # noqa: BLE001 - ONNX Runtime raises exceptions of several types
        reason = f"ONNX Runtime does not run it on the CPU: {' '.join(str(error).split())[:200]}"
        for variant in variants:
            keep(variant, Outcome(reason=reason))
        return
    source = client.upload_model(onnx.load_from_string(model), "model")
    specs = {name: (each[0].shape, each[0].dtype.name) for name, each in data.items()}
    quantized = {
        precision: client.submit_quantize_job(source, data, *_TYPES[precision])
        for precision in {variant.precision for variant in variants} - {"fp16"}
    }
    started = []
    for variant in variants:
        quantizing = quantized.get(variant.precision)
        job = client.submit_compile_job(
            source if quantizing is None else quantizing.get_target_model(),
            hub.Device(variant.device),
            input_specs=specs,
            options=_options(variant, data),
        )
        started.append((variant, quantizing, job))
    for variant, quantizing, job in started:
        jobs = [each for each in (quantizing, job) if each is not None]
        keep(variant, _finish(client, jobs, variant, data, expected))


def run_on_cpu(model: bytes, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Runs a model with ONNX Runtime on the CPU, without optimization.

    Args:
        model: The model, as the content of an .onnx file.
        inputs: A tensor for each input.

    Returns:
        The outputs by name.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(inputs)), strict=True))


def _options(variant: Variant, data: Arrays) -> str:
    options = f"--target_runtime {variant.runtime}"
    is_wide = any(each[0].dtype == np.int64 for each in data.values())
    return f"{options} --truncate_64bit_io" if is_wide and variant.runtime != "onnx" else options


def _finish(
    client: Client,
    jobs: list[Any],
    variant: Variant,
    data: Arrays,
    expected: Mapping[str, np.ndarray],
) -> Outcome:
    for job in jobs:
        status = job.wait(_LONGEST)
        if not status.success:
            return Outcome(reason=f"{_KINDS[type(job).__name__]}: {shorten_reason(status.message)}")
    narrow = "--truncate_64bit_io" in jobs[-1].options
    inputs = {
        name: [each[0].astype(np.int32) if narrow and each[0].dtype == np.int64 else each[0]]
        for name, each in data.items()
    }
    run = client.submit_inference_job(
        jobs[-1].get_target_model(), hub.Device(variant.device), inputs, profile=False
    )
    status = run.wait(_LONGEST)
    if not status.success:
        return Outcome(reason=f"run: {shorten_reason(status.message)}")
    given = run.download_output_data()
    assert given is not None
    warnings = [
        each.message
        for job in jobs
        for each in job.notices
        if each.severity in ("WARNING", "ERROR")
    ]
    ratios = {
        name: compute_psnr(expected[name], np.asarray(values[0])) for name, values in given.items()
    }
    lowest = min(ratios, key=lambda name: ratios[name])
    psnr = ratios[lowest]
    if psnr == -math.inf:
        return Outcome(None, f"run: the output {lowest!r} differs altogether", tuple(warnings))
    return Outcome(psnr if psnr == math.inf else round(psnr, 1), "", tuple(warnings))


_KINDS = {"QuantizeJob": "quantize", "CompileJob": "compile"}


def compute_psnr(expected: np.ndarray, actual: np.ndarray) -> float:
    """Returns the peak signal-to-noise ratio in decibels.

    The peak is the largest expected magnitude. What is not finite must be equal.

    Args:
        expected: What ONNX Runtime computes on the CPU.
        actual: What came out.

    Returns:
        Infinity if both are equal; minus infinity if they cannot be compared.
    """
    if expected.shape != actual.shape:
        return -math.inf
    wide = expected.astype(np.float64), actual.astype(np.float64)
    finite = np.isfinite(wide[0])
    if not np.array_equal(finite, np.isfinite(wide[1])):
        return -math.inf
    if not finite.any():
        return math.inf
    error = float(np.mean(np.square(wide[0][finite] - wide[1][finite])))
    peak = float(np.max(np.abs(wide[0][finite])))
    if error == 0:
        return math.inf
    return -math.inf if peak == 0 else 10 * math.log10(peak**2 / error)


def shorten_reason(message: str | None) -> str:
    """Returns the first sentence of a reason, on one line.

    Args:
        message: Why a job failed.
    """
    text = " ".join((message or "").split())
    return re.split(r"(?<=[a-z')])\. ", text)[0][:_MAX_REASON]


def read_versions() -> dict[str, str]:
    """Returns the versions of what the results depend on."""
    from importlib.metadata import version

    names = ("onnxruntime", "onnxruntime-qnn", "onnx")
    return {name: version(name) for name in names}
