"""Models are quantized on the hub, and what comes out compiles, runs and profiles there."""

import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from support.execution_models import conv_net, samples

import qai_hub as hub
from qai_hub.client import Client, Device, Model, QuantizeDtype

INT4, INT8, INT16 = QuantizeDtype.INT4, QuantizeDtype.INT8, QuantizeDtype.INT16
SIZE = (1, 3, 16, 16)
EXAMPLES = Path(__file__).parents[2] / "examples"
TEXT_DIRECTION = distribution("rapidocr").locate_file(
    "rapidocr/models/ch_ppocr_mobile_v2.0_cls_mobile.onnx"
)


@pytest.fixture(scope="module")
def lines() -> Iterator[list[Any]]:
    """Lines of text as the demo draws them, every other one upside down."""
    sys.path.insert(0, str(EXAMPLES))
    yield import_module("quickstart").draw_samples(64)
    sys.path.remove(str(EXAMPLES))


def outputs_of(
    client: Client, model: Model, device: Device, inputs: list[Any], **specs: Any
) -> np.ndarray:
    """What a model gives on inputs, compiled and run on the hub."""
    compiled = client.submit_compile_job(model, device, options="--target_runtime onnx", **specs)
    target = compiled.get_target_model()
    run = client.submit_inference_job(target, device, {"x": inputs}, profile=False)
    assert compiled.wait(60).success, compiled.get_status().message
    assert [notice.severity for notice in compiled.notices] == []
    data = run.download_output_data()
    assert data is not None
    (values,) = data.values()
    return np.concatenate(values)


def psnr(before: np.ndarray, after: np.ndarray) -> float:
    error = np.mean(np.square(before.astype(np.float64) - after))
    return float(10 * np.log10(np.max(np.abs(before)) ** 2 / error))


def test_a_quantized_network_compiles_runs_and_profiles(
    client: Client, device: Device, tmp_path: Path
) -> None:
    source, inputs = client.upload_model(conv_net(), "net"), samples(8, *SIZE)
    job = client.submit_quantize_job(source, {"x": inputs}, INT8, INT16)

    assert job.wait(60).success, job.get_status().message
    told = job.get_psnr()
    assert told is not None
    # Facts of this kind of model: some 50 dB with 8 bits, 70 with 16 bits for activations.
    assert 45 < told["y"] < 90
    target = job.get_target_model()
    assert target is not None
    before = outputs_of(client, source, device, inputs)
    after = outputs_of(client, target, device, inputs)
    assert psnr(before, after) == pytest.approx(told["y"], abs=0.5)

    assert list(job.get_tool_versions()) == [
        "ONNX Runtime",
        "ONNX",
        "Python",
        "NumPy",
        "qai-hub-openapi",
    ]
    result = job.download_results(str(tmp_path / "results"))
    (path,) = (tmp_path / "results").rglob("*.onnx")
    onnx.checker.check_model(path, full_check=True)
    assert result.status.success
    compiled = client.submit_compile_job(target, device, options="--target_runtime onnx")
    profile = client.submit_inference_job(compiled.get_target_model(), device).get_profile()
    assert profile is not None
    assert profile.layers
    assert client.get_job(job.job_id, hub.JobType.QUANTIZE).get_psnr() == told


@pytest.mark.parametrize(
    ("types", "least"), [((INT8, INT8), 45), ((INT8, INT16), 65), ((INT4, INT16), 20)]
)
def test_the_text_direction_model(
    quick_client: Client,
    device: Device,
    lines: list[Any],
    types: tuple[QuantizeDtype, QuantizeDtype],
    least: float,
) -> None:
    """The bounds are measured ones of such models, 53, 73 and 24 dB, less what data may vary."""
    inputs = [line.tensor() for line in lines]
    job = quick_client.submit_quantize_job(str(TEXT_DIRECTION), {"x": inputs}, *types)

    assert job.wait(120).success, job.get_status().message
    told = job.get_psnr()
    assert told is not None
    (decibels,) = told.values()
    assert decibels > least
    target = job.get_target_model()
    assert target is not None
    specs = {"x": inputs[0].shape}
    scores = outputs_of(quick_client, target, device, inputs[:16], input_specs=specs)
    assert list(np.argmax(scores, axis=1)) == [line.label for line in lines[:16]]


def test_calibration_data_that_does_not_fit_fails_the_job(client: Client) -> None:
    job = client.submit_quantize_job(conv_net(), {"z": samples(1, *SIZE)})

    status = job.wait(60)

    assert status.failure
    assert "unknown: 'z', missing: 'x'" in (status.message or "")
    assert job.failure_type == "INVALID_INPUTS"
    assert job.get_psnr() is None
    assert job.download_target_model() is None


def test_the_log_tells_the_psnr(client: Client, tmp_path: Path) -> None:
    job = client.submit_quantize_job(conv_net(), {"x": samples(2, *SIZE)})
    (log,) = job.download_job_logs(str(tmp_path))
    assert "PSNR in decibels: {'y': " in Path(log).read_text()


def test_ignored_options_leave_a_notice(client: Client, device: Device) -> None:
    options = "--target_runtime onnx --qnn_options default_graph_htp_precision=FLOAT16"
    options += " --truncate_64bit_tensors"
    job = client.submit_compile_job(conv_net(), device, options=options)
    assert job.wait(60).success
    ignored = [notice.message.partition(" was ignored: ")[0] for notice in job.notices]
    assert ignored == ["The option --truncate_64bit_tensors", "The option --qnn_options"]


def test_refused_options_fail_the_job(client: Client, device: Device) -> None:
    job = client.submit_compile_job(conv_net(), device, options="--quantize_weight_type float16")
    status = job.wait(60)
    assert status.failure
    assert (status.message or "").startswith(
        "This hub supports --quantize_weight_type for TensorFlow Lite only: "
    )


def test_a_job_behind_a_quantize_job_that_fails(client: Client, device: Device) -> None:
    job = client.submit_quantize_job(conv_net(), {"z": samples(1, *SIZE)})
    compiled = client.submit_compile_job(job.get_target_model(), device)
    assert job.job_id in (compiled.wait(60).message or "")


def test_the_target_model_is_known(client: Client) -> None:
    inputs = [np.concatenate(samples(2, *SIZE))]
    job = client.submit_quantize_job(conv_net("n"), {"x": inputs})
    assert job.wait(60).success
    target = job.get_target_model()
    assert target is not None
    assert client.get_model(target.model_id).model_type == hub.SourceModelType.ONNX
