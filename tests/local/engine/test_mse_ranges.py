"""Ranges that leave the smallest mean squared error: `--range_scheme mse_minimizer`."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as array_strategies
from onnx import helper, numpy_helper
from support.execution_models import (
    FLOAT,
    build_model,
    dataset,
    execute,
    get_failure,
    offset_model,
    quantize_request,
    samples,
    saved,
)

from qai_hub.local.engine.attempt import AttemptRequest
from qai_hub.local.engine.quantize import mse_ranges
from qai_hub.local.engine.quantize.bit_trials import BitTrials
from qai_hub.local.engine.quantize.mse_ranges import Histogram

SHAPE = [1, 3, 128, 128]
VALUES = array_strategies.arrays(
    np.float32,
    st.integers(1, 60),
    elements=st.floats(-(2.0**100), 2.0**100, width=32, allow_subnormal=True),
)


def doubling_model() -> onnx.ModelProto:
    """y = 2 x."""
    nodes = [helper.make_node("Mul", ["x", "two"], ["y"], name="double")]
    return build_model(nodes, {"x": (FLOAT, SHAPE)}, {"y": (FLOAT, SHAPE)}, {"two": np.float32(2)})


def scores_model() -> onnx.ModelProto:
    """y = softmax(pad(2 x)), padded with 30."""
    nodes = [
        helper.make_node("Mul", ["x", "two"], ["doubled"], name="double"),
        helper.make_node("Pad", ["doubled", "pads", "number"], ["padded"], name="pad"),
        helper.make_node("Softmax", ["padded"], ["y"], name="softmax", axis=-1),
    ]
    weights = {"two": np.float32(2), "pads": np.array([0] * 7 + [1]), "number": np.float32(30)}
    shape = [*SHAPE[:3], SHAPE[3] + 1]
    return build_model(nodes, {"x": (FLOAT, SHAPE)}, {"y": (FLOAT, shape)}, weights)


def outliers(count: int = 4) -> list[Any]:
    """Normal values, one of which is huge."""
    tensors = samples(count, *SHAPE)
    tensors[3].reshape(-1)[77] = 1000
    return tensors


def asking(
    folder: Path, scheme: str, model: onnx.ModelProto, inputs: list[Any], *types: str
) -> AttemptRequest:
    folder.mkdir()
    data = dataset(folder / "d", {"x": inputs})
    request = quantize_request(saved(model, folder), data, *types)
    return replace(request, options=f"--range_scheme {scheme}")


def quantize(
    folder: Path, scheme: str, model: onnx.ModelProto, inputs: list[Any], *types: str
) -> tuple[dict[str, float], onnx.ModelProto]:
    """The PSNR of the outputs, and the target model."""
    report = execute(asking(folder, scheme, model, inputs, *types), folder / "a")
    return report.result["psnr"], onnx.load(folder / "a" / report.files["target_model"])


def read_ranges(model: onnx.ModelProto) -> dict[str, tuple[float, float]]:
    """The lowest and highest number of each quantized tensor of 8 bits."""
    constants = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    found = {}
    for node in model.graph.node:
        if node.op_type == "QuantizeLinear":
            scale, zero = (constants[name] for name in node.input[1:3])
            found[node.input[0]] = (float(-scale * zero), float(scale * (255 - int(zero))))
    return found


def measure_error(values: Any, low: float, high: float, bits: int) -> float:
    """The squared error of values that are quantized with a range."""
    wide = values.astype(np.float64)
    if high == low:
        return float(np.sum(np.square(wide)))
    scale = (high - low) / (2**bits - 1)
    zero = round(-low / scale)
    integers = np.clip(np.round(wide / scale) + zero, 0, 2**bits - 1)
    return float(np.sum(np.square((integers - zero) * scale - wide)))


def test_rare_outliers_cost_the_other_values_less(tmp_path: Path) -> None:
    plain, _ = quantize(tmp_path / "min_max", "min_max", doubling_model(), outliers(28))
    better, model = quantize(tmp_path / "mse", "mse_minimizer", doubling_model(), outliers(28))

    assert better["y"] > plain["y"] + 1.5
    low, high = read_ranges(model)["x"]
    assert -5 < low < 0
    assert 100 < high < 900


def test_trials_of_bits_clip_as_the_target_model_does(tmp_path: Path) -> None:
    inputs = outliers(28)
    found, _ = quantize(tmp_path / "mse", "mse_minimizer", doubling_model(), inputs)
    (original,) = (tmp_path / "mse").glob("m*")
    quantized = tmp_path / "mse" / "a" / "target_model.onnx"

    trials = BitTrials(original, quantized, [], [{"x": each} for each in inputs], tmp_path)

    assert trials.run(set()) == pytest.approx(found["y"], abs=0.1)


def test_it_is_the_same_each_time_in_whatever_groups_tensors_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, once = quantize(tmp_path / "once", "mse_minimizer", scores_model(), outliers())
    monkeypatch.setattr(mse_ranges, "_MAX_VALUES", 1)
    _, again = quantize(tmp_path / "again", "mse_minimizer", scores_model(), outliers())

    assert once == again


def test_sixteen_bits_clip_nothing(tmp_path: Path) -> None:
    types = ("INT8", "INT16")
    _, plain = quantize(tmp_path / "min_max", "min_max", doubling_model(), outliers(), *types)
    _, other = quantize(tmp_path / "mse", "mse_minimizer", doubling_model(), outliers(), *types)

    assert plain == other


def test_scores_and_numbers_of_paddings_stay_within_their_ranges(tmp_path: Path) -> None:
    inputs = samples(2, *SHAPE)
    _, model = quantize(tmp_path / "mse", "mse_minimizer", scores_model(), inputs)

    ranges = read_ranges(model)
    # What is padded has the range of the scores, and that the number of the padding.
    assert ranges["doubled"][1] == pytest.approx(30, abs=0.2)
    assert ranges["x"][1] < max(float(each.max()) for each in inputs)


def test_tensors_that_are_not_finite_are_refused_as_by_the_other_schemes(tmp_path: Path) -> None:
    model = doubling_model()
    model.graph.node[0].op_type = "Div"
    zeros = [np.zeros(SHAPE, np.float32)]
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.zeros((), np.float32), "two"))

    reasons = {
        get_failure(asking(tmp_path / scheme, scheme, model, zeros), tmp_path / scheme / "a").reason
        for scheme in ("min_max", "mse_minimizer")
    }

    (reason,) = reasons
    assert "NaN" in reason


@pytest.mark.parametrize("scheme", ["auto", "min_max"])
def test_the_other_schemes_are_one(tmp_path: Path, scheme: str) -> None:
    inputs = samples(4, 1, 8, 8)
    _, model = quantize(tmp_path / "given", scheme, offset_model(), inputs)

    low, high = read_ranges(model)["x"]
    assert high - low == pytest.approx(np.max(inputs) - np.min(inputs), rel=1e-4)


@settings(max_examples=30, deadline=None)
@given(values=VALUES, bits=st.sampled_from([8, 16]), parts=st.integers(1, 4))
def test_a_range_is_within_that_of_the_values_and_never_worse(
    values: Any, bits: int, parts: int
) -> None:
    whole, split = Histogram(), Histogram()
    whole.add(values)
    for part in np.array_split(values, parts):
        split.add(part)

    low, high = whole.find_range(bits)

    assert split.find_range(bits) == (low, high)
    smallest, largest = min(0.0, float(values.min())), max(0.0, float(values.max()))
    assert smallest <= low <= 0 <= high <= largest
    before = measure_error(values, smallest, largest, bits)
    # Few values may be rounded by luck: what is expected of many holds up to a step for each.
    step = (largest - smallest) / (2**bits - 1)
    assert measure_error(values, low, high, bits) <= before + values.size * step**2


@settings(max_examples=30, deadline=None)
@given(values=VALUES, bad=st.sampled_from([np.nan, np.inf, -np.inf]))
def test_values_that_are_not_finite_are_told(values: Any, bad: float) -> None:
    histogram = Histogram()
    histogram.add(values)
    assert histogram.is_finite
    histogram.add(np.append(values, np.float32(bad)))
    histogram.add(values)

    assert not histogram.is_finite


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("power", [1, 3, 5])
def test_many_values_are_closer(power: int, bits: int) -> None:
    values = (np.random.default_rng(3).normal(size=200_000) ** power).astype(np.float32)
    histogram = Histogram()
    histogram.add(values)

    low, high = histogram.find_range(bits)

    before = measure_error(values, float(values.min()), float(values.max()), bits)
    after = measure_error(values, low, high, bits)
    assert after <= before * (0.97 if bits == 8 else 1)
