"""Compile jobs that quantize their model on the way."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from support.execution_models import (
    compile_request,
    conv_net,
    dataset,
    execute,
    get_failure,
    quantize_request,
    run_onnx,
    samples,
    saved,
    spec,
)

from qai_hub.local.engine.compile import compile_model
from qai_hub.local.engine.failures import FailureType
from qai_hub.local.engine.protocol import (
    AttemptRequest,
    Report,
    Soc,
    TensorSpec,
)

SIZE = (1, 3, 16, 16)
CHIP = Soc(name="chip", soc_model=57, hexagon=75, fp16=True, weight_sharing=True)


def quantizing_request(
    folder: Path, full_type: str, *specs: TensorSpec, options: str = "", name: str = "x"
) -> AttemptRequest:
    data = dataset(folder / "d", {name: samples(8, *SIZE)})
    options = f"--target_runtime onnx --quantize_full_type {full_type} {options}"
    return replace(
        compile_request(saved(conv_net(), folder), *specs, options=options), dataset=data
    )


def messages(report: Report) -> list[str]:
    return [notice["message"] for notice in report.result["notices"]]


@pytest.mark.parametrize(
    ("full_type", "types"),
    [
        ("int8", ("INT8", "INT8")),
        ("w8a8", ("INT8", "INT8")),
        ("w8a16", ("INT8", "INT16")),
        ("w4a8", ("INT4", "INT8")),
        ("w4a16", ("INT4", "INT16")),
    ],
)
def test_it_is_what_a_quantize_job_and_a_compile_job_make(
    tmp_path: Path, full_type: str, types: tuple[str, str]
) -> None:
    request = quantizing_request(tmp_path, full_type)
    assert request.dataset is not None
    first = execute(quantize_request(request.model.path, request.dataset, *types), tmp_path / "a")
    second = execute(compile_request(tmp_path / "a" / first.files["target_model"]), tmp_path / "b")

    report = execute(request, tmp_path / "c")

    target = tmp_path / "c" / report.files["target_model"]
    assert target.read_bytes() == (tmp_path / "b" / second.files["target_model"]).read_bytes()
    (told,) = (text for text in messages(report) if "Quantized" in text)
    ratio = f"'y' {first.result['psnr']['y']:.1f} dB"
    assert told == f"Quantized on 8 samples. PSNR of the model's outputs: {ratio}."
    warnings, expected = (
        [n for n in each.result["notices"] if n["severity"] == "WARNING"]
        for each in (report, first)
    )
    assert warnings == expected


def test_names_and_layouts_change_around_what_is_quantized(tmp_path: Path) -> None:
    plain = execute(quantizing_request(tmp_path, "int8"), tmp_path / "a")
    options = "--output_names scores --force_channel_last_input image"
    request = quantizing_request(
        tmp_path, "int8", spec("image", SIZE), options=options, name="image"
    )

    report = execute(request, tmp_path / "b")

    assert report.result["input_spec"][0]["shape"] == [1, 16, 16, 3]
    assert [value["name"] for value in report.result["output_spec"]] == ["scores"]
    (x,) = samples(1, *SIZE)
    before = run_onnx(tmp_path / "a" / plain.files["target_model"], x=x)[0]
    path = tmp_path / "b" / report.files["target_model"]
    after = run_onnx(path, image=x.transpose(0, 2, 3, 1))[0]
    np.testing.assert_array_equal(after, before)
    inner = [node.op_type for node in onnx.load(path).graph.node]
    assert inner.count("Transpose") == 1


def test_large_models_keep_their_weights_beside_the_graph(tmp_path: Path) -> None:
    request = quantizing_request(tmp_path, "int8", options="--output_names scores")
    (tmp_path / "a" / "work").mkdir(parents=True)

    report = compile_model(request, tmp_path / "a", external_data_threshold=1)

    assert report.files["target_model"] == "target_model.onnx.zip"
    again = execute(compile_request(tmp_path / "a" / report.files["target_model"]), tmp_path / "b")
    assert again.result["output_spec"] == report.result["output_spec"]


def test_types_that_there_are_elsewhere_are_refused(tmp_path: Path) -> None:
    failure = get_failure(quantizing_request(tmp_path, "int16"), tmp_path / "a")

    assert failure.failure_type is FailureType.UNSUPPORTED
    assert "Supported: --quantize_full_type int8|w8a8|w8a16|w4a8|w4a16|float16." in failure.reason


def test_half_floats_are_for_qnn_and_tflite(tmp_path: Path) -> None:
    failure = get_failure(quantizing_request(tmp_path, "float16"), tmp_path / "a")

    assert failure.failure_type is FailureType.UNSUPPORTED
    assert failure.reason.startswith(
        "--quantize_full_type float16 is for QNN runtimes and tflite here"
    )


def test_half_floats_change_nothing_for_qnn_and_need_no_data(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime_qnn", reason="needs the extra [qnn]")
    options = "--target_runtime qnn_context_binary"
    plain = replace(compile_request(saved(conv_net(), tmp_path), options=options), soc=CHIP)
    asked = replace(plain, options=f"{options} --quantize_full_type float16 --quantize_io")

    report, expected = execute(asked, tmp_path / "a"), execute(plain, tmp_path / "b")

    for key in ("input_spec", "output_spec"):
        assert report.result[key] == expected.result[key]
    told = messages(report)
    assert told[0].startswith("--quantize_full_type float16 changes nothing")
    assert "'x', 'y' stays float32 despite --quantize_io: the model does not quantize it." in told


def test_without_calibration_data_nothing_is_quantized(tmp_path: Path) -> None:
    request = replace(quantizing_request(tmp_path, "int8"), dataset=None)

    failure = get_failure(request, tmp_path / "a")

    assert failure.failure_type is FailureType.INVALID_ARGUMENT
    assert "--quantize_full_type needs calibration_data" in failure.reason


def test_calibration_data_that_is_not_used_is_noticed(tmp_path: Path) -> None:
    request = replace(quantizing_request(tmp_path, "int8"), options="--target_runtime onnx")

    report = execute(request, tmp_path / "a")

    (notice,) = report.result["notices"]
    assert notice["severity"] == "WARNING"
    assert notice["message"] == "calibration_data was not used: no --quantize_full_type was given."


@pytest.mark.parametrize(
    ("tensors", "reason"),
    [
        ({"z": samples(1, *SIZE)}, "unknown: 'z'"),
        ({"x": [np.full(SIZE, np.nan, np.float32)]}, "NaN"),
        ({"x": [np.zeros((1, 16, 16, 3), np.float32)]}, "(1, 16, 16, 3)"),
    ],
)
def test_data_that_does_not_fit(tmp_path: Path, tensors: Any, reason: str) -> None:
    data = dataset(tmp_path / "other", tensors)

    failure = get_failure(
        replace(quantizing_request(tmp_path, "int8"), dataset=data), tmp_path / "a"
    )

    assert failure.failure_type is FailureType.INVALID_INPUTS
    assert reason in failure.reason


def test_a_quantized_model_is_not_quantized_again(tmp_path: Path) -> None:
    request = quantizing_request(tmp_path, "int8")
    first = execute(request, tmp_path / "a")
    model = replace(request.model, path=tmp_path / "a" / first.files["target_model"])

    failure = get_failure(replace(request, inputs=(model,)), tmp_path / "b")

    assert "already quantized" in failure.reason
