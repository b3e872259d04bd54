"""Quantizing: what comes out, how close it is, and which models and data cannot be quantized."""

import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper
from support.execution_models import (
    FLOAT,
    INT64,
    attempt,
    branching_model,
    build_model,
    conv_net,
    dataset,
    execute,
    get_failure,
    linear_model,
    onnx_input,
    quantize_notices,
    quantize_request,
    run_onnx,
    samples,
    saved,
)

from qai_hub.local.engine.attempt import AttemptRequest
from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.quantize.job import quantize_model

SIZE = (1, 3, 16, 16)
UINT8, UINT16, INT8, INT4 = (
    getattr(onnx.TensorProto, name) for name in ("UINT8", "UINT16", "INT8", "INT4")
)


def request(folder: Path, model: onnx.ModelProto, inputs: Any, *types: str) -> AttemptRequest:
    return quantize_request(saved(model, folder), dataset(folder / "d", inputs), *types)


def quantize(folder: Path, *types: str) -> tuple[dict[str, Any], Path]:
    """What the report about the network of convolutions tells, and its target model."""
    asked = request(folder, conv_net(), {"x": samples(16, *SIZE)}, *types)
    report = execute(asked, folder / "a")
    return report.result, folder / "a" / report.files["target_model"]


def constants(model: onnx.ModelProto) -> dict[str, onnx.TensorProto]:
    return {tensor.name: tensor for tensor in model.graph.initializer}


@pytest.mark.parametrize(
    ("weights", "activations", "weight_type", "activation_type"),
    [
        ("INT8", "INT8", INT8, UINT8),
        ("INT8", "INT16", INT8, UINT16),
        ("INT4", "INT16", INT4, UINT16),
        ("INT4", "INT8", INT4, UINT8),
    ],
)
@pytest.mark.parametrize("opset", [11, 17])
def test_the_types_in_the_target_model(
    tmp_path: Path,
    weights: str,
    activations: str,
    weight_type: int,
    activation_type: int,
    opset: int,
) -> None:
    asked = request(tmp_path, conv_net(opset=opset), {"x": samples(2, *SIZE)}, weights, activations)

    report = execute(asked, tmp_path / "a")

    model = onnx.load(tmp_path / "a" / report.files["target_model"])
    onnx.checker.check_model(model, full_check=True)
    assert [opset.domain for opset in model.opset_import] == [""]
    assert list(model.metadata_props) == []
    found = constants(model)
    q_types = {
        found[n.input[2]].data_type for n in model.graph.node if n.op_type == "QuantizeLinear"
    }
    assert q_types == {activation_type}
    made = [node for node in model.graph.node if node.op_type == "DequantizeLinear"]
    per_channel = [node for node in made if len(found[node.input[1]].dims) == 1]
    kernels = [node for node in per_channel if len(found[node.input[0]].dims) == 4]
    assert {found[node.input[0]].data_type for node in kernels} == {weight_type}
    assert [list(found[node.input[1]].dims) for node in kernels] == [[8], [8], [10]]
    assert model.graph.input[0].type.tensor_type.elem_type == FLOAT
    assert model.graph.output[0].type.tensor_type.elem_type == FLOAT


def test_more_bits_are_closer(tmp_path: Path) -> None:
    psnr = {}
    for types in (("INT8", "INT8"), ("INT8", "INT16"), ("INT4", "INT16")):
        folder = tmp_path / "".join(types)
        folder.mkdir()
        psnr[types] = quantize(folder, *types)[0]["psnr"]["y"]

    # Each bit halves the step, which is 6 dB; 8 bits are about 50 dB, less what layers add up.
    assert 40 < psnr["INT8", "INT8"] < psnr["INT8", "INT16"] < 80
    assert 20 < psnr["INT4", "INT16"] < psnr["INT8", "INT8"] - 6


