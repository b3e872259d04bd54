"""What is refused before anything is sent, and plain values."""

import numpy as np

import qai_hub as hub

DEVICE = hub.Device("Samsung Galaxy S24")


def statuses() -> None:
    status = hub.JobStatus(hub.JobStatus.State.FAILED, "a reason")
    print(status.code, status.message, status.failure, status.symbol, status.state.name)
    print(hub.JobStatus(hub.JobStatus.State.SUCCESS) == "SUCCESS")
    print([state.name for state in hub.JobStatus.all_running_states()])


def enumerations() -> None:
    for enum in (hub.JobType, hub.SourceModelType, hub.QuantizeDtype, hub.ModelMetadataKey):
        print({name: member.value for name, member in enum.__members__.items()})
    print(hub.JobType.PROFILE is hub.JobType.INFERENCE, hub.JobType.COMPILE.display_name)


def devices_are_plain_values() -> None:
    device = hub.Device("A", os="14", attributes=["vendor:b"])
    print(device, device == hub.Device("A", "14", ["vendor:b"]))
    print(hub.Device(attributes="vendor:b"))


def compile_for_no_device() -> None:
    hub.submit_compile_job("affine.onnx", [])


def compile_nothing() -> None:
    hub.submit_compile_job(None, DEVICE)


def link_nothing() -> None:
    hub.submit_link_job([], DEVICE)


def link_what_cannot_be_linked() -> None:
    hub.submit_link_job([hub.upload_model("affine.onnx")], DEVICE)


def inference_on_a_list() -> None:
    model = hub.upload_model("affine.onnx")
    hub.submit_inference_job(model, DEVICE, [np.ones((1, 4), np.float32)])


def quantize_without_data() -> None:
    hub.submit_quantize_job("affine.onnx", None)
