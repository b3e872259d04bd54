"""Which values quantized tensors have and can represent, against what NumPy makes of them."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from support.execution_models import (
    FLOAT,
    build_model,
    conv_net,
    dataset,
    execute,
    offset_model,
    quantize_request,
    samples,
    saved,
)

from qai_hub.local.engine.onnx.signature import get_inputs
from qai_hub.local.engine.quantize import range_report
from qai_hub.local.engine.quantize.budget import TimeBudget
from qai_hub.local.engine.quantize.calibration import CalibrationData
from qai_hub.local.engine.quantize.range_measurement import measure_ranges
from qai_hub.local.engine.quantize.range_report import RangeReport, report_ranges

SCALE, ZERO_POINT = np.float32(0.1), 128
WEIGHT_SCALES = np.array([0.01, 0.002, 0.5], np.float32)


def weights() -> Any:
    """Three columns: one fits its range, one is far outside, and one uses little of it."""
    random = np.random.default_rng(5)
    return (random.standard_normal((4, 3)) * [0.3, 0.6, 0.3]).astype(np.float32)


def float_model() -> onnx.ModelProto:
    """y = x @ w."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], name="multiply")]
    ports = {"x": (FLOAT, [50, 4])}, {"y": (FLOAT, [50, 3])}
    return build_model(nodes, *ports, {"w": weights()})


def quantized_model() -> onnx.ModelProto:
    """The same with integers: those of x reach from -12.8 to 12.7."""
    integers = np.clip(np.rint(weights() / WEIGHT_SCALES), -128, 127).astype(np.int8)
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], name="quantize"),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"], name="back"),
        helper.make_node("DequantizeLinear", ["w_q", "w_s", "w_z"], ["w_d"], name="w", axis=1),
        helper.make_node("MatMul", ["d", "w_d"], ["y"], name="multiply"),
    ]
    constants = {
        "s": SCALE,
        "z": np.uint8(ZERO_POINT),
        "w_q": integers,
        "w_s": WEIGHT_SCALES,
        "w_z": np.zeros(3, np.int8),
    }
    return build_model(nodes, {"x": (FLOAT, [50, 4])}, {"y": (FLOAT, [50, 3])}, constants)


@pytest.fixture
def inputs() -> list[Any]:
    """Samples with some values outside -12.8 to 12.7."""
    random = np.random.default_rng(6)
    return [(7 * random.standard_normal((50, 4))).astype(np.float32) for _ in range(5)]


def count_saturated(values: Any, scale: Any, zero_point: int, low: int, high: int) -> float:
    """The share of values whose integers, as ONNX defines them, have to be clipped."""
    integers = np.rint(np.asarray(values, np.float64) / scale) + zero_point
    return float(np.mean((integers < low) | (integers > high)))


def arguments(folder: Path, inputs: list[Any], **more: Any) -> dict[str, Any]:
    original = saved(float_model(), folder, "float")
    data = CalibrationData(
        path=dataset(folder / "d", {"x": inputs}), ports=get_inputs(onnx.load(original))
    )
    quantized = saved(quantized_model(), folder, "quantized")
    return {
        "original": original,
        "quantized": quantized,
        "data": data.to_json(),
        "ranges": {},
        "seconds": 60.0,
        **more,
    }


