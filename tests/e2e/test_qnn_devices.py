"""What a chip can do decides what is compiled for it, and what runs on it."""

import numpy as np
import pytest
from support.execution_models import conv_net, samples
from support.qnn import (
    BINARY,
    DLC,
    GEN_2,
    GEN_3,
    INTEGERS,
    PRECOMPILED,
    RUNTIMES,
    WITHOUT_HTP,
    agreement,
    compiled,
    on_cpu,
    refused,
    simulated,
    target_of,
)
from support.real_models import TEXT_DIRECTION

import qai_hub as hub
from qai_hub.client import Client, Model, ModelMetadataKey, QuantizeDtype

INT8, INT16 = QuantizeDtype.INT8, QuantizeDtype.INT16
DATA = {"x": samples(8, 1, 3, 16, 16)}
TEXT = TEXT_DIRECTION.inputs(4)


@pytest.fixture(scope="module", params=[INT8, INT16], ids=["w8a8", "w8a16"])
def quantized(client: Client, request: pytest.FixtureRequest) -> Model:
    job = client.submit_quantize_job(conv_net(), DATA, INT8, request.param)
    assert job.wait(60).success, job.get_status().message
    return target_of(job)


@pytest.mark.parametrize("runtime", [BINARY, PRECOMPILED])
def test_floats_are_refused_where_the_chip_computes_with_integers_only(
    client: Client, runtime: str
) -> None:
    cause, reason = refused(client, conv_net(), runtime, INTEGERS)
    assert cause == "UNSUPPORTED"
    assert reason == (
        "The HTP of qualcomm-snapdragon-888 supports integers only, and the model uses floats: "
        "quantize it with a quantize job, then compile the result."
    )


@pytest.mark.parametrize("device", [GEN_3, INTEGERS], ids=["with fp16", "without"])
def test_a_quantized_model_runs_on_either_kind(
    client: Client, quantized: Model, device: hub.Device, tmp_path: object
) -> None:
    """The bound is that of the rounding of the last bits: 53 dB for w8a8 were measured."""
    job = compiled(client, quantized, BINARY, device)
    cpu = on_cpu(quantized.download(f"{tmp_path}/quantized"), DATA)

    _, outputs = simulated(client, target_of(job), DATA, device)

    assert agreement(cpu, outputs)["y"] > 40


@pytest.mark.parametrize(("activations", "least"), [(INT8, 25), (INT16, 35)])
def test_a_real_model_quantized_computes_nearly_what_it_did(
    quick_client: Client, activations: QuantizeDtype, least: float
) -> None:
    """Measured on such inputs: 33 dB and more for w8a8, 42 dB and more for w8a16."""
    job = quick_client.submit_quantize_job(TEXT_DIRECTION.path, TEXT, INT8, activations)
    made = target_of(
        compiled(
            *(quick_client, target_of(job), BINARY, INTEGERS),
            more="--skip_target_check",
            input_specs=TEXT_DIRECTION.specs,
        )
    )

    _, outputs = simulated(quick_client, made, {"x": TEXT["x"][:2]}, INTEGERS)

    expected = on_cpu(TEXT_DIRECTION.path, {"x": TEXT["x"][:2]})
    assert min(agreement(expected, outputs).values()) > least
    labels = [[np.argmax(one) for one in next(iter(o.values()))] for o in (expected, outputs)]
    assert labels[0] == labels[1]


@pytest.mark.parametrize("runtime", [BINARY, PRECOMPILED])
def test_a_binary_for_one_chip_does_not_run_on_another(client: Client, runtime: str) -> None:
    made = target_of(compiled(client, conv_net(), runtime))
    job = client.submit_inference_job(made, GEN_2, DATA)
    assert job.wait(60).failure
    assert job.failure_type == "INVALID_ARGUMENT"
    assert job.get_status().message == (
        "The model was compiled for qualcomm-snapdragon-8gen3 (SoC model 57, Hexagon v75), but "
        "the device has qualcomm-snapdragon-8gen2 (SoC model 43, Hexagon v73): compile it for "
        "this device."
    )


@pytest.mark.parametrize("runtime", [BINARY, PRECOMPILED])
def test_a_binary_is_not_compiled_for_devices_with_several_chips(
    client: Client, runtime: str
) -> None:
    cause, reason = refused(client, conv_net(), runtime, [GEN_3, GEN_2])
    assert cause == "INVALID_ARGUMENT"
    assert reason == (
        "A context binary is for one chip, but the job's devices have several "
        "(qualcomm-snapdragon-8gen3, qualcomm-snapdragon-8gen2): submit a job for each by "
        "single_compile=False, or compile with --target_runtime qnn_dlc."
    )


def test_a_binary_is_not_embedded_for_devices_with_several_chips(client: Client) -> None:
    made = target_of(compiled(client, conv_net(), BINARY))
    job = client.submit_compile_job(made, [GEN_3, GEN_2])
    assert "but the device has qualcomm-snapdragon-8gen2" in (job.wait(60).message or "")


@pytest.mark.parametrize(
    ("runtime", "device"), [(DLC, GEN_2), (BINARY, hub.Device("Samsung Galaxy S24 Ultra"))]
)
def test_one_target_model_for_devices_that_all_run_it(
    client: Client, runtime: str, device: hub.Device
) -> None:
    made = target_of(compiled(client, conv_net(), runtime, [GEN_3, device]))
    expected = on_cpu(conv_net().SerializeToString(), DATA)

    _, outputs = simulated(client, made, DATA, device)

    assert agreement(expected, outputs)["y"] > 40


def test_a_dlc_runs_on_any_chip_with_an_htp(client: Client) -> None:
    made = target_of(compiled(client, conv_net(), DLC))
    expected = on_cpu(conv_net().SerializeToString(), DATA)
    for device, chip in ((GEN_3, "8gen3"), (GEN_2, "8gen2")):
        job, outputs = simulated(client, made, DATA, device)
        assert agreement(expected, outputs)["y"] > 40
        (notice,) = (
            n.message for n in job.notices if n.message.startswith("A device compiles a DLC")
        )
        assert f"qualcomm-snapdragon-{chip}" in notice

    refusal = client.submit_inference_job(made, INTEGERS, DATA)
    assert "supports integers only" in (refusal.wait(60).message or "")


@pytest.mark.parametrize(
    ("name", "hexagon", "soc"),
    [("Snapdragon X Elite CRD", "73", "60"), ("Snapdragon 8 Elite QRD", "79", "69")],
)
def test_a_binary_tells_its_chip(client: Client, name: str, hexagon: str, soc: str) -> None:
    metadata = target_of(compiled(client, conv_net(), BINARY, hub.Device(name))).metadata
    assert metadata[ModelMetadataKey.QNN_CONTEXT_BIN_HEXAGON_VERSION] == hexagon
    assert metadata[ModelMetadataKey.QNN_CONTEXT_BIN_SOC_MODEL] == soc


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_chips_without_an_htp_are_refused(client: Client, runtime: str) -> None:
    cause, reason = refused(client, conv_net(), runtime, WITHOUT_HTP)
    assert cause == "UNSUPPORTED"
    assert "has a Hexagon v66 without a tensor processor" in reason
    assert "--target_runtime onnx" in reason
