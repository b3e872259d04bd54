"""Where a quantized model loses accuracy: each layer measured, the first bad one named."""

import math
import os
import shlex
import sys
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from support.execution_models import (
    FLOAT,
    INT64,
    build_model,
    conv_net,
    dataset,
    execute,
    get_failure,
    offset_model,
    quantize_request,
    run_onnx,
    samples,
    saved,
)

from qai_hub.local.engine.attempt import AttemptRequest
from qai_hub.local.engine.failures import FailureType
from qai_hub.local.engine.onnx.signature import get_inputs
from qai_hub.local.engine.protocol import Report, Soc
from qai_hub.local.engine.quantize import layer_report, layers, proposal
from qai_hub.local.engine.quantize.calibration import CalibrationData
from qai_hub.local.engine.quantize.layers import Layer, find_first_bad_layer

SIZE = (1, 3, 16, 16)
CHIP = Soc(name="chip", soc_model=57, hexagon=75, fp16=True, weight_sharing=True)


def request(folder: Path, model: onnx.ModelProto, inputs: Any, **more: Any) -> AttemptRequest:
    asked = quantize_request(saved(model, folder), dataset(folder / "d", inputs))
    return replace(asked, **{"analyze_layers": True, **more})


def measured(folder: Path, model: onnx.ModelProto, inputs: Any, **more: Any) -> dict[str, Any]:
    """The result of a quantize job."""
    return execute(request(folder, model, inputs, **more), folder / "a").result


OFFSET_INPUTS = {"x": samples(4, 1, 8, 8)}


@pytest.fixture(scope="module")
def of_conv_net(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The result of a job whose model is accurate."""
    return measured(tmp_path_factory.mktemp("conv_net"), conv_net(), {"x": samples(3, *SIZE)})


@pytest.fixture(scope="module")
def offset_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("offset")


@pytest.fixture(scope="module")
def of_offset(offset_folder: Path) -> Report:
    """The report of a job whose model is inaccurate."""
    return execute(request(offset_folder, offset_model(), OFFSET_INPUTS), offset_folder / "a")


def test_each_computed_tensor_is_measured_in_order(of_conv_net: dict[str, Any]) -> None:
    found = of_conv_net

    report = found["layer_accuracy"]
    rows = report["layers"]
    operators = ["", "Relu", "Relu", "GlobalAveragePool", "Conv", "Flatten"]
    assert [row["operator"] for row in rows] == operators
    assert [rows[0]["tensor"], rows[-1]["tensor"]] == ["x", "y"]
    assert report["samples"] == 3
    # The kernels of integers round a little otherwise than floats between Q and DQ nodes do.
    assert rows[-1]["psnr"] == pytest.approx(found["psnr"]["y"], abs=1)
    assert all(45 < row["psnr"] < 65 for row in rows)
    assert "first_bad_layer" not in report
    assert "simulated_on" not in report
    assert found["notices"] == []


def test_a_layer_is_compared_as_the_nodes_after_it_see_it(
    of_offset: Report, offset_folder: Path, tmp_path: Path
) -> None:
    target = onnx.load(offset_folder / "a" / of_offset.files["target_model"])
    (quantizer,) = (each for each in target.graph.node if each.input[0] == "raised")
    (back,) = (each for each in target.graph.node if each.input[0] == quantizer.output[0])
    target.graph.output.append(onnx.ValueInfoProto(name=back.output[0]))
    onnx.save(target, tmp_path / "t.onnx")
    before = np.stack([x + np.float32(500) for x in OFFSET_INPUTS["x"]]).astype(np.float64)
    after = np.stack([run_onnx(tmp_path / "t.onnx", x=x)[1] for x in OFFSET_INPUTS["x"]])
    psnr = 10 * math.log10(np.max(before) ** 2 / np.mean((before - after) ** 2))
    (row,) = (e for e in of_offset.result["layer_accuracy"]["layers"] if e["tensor"] == "raised")
    assert row["psnr"] == pytest.approx(psnr, abs=0.5)
    assert (row["node"], row["operator"]) == ("raise", "Add")


def test_a_relu_that_became_part_of_its_integers(tmp_path: Path) -> None:
    """The quantizer drops the Relu, so the layer before it has its values."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"], name="multiply"),
        helper.make_node("Relu", ["m"], ["r"], name="clamp"),
        helper.make_node("MatMul", ["r", "v"], ["y"], name="again"),
    ]
    random = np.random.default_rng(3)
    weights = {name: random.standard_normal((8, 8)).astype(np.float32) for name in "wv"}
    shape = [1, 8, 8]
    model = build_model(nodes, {"x": (FLOAT, shape)}, {"y": (FLOAT, shape)}, weights)

    rows = measured(tmp_path, model, OFFSET_INPUTS)["layer_accuracy"]["layers"]

    found = {row["tensor"]: row["psnr"] for row in rows}
    assert list(found) == ["x", "r", "y"]
    assert found["r"] > 40


