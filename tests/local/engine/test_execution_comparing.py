"""A crash while models are compared is not the job's."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper
from support.execution_models import (
    FLOAT,
    INT64,
    Shape,
    build_model,
    compile_request,
    dataset,
    execute,
    get_failure,
    linear_model,
    quantize_request,
    samples,
    saved,
)

from qai_hub.local.engine.failures import FailureType
from qai_hub.local.engine.isolated import CallError
from qai_hub.local.engine.onnx import verify
from qai_hub.local.engine.onnx.signature import get_inputs
from qai_hub.local.engine.protocol import AttemptRequest, Soc
from qai_hub.local.engine.qnn import checked_build, target_check
from qai_hub.local.engine.qnn.checked_build import find_fixed_outputs
from qai_hub.local.engine.quantize import compare
from qai_hub.local.engine.quantize.calibration import CalibrationData
from qai_hub.local.engine.quantize.psnr import check_finite_outputs, compare_models
from qai_hub.local.engine.quantize.references import ReferenceOutputs

SOC = Soc(name="gen-3", soc_model=57, hexagon=75, fp16=True, weight_sharing=True)
NOT_COMPARED = (
    "The target model was not compared with the model: running both was killed by SIGSEGV."
)


def crash(*_: Any) -> None:
    raise CallError("was killed by SIGSEGV")


def run_short(*_: Any) -> None:
    raise CallError("ran out of memory", FailureType.OUT_OF_MEMORY)


def warnings_of(notices: list[dict[str, str]]) -> list[str]:
    return [each["message"] for each in notices if each["severity"] == "WARNING"]


def binary_request(model: Path, more: str = "") -> AttemptRequest:
    request = compile_request(model, options=f"--target_runtime qnn_context_binary{more}")
    return replace(request, soc=SOC, check_target=True)


def test_a_target_is_published_although_nothing_was_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "call_isolated", crash)
    report = execute(compile_request(saved(linear_model(), tmp_path)), tmp_path / "a")

    assert report.result["output_spec"] == [{"name": "y", "shape": [2, 3], "dtype": "float32"}]
    assert warnings_of(report.result["notices"]) == [NOT_COMPARED]


@pytest.mark.parametrize(("more", "told"), [("", []), (" --skip_target_check", [NOT_COMPARED])])
def test_a_target_that_is_checked_is_not_verified_on_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, told: list[str]
) -> None:
    calls: list[Any] = []

    def count(*call: Any) -> None:
        calls.append(call)
        crash()

    monkeypatch.setattr(verify, "call_isolated", count)
    report = execute(binary_request(saved(linear_model(), tmp_path), more), tmp_path / "a")

    assert warnings_of(report.result["notices"]) == told
    assert len(calls) == len(told)


def test_a_target_that_could_not_be_checked_is_verified_after_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(target_check, "call_isolated", crash)
    report = execute(binary_request(saved(linear_model(), tmp_path)), tmp_path / "a")

    assert report.result["output_spec"] == [{"name": "y", "shape": [2, 3], "dtype": "float32"}]
    assert warnings_of(report.result["notices"]) == [
        "The target model was not checked in simulation: the simulation was killed by SIGSEGV."
    ]


def test_that_nothing_was_compared_is_told_once_there_is_no_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (target_check, verify):
        monkeypatch.setattr(module, "call_isolated", crash)
    report = execute(binary_request(saved(linear_model(), tmp_path)), tmp_path / "a")

    assert warnings_of(report.result["notices"])[0] == NOT_COMPARED


@pytest.mark.parametrize("op", ["Neg", "Erf"])
def test_a_model_that_runs_nowhere_fails_for_that_reason(tmp_path: Path, op: str) -> None:
    """QNN compiles Neg and not Erf; no sample leads to a size that 7 elements have."""
    nodes = [
        helper.make_node(op, ["x"], ["n"]),
        helper.make_node("Add", ["n", "twenty"], ["size"]),
        helper.make_node("Cast", ["size"], ["sizes"], to=INT64),
        helper.make_node("Reshape", ["w", "sizes"], ["y"]),
    ]
    ports = {"x": (FLOAT, [1])}, {"y": (FLOAT, [7])}
    weights = {"w": np.zeros(7, np.float32), "twenty": np.array([20], np.float32)}
    model = build_model(nodes, *ports, weights)
    failure = get_failure(binary_request(saved(model, tmp_path)), tmp_path / "a")

    assert failure.reason.startswith("ONNX Runtime cannot run the model on random inputs")


def test_outputs_that_declare_no_size_are_those_that_a_run_has(tmp_path: Path) -> None:
    model = linear_model()
    path = saved(model, tmp_path)
    assert [str(each) for each in find_fixed_outputs(path)] == ["'y': float32[2, 3]"]
    shapes: list[Shape] = [None, [2, "n"]]
    for shape in shapes:
        output = helper.make_tensor_value_info("y", FLOAT, shape)
        model.graph.output[0].CopyFrom(output)
        assert find_fixed_outputs(saved(model, tmp_path)) == []


def test_a_model_that_ran_to_tell_its_outputs_has_those(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checked_build, "find_fixed_outputs", lambda _: [])
    report = execute(binary_request(saved(linear_model(), tmp_path)), tmp_path / "a")

    assert report.result["target_check"]["status"] == "TARGET_CHECK_STATUS_CLOSE"
    assert report.result["output_spec"] == [{"name": "y", "shape": [2, 3], "dtype": "float32"}]


def test_a_quantized_model_is_published_although_nothing_was_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "call_isolated", crash)
    data = dataset(tmp_path / "data", {"x": samples(4)})
    report = execute(quantize_request(saved(linear_model(), tmp_path), data), tmp_path / "a")

    assert report.result["psnr"] == {}
    assert report.result["output_spec"] == [{"name": "y", "shape": [2, 3], "dtype": "float32"}]
    assert warnings_of(report.result["notices"]) == [
        "The quantized model was not compared with the model: running both was killed by SIGSEGV."
    ]


def test_a_lack_of_memory_is_the_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "call_isolated", run_short)

    with pytest.raises(MemoryError):
        execute(compile_request(saved(linear_model(), tmp_path)), tmp_path / "a")


@pytest.mark.parametrize("limit", [0, 30, 1000])
def test_outputs_that_were_not_kept_are_computed_again(tmp_path: Path, limit: int) -> None:
    """A sample has 6 floats, so that 30 bytes hold the outputs of one."""
    model = saved(linear_model(), tmp_path)
    inputs = dataset(tmp_path / "data", {"x": samples(3)})
    data = CalibrationData(path=inputs, ports=get_inputs(linear_model()))
    references = ReferenceOutputs(tmp_path / "kept", limit)
    with data.open() as opened:
        check_finite_outputs(model, opened, references)
        comparison = compare_models(model, model, opened, references)

    kept = [references.read(index) is not None for index in range(3)]
    assert kept == [limit >= 24 * (index + 1) for index in range(3)]
    assert comparison.shapes == {"y": (2, 3)}
    assert comparison.compute_psnr() == {}
    assert "quantization does not change it" in comparison.notices[0]["message"]
