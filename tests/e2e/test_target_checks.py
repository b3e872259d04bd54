"""Every target for QNN is compared with its source model before it is published."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from onnx import helper
from support.execution_models import FLOAT, build_model, conv_net, linear_model, samples
from support.qnn import BINARY, DLC, GEN_3, INTEGERS, PRECOMPILED, compiled, simulated, target_of
from support.users import COLLEAGUE

import qai_hub as hub
from qai_hub.client import Client, CompileJob, Model, TargetCheck
from qai_hub.local import LocalHub

# QNN fills the edges with arbitrary values.
PADDING = helper.make_node("Pad", ["x", "pads"], ["y"], name="odd", mode="edge")
WRONG = build_model(
    [PADDING],
    {"x": (FLOAT, [1, 1, 8, 8])},
    {"y": (FLOAT, [1, 1, 10, 10])},
    {"pads": np.array([0, 0, 1, 1, 0, 0, 1, 1])},
)
CALIBRATION = "the calibration data"


def check_of(job: CompileJob) -> TargetCheck:
    check = job.get_target_check()
    assert check is not None
    return check


def samples_of(check: TargetCheck) -> str:
    return f"{check.samples} sample{'s' * (check.samples > 1)}"


def told(job: Any) -> list[tuple[str, str]]:
    return [(n.severity, n.message) for n in job.notices if "in simulation" in n.message]


@pytest.fixture(scope="module")
def quantized(client: Client) -> Model:
    data = {"x": samples(4, 1, 3, 16, 16)}
    return target_of(client.submit_quantize_job(conv_net(), data))


@pytest.mark.parametrize("runtime", [BINARY, PRECOMPILED, DLC])
def test_a_target_that_is_close_says_how_close(client: Client, runtime: str) -> None:
    job = compiled(client, conv_net(), runtime)
    check = check_of(job)

    assert (check.status, check.reason) == ("CLOSE", "")
    assert 1 <= check.samples <= 3
    assert check.inputs.startswith("random inputs")
    (output,) = check.outputs
    assert (output.name, output.is_far, output.slices) == ("y", False, ())
    assert output.psnr is not None
    assert output.psnr > 45 > (check.bound or 0) > 0
    assert 0 < output.largest_error < output.peak / 100
    assert told(job) == [
        (
            "INFO",
            (
                "The target model is close to the source model in simulation, on "
                f"{samples_of(check)} of {check.inputs}: PSNR 'y' {output.psnr:.1f} dB."
            ),
        )
    ]


@pytest.mark.parametrize("runtime", [BINARY, PRECOMPILED])
def test_a_target_that_is_wrong_is_made_with_a_warning(client: Client, runtime: str) -> None:
    job = compiled(client, WRONG, runtime)
    check = check_of(job)

    assert check.status == "FAR"
    assert check.reason.startswith("The output 'y' has a PSNR of only ")
    ((severity, message),) = told(job)
    assert severity == "WARNING"
    assert message.startswith("The target model differs from the source model in simulation")
    assert check.reason in message


def test_the_check_agrees_with_an_inference_job(client: Client, quantized: Model) -> None:
    job = compiled(client, quantized, BINARY, INTEGERS)
    check = check_of(job)

    assert check.inputs == CALIBRATION
    data = {"x": samples(4, 1, 3, 16, 16)[: check.samples]}
    on_cpu = compiled(client, quantized, "onnx")
    outputs = []
    for model in (on_cpu, job):
        _, found = simulated(client, target_of(model), data, INTEGERS)
        outputs.append(np.stack(found["y"]))
    error = np.mean((outputs[0] - outputs[1]) ** 2)
    expected = 10 * np.log10(np.max(np.abs(outputs[0])) ** 2 / error) if error else None
    assert check.outputs[0].psnr == (None if expected is None else pytest.approx(expected, abs=0.5))


def test_calibration_data_of_the_job_itself(client: Client) -> None:
    job = compiled(
        client,
        conv_net(),
        BINARY,
        more="--quantize_full_type int8 --output_names z",
        calibration_data={"x": samples(2, 1, 3, 16, 16)},
    )
    check = check_of(job)

    # Compared with the float model, so that the loss by quantization counts.
    assert (check.inputs, check.status) == (CALIBRATION, "CLOSE")
    assert check.outputs[0].name == "z"
    assert check.outputs[0].psnr is not None
    assert 20 < check.outputs[0].psnr < 60


def test_calibration_data_without_quantizing_serves_the_check(client: Client) -> None:
    data = {"x": samples(2, 1, 3, 16, 16)}
    job = compiled(client, conv_net(), BINARY, calibration_data=data)

    assert check_of(job).inputs == CALIBRATION
    assert [each.message for each in job.notices if "calibration_data" in each.message] == [
        (
            "calibration_data was used for the check of the target model only: no "
            "--quantize_full_type was given."
        )
    ]


def test_calibration_data_that_the_user_may_not_see_is_not_used(
    client: Client, colleague: Client, quantized: Model
) -> None:
    quantized.modify_sharing([COLLEAGUE])
    theirs = compiled(colleague, colleague.get_model(quantized.model_id), BINARY)

    assert check_of(theirs).inputs.startswith("random inputs")
    assert check_of(compiled(client, quantized, BINARY)).inputs == CALIBRATION


def test_inputs_that_options_have_changed_are_random(client: Client, quantized: Model) -> None:
    job = compiled(client, quantized, BINARY, more="--force_channel_last_input x")

    assert check_of(job).inputs.startswith("random inputs")
    assert check_of(job).status == "CLOSE"


def test_floats_on_a_chip_of_integers_are_not_checked(client: Client) -> None:
    job = compiled(client, linear_model(), DLC, INTEGERS)
    check = check_of(job)

    assert (check.status, check.samples, check.outputs) == ("NOT_CHECKED", 0, ())
    assert "supports integers only" in check.reason
    ((severity, message),) = told(job)
    assert severity == "INFO"
    assert message == f"The target model was not checked in simulation: {check.reason}"


def test_targets_of_other_runtimes_have_no_check(client: Client) -> None:
    job = compiled(client, linear_model(), "onnx")

    assert job.get_target_check() is None
    assert told(job) == []


def test_a_failed_job_has_no_check(client: Client) -> None:
    job = client.submit_compile_job(linear_model(), GEN_3, options="--target_runtime tflite")

    assert job.get_target_check() is None


def test_a_target_from_the_cache_has_the_same_check(client: Client) -> None:
    first, second = (compiled(client, WRONG, BINARY) for _ in range(2))

    assert check_of(first) == check_of(second)
    assert told(second) == told(first)


def test_each_linked_graph_is_checked(client: Client) -> None:
    names = ("one", "two")
    dlcs = [
        target_of(
            compiled(
                client,
                conv_net(number + 1),
                DLC,
                more=f"--qnn_options context_enable_graphs={name} --skip_target_check",
            )
        )
        for number, name in enumerate(names)
    ]
    job = client.submit_link_job(dlcs, GEN_3)
    assert job.wait(60).success, job.get_status().message

    for name, (severity, message) in zip(names, told(job), strict=True):
        assert severity == "INFO"
        assert message.startswith(f"The graph '{name}' is close to the source model")


def test_a_job_can_do_without(client: Client) -> None:
    data = {"x": samples(1, 1, 1, 7, 7)}
    job = compiled(client, WRONG, DLC, more="--skip_target_check", calibration_data=data)
    link = client.submit_link_job([target_of(job)], GEN_3, options="--skip_target_check")
    assert link.wait(60).success, link.get_status().message

    check = check_of(job)
    assert check.status == "NOT_CHECKED"
    assert check.reason == "the job's option --skip_target_check skips the check."
    assert told(job) == [
        ("INFO", f"The target model was not checked in simulation: {check.reason}")
    ]
    assert any("calibration_data was not used" in each.message for each in job.notices)
    assert not any("close to" in each.message for each in link.notices)


def test_a_binary_that_is_wrapped_was_checked_before(client: Client) -> None:
    job = client.submit_compile_job(target_of(compiled(client, conv_net(), BINARY)), GEN_3)

    assert check_of(job).status == "NOT_CHECKED"
    assert "the job that made the context binary" in check_of(job).reason


@pytest.fixture
def unchecked() -> Iterator[Client]:
    with LocalHub(check_targets=False, validate_responses=True) as local_hub:
        yield local_hub.client()


def test_a_hub_can_do_without(unchecked: Client) -> None:
    job = compiled(unchecked, WRONG, BINARY)

    assert check_of(job).status == "NOT_CHECKED"
    assert told(job) == [
        (
            "INFO",
            "The target model was not checked in simulation: this hub checks no target models.",
        )
    ]


def test_the_names_are_public() -> None:
    assert hub.TargetCheck is TargetCheck
