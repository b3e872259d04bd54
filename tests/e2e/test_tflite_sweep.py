"""The parts of the sweep of TensorFlow Lite models that need no engine."""

import json
from datetime import date
from pathlib import Path

import numpy as np
from support.tflite_models import linear, quantizing
from sweep.command import Results
from sweep.models import SweptModel
from tflite_sweep.jobs import PRECISIONS, Outcome, count_types
from tflite_sweep.models import SAMPLES, make_data, read_tflite_models
from tflite_sweep.page import write_page


def test_the_table_of_models() -> None:
    models = read_tflite_models()
    assert len(models) >= 30
    assert len({model.name for model in models}) == len(models)


def test_data_is_like_pictures_and_sounds() -> None:
    inputs = {
        "x": "float32[2,3,32,48] picture -1 1",
        "y": "float32[1,800] sound -0.5 0.5",
        "h": "float32[1,4] memory",
        "t": "int64[3] < 5",
    }
    first, second = make_data(inputs, 3), make_data(inputs, 3)
    for name, samples in first.items():
        assert len(samples) == 3
        np.testing.assert_array_equal(samples, second[name])
    picture, sound = first["x"][0], first["y"][0]
    assert picture.shape == (2, 3, 32, 48)
    assert picture.min() >= -1
    assert picture.max() <= 1
    # Neighbours are alike: those of noise differ by more than the deviation from the mean.
    for values in (picture, sound):
        assert np.mean(np.abs(np.diff(values))) < np.std(values) * 0.8
    assert len(make_data({"t": inputs["t"]})["t"]) == SAMPLES


def test_results_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    outcome = Outcome(psnr=31.5, size=5, seconds=1.5, tensors={"INT8": 3}, floats={"EXP": 1})
    Results(path, Outcome.from_json).add("a: net", "w8a8", outcome)

    results = Results(path, Outcome.from_json)

    assert results.outcomes == {("a: net", "w8a8"): outcome}
    assert results.list_missing("a: net", PRECISIONS) == ["float", "float16", "w8a16"]
    assert json.loads(path.read_text("utf-8"))["psnr"] == 31.5


def test_the_page(tmp_path: Path) -> None:
    models = [SweptModel(f"{each}: net", each, "1.0", "MIT", "net.onnx", {}) for each in "abc"]
    whole = {"INT8": 4, "INT32": 1}
    found = {
        ("a: net", "float"): Outcome(
            psnr=81.2, size=4_000_000, seconds=2.4, tensors={"FLOAT32": 5}
        ),
        ("a: net", "w8a8"): Outcome(psnr=35.5, size=1_000_000, seconds=3.6, tensors=whole),
        ("b: net", "w8a8"): Outcome(
            psnr=12.3, tensors={"INT8": 4, "FLOAT32": 2}, floats={"EXP": 2}
        ),
        ("b: net", "w8a16"): Outcome(psnr=44.4, tensors={"INT16": 5, "FLOAT32": 1}),
        ("c: net", "float"): Outcome(reason="compile: no 'x' | 5"),
    }
    versions = dict.fromkeys(("onnx2tf", "ai-edge-quantizer", "ai-edge-litert"), "1.0")

    write_page(tmp_path / "p.md", models, found, versions, date(2026, 1, 2))

    text = (tmp_path / "p.md").read_text("utf-8")
    words = " ".join(text.split())
    assert "on 2026-01-02, with onnx2tf 1.0, ai-edge-quantizer 1.0, ai-edge-litert 1.0" in words
    assert "Of 3 models, 1 reach 60 dB in floats, and 2 reach 30 dB in integers, 1 of" in words
    assert "1 with activations of 8 bits, and 1 that need 16 bits" in words
    assert "| a: net | 81 | 4.00 | 2 |  |  | 36 | 1.00 | 4 | all |  |  |  |  |" in text
    assert "| **12** | 0.00 | 0 | 4 of 6 | 44 | 0.00 | 0 | 5 of 6 |" in text
    assert "| c: net | [1] |" in text
    assert "| 1 | 1 | compile: no 'x' \\| 5 |" in text
    assert "| b: net | w8a8 | EXP (2) |" in text


def test_types_of_tensors_are_counted(tmp_path: Path) -> None:
    assert count_types(linear(tmp_path / "floats.tflite")) == {"FLOAT32": 2}
    assert count_types(quantizing(tmp_path / "integers.tflite")) == {"INT8": 2}