def test_layers_have_the_nodes_of_the_users_model(tmp_path: Path) -> None:
    """Whatever the quantizer takes in their place."""
    constants = {name: np.linspace(0.5, 1.5, 3, dtype=np.float32) for name in "smbv"}
    nodes = [
        helper.make_node("BatchNormalization", ["x", *"smbv"], ["n"], name="norm"),
        helper.make_node("Selu", ["n"], ["a"], name="activate"),
        helper.make_node("Identity", ["a"], ["i"], name="same"),
        helper.make_node("Sub", ["i", "n"], ["d"], name="subtract"),
        helper.make_node("Dropout", ["d"], ["y"], name="drop"),
    ]
    model = build_model(nodes, {"x": (FLOAT, SIZE)}, {"y": (FLOAT, SIZE)}, constants)

    rows = measured(tmp_path, model, {"x": samples(2, *SIZE)})["layer_accuracy"]["layers"]

    found = {row["tensor"]: (row["operator"], row["node"]) for row in rows}
    assert found.items() >= {
        ("n", ("BatchNormalization", "norm")),
        ("a", ("Selu", "activate")),
        ("y", ("Sub", "subtract")),
    }


def test_the_first_bad_layer_is_named(of_offset: Report) -> None:
    found = of_offset.result

    assert found["psnr"]["y"] < 30
    assert found["layer_accuracy"]["first_bad_layer"] == "lowered"
    told = [each["message"] for each in found["notices"] if "layer" in each["message"]]
    assert told[0].startswith("The output 'y' has a PSNR of")
    assert (
        "The first layer that loses far more accuracy than those before it is 'lowered'" in told[0]
    )
    assert "(Sub of the node 'lower')" in told[0]


def layer(tensor: str, psnr: float | None, *inputs: str) -> Layer:
    return Layer(tensor=tensor, node="", operator="Op", inputs=inputs, quantized=tensor, psnr=psnr)


@pytest.mark.parametrize(
    ("chain", "bad"),
    [
        ([layer("a", 55), layer("b", 25, "a"), layer("c", 24, "b")], "b"),
        # It is the loss that counts, even if what follows only makes it show.
        ([layer("a", 57), layer("b", 31, "a"), layer("c", 25, "b")], "b"),
        ([layer("a", 57), layer("b", 31, "a")], None),
        ([layer("a", 57), layer("b", 42, "a"), layer("c", 25, "b")], "c"),
        # Errors that add up are no single layer's.
        ([layer("a", 38), layer("b", 31, "a"), layer("c", 25, "b")], None),
        # What vanishes later does no harm.
        ([layer("a", 55), layer("b", 25, "a"), layer("c", 45, "b")], None),
        ([layer("a", 55), layer("b", 25, "a"), layer("c", 24, "b"), layer("d", 41, "b")], None),
        # The worst input counts.
        ([layer("a", 55), layer("b", 25), layer("c", 24, "a", "b")], "b"),
        ([layer("a", None), layer("b", 29, "a")], "b"),
        ([layer("a", 55), layer("b", 44, "a")], None),
        ([], None),
    ],
)
def test_which_layer_is_the_first_bad_one(chain: list[Layer], bad: str | None) -> None:
    found = find_first_bad_layer(chain)
    assert (found and found.tensor) == bad


def test_tensors_of_integers_are_left_out(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["row"], axis=0),
        helper.make_node("MatMul", ["row", "w"], ["m"]),
        helper.make_node("ArgMax", ["m"], ["best"], axis=1, keepdims=0),
        helper.make_node("Relu", ["m"], ["y"]),
    ]
    random = np.random.default_rng(4)
    weights = {
        "table": random.standard_normal((10, 8)).astype(np.float32),
        "w": random.standard_normal((8, 8)).astype(np.float32),
    }
    outputs: Any = {"y": (FLOAT, [4, 8]), "best": (INT64, [4])}
    model = build_model(nodes, {"ids": (INT64, [4])}, outputs, weights)
    inputs = {"ids": [random.integers(0, 10, 4) for _ in range(3)]}

    report = measured(tmp_path, model, inputs)["layer_accuracy"]

    assert [row["tensor"] for row in report["layers"]] == ["row", "m", "y"]
    assert "reason" not in report


