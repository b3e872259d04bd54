"""Inputs and outputs that become integers by `--quantize_io`, and data for them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from support.execution_models import (
    FLOAT,
    build_model,
    compile_request,
    conv_net,
    dataset,
    execute,
    get_failure,
    linear_model,
    quantize_request,
    read_dataset,
    run_onnx,
    run_request,
    samples,
    saved,
)

from qai_hub.local.engine.attempt import AttemptRequest
from qai_hub.local.engine.failures import FailureType
from qai_hub.local.engine.onnx.integer_ports import (
    PortEncoding,
    make_integer_ports,
    read_encodings,
)
from qai_hub.local.engine.protocol import InputModel, Report, Soc

IMAGES = samples(4, 1, 3, 16, 16)
CHIP = Soc(name="chip", soc_model=57, hexagon=75, fp16=True, weight_sharing=True)
ENCODING = PortEncoding(dtype="uint8", scale=0.5, zero_point=10)


@pytest.fixture(scope="module")
def quantized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The target model of a quantize job, with floats at its inputs and outputs."""
    folder = tmp_path_factory.mktemp("quantized")
    request = quantize_request(saved(conv_net(), folder), dataset(folder / "d", {"x": IMAGES}))
    return folder / "a" / execute(request, folder / "a").files["target_model"]


def compiled(folder: Path, source: Path, options: str, **more: Any) -> tuple[Report, InputModel]:
    """The report of a compile job, and its target model as the input of other jobs."""
    report = execute(replace(compile_request(source, options=options), **more), folder)
    files = {role: folder / name for role, name in report.files.items()}
    target = InputModel(
        path=files["target_model"],
        model_type=report.result["target_model_type"],
        provenance=report.result.get("provenance"),
        source=files.get("source"),
    )
    return report, target


def inference(target: InputModel, data: Path, options: str = "") -> AttemptRequest:
    return replace(run_request(target.path, data, options=options), inputs=(target,), soc=CHIP)


def outputs_of(folder: Path, request: AttemptRequest, name: str = "y") -> list[Any]:
    return read_dataset(folder / execute(request, folder).files["output_data"])[name]


def types(report: Report) -> dict[str, str]:
    ports = report.result["input_spec"] + report.result["output_spec"]
    return {port["name"]: port["dtype"] for port in ports}


def messages(report: Report) -> list[str]:
    return [notice["message"] for notice in report.result["notices"]]


@pytest.mark.parametrize("more", ["", "--force_channel_last_input x"])
def test_a_model_with_integers_gives_what_it_gives_with_floats(
    tmp_path: Path, quantized: Path, more: str
) -> None:
    _, plain = compiled(tmp_path / "a", quantized, f"--target_runtime onnx {more}")
    report, target = compiled(
        tmp_path / "b", quantized, f"--target_runtime onnx --quantize_io {more}"
    )
    inputs = [np.ascontiguousarray(x.transpose(0, 2, 3, 1)) if more else x for x in IMAGES]
    data = dataset(tmp_path / "d", {"x": inputs})

    assert types(report) == {"x": "uint8", "y": "uint8"}
    onnx.checker.check_model(onnx.load(target.path), full_check=True)
    expected = outputs_of(tmp_path / "c", inference(plain, data))
    found = outputs_of(tmp_path / "e", inference(target, data))
    np.testing.assert_array_equal(found, expected)
    # The same from the integers themselves, to the integers themselves.
    encodings = read_encodings(onnx.load(target.path))
    integers = [encodings["x"].encode(x) for x in inputs]
    data = dataset(tmp_path / "i", {"x": integers})
    raw = outputs_of(tmp_path / "f", inference(target, data, "--dequantize_outputs false"))
    assert raw[0].dtype == np.uint8
    np.testing.assert_array_equal([encodings["y"].decode(y) for y in raw], expected)


def test_notices_have_the_scales_of_the_integers(tmp_path: Path, quantized: Path) -> None:
    report, target = compiled(tmp_path / "a", quantized, "--target_runtime onnx --quantize_io")

    encodings = read_encodings(onnx.load(target.path))
    assert messages(report) == [
        f"'{name}' is uint8, as --quantize_io requests: its numbers are "
        f"(integer - {encodings[name].zero_point}) * {encodings[name].scale:.9g}."
        for name in ("x", "y")
    ]


def test_a_model_that_is_quantized_on_the_way(tmp_path: Path) -> None:
    options = "--target_runtime onnx --quantize_full_type w8a16 --quantize_io --output_names z"
    data = dataset(tmp_path / "d", {"x": IMAGES})
    report, target = compiled(tmp_path / "a", saved(conv_net(), tmp_path), options, dataset=data)

    assert types(report) == {"x": "uint16", "z": "uint16"}
    found = outputs_of(tmp_path / "b", inference(target, data), "z")
    expected = [run_onnx(tmp_path / "m1", x=x)[0] for x in IMAGES]
    np.testing.assert_allclose(found, expected, atol=np.max(np.abs(expected)) / 50)


def test_floats_that_are_not_quantized_stay_floats(tmp_path: Path) -> None:
    report, _ = compiled(
        tmp_path / "a", saved(linear_model(), tmp_path), "--target_runtime onnx --quantize_io"
    )

    assert types(report) == {"x": "float32", "y": "float32"}
    assert messages(report) == [
        "'x', 'y' stays float32 despite --quantize_io: the model does not quantize it."
    ]


