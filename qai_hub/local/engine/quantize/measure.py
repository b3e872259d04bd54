"""Measures tensors inside a model on calibration data."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from qai_hub.local.engine.onnx.masks import MASK_THRESHOLD
from qai_hub.local.engine.onnx.session import Session, Tensor
from qai_hub.local.engine.quantize.calibration import CalibrationSamples


def iter_values(
    model: Path, names: Sequence[str], samples: CalibrationSamples
) -> Iterator[dict[str, Tensor]]:
    """Yield the values of some tensors of a model on each sample.

    Args:
        model: The .onnx file; a copy with more outputs is written beside it for the time.
        names: The tensors.
        samples: The samples.

    Raises:
        JobFailure: The model cannot be run on them.
    """
    proto = onnx.load(model, load_external_data=False)
    declared = {value.name for value in proto.graph.output}
    proto.graph.output.extend(
        onnx.ValueInfoProto(name=name) for name in names if name not in declared
    )
    measured = model.with_name("measured.onnx")
    measured.write_bytes(proto.SerializeToString())
    try:
        session = Session(measured)
        for index, sample in enumerate(samples):
            outputs = session.run(sample, f"sample {index} of the calibration data")
            found = dict(zip(session.output_names, outputs, strict=True))
            yield {name: found[name] for name in names}
    finally:
        measured.unlink()


@dataclass(slots=True)
class Range:
    """The range of the finite values of a tensor."""

    low: float = math.inf
    high: float = -math.inf

    def add(self, values: Tensor) -> None:
        """Extend the range by values."""
        finite = values[np.isfinite(values)]
        if finite.size:
            self.low = min(self.low, float(finite.min()))
            self.high = max(self.high, float(finite.max()))


@dataclass(slots=True)
class ScoreRange:
    """The scores that enter a Softmax, without those that are masked.

    Attributes:
        low: The lowest score.
        high: The highest.
        length: Number of scores that compete.
    """

    low: float = math.inf
    high: float = -math.inf
    length: int = 1

    def add(self, scores: Tensor, axis: int) -> None:
        """Extend the range by the scores of a sample.

        Args:
            scores: The scores.
            axis: The dimension along which they compete.
        """
        wide = np.asarray(scores, np.float64)
        self.length = max(self.length, wide.shape[axis])
        best = np.max(wide, axis=axis, keepdims=True, initial=-math.inf)
        # A row that is masked throughout has no score that counts.
        kept = (wide > best + MASK_THRESHOLD) & (wide > MASK_THRESHOLD) & np.isfinite(wide)
        if kept.any():
            self.low = min(self.low, float(wide[kept].min()))
            self.high = max(self.high, float(wide[kept].max()))

    def compute_mask(self, bits: int) -> float:
        """Return a score that is low enough to mask an element, for a precision of the result.

        All masked elements together get less than half a step of the Softmax's output, wherever the
        scores of the others are in their range: `exp(-margin) * length <= 2 ** -(bits + 1)`.

        Args:
            bits: Bits of the Softmax's output.
        """
        margin = (bits + 1) * math.log(2) + math.log(self.length)
        if self.high < self.low:
            return -margin
        return -margin - max(self.high - self.low, -self.low, 0.0)


def merge_scores(ranges: Iterable[ScoreRange]) -> ScoreRange:
    """Return the range of the scores of several Softmax nodes."""
    merged = ScoreRange()
    for each in ranges:
        merged.low, merged.high = min(merged.low, each.low), max(merged.high, each.high)
        merged.length = max(merged.length, each.length)
    return merged
