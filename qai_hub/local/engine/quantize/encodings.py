"""Reads AIMET's encodings files, which describe how the tensors of a model are quantized."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.protocol import quote_name

SUPPORTED_BITS = (4, 8, 16, 32)
_ENCODING_KEYS = ("activation_encodings", "param_encodings")
_INTEGER_DTYPE = re.compile(r"(u?)int(\d+)")
_FLOAT_BITS = (16, 32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How a tensor is quantized: to scale * n, for 2 ** bits integers n from the offset on.

    Attributes:
        name: Name of the tensor.
        bits: Width of its integers.
        scale: The scale, float32[1], or one for each channel.
        offset: The lowest n, int64[1], or one for each channel.
        axis: Dimension of the channels; None if the encoding does not specify it.
    """

    name: str
    bits: int
    scale: npt.NDArray[np.float32]
    offset: npt.NDArray[np.int64]
    axis: int | None = None


@dataclass(frozen=True, slots=True)
class Encodings:
    """The content of an encodings file.

    Attributes:
        integers: How tensors are quantized to integers.
        floats: Names of tensors that are floats of 16 or 32 bits.
    """

    integers: list[Encoding]
    floats: list[str]


def read_encodings(path: Path) -> Encodings:
    """Read an encodings file, of versions 0.4 to 1.0, or 2.0.

    Args:
        path: The file.

    Raises:
        JobFailure: It is damaged, or has content that this hub does not support.
    """
    try:
        content = json.loads(path.read_bytes())
    except (RecursionError, ValueError) as error:
        reason = f"The encodings file of the model is not JSON, or it is damaged: {error}"
        raise JobFailure(FailureType.MODEL_CORRUPT, reason) from None
    integers: dict[str, Encoding] = {}
    floats = []
    for name, value in _iter_entries(content):
        try:
            encoding = _parse_encoding(name, value)
        except (KeyError, IndexError, OverflowError, TypeError, ValueError) as error:
            problem = f"has no {error}" if isinstance(error, KeyError) else f"is malformed: {error}"
            raise encoding_failure(name, problem, FailureType.MODEL_INVALID) from None
        if name in integers or name in floats:
            raise encoding_failure(name, "is repeated", FailureType.MODEL_INVALID)
        if encoding is None:
            floats.append(name)
        else:
            integers[name] = encoding
    return Encodings(list(integers.values()), floats)


def encoding_failure(
    name: str, problem: str, failure_type: FailureType = FailureType.UNSUPPORTED
) -> JobFailure:
    """Return the failure for an encoding that cannot be used.

    Args:
        name: Name of its tensor.
        problem: The end of the sentence "The encoding of … ".
        failure_type: Class of the cause.
    """
    return JobFailure(failure_type, f"The AIMET encoding of {quote_name(name)} {problem}.")


