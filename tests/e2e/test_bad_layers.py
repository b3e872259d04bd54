"""Which layers of a quantized model lose accuracy, asked of a local hub; and what mends it."""

import numpy as np
import pytest
from support.execution_models import offset_model, samples
from support.qnn import BINARY, GEN_3, compiled, on_cpu, simulated, target_of
from support.real_models import psnr

import qai_hub as hub
from qai_hub.client import Client
from qai_hub.local import LocalHub

INTEGERS = hub.Device("RB3 Gen 2 (Proxy)")


@pytest.fixture(scope="module")
def inputs() -> dict[str, list[np.ndarray]]:
    return {"x": samples(4, 1, 8, 8)}


def test_the_bad_layer_is_found_and_mended_on_the_chip(
    client: Client, inputs: dict[str, list[np.ndarray]]
) -> None:
    pytest.importorskip("onnxruntime_qnn")
    job = client.submit_quantize_job(offset_model(), inputs)

    accuracy = job.get_layer_accuracy()

    assert accuracy is not None
    assert accuracy.first_bad_layer is not None
    assert accuracy.first_bad_layer.tensor == "lowered"
    assert accuracy.simulated_on
    assert accuracy.reason is None
    y = accuracy.layers[-1]
    assert y.psnr is not None
    assert y.simulated_psnr == pytest.approx(y.psnr, abs=3)
    proposal = accuracy.mixed_precision
    assert proposal is not None

    better = client.submit_quantize_job(offset_model(), inputs, options=proposal.options)
    told = better.get_psnr()
    assert told is not None
    assert told["y"] == pytest.approx(proposal.psnr_after)

    first = {"x": inputs["x"][:1]}
    expected = on_cpu(offset_model().SerializeToString(), first)["y"][0]
    for device in (INTEGERS, GEN_3):
        binary = compiled(client, target_of(better), BINARY, device)
        _, outputs = simulated(client, target_of(binary), first, device)
        assert psnr(expected, outputs["y"][0]) > proposal.psnr_before + 20


def test_a_job_that_failed_has_no_report(client: Client) -> None:
    job = client.submit_quantize_job(offset_model(), {"z": samples(1, 1, 8, 8)})
    assert job.get_layer_accuracy() is None
    assert job.get_tensor_ranges() is None


def test_a_hub_can_do_without(inputs: dict[str, list[np.ndarray]]) -> None:
    with LocalHub(analyze_layers=False, validate_responses=True) as local_hub:
        job = local_hub.client().submit_quantize_job(offset_model(), inputs)
        accuracy = job.get_layer_accuracy()
        ranges = job.get_tensor_ranges()
        told = [each.message for each in job.notices]

    assert accuracy is not None
    assert not accuracy.layers
    assert accuracy.mixed_precision is None
    assert accuracy.reason == "The layers were not measured: this hub analyzes no layers."
    assert accuracy.reason in told
    assert ranges is not None
    assert not ranges.tensors
    assert ranges.reason == "The ranges were not measured: this hub analyzes no layers."


def test_a_range_that_is_used_little_is_told(
    client: Client, inputs: dict[str, list[np.ndarray]]
) -> None:
    ranges = client.submit_quantize_job(offset_model(), inputs).get_tensor_ranges()

    assert ranges is not None
    assert (ranges.total, ranges.samples, ranges.reason) == (6, 4, None)
    raised = ranges.tensors[0]
    assert (raised.tensor, raised.kind, raised.dtype) == ("raised", "activation", "uint8")
    values = np.stack(inputs["x"]) + np.float32(500)
    assert (raised.seen_min, raised.seen_max) == (values.min(), values.max())
    assert raised.used == pytest.approx(np.ptp(values) / raised.range_max)
    assert ranges.find_saturated() == []
