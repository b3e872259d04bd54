"""The models of the sweep of TensorFlow Lite models, and plausible data for their inputs."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from sweep.models import Arrays, SweptModel, make_array, read_models

TABLE = Path(__file__).with_name("models.toml")
SAMPLES = 26
_SEED = 23
_INPUT = re.compile(
    r"float32\[(?P<dims>[\d,]+)\] (?P<kind>picture|sound|memory)(?: (?P<low>\S+) (?P<high>\S+))?"
)
_WORDS = (
    "Invoice",
    "total",
    "2026",
    "Street 14",
    "A4",
    "open",
    "net weight",
    "exit",
    "kg",
    "No. 7",
)
_SAMPLE_RATE = 16_000


def read_tflite_models(table: Path = TABLE) -> list[SweptModel]:
    """Reads the table of models.

    Args:
        table: A file in the form of `models.toml`.

    Returns:
        The models, in the order of the table.
    """
    known = {model.name: model for model in read_models()}
    found = []
    for row in tomllib.loads(table.read_text("utf-8"))["model"]:
        model = known[row["name"]]
        found.append(replace(model, inputs={**model.inputs, **row.get("inputs", {})}))
    return found


def make_data(inputs: Mapping[str, str], samples: int = SAMPLES) -> Arrays:
    """Makes samples for each input from a fixed seed.

    Args:
        inputs: How the data of each input is made, as in `models.toml`.
        samples: Number of samples.
    """
    random = np.random.default_rng(_SEED)
    return {
        name: [_make_input(text, random) for _ in range(samples)] for name, text in inputs.items()
    }


def _make_input(text: str, random: np.random.Generator) -> np.ndarray:
    match = _INPUT.fullmatch(text)
    if match is None:
        return make_array(text, random)
    shape = tuple(int(dim) for dim in match["dims"].split(","))
    if match["kind"] == "memory":
        # What recurrent layers remember is the result of tanh, mostly.
        return np.tanh(random.standard_normal(shape) / 2).astype(np.float32)
    low, high = float(match["low"]), float(match["high"])
    draw = _draw_pictures if match["kind"] == "picture" else _draw_sounds
    return np.asarray(low + (high - low) * draw(shape, random), np.float32)


def _draw_pictures(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Return pictures with channels first, from 0 to 1: words on a ground that varies slowly."""
    count, channels, height, width = shape
    return np.stack([_draw_picture(channels, height, width, random) for _ in range(count)])


def _draw_picture(
    channels: int, height: int, width: int, random: np.random.Generator
) -> np.ndarray:
    coarse = random.integers(40, 256, (3, 4, 3), np.uint8)
    picture = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    # A line of text fills the height of the picture; a page has many.
    size = min(height, 28) * 0.8
    top = random.uniform(0, size / 4)
    while top < height - size / 2:
        text = " ".join(random.choice(_WORDS, 1 + width // 60))
        colour = tuple(int(each) for each in random.integers(0, 90, 3))
        place = (random.uniform(0, width / 8), top)
        pen.text(place, text, fill=colour, font=ImageFont.load_default(size))
        top += size * random.uniform(1.2, 3)
    noisy = np.asarray(picture, np.float64) + random.normal(0, 3, (height, width, 3))
    values = np.clip(noisy, 0, 255).transpose(2, 0, 1) / 255
    return values if channels == 3 else values.mean(0, keepdims=True)


def _draw_sounds(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Return sounds from 0 to 1, with silence at a half: voiced ones and the noise of a room."""
    length = max(shape)
    rows = [_draw_sound(length, random) for _ in range(int(np.prod(shape)) // length)]
    return np.asarray(np.stack(rows).reshape(shape))


def _draw_sound(length: int, random: np.random.Generator) -> np.ndarray:
    seconds = np.arange(length) / _SAMPLE_RATE
    pitch = random.uniform(90, 250) * (1 + 0.05 * np.sin(2 * np.pi * 3 * seconds))
    phase = 2 * np.pi * np.cumsum(pitch) / _SAMPLE_RATE
    voice = sum(
        np.sin(number * phase) / number ** random.uniform(0.6, 1.6) for number in range(1, 16)
    )
    loudness = 0.5 + 0.5 * np.sin(2 * np.pi * random.uniform(1, 5) * seconds + random.uniform(0, 6))
    wave = voice * loudness + random.normal(0, 0.03, length)
    peak = np.max(np.abs(wave)) / random.uniform(0.3, 1)
    return np.asarray(0.5 + wave / peak / 2)