def test_values_outside_the_range_are_counted_on_all_samples(
    tmp_path: Path, inputs: list[Any]
) -> None:
    found = measure_ranges(arguments(tmp_path, inputs), tmp_path)

    x, w = found["tensors"]
    assert (found["samples"], found["counted"], found["missing"]) == (5, 1, 0)
    share = count_saturated(inputs, np.float64(SCALE), ZERO_POINT, 0, 255)
    assert 0.02 < share < 0.2
    assert x["saturation"] == pytest.approx(share, abs=1e-12)
    assert (x["tensor"], x["kind"], x["dtype"]) == ("x", "QUANTIZED_TENSOR_KIND_INPUT", "uint8")
    assert (x["seen_min"], x["seen_max"]) == (np.min(inputs), np.max(inputs))
    assert (x["range_min"], x["range_max"]) == pytest.approx((-12.8, 12.7), rel=1e-6)
    assert (x["channels"], x["zero_point"]) == (1, ZERO_POINT)
    assert x["min_scale"] == x["max_scale"] == pytest.approx(0.1)
    assert x["used"] == 1

    share = count_saturated(weights(), WEIGHT_SCALES.astype(np.float64), 0, -128, 127)
    assert 0 < share < 0.4
    assert w["saturation"] == pytest.approx(share, abs=1e-12)
    assert (w["tensor"], w["kind"], w["dtype"]) == ("w", "QUANTIZED_TENSOR_KIND_WEIGHT", "int8")
    assert (w["channels"], w["zero_point"]) == (3, 0)
    assert "used" not in w
    assert (w["min_scale"], w["max_scale"]) == pytest.approx((0.002, 0.5))
    assert (w["range_min"], w["range_max"]) == pytest.approx((-64, 63.5))


def test_what_calibration_has_seen_within_the_range_is_not_run_again(
    tmp_path: Path, inputs: list[Any]
) -> None:
    asked = arguments(tmp_path, inputs, ranges={"x": (-12.83, 12.7)})
    (tmp_path / "d").unlink()

    x, _ = measure_ranges(asked, tmp_path)["tensors"]

    assert (x["saturation"], x["seen_min"], x["seen_max"]) == (0, -12.83, 12.7)


def test_what_was_not_counted_has_no_share(tmp_path: Path, inputs: list[Any]) -> None:
    asked = arguments(tmp_path, inputs, ranges={"x": (-20.0, 3.0)}, seconds=-1.0)

    found = measure_ranges(asked, tmp_path)

    assert found["samples"] == 0
    assert "saturation" not in found["tensors"][0]


def reported(folder: Path, inputs: list[Any], spent: float = 60.0) -> RangeReport:
    asked = arguments(folder, inputs)
    return report_ranges(
        asked["original"],
        asked["quantized"],
        {},
        CalibrationData.from_json(asked["data"]),
        len(inputs),
        folder / "work",
        TimeBudget(spent=spent),
    )


def test_tensors_that_lose_many_values_are_named_the_worst_first(
    tmp_path: Path, inputs: list[Any]
) -> None:
    report = reported(tmp_path, inputs)

    shares = [each["saturation"] for each in report.tensors]
    assert shares == sorted(shares, reverse=True)
    assert (report.total, report.samples, report.reason) == (2, 5, "")
    ((severity, message),) = ((each["severity"], each["message"]) for each in report.notices)
    assert severity == "INFO"
    assert f"cut off there: 'w' {100 * shares[0]:.1f} %, 'x' {100 * shares[1]:.1f} %. " in message


def test_a_report_of_many_tensors_is_cut(
    tmp_path: Path, inputs: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(range_report, "MAX_TENSORS", 1)

    report = reported(tmp_path, inputs)

    assert [each["tensor"] for each in report.tensors] == ["w"]
    assert report.total == 2
    assert report.reason == "The report has 1 of 2 tensors."


def test_a_crash_is_told_and_harms_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tests = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([tests, *sys.path]))
    monkeypatch.setattr(range_report, "_MEASURE", "support.crashing_analysis:crash")

    found = quantized(tmp_path, offset_model(), {"x": samples(2, 1, 8, 8)})

    assert found["tensor_ranges"]["tensors"] == []
    assert found["tensor_ranges"]["reason"] == "The measurement of ranges was killed by SIGSEGV."
    assert found["layer_accuracy"]["layers"]
    assert found["tensor_ranges"]["reason"] in [each["message"] for each in found["notices"]]


def quantized(folder: Path, model: onnx.ModelProto, inputs: Any, **more: Any) -> dict[str, Any]:
    """The result of a quantize job."""
    asked = quantize_request(saved(model, folder), dataset(folder / "d", inputs))
    asked = replace(asked, **{"analyze_layers": True, **more})
    return execute(asked, folder / "a").result


def ranges_of(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["tensor"]: each for each in result["tensor_ranges"]["tensors"]}


