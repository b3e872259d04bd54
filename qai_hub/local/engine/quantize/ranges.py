"""Which numbers the integers of a quantized tensor can represent, and which values it has."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

# Rounding costs up to half a step, at the ends of a range as well; and float32 tells numbers of
# 65,535 steps apart to about a hundredth of one.
_TOLERATED_STEPS = 0.51
_INTEGER_DTYPE = re.compile(r"(u?)int(\d+)")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegerRange:
    """The numbers that the integers of a tensor can represent.

    Attributes:
        dtype: Type of the integers, such as "uint8".
        scales: The scale of each channel; one for the whole tensor.
        zero_points: The integer that stands for 0, likewise.
        axis: Dimension of the channels.
    """

    dtype: str
    scales: Floats
    zero_points: Floats
    axis: int

    @classmethod
    def of(cls, node: onnx.NodeProto, constants: Mapping[str, onnx.TensorProto]) -> Self | None:
        """Return the range of a QuantizeLinear or DequantizeLinear node.

        Args:
            node: The node.
            constants: The constants of its graph, by name.

        Returns:
            The range; None if it has a scale for each block, or is not constant.
        """
        parts = [constants[name] for name in node.input[1:3] if name in constants]
        if len(parts) < 2:
            return None
        scales, zero_points = (numpy_helper.to_array(part).astype(np.float64) for part in parts)
        if scales.ndim > 1:
            return None
        axis = next((each.i for each in node.attribute if each.name == "axis"), 1)
        return cls(
            dtype=onnx.TensorProto.DataType.Name(parts[1].data_type).lower(),
            scales=scales.reshape(-1),
            zero_points=zero_points.reshape(-1),
            axis=axis,
        )

    @property
    def is_whole(self) -> bool:
        """Whether one scale is that of the whole tensor."""
        return len(self.scales) == 1

    @property
    def lowest(self) -> Floats:
        """The smallest number of each channel."""
        return self.scales * (self._bounds[0] - self.zero_points)

    @property
    def highest(self) -> Floats:
        """The largest number of each channel."""
        return self.scales * (self._bounds[1] - self.zero_points)

    @property
    def limits(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """The numbers of each channel below and above which values are saturated."""
        slack = _TOLERATED_STEPS * self.scales
        return (self.lowest - slack).astype(np.float32), (self.highest + slack).astype(np.float32)

    @property
    def _bounds(self) -> tuple[int, int]:
        match = _INTEGER_DTYPE.fullmatch(self.dtype)
        if match is None:
            raise ValueError(f"{self.dtype} is no type of integers.")
        bits = int(match[2])
        return (0, 2**bits - 1) if match[1] else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


@dataclass(slots=True)
class SeenValues:
    """The values of a tensor so far.

    Attributes:
        low: The smallest.
        high: The largest.
        count: How many were compared with the range of its integers.
        outside: How many of these are outside.
    """

    low: float = np.inf
    high: float = -np.inf
    count: int = 0
    outside: int = 0

    @classmethod
    def of(cls, values: npt.NDArray[np.float32], integers: IntegerRange) -> Self:
        """Return all values of a tensor.

        Args:
            values: The values.
            integers: The range of its integers.
        """
        rows = values.reshape(1, -1)
        if not integers.is_whole:
            rows = np.moveaxis(values, integers.axis, 0).reshape(len(integers.scales), -1)
        low, high = (limit[:, np.newaxis] for limit in integers.limits)
        outside = np.count_nonzero(rows < low) + np.count_nonzero(rows > high)
        return cls(float(rows.min()), float(rows.max()), rows.size, int(outside))

    def add(self, low: float, high: float, count: int, outside: int) -> None:
        """Add the values of a sample."""
        self.low, self.high = min(self.low, low), max(self.high, high)
        self.count += count
        self.outside += outside

    @property
    def is_finite(self) -> bool:
        """Whether it has values, and all of them are finite."""
        return bool(np.isfinite(self.low) and np.isfinite(self.high))

    def is_within(self, integers: IntegerRange) -> bool:
        """Return whether it has values, and all of them are in a range."""
        low, high = integers.limits
        return self.is_finite and bool(self.low >= low.max() and self.high <= high.min())

    def compute_saturation(self, integers: IntegerRange) -> float | None:
        """Return the share of values outside a range; None if they were not compared with it."""
        if self.count:
            return self.outside / self.count
        return 0.0 if self.is_within(integers) else None

    def compute_used_share(self, integers: IntegerRange) -> float | None:
        """Return the share of a range that the values reach over.

        Args:
            integers: The range.

        Returns:
            The share; None if channels have ranges of their own, or there is a single value, which
            needs no more than one integer.
        """
        if not integers.is_whole or self.low == self.high:
            return None
        low, high = float(integers.lowest[0]), float(integers.highest[0])
        return max(0.0, min(self.high, high) - max(self.low, low)) / (high - low)


def describe_tensor(
    name: str, kind: str, integers: IntegerRange, seen: SeenValues
) -> dict[str, Any]:
    """Return the JSON of a `QuantizedTensor`.

    Args:
        name: Name of the tensor in the float model.
        kind: What it is in the model, such as "WEIGHT".
        integers: The range of its integers.
        seen: Its values.
    """
    zero_points = np.unique(integers.zero_points)
    optional = {
        "zero_point": int(zero_points[0]) if len(zero_points) == 1 else None,
        "saturation": seen.compute_saturation(integers),
        # The scale of a bias is not chosen for its range.
        "used": None if kind == "BIAS" else seen.compute_used_share(integers),
    }
    return {
        "tensor": name,
        "kind": f"QUANTIZED_TENSOR_KIND_{kind}",
        "dtype": integers.dtype,
        "channels": len(integers.scales),
        "min_scale": float(integers.scales.min()),
        "max_scale": float(integers.scales.max()),
        "seen_min": seen.low,
        "seen_max": seen.high,
        "range_min": float(integers.lowest.min()),
        "range_max": float(integers.highest.max()),
        **{key: value for key, value in optional.items() if value is not None},
    }