def test_psnr_is_that_of_the_outputs_of_both_models(tmp_path: Path) -> None:
    result, target = quantize(tmp_path)

    inputs = samples(16, *SIZE)
    before = np.concatenate([run_onnx(tmp_path / "m1", x=x)[0] for x in inputs])
    after = np.concatenate([run_onnx(target, x=x)[0] for x in inputs])
    error = np.mean(np.square(before.astype(np.float64) - after))
    peak = np.max(np.abs(before))
    assert list(result["psnr"]) == ["y"]
    assert result["psnr"]["y"] == pytest.approx(10 * np.log10(peak**2 / error), abs=0.01)


def test_what_the_report_tells(tmp_path: Path) -> None:
    result, target = quantize(tmp_path)

    assert result["target_model_type"] == "MODEL_TYPE_ONNX"
    assert result["input_spec"] == [{"name": "x", "shape": list(SIZE), "dtype": "float32"}]
    assert result["output_spec"] == [{"name": "y", "shape": [1, 10], "dtype": "float32"}]
    assert quantize_notices(result) == []
    versions = {tool["name"]: tool["version"] for tool in result["tool_versions"]}
    assert versions["ONNX Runtime"] == onnxruntime.__version__
    assert target.stat().st_size < conv_net().ByteSize() * 3


def test_open_dimensions_become_those_of_the_samples(tmp_path: Path) -> None:
    inputs = [np.concatenate(samples(2, *SIZE))] * 2

    report = execute(request(tmp_path, conv_net("n"), {"x": inputs}), tmp_path / "a")

    assert report.result["input_spec"][0]["shape"] == [2, 3, 16, 16]
    assert report.result["output_spec"][0]["shape"] == [2, 10]
    (notice,) = quantize_notices(report.result)
    assert (notice["severity"], notice["context"]) == ("INFO", "USER")
    assert "'x': float32[2, 3, 16, 16]" in notice["message"]


def test_open_dimensions_stay_open_where_samples_differ_in_shape(tmp_path: Path) -> None:
    inputs = [np.concatenate(samples(n, *SIZE)) for n in (1, 3)]

    report = execute(request(tmp_path, conv_net("n"), {"x": inputs}), tmp_path / "a")

    assert report.result["input_spec"][0]["shape"] == [-1, 3, 16, 16]
    assert report.result["output_spec"][0]["shape"] == [-1, 10]
    target = tmp_path / "a" / report.files["target_model"]
    assert run_onnx(target, x=np.zeros((5, *SIZE[1:]), np.float32))[0].shape == (5, 10)


def test_several_outputs_each_have_their_psnr_or_a_notice(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Mul", ["x", "w"], ["m"]),
        helper.make_node("ArgMax", ["m"], ["index"], axis=1, keepdims=0),
        helper.make_node("Mul", ["x", "zero"], ["nothing"]),
        helper.make_node("Neg", ["m"], ["minus"]),
    ]
    outputs: Any = {
        "m": (FLOAT, [2, 3]),
        "index": (INT64, [2]),
        "nothing": (FLOAT, [2, 3]),
        "minus": (FLOAT, [2, 3]),
    }
    weights = {"w": np.array([0.5, 1.7, 3.1], np.float32), "zero": np.zeros(3, np.float32)}
    model = build_model(nodes, {"x": (FLOAT, [2, 3])}, outputs, weights)

    report = execute(request(tmp_path, model, {"x": samples(4)}), tmp_path / "a")

    assert set(report.result["psnr"]) == {"m", "minus"}
    told = [notice["message"] for notice in quantize_notices(report.result)]
    assert told == [
        "The output 'index' has no PSNR: it contains no floats.",
        "The output 'nothing' has no PSNR: it is 0 everywhere on the calibration data.",
    ]


