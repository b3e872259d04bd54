"""Models that are not ONNX, from the upload to what comes of them."""

import importlib.util
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from support import tflite_models
from support.aimet_models import Affine, encodings
from support.execution_models import linear_model, linear_result

from qai_hub.client import Client, Device, SourceModelType


def test_an_aimet_folder_is_compiled_and_runs(
    client: Client, device: Device, tmp_path: Path
) -> None:
    folder = tmp_path / "net.aimet"
    folder.mkdir()
    (folder / "net.onnx").write_bytes(linear_model().SerializeToString())
    affine = Affine([0.05], [-120], 8)
    content = encodings("1.0.0", {"x": affine}, {})
    (folder / "net.encodings").write_text(json.dumps(content))
    model = client.upload_model(folder)
    assert model.model_type is SourceModelType.AIMET_ONNX

    compiled = client.submit_compile_job(model, device, options="--target_runtime onnx")
    x = np.random.default_rng(4).standard_normal((2, 3)).astype(np.float32)
    target = compiled.get_target_model()
    assert target is not None, compiled.get_status()
    job = client.submit_inference_job(target, device, {"x": [x]})

    outputs = job.download_output_data()
    assert isinstance(outputs, dict)
    np.testing.assert_allclose(outputs["y"][0], linear_result(affine(x)), rtol=1e-4, atol=1e-5)


def test_a_tflite_model_runs_and_is_profiled(
    client: Client, device: Device, tmp_path: Path
) -> None:
    path = tflite_models.linear(tmp_path / "model.tflite")
    x = np.array([[1, 2, 3, 4]], np.float32)

    job = client.submit_inference_job(path, device, {"x": [x]})
    outputs = job.download_output_data()
    assert isinstance(outputs, dict)
    np.testing.assert_allclose(outputs["y"][0], x @ tflite_models.WEIGHT.T, rtol=1e-5)

    with pytest.deprecated_call():
        measured = client.submit_profile_job(path, device, options="--max_profiler_iterations 3")
    profile = measured.get_profile()
    assert profile is not None
    assert len(profile.inference.all_times) == 3
    assert profile.layers == ()


def test_a_damaged_tflite_model_fails_and_the_hub_lives(
    client: Client, device: Device, tmp_path: Path
) -> None:
    path = tflite_models.linear(tmp_path / "model.tflite")
    path.write_bytes(path.read_bytes()[:200])

    job = client.submit_inference_job(path, device, {"x": [np.zeros((1, 4), np.float32)]})

    assert job.wait(60).failure
    assert job.failure_type == "MODEL_CORRUPT"
    assert "LiteRT cannot load the model" in (job.get_status().message or "")
    assert client.get_devices()


@pytest.mark.small_hub("a job that no process of a team can run waits for one that can")
def test_torchscript_without_its_extra_names_it(
    client: Client, device: Device, tmp_path: Path
) -> None:
    if importlib.util.find_spec("torch"):
        pytest.skip("needs a hub without the extra [torch]")
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("data.pkl", "code/__torch__.py", "constants.pkl"):
            archive.writestr(f"model/{name}", b"")

    with pytest.deprecated_call():
        job = client.submit_compile_job(path, device, input_specs={"x": (1, 4)})

    assert job.wait(60).failure
    assert job.failure_type == "UNSUPPORTED"
    assert "pip install 'qai-hub-openapi[torch]'" in (job.get_status().message or "")
