"""A check without a hub says what a compile job would say, and what would run where."""

from collections.abc import Sequence
from typing import Any

import onnx
import pytest
from onnx import helper
from support.execution_models import FLOAT, branching_model, build_model, conv_net, samples
from support.html_tags import assert_harmless
from support.qnn import BINARY, GEN_3, INTEGERS, PRECOMPILED, WITHOUT_HTP, refused, with_operator

import qai_hub as hub
import qai_hub.preflight
from qai_hub.client import Client, Device

ERF = with_operator("Erf")


def options(runtime: str) -> str:
    return f"--target_runtime {runtime}"


def int64_addition() -> onnx.ModelProto:
    int64 = onnx.TensorProto.INT64
    nodes = [helper.make_node("Add", ["x", "x"], ["y"])]
    return build_model(nodes, {"x": (int64, [1, "n"])}, {"y": (int64, [1, "n"])})


REFUSED: dict[str, tuple[onnx.ModelProto, str, Device]] = {
    "operator": (ERF, BINARY, GEN_3),
    "floats": (conv_net(), BINARY, INTEGERS),
    "control flow": (branching_model(), PRECOMPILED, GEN_3),
    "no HTP": (ERF, BINARY, WITHOUT_HTP),
    "dynamic": (int64_addition(), "onnx", GEN_3),
    "runtime": (ERF, "tflite", GEN_3),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_check_refuses_what_a_compile_job_refuses(client: Client, why: str) -> None:
    model, runtime, device = REFUSED[why]

    check = hub.check_model(model, device, options=options(runtime))

    assert not check.ok
    assert (check.failure_type, check.refusal) == refused(client, model, runtime, device)
    assert f"refused: {check.refusal}" in str(check)


QUANTIZED = "--quantize_full_type w8a8 --target_runtime qnn_context_binary"


@pytest.mark.parametrize("op", ["Relu", "Erf"])
def test_a_check_quantizes_on_random_inputs(client: Client, op: str) -> None:
    """It says what a compile job with calibration data says."""
    model = with_operator(op)
    data = {"x": samples(2, 1, 8, 8)}
    job = client.submit_compile_job(model, INTEGERS, options=QUANTIZED, calibration_data=data)

    check = hub.check_model(model, INTEGERS, options=QUANTIZED)

    status = job.wait(240)
    assert check.ok is status.success is (op == "Relu")
    assert check.refusal == (status.message if status.failure else "")
    told = "Quantized on random inputs: a compile job with --quantize_full_type needs"
    assert any(each.startswith(told) for each in check.notices) is check.ok


def test_a_check_whose_random_inputs_do_not_suit_the_model() -> None:
    nodes = [
        helper.make_node("Neg", ["x"], ["n"]),
        helper.make_node("Abs", ["x"], ["a"]),
        helper.make_node("Sub", ["n", "a"], ["s"]),
        helper.make_node("Log", ["s"], ["y"]),
    ]
    model = build_model(nodes, {"x": (FLOAT, [1, 8])}, {"y": (FLOAT, [1, 8])})

    check = hub.check_model(model, INTEGERS, options=QUANTIZED)

    assert check.refusal.startswith("The model cannot be quantized on the random inputs that")


def units(check: hub.ModelCheck) -> list[tuple[str, str, str]]:
    return [(node.name, node.op, node.unit) for node in check.nodes]


@pytest.mark.parametrize(("runtime", "ok"), [(BINARY, False), (PRECOMPILED, True), ("onnx", True)])
def test_what_runs_where(runtime: str, ok: bool) -> None:
    check = hub.check_model(ERF, GEN_3, options=options(runtime))
    assert check.ok is ok
    assert units(check) == [
        ("before", "MatMul", "HTP"),
        ("odd", "Erf", "CPU"),
        ("after", "Relu", "HTP"),
    ]
    assert check.units == {"HTP": 2, "CPU": 1}
    assert [node.reason for node in check.nodes if node.reason] == [
        "QNN does not support this operator"
    ]
    told = "The CPU runs Erf ('odd'), which the HTP does not support."
    assert (told in check.notices) == (runtime == PRECOMPILED)


def test_a_network_that_the_htp_runs_as_a_whole() -> None:
    check = hub.check_model(conv_net(), GEN_3, options=options(BINARY))
    assert check.ok
    assert set(check.units) == {"HTP"}
    assert {node.op for node in check.nodes} >= {"Conv"}


def test_as_a_table_and_as_html() -> None:
    nodes = [helper.make_node("Det", ["x"], ["y"], name="<b>")]
    model = build_model(nodes, {"x": (FLOAT, [4, 4])}, {"y": (FLOAT, [])})
    check = hub.check_model(model, GEN_3)
    assert "Det                          1  CPU      float32 -> float32\n" in str(check)
    assert "  Det '<b>': QNN does not support this operator" in str(check)
    page = assert_harmless(check._repr_html_()).text
    assert "Det '<b>': QNN does not support this operator" in page
    assert "Det1CPUfloat32 -> float32" in page


def test_packages_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Sequence[str]:
        return ["onnxruntime"]

    monkeypatch.setattr("qai_hub.local.preflight.missing_packages", missing)
    with pytest.raises(hub.UserError, match=r"needs onnxruntime: pip install 'qai-hub-openapi\[lo"):
        hub.check_model(ERF, GEN_3)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"device": Device("Nokia 3310")}, "No device matches 'Nokia 3310'"),
        ({"options": 3}, "options"),
        ({"input_specs": {"x": (1, "n")}}, "'n'"),
        ({"model": b"no model"}, "model must be a path"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(hub.UserError, match=told):
        hub.check_model(**{"model": ERF, "device": GEN_3, **arguments})


def test_a_check_whose_process_crashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known of the device is told, with the reason."""
    monkeypatch.setattr("qai_hub.local.preflight._TIME_LIMIT", 0.0)
    check = hub.check_model(ERF, GEN_3)
    assert check.failure_type == "RUNTIME_TIMEOUT"
    assert check.device == GEN_3.name
    assert "timed out" in str(check)
