"""A crash while models are compared is not the job's."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.execution_models import (
    compile_request,
    dataset,
    execute,
    linear_model,
    quantize_request,
    samples,
    saved,
)

from qai_hub.local.engine.failures import FailureType
from qai_hub.local.engine.isolated import CallError
from qai_hub.local.engine.onnx import verify
from qai_hub.local.engine.onnx.signature import get_inputs
from qai_hub.local.engine.protocol import Soc
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


def test_a_target_is_published_although_nothing_was_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "call_isolated", crash)
    report = execute(compile_request(saved(linear_model(), tmp_path)), tmp_path / "a")

    assert report.result["output_spec"] == [{"name": "y", "shape": [2, 3], "dtype": "float32"}]
    assert warnings_of(report.result["notices"]) == [NOT_COMPARED]


@pytest.mark.parametrize(("more", "told"), [("", []), (" --skip_target_check", [NOT_COMPARED])])
def test_a_target_that_was_checked_needs_no_word_of_steps_on_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, told: list[str]
) -> None:
    monkeypatch.setattr(verify, "call_isolated", crash)
    model = saved(linear_model(), tmp_path)
    request = compile_request(model, options=f"--target_runtime qnn_context_binary{more}")
    report = execute(replace(request, soc=SOC, check_target=True), tmp_path / "a")

    assert warnings_of(report.result["notices"]) == told


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
