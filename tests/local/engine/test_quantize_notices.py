"""Notices of quantize jobs about data and outputs that the accuracy of 8 bits cannot serve."""

from pathlib import Path

import numpy as np
import pytest
from support.execution_models import FLOAT, build_model
from support.network_models import node, quantized, single, told, uniform, weights_of

LINEAR = single([node("MatMul", ["x", "w"], ["y"])], [1, 8], weights_of(w=(8, 4)), out=[1, 4])


def test_an_output_that_mixes_ranges(tmp_path: Path) -> None:
    nodes = [
        node("Mul", ["x", "side"], ["boxes"]),
        node("Concat", ["boxes", "x"], ["y"], axis=1),
    ]
    ports = {"x": (FLOAT, [1, 4, 8])}, {"y": (FLOAT, [1, 8, 8])}
    model = build_model(nodes, *ports, {"side": np.float32(640)})

    result, _ = quantized(tmp_path, model, {"x": uniform(2, 1, 4, 8, low=0)})

    (message,) = told(result)
    assert "The output 'y'" in message
    assert "at 4 to 7 of dimension 1" in message


def test_several_slices_are_one_notice(tmp_path: Path) -> None:
    """The one that loses most is named."""
    nodes = [
        node("Mul", ["x", "side"], ["boxes"]),
        node("Mul", ["x", "tenth"], ["less"]),
        node("Concat", ["x", "boxes", "less", "boxes", "x"], ["y"], axis=1),
    ]
    ports = {"x": (FLOAT, [1, 4, 8])}, {"y": (FLOAT, [1, 20, 8])}
    model = build_model(nodes, *ports, {"side": np.float32(640), "tenth": np.float32(0.1)})

    result, _ = quantized(tmp_path, model, {"x": uniform(2, 1, 4, 8, low=0)})

    (message,) = told(result)
    assert "at 8 to 11 of dimension 1" in message
    assert "It is the worst of 3 such slices of this dimension." in message


def test_values_of_one_range_are_not_told(tmp_path: Path) -> None:
    result, _ = quantized(tmp_path, LINEAR, {"x": uniform(8, 1, 8)})

    assert told(result) == []


@pytest.mark.parametrize("count", [2, 20])
def test_a_sample_that_sets_the_range_alone(tmp_path: Path, count: int) -> None:
    inputs = uniform(count, 1, 8)
    inputs[1][0, 3] = -3e30

    result, _ = quantized(tmp_path, LINEAR, {"x": inputs})

    wild = [text for text in told(result) if "sets the range" in text]
    assert len(wild) == 1
    assert "Sample 1 of the calibration data contains -3e+30 in the input 'x'" in wild[0]