def test_ranges_of_calibration_saturate_nothing(tmp_path: Path) -> None:
    """Not even at the ends of a range that is symmetric around 0, where half a step is missing."""
    inputs = [np.sign(each) for each in samples(3, 1, 3, 16, 16)]

    result = quantized(tmp_path, conv_net(), {"x": inputs})

    found = ranges_of(result)
    assert {each["saturation"] for each in found.values()} == {0}
    kinds = {name: each["kind"].rpartition("_")[2] for name, each in found.items()}
    assert kinds == {
        "x": "INPUT",
        "y": "OUTPUT",
        **dict.fromkeys(("r1", "r2", "p", "c3"), "ACTIVATION"),
        **dict.fromkeys(("w1", "w2", "w3"), "WEIGHT"),
        **dict.fromkeys(("b1", "b2"), "BIAS"),
    }
    assert (found["x"]["seen_min"], found["x"]["seen_max"]) == (-1, 1)
    assert found["w1"]["channels"] == 8
    assert found["b1"]["dtype"] == "int32"
    assert result["tensor_ranges"]["samples"] == 3


def test_values_that_a_clip_cuts_off_anyway_are_saturated_before_it(tmp_path: Path) -> None:
    """Its input gets the range of its output."""
    nodes = [
        helper.make_node("Clip", ["x", "low", "high"], ["c"], name="clip"),
        helper.make_node("Sigmoid", ["c"], ["y"], name="last"),
    ]
    limits = {"low": np.float32(-0.5), "high": np.float32(0.5)}
    shape = [1, 8, 8]
    model = build_model(nodes, {"x": (FLOAT, shape)}, {"y": (FLOAT, shape)}, limits)
    inputs = samples(4, *shape)

    result = quantized(tmp_path, model, {"x": inputs})

    found = ranges_of(result)
    x = found["x"]
    scale, zero_point = x["max_scale"], x["zero_point"]
    share = count_saturated(inputs, scale, zero_point, 0, 255)
    assert x["saturation"] == pytest.approx(share, abs=1e-12)
    assert share > 0.5
    assert (x["seen_min"], x["seen_max"]) == (np.min(inputs), np.max(inputs))
    assert x["range_max"] == pytest.approx(0.5, abs=scale)
    assert found["c"]["saturation"] == found["y"]["saturation"] == 0
    (told,) = (e["message"] for e in result["notices"] if "are cut off" in e["message"])
    assert f"'x' {100 * share:.1f} %" in told


def test_a_range_that_is_used_little_comes_first(tmp_path: Path) -> None:
    """Of numbers near 500, integers that include 0 tell few apart."""
    inputs = samples(4, 1, 8, 8)

    report = quantized(tmp_path, offset_model(), {"x": inputs})["tensor_ranges"]

    raised = report["tensors"][0]
    assert raised["tensor"] == "raised"
    values = np.stack(inputs) + np.float32(500)
    assert (raised["seen_min"], raised["seen_max"]) == (values.min(), values.max())
    assert raised["range_min"] == 0
    assert raised["used"] == pytest.approx(np.ptp(values) / values.max(), rel=1e-3)


def test_ranges_of_other_types(tmp_path: Path) -> None:
    more = {"weights_dtype": "INT4", "activations_dtype": "INT16"}

    found = ranges_of(quantized(tmp_path, conv_net(), {"x": samples(3, 1, 3, 16, 16)}, **more))

    assert {each["dtype"] for each in found.values()} == {"int4", "uint16", "int32"}
    assert {each["saturation"] for each in found.values()} == {0}
    steps = (found["x"]["range_max"] - found["x"]["range_min"]) / found["x"]["max_scale"]
    assert steps == pytest.approx(2**16 - 1)


def test_a_hub_that_analyzes_nothing_measures_no_ranges(tmp_path: Path) -> None:
    inputs = {"x": samples(2, 1, 8, 8)}

    report = quantized(tmp_path, offset_model(), inputs, analyze_layers=False)["tensor_ranges"]

    assert report == {
        "tensors": [],
        "total": 0,
        "samples": 0,
        "reason": "The ranges were not measured: this hub analyzes no layers.",
    }
