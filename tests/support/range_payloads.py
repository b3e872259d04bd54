"""Ranges of quantized tensors, as the service tells them."""

from typing import Any

ACTIVATION: dict[str, Any] = {
    "tensor": "a",
    "kind": "QUANTIZED_TENSOR_KIND_ACTIVATION",
    "dtype": "uint8",
    "channels": 1,
    "min_scale": 0.1,
    "max_scale": 0.1,
    "zero_point": 128,
    "seen_min": -20.0,
    "seen_max": 0.0,
    "range_min": -12.8,
    "range_max": 12.7,
    "saturation": 0.031,
    "used": 0.502,
}
