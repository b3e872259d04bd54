"""Models are converted to TensorFlow Lite by the engine, and run on the hub."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper
from support.compiled_models import PHONE, target_of
from support.execution_models import FLOAT, build_model, conv_net, samples
from support.real_engines import use_engine

import qai_hub as hub
from qai_hub.client import Client, CompileJob, Device, Model
from qai_hub.local import LocalHub
from qai_hub.local.engine.runners.tflite import LiteRtModel
from qai_hub.local.engines.places import FOLDER_VARIABLE

pytestmark = pytest.mark.small_hub("processes of a team look for engines when they start")
DEVICE = Device(PHONE)
INPUTS = samples(8, 1, 3, 16, 16)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with pytest.MonkeyPatch.context() as patch:
        use_engine("tflite", patch)
        with LocalHub(analyze_layers=False, validate_responses=True) as hub_with_engine:
            yield hub_with_engine.client()


@pytest.fixture(scope="module")
def floats(client: Client) -> CompileJob:
    return compiled(client, conv_net())


def compiled(client: Client, model: Any, options: str = "") -> CompileJob:
    job = client.submit_compile_job(model, DEVICE, options=f"--target_runtime tflite {options}")
    assert job.wait(120).success, job.get_status().message
    return job


def outputs_of(client: Client, target: Model) -> np.ndarray:
    """What a target model gives on all inputs."""
    data = client.submit_inference_job(target, DEVICE, {"x": INPUTS}, profile=False)
    values = data.download_output_data()
    assert values is not None, data.get_status().message
    return np.concatenate(values["y"])


def psnr(expected: np.ndarray, found: np.ndarray) -> float:
    error = np.mean(np.square(expected.astype(np.float64) - found))
    return float(10 * np.log10(np.max(np.abs(expected)) ** 2 / error))


def told(job: CompileJob) -> str:
    return "\n".join(notice.message for notice in job.notices)


def test_a_float_model_compiles_runs_and_profiles(client: Client, floats: CompileJob) -> None:
    on_onnx = client.submit_compile_job(conv_net(), DEVICE, options="--target_runtime onnx")
    expected = outputs_of(client, target_of(on_onnx))

    target = target_of(floats)
    profile = client.submit_inference_job(target, DEVICE).get_profile()

    assert target.model_type == hub.SourceModelType.TFLITE
    np.testing.assert_allclose(outputs_of(client, target), expected, atol=1e-5)
    assert profile is not None
    assert profile.inference.time
    check = floats.get_target_check()
    assert check is not None
    assert check.status == "CLOSE"
    assert check.bound == 60
    assert {"onnx2tf", "LiteRT"} <= floats.get_tool_versions().keys()


def test_a_quantized_model_computes_with_integers(
    client: Client, floats: CompileJob, tmp_path: Path
) -> None:
    """The bound is what was measured, 44 dB, less what other releases may cost."""
    int8 = hub.QuantizeDtype.INT8
    quantizing = client.submit_quantize_job(conv_net(), {"x": INPUTS}, int8, int8)

    job = compiled(client, quantizing.get_target_model(), "--quantize_io")

    path = job.download_target_model(str(tmp_path / "quantized"))
    assert path is not None
    assert path.endswith(".tflite")
    model = LiteRtModel(Path(path), threads=1)
    assert [port.dtype for port in [*model.inputs, *model.outputs]] == ["int8", "int8"]
    assert "with floats, as TensorFlow" not in told(job)
    assert psnr(outputs_of(client, target_of(floats)), outputs_of(client, target_of(job))) > 35


def test_a_model_that_is_quantized_on_the_way(client: Client, floats: CompileJob) -> None:
    job = client.submit_compile_job(
        conv_net(),
        DEVICE,
        options="--target_runtime tflite --quantize_full_type w8a16",
        calibration_data={"x": INPUTS},
    )

    assert psnr(outputs_of(client, target_of(floats)), outputs_of(client, target_of(job))) > 50
    assert "with floats, as TensorFlow" not in told(job)


def test_padded_pools_and_divisions_of_a_quantized_model(client: Client) -> None:
    """The bound is far above what is left if a pool is padded with the smallest float."""
    nodes = [
        helper.make_node("MaxPool", ["x"], ["m"], kernel_shape=[3, 3], pads=[1] * 4),
        helper.make_node("Abs", ["x"], ["a"]),
        helper.make_node("Add", ["a", "half"], ["d"]),
        helper.make_node("Div", ["m", "d"], ["y"]),
    ]
    size = (FLOAT, [1, 3, 16, 16])
    model = build_model(nodes, {"x": size}, {"y": size}, {"half": np.float32(0.5)})
    int8 = hub.QuantizeDtype.INT8
    quantizing = client.submit_quantize_job(model, {"x": INPUTS}, int8, int8)

    job = compiled(client, quantizing.get_target_model())

    expected = outputs_of(client, target_of(compiled(client, model)))
    assert psnr(expected, outputs_of(client, target_of(job))) > 30
    assert "DIV (1)" in told(job)


def test_notices_are_of_the_target_that_was_made(client: Client) -> None:
    options = "--quantize_full_type float16 --truncate_64bit_tensors --skip_target_check"
    job = client.submit_compile_job(
        conv_net(),
        DEVICE,
        options=f"--target_runtime tflite {options}",
        calibration_data={"x": INPUTS},
    )

    assert job.wait(120).success, job.get_status().message
    assert "calibration_data was not used: --quantize_full_type float16 needs none." in told(job)
    assert "was not checked on the CPU: the job's option --skip_target_check" in told(job)
    assert "QNN" not in told(job)


def test_a_check_converts_as_a_job_does(client: Client) -> None:
    options = "--target_runtime tflite --quantize_full_type w8a8"
    check = hub.check_model(conv_net(), DEVICE, options=options)

    assert check.ok, check.refusal
    assert check.outputs == ("y: float32[1, 10]",)
    assert {node.op for node in check.nodes} >= {"Conv"}
    # Of the first stage and of the second one, and nothing of what a check leaves out.
    text = "\n".join(check.notices)
    assert "Quantized on random inputs" in text
    assert "tensors that the target model computes are integers" in text
    assert "checks no target models" not in text

    nodes = [helper.make_node("Det", ["x"], ["y"])]
    model = build_model(nodes, {"x": (FLOAT, [4, 4])}, {"y": (FLOAT, [])})
    job = client.submit_compile_job(model, DEVICE, options="--target_runtime tflite")
    check = hub.check_model(model, DEVICE, options="--target_runtime tflite")

    assert not check.ok
    assert check.refusal == "TensorFlow Lite has no operator for 'Det' of the model."
    assert (job.wait(120).message, job.failure_type) == (check.refusal, check.failure_type)
    # What the first stage has told of the model stays.
    assert (check.runtime, check.inputs) == ("tflite", ("x: float32[4, 4]",))


def test_without_the_engine_a_job_says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "engines"))
    with LocalHub(validate_responses=True) as hub_without, hub_without.client() as client:
        job = client.submit_compile_job(conv_net(), DEVICE, options="--target_runtime tflite")
        status = job.wait(60)

    assert status.failure
    assert status.message == (
        "This hub lacks the engine tflite: run `qai-hub engine install tflite` where the hub runs, "
        "and submit the job again."
    )