def test_weights_in_files_of_their_own(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    onnx.save(
        conv_net(opset=11), folder / "net.onnx", save_as_external_data=True, size_threshold=0,
        location="net.data",
    )  # fmt: skip
    archive = tmp_path / "m1"
    with zipfile.ZipFile(archive, "w") as file:
        for path in folder.iterdir():
            file.write(path, f"model/{path.name}")
    asked = quantize_request(archive, dataset(tmp_path / "d", {"x": samples(4, *SIZE)}))
    whole = execute(asked, tmp_path / "whole")
    (tmp_path / "apart" / "work").mkdir(parents=True)

    apart = quantize_model(asked, tmp_path / "apart", external_data_threshold=1)

    assert apart.result["psnr"] == whole.result["psnr"]
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(tmp_path / "apart" / apart.files["target_model"]) as file:
        file.extractall(unpacked)
    x = samples(1, *SIZE)[0]
    (path,) = (path for path in unpacked.rglob("*.onnx") if path.is_file())
    expected = run_onnx(tmp_path / "whole" / whole.files["target_model"], x=x)
    np.testing.assert_array_equal(run_onnx(path, x=x), expected)


def test_the_uploaded_files_are_left_as_they_are(tmp_path: Path) -> None:
    stored = tmp_path / "stored"
    stored.mkdir()
    asked = request(stored, conv_net(), {"x": samples(2, *SIZE)})
    before = {path: path.read_bytes() for path in stored.iterdir()}

    execute(asked, tmp_path / "a")

    assert {path: path.read_bytes() for path in stored.iterdir()} == before


def test_only_so_many_samples_are_taken(tmp_path: Path) -> None:
    wild = np.full(SIZE, 1e6, np.float32)
    asked = request(tmp_path, conv_net(), {"x": [*samples(3, *SIZE), wild]})
    (tmp_path / "some" / "work").mkdir(parents=True)

    some = quantize_model(asked, tmp_path / "some", max_samples=3)
    every = execute(asked, tmp_path / "every")

    assert [notice["message"] for notice in quantize_notices(some.result)] == [
        "Calibrated on the first 3 of 4 samples, the maximum of this hub."
    ]
    (wild_notice,) = quantize_notices(every.result)
    assert (
        "Sample 3 of the calibration data contains 1e+06 in the input 'x'"
        in (wild_notice["message"])
    )
    assert some.result["output_spec"] == every.result["output_spec"]
    first = onnx.load(tmp_path / "some" / some.files["target_model"])
    scale = constants(first)["x_scale"]
    assert numpy_helper.to_array(scale) < 1


@pytest.mark.parametrize("scheme", ["auto", "min_max"])
def test_range_schemes(tmp_path: Path, scheme: str) -> None:
    model, data = saved(linear_model(), tmp_path), dataset(tmp_path / "d", {"x": samples(2)})
    asked = quantize_request(model, data, options=f"--range_scheme {scheme}")

    assert quantize_notices(execute(asked, tmp_path / "a").result) == []


def test_graphs_within_nodes_stay_floats(tmp_path: Path) -> None:
    inputs = {"x": [np.array([1, 2, 3, 4], np.float32), np.array([-1, -2, -3, -4], np.float32)]}

    report = execute(request(tmp_path, branching_model(), inputs), tmp_path / "a")

    assert report.result["psnr"]["y"] > 40
    model = onnx.load(tmp_path / "a" / report.files["target_model"])
    assert Counter(node.op_type for node in model.graph.node)["If"] == 1


BAD_DATA: dict[str, tuple[dict[str, list[Any]], str]] = {
    "unknown name": ({"z": samples(1, *SIZE)}, "unknown: 'z', missing: 'x'"),
    "other shape": ({"x": samples(1, 1, 3, 8, 8)}, "has the shape (1, 3, 8, 8)"),
    "float64": ({"x": [np.zeros(SIZE)]}, "is float64 in the dataset"),
    "integers": ({"x": [np.zeros(SIZE, np.int32)]}, "is int32 in the dataset"),
    "no samples": ({"x": []}, "has no samples"),
    "NaN": (
        {"x": [*samples(1, *SIZE), np.full(SIZE, np.nan, np.float32)]},
        "Sample 1 of the input 'x'",
    ),
    "infinity": ({"x": [np.full(SIZE, np.inf, np.float32)]}, "contains NaN or infinity"),
}


@pytest.mark.parametrize("what", BAD_DATA)
def test_calibration_data_that_cannot_be_used(tmp_path: Path, what: str) -> None:
    inputs, told = BAD_DATA[what]

    failure = get_failure(request(tmp_path, conv_net(), inputs), tmp_path / "a")

    assert failure.failure_type is FailureType.INVALID_INPUTS
    assert told in failure.reason


def test_samples_without_elements(tmp_path: Path) -> None:
    inputs = {"x": [np.zeros((0, 3, 16, 16), np.float32)]}

    failure = get_failure(request(tmp_path, conv_net("n"), inputs), tmp_path / "a")

    assert failure.failure_type is FailureType.INVALID_INPUTS
    assert "has no elements" in failure.reason


def test_data_that_is_no_dataset(tmp_path: Path) -> None:
    (tmp_path / "d").write_bytes(b"no HDF5")

    failure = get_failure(
        quantize_request(saved(conv_net(), tmp_path), tmp_path / "d"), tmp_path / "a"
    )

    assert failure.failure_type is FailureType.INVALID_INPUTS
    assert "not an HDF5 file" in failure.reason


def test_a_bias_that_is_a_row(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    nodes = [helper.make_node("Gemm", ["x", "w", "b"], ["y"])]
    weights = {
        name: random.standard_normal(shape).astype(np.float32)
        for name, shape in (("w", (3, 5)), ("b", (1, 5)))
    }
    model = build_model(nodes, {"x": (FLOAT, [2, 3])}, {"y": (FLOAT, [2, 5])}, weights)

    report = execute(request(tmp_path, model, {"x": samples(4)}), tmp_path / "a")

    assert report.result["psnr"]["y"] > 40


def test_an_output_that_is_far_from_the_models_is_warned_of(tmp_path: Path) -> None:
    nodes = [helper.make_node("Mul", ["x", "w"], ["y"])]
    weights = {"w": np.array([1, 1, 1000], np.float32)}
    model = build_model(nodes, {"x": (FLOAT, [2, 3])}, {"y": (FLOAT, [2, 3])}, weights)
    # The outlier makes steps so wide that the other values are lost.
    inputs = [np.array([[1, 2, 0], [3, 2, 0]], np.float32)] * 4
    target = tmp_path / "outlier"
    target.mkdir()
    asked = request(target, model, {"x": inputs}, "INT4", "INT8")

    close = execute(asked, tmp_path / "a").result

    assert close["psnr"]["y"] < 20
    (told,) = quantize_notices(close)
    assert (told["severity"], told["context"]) == ("WARNING", "MODEL")
    assert "is inaccurate: its PSNR is only" in told["message"]


ALONE: dict[str, tuple[str, dict[str, Any], dict[str, Any], tuple[int, ...]]] = {
    "Relu": ("Relu", {}, {}, (1, 3, 8, 8)),
    "Clip": ("Clip", {}, {"low": np.float32(-0.2), "high": np.float32(0.5)}, (1, 3, 8, 8)),
    "MaxPool": ("MaxPool", {"kernel_shape": [2, 2]}, {}, (1, 3, 7, 7)),
    "Transpose": ("Transpose", {"perm": [0, 2, 3, 1]}, {}, (1, 8, 8, 3)),
    "Reshape": ("Reshape", {}, {"shape": [1, 192]}, (1, 192)),
    "Gather": ("Gather", {"axis": 2}, {"index": [3]}, (1, 3, 1, 8)),
    "Split": ("Split", {"axis": 2}, {"parts": [8]}, (1, 3, 8, 8)),
}


@pytest.mark.parametrize("op", ALONE)
def test_operators_that_only_move_or_clamp_values_are_quantized_too(
    tmp_path: Path, op: str
) -> None:
    """On a chip of integers, they could not run in floats."""
    kind, attributes, constants, out = ALONE[op]
    nodes = [helper.make_node(kind, ["x", *constants], ["y"], name="only", **attributes)]
    model = build_model(nodes, {"x": (FLOAT, [1, 3, 8, 8])}, {"y": (FLOAT, out)}, constants)
    inputs = {"x": [each * 2 - 1 for each in samples(2, 1, 3, 8, 8)]}

    report = execute(request(tmp_path, model, inputs), tmp_path / "a")

    nodes = list(onnx.load(tmp_path / "a" / report.files["target_model"]).graph.node)
    producers = {node.output[0]: node.op_type for node in nodes}
    (only,) = (node for node in nodes if node.op_type == op)
    assert producers[only.input[0]] == "DequantizeLinear"
    consumers = [node.op_type for node in nodes if only.output[0] in node.input]
    assert consumers == ["QuantizeLinear"]
    assert report.result["psnr"]["y"] > 40


def integer_model() -> onnx.ModelProto:
    nodes = [helper.make_node("Add", ["x", "x"], ["y"])]
    return build_model(nodes, {"x": (INT64, [2])}, {"y": (INT64, [2])})


def half_model() -> onnx.ModelProto:
    half = onnx.TensorProto.FLOAT16
    nodes = [helper.make_node("Add", ["x", "x"], ["y"])]
    return build_model(nodes, {"x": (half, [2])}, {"y": (half, [2])})


def logarithm_model() -> onnx.ModelProto:
    nodes = [helper.make_node("Log", ["x"], ["y"])]
    return build_model(nodes, {"x": (FLOAT, [2])}, {"y": (FLOAT, [2])})


def gather_model() -> onnx.ModelProto:
    nodes = [helper.make_node("Gather", ["table", "x"], ["y"])]
    table = {"table": np.eye(3, dtype=np.float32)}
    return build_model(nodes, {"x": (INT64, [2])}, {"y": (FLOAT, [2, 3])}, table)


def overflowing_model() -> onnx.ModelProto:
    nodes = [
        helper.make_node("Mul", ["x", "large"], ["product"]),
        helper.make_node("Min", ["product", "one"], ["y"]),
    ]
    constants = {"large": np.float32(3e38), "one": np.float32(1)}
    return build_model(nodes, {"x": (FLOAT, [2])}, {"y": (FLOAT, [2])}, constants)


TWO = {dtype: [np.array([1, 2], dtype)] for dtype in ("float16", "float32", "int64")}
BAD_MODELS: dict[str, tuple[onnx.ModelProto, list[Any], FailureType, str]] = {
    "no floats": (integer_model(), TWO["int64"], FailureType.UNSUPPORTED, "nothing to quantize"),
    "float16": (
        half_model(),
        TWO["float16"],
        FailureType.UNSUPPORTED,
        "'x' of the model is float16",
    ),
    "NaN from numbers": (
        logarithm_model(),
        [np.array([-1, 1], np.float32)],
        FailureType.RUNTIME_UNKNOWN,
        "The output 'y' of the model contains NaN or infinity on sample 0",
    ),
    "infinity within": (
        overflowing_model(),
        [np.array([100, 200], np.float32)],
        FailureType.RUNTIME_UNKNOWN,
        "The tensor 'product' of the model contains NaN or infinity",
    ),
    "does not run": (
        gather_model(),
        [np.array([0, 99])],
        FailureType.RUNTIME_UNKNOWN,
        "cannot run the model on sample 0 of the calibration data",
    ),
}


@pytest.mark.parametrize("what", BAD_MODELS)
def test_models_that_cannot_be_quantized(tmp_path: Path, what: str) -> None:
    model, inputs, failure_type, told = BAD_MODELS[what]

    failure = get_failure(request(tmp_path, model, {"x": inputs}), tmp_path / "a")

    assert failure.failure_type is failure_type
    assert told in failure.reason


def test_a_model_that_is_quantized_already(tmp_path: Path) -> None:
    _, target = quantize(tmp_path)

    failure = get_failure(quantize_request(target, tmp_path / "d"), tmp_path / "b")

    assert failure.failure_type is FailureType.MODEL_INVALID
    assert "already quantized" in failure.reason


def test_a_model_that_no_converter_brings_to_a_newer_operator_set(tmp_path: Path) -> None:
    names = ("scale", "shift", "mean", "variance")
    nodes = [helper.make_node("BatchNormalization", ["x", *names], ["y"], spatial=0)]
    ones = {name: np.ones(SIZE[1:], np.float32) for name in names}
    model = build_model(nodes, {"x": (FLOAT, SIZE)}, {"y": (FLOAT, SIZE)}, ones)
    model.opset_import[0].version = 8

    failure = get_failure(request(tmp_path, model, {"x": samples(1, *SIZE)}), tmp_path / "a")

    assert failure.failure_type is FailureType.UNSUPPORTED
    assert "export it with opset 13" in failure.reason


@pytest.mark.parametrize(
    "types", [("INT16", "INT16"), ("UINT8", "INT8"), ("INT8", "INT4"), ("", "INT8")]
)
def test_types_that_this_hub_cannot_do(tmp_path: Path, types: tuple[str, str]) -> None:
    failure = get_failure(
        request(tmp_path, conv_net(), {"x": samples(1, *SIZE)}, *types), tmp_path / "a"
    )

    assert failure.failure_type is FailureType.UNSUPPORTED
    assert "Supported: weights INT8|INT4, activations INT8|INT16" in failure.reason


def test_a_request_needs_data(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="calibration data"):
        AttemptRequest(kind="quantize", inputs=(onnx_input(tmp_path),), options="")


def test_an_attempt_in_a_process_of_its_own(tmp_path: Path) -> None:
    asked = request(tmp_path, conv_net(), {"x": samples(2, *SIZE)})

    outcome = attempt(asked, tmp_path / "a")

    assert outcome.succeeded
    assert outcome.result["psnr"]["y"] > 40
    log = outcome.log.read_text()
    assert "Calibrating on 2 samples" in log
    assert "pre-processing" not in log
    assert {path.name for path in (tmp_path / "a").iterdir()} == {
        "hub.log",
        "request.json",
        "result.json",
        "target_model.onnx",
    }


def test_running_out_of_memory_is_told(tmp_path: Path) -> None:
    wide = 2**16
    nodes = [
        helper.make_node("Mul", ["x", "w"], ["m"]),
        helper.make_node("Expand", ["m", "shape"], ["large"]),
        helper.make_node("ReduceSum", ["large"], ["y"], keepdims=0),
    ]
    weights = {"w": np.float32(1.5), "shape": np.array([wide, wide])}
    model = build_model(nodes, {"x": (FLOAT, [1])}, {"y": (FLOAT, [])}, weights)
    asked = request(tmp_path, model, {"x": [np.ones(1, np.float32)]})

    outcome = attempt(asked, tmp_path / "a", memory_limit=2 * 2**30)

    assert outcome.failure_type == FailureType.OUT_OF_MEMORY


def test_failures_of_the_quantizer_itself_are_the_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any) -> None:
        raise AssertionError("no such tensor")

    monkeypatch.setattr("qai_hub.local.engine.quantize.qdq.quantize", broken)

    failure = get_failure(request(tmp_path, conv_net(), {"x": samples(1, *SIZE)}), tmp_path / "a")

    assert isinstance(failure, JobFailure)
    assert failure.failure_type is FailureType.UNSUPPORTED
    assert failure.reason == (
        "ONNX Runtime's quantizer fails on the model (no such tensor). The hub's log of the job "
        "has more."
    )
