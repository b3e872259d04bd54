"""Small pictures of arrays: images and heat maps as PNG, and what lines are drawn from."""

import base64
import math
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from qai_hub.local.engine.inspection.numbers import Array

_SIDE = 160
_MIN_IMAGE_SIDE = 8
_POINTS = 200
_TOP = 10
_FEW = 4
# Colours that are told apart by people who see no red or no green, and get lighter evenly: from
# dark blue to yellow.
_ANCHORS = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))

_Pixels = npt.NDArray[np.uint8]


def preview(array: Array) -> dict[str, Any]:
    """Return a small picture of an array of numbers, as JSON.

    Args:
        array: The array.

    Returns:
        Its `kind`: an `image` or a `map` with its `source`, a data URI, and the values that are
        darkest and lightest; a `line` with some of its values and the largest of all; or a few
        `values`. And a `note` on what of the array it shows, empty for all.
    """
    core = np.squeeze(array)
    if core.size <= _FEW:
        return {"kind": "values", "values": [_number(each) for each in core.reshape(-1)]}
    if core.ndim == 1:
        return _line(core)
    note = ""
    while core.ndim > 3:
        core, note = core[0], "The first of several slices."
    if core.ndim == 3:
        image = _as_image(core)
        if image is not None:
            more = image.shape[2] > 3
            return _picture("image", image[..., :3], note or more * "The first 3 of 4 channels.")
        core, note = core[0], f"The first of {len(core)} slices."
    # An image of one channel has a dimension for it.
    is_image = array.ndim > 2 and not note and 1 in (array.shape[-1], array.shape[-3])
    if is_image and min(core.shape) >= _MIN_IMAGE_SIDE:
        return _picture("image", core[..., np.newaxis], note)
    return _picture("map", core[..., np.newaxis], note)


def _as_image(core: Array) -> Array | None:
    """Return an array with channels last if it looks like an image of 3 or 4 channels."""
    for last in (core, np.moveaxis(core, 0, -1)):
        if last.shape[2] in (3, 4) and min(last.shape[:2]) >= _MIN_IMAGE_SIDE:
            return last
    return None


def _picture(kind: str, values: Array, note: str) -> dict[str, Any]:
    step = max(1, math.ceil(max(values.shape[:2]) / _SIDE))
    small = values[::step, ::step]
    levels, low, high = _to_levels(small)
    if kind == "map":
        levels = _COLOURS[levels[..., 0]]
    return {
        "kind": kind,
        "source": encode_png(levels),
        "width": levels.shape[1],
        "height": levels.shape[0],
        "low": low,
        "high": high,
        "note": note,
    }


def _to_levels(values: Array) -> tuple[_Pixels, float | None, float | None]:
    """Return values as bytes, and what the least and the greatest of these stand for."""
    if values.dtype == np.uint8:
        return values, 0.0, 255.0
    wide = values.astype(np.float64)
    finite = wide[np.isfinite(wide)]
    if not finite.size:
        return np.zeros(values.shape, np.uint8), None, None
    low, high = float(finite.min()), float(finite.max())
    if values.dtype.kind == "f" and low >= 0 and high <= 1 and high > 1 / 256:
        low, high = 0.0, 1.0
    # Each by itself, as their difference may be too large for a float.
    scaled = wide / 2 - low / 2
    spread = high / 2 - low / 2
    scaled = scaled / spread * 255 if spread else np.zeros_like(wide)
    return np.nan_to_num(np.clip(scaled, 0, 255)).astype(np.uint8), low, high


def _line(values: Array) -> dict[str, Any]:
    step = max(1, math.ceil(values.size / _POINTS))
    top = _largest(values)
    return {
        "kind": "line",
        "values": [_number(each) for each in values[::step]],
        "step": step,
        "size": int(values.size),
        "top": [[int(index), _number(values[index])] for index in top],
    }


def _largest(values: Array) -> npt.NDArray[np.intp]:
    """Return the places of the largest values, the largest first."""
    comparable = np.where(np.isnan(values), -np.inf, values) if values.dtype.kind == "f" else values
    count = min(_TOP, values.size)
    places = np.argpartition(comparable, values.size - count)[values.size - count :]
    return places[np.argsort(comparable[places], kind="stable")[::-1]]


def _number(value: Any) -> float | int | None:  # noqa: ANN401 - a number of any type
    """Return a number of NumPy's as JSON; None for one that is not finite."""
    # Of a float that is longer than Python's, `item` returns the same.
    plain = float(value) if value.dtype.kind == "f" else value.item()
    return plain if not isinstance(plain, float) or math.isfinite(plain) else None


def encode_png(pixels: _Pixels) -> str:
    """Return an image as the data URI of a PNG.

    Args:
        pixels: Height, width, and 1 or 3 channels.
    """
    height, width, channels = pixels.shape
    kind = {1: 0, 3: 2}[channels]
    # Each row begins with its filter; the first one is none.
    rows = np.zeros((height, 1 + width * channels), np.uint8)
    rows[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(name, data)
        for name, data in (
            (b"IHDR", header),
            (b"IDAT", zlib.compress(rows.tobytes())),
            (b"IEND", b""),
        )
    )
    return f"data:image/png;base64,{base64.b64encode(content).decode('ascii')}"


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _make_colours() -> _Pixels:
    places = np.linspace(0, len(_ANCHORS) - 1, 256)
    channels = [
        np.interp(places, range(len(_ANCHORS)), each) for each in zip(*_ANCHORS, strict=True)
    ]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


_COLOURS = _make_colours()
