"""Real models compiled to other inputs and outputs than they have compute what they did before."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from support.real_models import (
    FILE_TYPE,
    PAGE_DIRECTION,
    SPEECH,
    TEXT_DIRECTION,
    Arrays,
    RealModel,
    psnr,
)

from qai_hub.client import Client, CompileJob, Device

TO_LAST = (0, 2, 3, 1)


def compiled(
    client: Client, device: Device, model: RealModel, specs: Mapping[str, Any], options: str = ""
) -> CompileJob:
    options = f"--target_runtime onnx {options}"
    job = client.submit_compile_job(model.path, device, input_specs=dict(specs), options=options)
    assert job.wait(240).success, job.get_status().message
    return job


def outputs_of(client: Client, device: Device, job: CompileJob, inputs: Arrays) -> dict[str, Any]:
    target = job.get_target_model()
    run = client.submit_inference_job(target, device, inputs, profile=False)
    assert run.wait(240).success, run.get_status().message
    data = run.download_output_data()
    assert data is not None
    return {name: np.stack(values) for name, values in data.items()}


def test_images_with_their_channels_last(client: Client, device: Device) -> None:
    for model in (TEXT_DIRECTION, PAGE_DIRECTION):
        (shape,) = model.specs.values()
        inputs = model.inputs(3)["x"]
        before = compiled(client, device, model, model.specs)
        options = "--force_channel_last_input image --output_names scores"

        after = compiled(client, device, model, {"image": shape}, options)

        last = tuple(shape[axis] for axis in TO_LAST)
        assert after.get_target_shapes() == {"image": (last, "float32")}
        assert [notice.message for notice in after.notices] == [
            "The input 'x' was renamed to 'image', as input_specs request."
        ]
        (expected,) = outputs_of(client, device, before, {"x": inputs}).values()
        turned = {"image": [image.transpose(TO_LAST) for image in inputs]}
        scores = outputs_of(client, device, after, turned)
        np.testing.assert_allclose(scores["scores"], expected, atol=1e-6)

        refused = client.submit_inference_job(after.get_target_model(), device, {"image": inputs})
        assert "image" in str(refused.wait(240).message)


def test_the_states_of_a_speech_model(client: Client, device: Device) -> None:
    inputs = SPEECH.inputs(2)
    before = compiled(client, device, SPEECH, SPEECH.specs)
    specs = {"samples": (1, 576), "state": (2, 1, 128)}
    options = (
        "--output_names=speech,next --force_channel_last_input state "
        "--force_channel_last_output next"
    )

    after = compiled(client, device, SPEECH, specs, options)

    shapes = {"samples": ((1, 576), "float32"), "state": ((1, 128, 2), "float32")}
    assert after.get_target_shapes() == shapes
    expected = outputs_of(client, device, before, inputs)
    turned = [state.transpose(1, 2, 0) for state in inputs["state"]]
    found = outputs_of(client, device, after, {"samples": inputs["input"], "state": turned})
    np.testing.assert_allclose(found["speech"], expected["output"], atol=1e-6)
    np.testing.assert_allclose(
        found["next"], expected["stateN"].transpose(0, 2, 3, 1), rtol=1e-5, atol=1e-6
    )


def test_bytes_of_a_file_as_16_bit_integers(client: Client, device: Device) -> None:
    inputs = FILE_TYPE.inputs(2)["bytes"]
    before = compiled(client, device, FILE_TYPE, FILE_TYPE.specs)

    after = compiled(client, device, FILE_TYPE, {"bytes": ((1, 2048), "uint16")})

    assert after.get_target_shapes() == {"bytes": ((1, 2048), "uint16")}
    assert "cast to the model's int32 without scaling" in after.notices[0].message
    expected = outputs_of(client, device, before, {"bytes": inputs})
    narrow = [data.astype(np.uint16) for data in inputs]
    found = outputs_of(client, device, after, {"bytes": narrow})
    np.testing.assert_allclose(found["target_label"], expected["target_label"], atol=1e-6)


def test_a_dtype_that_was_forgotten_fails_the_job(client: Client, device: Device) -> None:
    job = client.submit_compile_job(FILE_TYPE.path, device, input_specs={"bytes": (1, 2048)})

    status = job.wait(240)
    assert status.failure
    assert "'bytes': int32[" in str(status.message)
    assert "the type in input_specs, float32" in str(status.message)


def test_quantizing_on_the_way(client: Client, device: Device) -> None:
    inputs = TEXT_DIRECTION.inputs(8)["x"]
    before = compiled(client, device, TEXT_DIRECTION, TEXT_DIRECTION.specs)
    options = (
        "--target_runtime onnx --quantize_full_type w8a16 --output_names scores "
        "--force_channel_last_input image"
    )

    job = client.submit_compile_job(
        TEXT_DIRECTION.path,
        device,
        input_specs={"image": TEXT_DIRECTION.specs["x"]},
        options=options,
        calibration_data={"image": inputs},
    )

    assert job.wait(240).success, job.get_status().message
    assert job.get_target_shapes() == {"image": ((1, 48, 192, 3), "float32")}
    (told,) = (
        re.search(r"PSNR of the model's outputs: .* ([\d.]+) dB", n.message)
        for n in job.notices
        if "Quantized on 8 samples" in n.message
    )
    assert told
    (expected,) = outputs_of(client, device, before, {"x": inputs}).values()
    turned = {"image": [image.transpose(TO_LAST) for image in inputs]}
    found = psnr(expected, outputs_of(client, device, job, turned)["scores"])
    assert found == pytest.approx(float(told[1]), abs=0.5)
    # Some 70 dB on lines of text; these are noise.
    assert found > 35


def test_a_context_binary_for_a_chip_of_integers_alone(client: Client) -> None:
    pytest.importorskip("onnxruntime_qnn", reason="needs the extra qnn")
    chip = Device("QCS6490 (Proxy)")
    inputs = TEXT_DIRECTION.inputs(1)["x"]
    job = client.submit_compile_job(
        TEXT_DIRECTION.path,
        chip,
        input_specs={"image": TEXT_DIRECTION.specs["x"]},
        options="--target_runtime qnn_context_binary --quantize_full_type w8a16 "
        "--force_channel_last_input image --output_names scores --skip_target_check",
        calibration_data={"image": inputs},
    )

    assert job.wait(120).success, job.get_status().message
    assert job.get_target_shapes() == {"image": ((1, 48, 192, 3), "float32")}
    turned = {"image": [image.transpose(TO_LAST) for image in inputs]}
    found = outputs_of(client, chip, job, turned)["scores"]
    before = compiled(client, chip, TEXT_DIRECTION, TEXT_DIRECTION.specs)
    (expected,) = outputs_of(client, chip, before, {"x": inputs}).values()
    assert psnr(expected, found) > 30
