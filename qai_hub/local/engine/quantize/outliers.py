"""Finds samples of calibration data that set the range of an input all alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from qai_hub.local.engine.onnx.session import Tensor
from qai_hub.local.engine.protocol import build_notice, quote_name

# A range that is wider by this factor leaves half of 8 bits to all other samples.
_WILD_FACTOR = 16
# If more samples are so large, they are not outliers, but how the data is distributed.
_MAX_WILD_SHARE = 0.1


@dataclass(slots=True)
class InputPeaks:
    """The value of the largest magnitude of each input, sample by sample."""

    _peaks: dict[str, list[float]] = field(default_factory=dict)

    def add(self, sample: Mapping[str, Tensor]) -> None:
        """Add the next sample.

        Args:
            sample: A tensor for each input.
        """
        for name, tensor in sample.items():
            if tensor.dtype.kind == "f" and tensor.size:
                peak = tensor.reshape(-1)[int(np.argmax(np.abs(tensor)))]
                self._peaks.setdefault(name, []).append(float(peak))

    def build_notices(self) -> list[dict[str, str]]:
        """Return a notice for each input whose range a few samples set alone."""
        notices = []
        for name, peaks in self._peaks.items():
            magnitudes = np.abs(np.array(peaks, np.float64))
            ordinary = float(np.quantile(magnitudes, 0.5, method="lower"))
            wild = np.flatnonzero(magnitudes > _WILD_FACTOR * ordinary)
            if not ordinary or not 0 < len(wild) <= max(1, _MAX_WILD_SHARE * len(peaks)):
                continue
            index = int(wild[np.argmax(magnitudes[wild])])
            others = float(np.max(np.delete(magnitudes, wild)))
            message = (
                f"Sample {index} of the calibration data contains {peaks[index]:.3g} in the input "
                f"{quote_name(name)}, where other samples reach {others:.3g}: it alone sets the "
                "range, at the cost of the others' accuracy. Remove it if it is not typical."
            )
            notices.append(build_notice("WARNING", "USER", message))
        return notices