def test_other_types_of_data_are_not_cast(tmp_path: Path, quantized: Path) -> None:
    _, target = compiled(tmp_path / "a", quantized, "--target_runtime onnx --quantize_io")
    data = dataset(tmp_path / "d", {"x": [x.astype(np.int8) for x in IMAGES]})

    failure = get_failure(inference(target, data), tmp_path / "b")

    assert failure.failure_type is FailureType.INVALID_INPUTS
    assert "is int8 in the dataset" in failure.reason


@pytest.mark.parametrize("runtime", ["qnn_context_binary", "precompiled_qnn_onnx", "qnn_dlc"])
def test_the_htp_takes_and_gives_integers(tmp_path: Path, quantized: Path, runtime: str) -> None:
    pytest.importorskip("onnxruntime_qnn", reason="needs the extra [qnn]")
    options = f"--target_runtime {runtime} --quantize_io --force_channel_last_input x"
    report, target = compiled(tmp_path / "a", quantized, options, soc=CHIP, check_target=True)
    inputs = [np.ascontiguousarray(x.transpose(0, 2, 3, 1)) for x in IMAGES[:1]]
    data = dataset(tmp_path / "d", {"x": inputs})

    assert types(report) == {"x": "uint8", "y": "uint8"}
    assert report.result["target_check"]["status"] == "TARGET_CHECK_STATUS_CLOSE"
    (y,) = outputs_of(tmp_path / "b", inference(target, data))
    (expected,) = run_onnx(quantized, x=IMAGES[0])
    np.testing.assert_allclose(y, expected, atol=np.max(np.abs(expected)) / 50)
    (raw,) = outputs_of(tmp_path / "c", inference(target, data, "--dequantize_outputs=false"))
    assert raw.dtype == np.uint8


def odd_model() -> onnx.ModelProto:
    """Ports of many kinds: what each of them is, the names tell."""
    q, dq = "QuantizeLinear", "DequantizeLinear"
    nodes = [
        helper.make_node(q, ["taken", "s", "z"], ["taken_q"]),
        helper.make_node(dq, ["taken_q", "s", "z"], ["taken_f"]),
        helper.make_node(q, ["twice", "s", "z"], ["twice_q"]),
        helper.make_node(dq, ["twice_q", "s", "z"], ["twice_f"]),
        helper.make_node("Add", ["twice", "twice_f"], ["sum"]),
        helper.make_node("Add", ["sum", "taken_f"], ["float_out"]),
        helper.make_node(q, ["sum", "s", "z"], ["sum_q"]),
        helper.make_node(dq, ["sum_q", "s", "z"], ["used_out"]),
        helper.make_node("Neg", ["used_out"], ["negative"]),
        # Named as quantizers name it, before its tensor is moved.
        helper.make_node(
            q, ["negative", "s", "z"], ["negative_q"], name="moved_out_QuantizeLinear"
        ),
        helper.make_node(dq, ["negative_q", "s", "z"], ["negative_f"]),
        helper.make_node("Transpose", ["negative_f"], ["moved_out"]),
    ]
    ports = {name: (FLOAT, [2, 3]) for name in ("taken", "twice")}
    outs = {"float_out": (FLOAT, [2, 3]), "used_out": (FLOAT, [2, 3]), "moved_out": (FLOAT, [3, 2])}
    return build_model(nodes, ports, outs, {"s": np.float32(0.5), "z": np.uint8(10)})


def test_only_what_is_quantized_everywhere_becomes_integers(tmp_path: Path) -> None:
    before = saved(odd_model(), tmp_path)
    model = odd_model()
    make_integer_ports(model)
    (tmp_path / "after").mkdir()
    after = saved(model, tmp_path / "after")

    onnx.checker.check_model(model, full_check=True)
    assert read_encodings(model) == dict.fromkeys(("taken", "used_out", "moved_out"), ENCODING)
    values = {name: samples(1, 2, 3)[0] for name in ("taken", "twice")}
    expected = run_onnx(before, **values)
    found = run_onnx(after, **{**values, "taken": ENCODING.encode(values["taken"])})
    np.testing.assert_array_equal(found[0], expected[0])
    for actual, wanted in zip(found[1:], expected[1:], strict=True):
        np.testing.assert_array_equal(ENCODING.decode(actual), wanted)


def test_inputs_with_several_scales_stay_floats() -> None:
    model = odd_model()
    model.graph.node.append(helper.make_node("QuantizeLinear", ["taken", "t", "z"], ["more"]))
    model.graph.node.append(helper.make_node("DequantizeLinear", ["more", "t", "z"], ["other"]))
    model.graph.initializer.append(numpy_helper.from_array(np.asarray(0.25, np.float32), "t"))

    make_integer_ports(model)

    assert "taken" not in read_encodings(model)


def test_numbers_outside_of_the_range_are_clipped() -> None:
    values = np.array([-1e30, -5, 0, 0.3, 122.5, np.inf, np.nan], np.float32)

    np.testing.assert_array_equal(ENCODING.encode(values), [0, 0, 10, 11, 255, 255, 10])
    np.testing.assert_array_equal(
        ENCODING.decode(np.array([0, 10, 255], np.uint8)), np.array([-5, 0, 122.5], np.float32)
    )
