"""Measures how close a quantized model is to the model that it was made from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.onnx.session import Session, Tensor
from qai_hub.local.engine.protocol import build_notice, quote_name
from qai_hub.local.engine.quantize.calibration import CalibrationSamples
from qai_hub.local.engine.quantize.outliers import InputPeaks
from qai_hub.local.engine.quantize.references import ReferenceOutputs
from qai_hub.local.engine.slices import SliceErrors, compute_psnr

# In decibels: an error of a tenth of the largest value.
LOW_PSNR = 20


@dataclass(slots=True)
class Comparison:
    """How close two models are on the samples seen so far.

    Attributes:
        shapes: The shape of each output on the first sample, by its name.
        notices: A notice for each output without a PSNR.
    """

    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    notices: list[dict[str, str]] = field(default_factory=list)
    _errors: dict[str, "_OutputError"] = field(default_factory=dict)
    _slices: dict[str, SliceErrors] = field(default_factory=dict)

    def add(self, names: Sequence[str], before: Sequence[Tensor], after: Sequence[Tensor]) -> None:
        """Add the outputs of both models for a sample.

        Args:
            names: Names of the outputs.
            before: The outputs of the float model.
            after: The outputs of the quantized model.
        """
        for name, expected, actual in zip(names, before, after, strict=True):
            self.shapes.setdefault(name, expected.shape)
            if expected.dtype.kind == "f":
                self._errors.setdefault(name, _OutputError()).add(expected, actual)
                error = np.asarray(expected, np.float64) - np.asarray(actual, np.float64)
                self._slices.setdefault(name, SliceErrors()).add(expected, error)

    def compute_psnr(self) -> dict[str, float]:
        """Return the PSNR of each output that has one, in decibels; add notices for the others."""
        found = {}
        for name in self.shapes:
            error = self._errors.get(name)
            problem = "it contains no floats" if error is None else error.problem
            if error is None or problem:
                message = f"The output {quote_name(name)} has no PSNR: {problem}."
                self.notices.append(build_notice("INFO", "MODEL", message))
                continue
            found[name] = round(error.psnr, 2)
            if found[name] < LOW_PSNR:
                message = (
                    f"The output {quote_name(name)} of the quantized model is inaccurate: its "
                    f"PSNR is only {found[name]:.1f} dB."
                )
                self.notices.append(build_notice("WARNING", "MODEL", message))
            else:
                self.notices += _build_slice_notices(name, error.peak, self._slices[name])
        return found


def _build_slice_notices(name: str, peak: float, errors: SliceErrors) -> list[dict[str, str]]:
    """Return a notice if the range of an output makes slices of it inaccurate."""
    low = [
        (each.psnr, each)
        for each in errors.find_slices()
        if each.psnr is not None and each.psnr < LOW_PSNR
    ]
    if not low:
        return []
    psnr, worst = min(low, key=lambda pair: pair[0])
    others = ""
    if len(low) > 1:
        others = f" It is the worst of {len(low)} such slices of this dimension."
    message = (
        f"The output {quote_name(name)} of the quantized model mixes ranges: the values "
        f"at {worst.begin} to {worst.end - 1} of dimension {worst.axis} reach only "
        f"{worst.peak:.3g}, where the output reaches {peak:.3g}, and their own PSNR is only "
        f"{psnr:.1f} dB.{others} Make such values an output of their own, or quantize activations "
        "to INT16."
    )
    return [build_notice("WARNING", "MODEL", message)]


@dataclass(slots=True)
class _OutputError:
    squared_sum: float = 0.0
    count: int = 0
    peak: float = 0.0

    def add(self, expected: Tensor, actual: Tensor) -> None:
        wide = np.asarray(expected, np.float64), np.asarray(actual, np.float64)
        self.squared_sum += float(np.sum(np.square(wide[0] - wide[1])))
        self.count += expected.size
        self.peak = max(self.peak, float(np.max(np.abs(wide[0]), initial=0.0)))

    @property
    def problem(self) -> str:
        """Why there is no PSNR; empty if there is one."""
        if self.peak == 0:
            return "it is 0 everywhere on the calibration data"
        if self.squared_sum == 0:
            return "quantization does not change it on the calibration data"
        return ""

    @property
    def psnr(self) -> float:
        ratio = compute_psnr(self.squared_sum, self.count, self.peak)
        if ratio is None:
            raise ValueError(f"There is no PSNR: {self.problem}.")
        return ratio


def check_finite_outputs(
    model: Path, samples: CalibrationSamples, references: ReferenceOutputs
) -> list[dict[str, str]]:
    """Check that a model runs on all samples and returns finite numbers.

    Args:
        model: The model.
        samples: The samples.
        references: Keeps its outputs.

    Returns:
        Notices about samples that set the range of an input alone.

    Raises:
        JobFailure: It does not.
    """
    session, peaks = Session(model), InputPeaks()
    for index, sample in enumerate(samples):
        label = f"sample {index} of the calibration data"
        outputs = session.run(sample, label)
        _check_finite("model", session.output_names, outputs, label)
        references.keep(index, outputs)
        peaks.add(sample)
    return peaks.build_notices()


def compare_models(
    original: Path, quantized: Path, samples: CalibrationSamples, references: ReferenceOutputs
) -> Comparison:
    """Run both models on the samples, as inference jobs do, and compare their outputs.

    The PSNR of an output is `10 log10(peak^2 / MSE)`: the peak is the largest magnitude of the
    float model's output on any sample; the MSE is the mean squared error of the quantized model
    over all elements of all samples.

    Args:
        original: The float model.
        quantized: The quantized model.
        samples: The samples.
        references: The outputs of the float model, as far as they were kept.

    Returns:
        The comparison.

    Raises:
        JobFailure: One of them cannot be loaded or run, or the quantized one returns values that
            are not finite.
    """
    before: Session | None = None
    after = Session(quantized)
    comparison = Comparison()
    for index, sample in enumerate(samples):
        label = f"sample {index} of the calibration data"
        expected = references.read(index)
        if expected is None:
            before = before or Session(original)
            expected = before.run(sample, label)
        actual = after.run(sample, label)
        _check_finite("quantized model", after.output_names, actual, label)
        comparison.add(after.output_names, expected, actual)
    return comparison


def _check_finite(
    model_name: str, names: Sequence[str], outputs: Sequence[Tensor], label: str
) -> None:
    for name, tensor in zip(names, outputs, strict=True):
        if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
            raise JobFailure(
                FailureType.RUNTIME_UNKNOWN,
                f"The output {quote_name(name)} of the {model_name} contains NaN or infinity on "
                f"{label}.",
            )