def test_dimensions_may_be_open(tmp_path: Path) -> None:
    inputs = [np.concatenate(samples(count, *SIZE)) for count in (1, 3)]

    report = measured(tmp_path, conv_net("n"), {"x": inputs})["layer_accuracy"]

    assert report["samples"] == 2
    assert report["layers"][-1]["tensor"] == "y"


def test_a_simulation_tells_what_the_chip_would_compute(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime_qnn")

    report = measured(tmp_path, conv_net(), {"x": samples(3, *SIZE)}, soc=CHIP)["layer_accuracy"]

    assert report["simulated_on"] == "chip"
    assert "reason" not in report
    for row in report["layers"]:
        # One sample of three, and the input in 16 bits rather than 8.
        assert row["simulated_psnr"] > row["psnr"] - 6


@pytest.fixture
def crashing(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Lets parts of the analysis be replaced by those that crash."""
    tests = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([tests, *sys.path]))
    return monkeypatch


def test_a_simulation_that_crashes_is_told_and_harms_nothing(
    tmp_path: Path, crashing: pytest.MonkeyPatch
) -> None:
    crashing.setattr(layer_report, "_SIMULATE", "support.crashing_analysis:simulate_layers")

    found = measured(tmp_path, conv_net(), {"x": samples(3, *SIZE)}, soc=CHIP)

    report = found["layer_accuracy"]
    assert report["reason"] == "The simulation of layers was killed by SIGSEGV."
    assert [row.get("simulated_psnr") for row in report["layers"]] == [40.5, *[None] * 5]
    assert all("psnr" in row for row in report["layers"])
    ((severity, message),) = ((n["severity"], n["message"]) for n in found["notices"])
    assert (severity, message) == ("WARNING", report["reason"])


def test_an_analysis_that_crashes_is_told_and_harms_nothing(
    tmp_path: Path, crashing: pytest.MonkeyPatch
) -> None:
    crashing.setattr(layer_report, "_MEASURE", "support.crashing_analysis:measure_layers")
    crashing.setattr(proposal, "_TRY_BITS", "support.crashing_analysis:crash")

    found = measured(tmp_path, offset_model(), OFFSET_INPUTS)

    assert found["psnr"]["y"] < 30
    report = found["layer_accuracy"]
    assert [(row["tensor"], row["psnr"]) for row in report["layers"]] == [("x", 40.5)]
    problems = [
        "The measurement of layers was killed by SIGSEGV: 1 of 4 are done.",
        "There is no proposal of 16 bits: trying them was killed by SIGSEGV.",
    ]
    assert report["reason"] == " ".join(problems)
    told = [each["message"] for each in found["notices"] if each["severity"] == "WARNING"]
    assert told[-2:] == problems


def test_a_choice_that_was_asked_for_fails_the_job_if_its_trials_crash(
    tmp_path: Path, crashing: pytest.MonkeyPatch
) -> None:
    crashing.setattr(proposal, "_TRY_BITS", "support.crashing_analysis:crash")
    options = "--lite_mp 'percentage=25;override_qtype=int16'"
    asked = request(tmp_path, offset_model(), OFFSET_INPUTS, options=options)

    failure = get_failure(asked, tmp_path / "a")

    assert failure.failure_type is FailureType.CRASH
    assert failure.reason == (
        "--lite_mp cannot rank layers: running the model with more bits was killed by SIGSEGV."
    )


def test_a_job_that_is_out_of_time_is_not_analyzed(tmp_path: Path) -> None:
    found = measured(tmp_path, conv_net(), {"x": samples(3, *SIZE)}, time_limit=0.1)

    report = found["layer_accuracy"]
    assert report["layers"] == []
    assert report["reason"].startswith("The measurement of layers took longer than 0 s")
    assert found["psnr"]["y"] > 40


def test_the_number_of_layers_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_report, "MAX_LAYERS", 2)

    report = measured(tmp_path, conv_net(), {"x": samples(3, *SIZE)})["layer_accuracy"]

    assert report["layers"] == []
    assert report["reason"].endswith("computed tensors: this hub measures up to 2.")


def test_when_time_runs_out_what_was_measured_is_kept(
    of_offset: Report, offset_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "_CHUNK_LAYERS", 2)
    clock = iter([0.0, 1.0, 10_000.0])
    monkeypatch.setattr(layers, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    original = offset_folder / "a/work/first/prepared/model.onnx"
    quantized = offset_folder / "a" / of_offset.files["target_model"]
    found = layers.find_layers(onnx.load(original), onnx.load(quantized))
    inputs = dataset(tmp_path / "d", {"x": OFFSET_INPUTS["x"][:1]})
    data = CalibrationData(path=inputs, ports=get_inputs(onnx.load(original)))

    result = layers.measure_layers(
        {
            "original": original,
            "quantized": quantized,
            "layers": list(map(asdict, found)),
            "data": data.to_json(),
            "seconds": 60,
        },
        tmp_path,
    )

    assert len(found) == 4
    assert list(result["psnr"]) == [each.tensor for each in found[:2]]
    assert (result["done"], result["samples"]) == (2, 1)


def test_few_bits_more_where_they_matter_are_proposed(of_offset: Report, tmp_path: Path) -> None:
    found = of_offset.result

    proposed = found["layer_accuracy"]["mixed_precision"]
    assert [each["tensor"] for each in proposed["layers"]] == ["raised"]
    assert proposed["psnr_before"] == found["psnr"]["y"] < 25
    assert proposed["psnr_after"] > 40
    (told,) = (each["message"] for each in found["notices"] if "16 bits" in each["message"])
    assert told.startswith("Keeping 'raised' at 16 bits raises the PSNR")

    # The job with the options that it names gives what was tried.
    applied = measured(tmp_path, offset_model(), OFFSET_INPUTS, options=proposed["options"])
    assert applied["psnr"]["y"] == proposed["psnr_after"]
    assert "mixed_precision" not in applied["layer_accuracy"]


def test_a_share_of_the_layers_is_kept_at_16_bits(tmp_path: Path) -> None:
    options = "--lite_mp percentage=25;override_qtype=int16"
    asked = replace(
        request(tmp_path, offset_model(), OFFSET_INPUTS, options=shlex.join(options.split())),
        # The choice needs no report.
        analyze_layers=False,
    )

    report = execute(asked, tmp_path / "a")

    assert report.result["psnr"]["y"] > 40
    target = onnx.load(tmp_path / "a" / report.files["target_model"])
    onnx.checker.check_model(target, full_check=True)
    kinds = {tensor.name: tensor.data_type for tensor in target.graph.initializer}
    wide = {
        node.input[0]
        for node in target.graph.node
        if node.op_type == "QuantizeLinear" and kinds[node.input[2]] == onnx.TensorProto.UINT16
    }
    assert "raised" in wide
    # The output is back at 8 bits.
    assert not any(name.startswith("y") for name in wide)


def test_all_8_bits_that_are_accurate_need_no_proposal(of_conv_net: dict[str, Any]) -> None:
    assert "mixed_precision" not in of_conv_net["layer_accuracy"]


@pytest.mark.parametrize(
    ("options", "activations", "problem"),
    [
        ("--int16_activations raised", "INT16", "--int16_activations is for activations of INT8"),
        (
            "--int16_activations raised --lite_mp 'percentage=10;override_qtype=int16'",
            "INT8",
            "exclude each other",
        ),
        ("--int16_activations sideways", "INT8", "names 'sideways', which is no computed tensor"),
        ("--int16_activations w", "INT8", "names 'w', which is no computed tensor"),
    ],
)
def test_which_options_for_16_bits_are_refused(
    tmp_path: Path, options: str, activations: str, problem: str
) -> None:
    asked = request(
        tmp_path,
        offset_model(),
        OFFSET_INPUTS,
        options=options,
        activations_dtype=activations,
    )

    failure = get_failure(asked, tmp_path / "a")

    assert failure.failure_type is FailureType.INVALID_ARGUMENT
    assert problem in failure.reason


@pytest.mark.parametrize("overflow", [math.inf, -math.inf, math.nan])
def test_an_overflow_counts_as_the_largest_float(overflow: float) -> None:
    error = layers.ErrorSum()
    error.add(np.ones(4, np.float32), np.array([1, 1, 1, overflow], np.float32))
    assert error.psnr is not None
    assert error.psnr < -600
