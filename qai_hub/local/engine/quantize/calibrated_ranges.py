"""Keeps the smallest and largest values that ONNX Runtime's calibration has measured.

Its quantizer turns them into scales, and tells them to nobody.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import numpy as np
from onnxruntime.quantization import QDQQuantizer

Ranges = dict[str, tuple[float, float]]
"""The smallest and the largest value of tensors, by name."""


@contextmanager
def keeping_ranges() -> Iterator[Ranges]:
    """Yield a dictionary that is filled once the quantizer has calibrated a model."""
    found: Ranges = {}

    class Quantizer(QDQQuantizer):  # type: ignore[misc]  # untyped in ONNX Runtime
        def adjust_tensor_ranges(self) -> None:
            # Some of them are about to be replaced by others, which suit their neighbours.
            for name, data in self.tensors_range.items():
                low, high = data.range_value
                found[name] = float(np.min(low)), float(np.max(high))
            super().adjust_tensor_ranges()

    # The package has a function of the same name as this module.
    module = import_module("onnxruntime.quantization.quantize")
    module.QDQQuantizer = Quantizer  # type: ignore[attr-defined]  # untyped in ONNX Runtime
    try:
        yield found
    finally:
        module.QDQQuantizer = QDQQuantizer  # type: ignore[attr-defined]