def _iter_entries(content: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - whatever was uploaded
    """Yield each tensor's name and its encoding, in the form of the file's version."""
    version = content.get("version") if isinstance(content, dict) else None
    lists = ("encodings",) if str(version).startswith("2.") else _ENCODING_KEYS
    groups = [content.get(key) for key in lists] if isinstance(content, dict) else [None]
    for group in groups:
        if isinstance(group, dict):
            yield from group.items()
        elif isinstance(group, list) and all(isinstance(each, dict) for each in group):
            yield from ((str(each.get("name", "")), each) for each in group)
        else:
            reason = (
                f"The encodings file of the model, version {version}, is not in AIMET's format: "
                f"{' and '.join(lists)} must contain an encoding for each tensor."
            )
            raise JobFailure(FailureType.MODEL_INVALID, reason)


def _parse_encoding(name: str, value: Any) -> Encoding | None:  # noqa: ANN401
    """Return an integer encoding; None for a float one."""
    if isinstance(value, list):
        return _parse_version_0(name, value)
    if "output_dtype" in value:
        return _parse_version_2(name, value)
    return _parse_version_1(name, value)


def _parse_version_0(name: str, channels: list[Mapping[str, Any]]) -> Encoding | None:
    """Parse an encoding of a version before 1.0, a list with one entry for each channel."""
    dtypes = {str(channel.get("dtype", "int")).lower() for channel in channels}
    widths = {int(channel["bitwidth"]) for channel in channels}
    if len(dtypes) != 1 or len(widths) != 1:
        raise ValueError("its channels have different types")
    (bits,) = widths
    if dtypes == {"float"}:
        _check_float(name, bits)
        return None
    encoding = _build_encoding(
        name, bits, [c["scale"] for c in channels], [c["offset"] for c in channels]
    )
    steps = 2**bits - 1
    for channel, scale in zip(channels, encoding.scale.tolist(), strict=True):
        # Some versions omit a value if the range is symmetric around 0.
        if "max" in channel and "min" in channel:
            found = (float(channel["max"]) - float(channel["min"])) / scale
            if not math.isclose(found, steps, rel_tol=1e-6, abs_tol=0.5):
                raise encoding_failure(
                    name, f"has a range of {found:.1f} steps, but {bits} bits have {steps}"
                )
    return encoding


def _parse_version_1(name: str, value: Mapping[str, Any]) -> Encoding | None:
    """Parse an encoding of version 1.0."""
    bits = int(value["bw"])
    if str(value["dtype"]).upper() == "FLOAT":
        _check_float(name, bits)
        return None
    granularity = value["enc_type"]
    if granularity not in {"PER_TENSOR", "PER_CHANNEL"}:
        raise encoding_failure(
            name, f"has the type {granularity}: this hub supports PER_TENSOR and PER_CHANNEL"
        )
    if np.any(np.asarray(value.get("zero_point_shift", 0)) != 0):
        raise encoding_failure(
            name, "has a fractional shift of its zero point, which this hub does not support"
        )
    if granularity == "PER_TENSOR" and len(value["scale"]) != 1:
        raise ValueError(f"{len(value['scale'])} scales for a whole tensor")
    return _build_encoding(name, bits, value["scale"], value["offset"])


def _parse_version_2(name: str, value: Mapping[str, Any]) -> Encoding | None:
    """Parse an encoding of version 2."""
    dtype = str(value["output_dtype"])
    if dtype in {"float16", "float32"}:
        return None
    kind = _INTEGER_DTYPE.fullmatch(dtype)
    if kind is None:
        raise encoding_failure(
            name, f"has the type {quote_name(dtype)}, which this hub does not support"
        )
    if (
        "block_size" in value
        or "per_block_int_scale" in value
        or isinstance(value["y_scale"], dict)
    ):
        raise encoding_failure(name, "is per block: this hub supports per tensor and per channel")
    bits = int(kind[2])
    scale = np.ravel(value["y_scale"])
    zero_point = np.ravel(value.get("y_zero_point") or np.zeros(len(scale), np.int64))
    first = 0 if kind[1] else -(2 ** (bits - 1))
    axis = value.get("axis")
    if axis is None and len(scale) != 1:
        raise ValueError(f"{len(scale)} scales and no axis")
    return _build_encoding(
        name, bits, scale, first - zero_point, None if axis is None else int(axis)
    )


def _check_float(name: str, bits: int) -> None:
    if bits not in _FLOAT_BITS:
        raise encoding_failure(
            name,
            f"is for floats of {bits} bits: this hub supports "
            f"{' and '.join(map(str, _FLOAT_BITS))}",
        )


def _build_encoding(
    name: str,
    bits: int,
    scales: Any,  # noqa: ANN401
    offsets: Any,  # noqa: ANN401
    axis: int | None = None,
) -> Encoding:
    if bits not in SUPPORTED_BITS:
        raise encoding_failure(
            name, f"has {bits} bits: this hub supports {', '.join(map(str, SUPPORTED_BITS))}"
        )
    wide, scale = np.asarray(offsets, np.float64), np.asarray(scales, np.float32)
    if scale.ndim != 1 or scale.shape != wide.shape or not len(scale):
        raise ValueError("it needs as many offsets as scales, one or more")
    # In float32, in which models compute, a scale may underflow to zero.
    if not np.all(np.isfinite(scale) & (scale > 0)):
        raise encoding_failure(name, "has a scale that is not a positive number in float32")
    if np.any(wide != np.round(wide)):
        raise encoding_failure(name, "has a zero point that is not a whole number")
    if np.any((wide > 0) | (wide <= -(2**bits))):
        raise encoding_failure(name, "has a range that does not include 0")
    return Encoding(name=name, bits=bits, scale=scale, offset=wide.astype(np.int64), axis=axis)
