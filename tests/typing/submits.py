"""What each submit gives for a device and for a list of devices, checked by mypy and pyright."""

from typing import assert_type

import qai_hub as hub
from qai_hub.client import Client, CompileJob, Device, InferenceJob, LinkJob, Model, QuantizeJob


def one_device(client: Client, model: Model, device: Device) -> None:
    assert_type(client.submit_compile_job(model, device), CompileJob)
    assert_type(client.submit_compile_job(model, device, single_compile=False), CompileJob)
    assert_type(client.submit_link_job([model], device), LinkJob)
    assert_type(client.submit_inference_job(model, device), InferenceJob)
    assert_type(client.submit_profile_job(model, device), InferenceJob)
    assert_type(client.submit_quantize_job(model, "calibration.h5"), QuantizeJob)
    assert_type(
        client.submit_compile_and_profile_jobs(model, device),
        tuple[CompileJob, InferenceJob | None],
    )
    assert_type(
        client.submit_compile_and_link_jobs([model], device),
        tuple[list[CompileJob], LinkJob | None],
    )
    assert_type(
        client.submit_compile_and_link_jobs([model], device, embed_in_onnx=True),
        tuple[list[CompileJob], LinkJob | None, CompileJob | None],
    )


def several_devices(client: Client, model: Model, devices: list[Device]) -> None:
    assert_type(client.submit_compile_job(model, devices), CompileJob)
    assert_type(
        client.submit_compile_job(model, devices, single_compile=False),
        CompileJob | list[CompileJob],
    )
    assert_type(client.submit_link_job([model], devices), LinkJob | list[LinkJob])
    assert_type(client.submit_inference_job(model, devices), InferenceJob | list[InferenceJob])
    assert_type(client.submit_profile_job(model, devices), InferenceJob | list[InferenceJob])
    pairs = client.submit_compile_and_profile_jobs(model, devices)
    if isinstance(pairs, list):
        assert_type(pairs, list[tuple[CompileJob, InferenceJob | None]])
    else:
        assert_type(pairs, tuple[CompileJob, InferenceJob | None])


def functions(model: Model, device: Device, devices: list[Device], single: bool) -> None:
    assert_type(hub.submit_compile_job(model, device), CompileJob)
    assert_type(hub.submit_compile_job(model, devices), CompileJob)
    jobs = hub.submit_compile_job(model, devices, single_compile=single)
    assert_type(jobs, CompileJob | list[CompileJob])
    assert_type(hub.submit_link_job([model], device), LinkJob)
    assert_type(hub.submit_link_job([model], devices), LinkJob | list[LinkJob])
    assert_type(hub.submit_inference_job(model, device), InferenceJob)
    assert_type(hub.submit_inference_job(model, devices), InferenceJob | list[InferenceJob])
    assert_type(hub.submit_profile_job(model, device), InferenceJob)
    assert_type(hub.submit_quantize_job("m.onnx", {}), QuantizeJob)
    compiled, link = hub.submit_compile_and_link_jobs(model, device)
    assert_type(compiled, list[CompileJob])
    assert_type(link, LinkJob | None)
