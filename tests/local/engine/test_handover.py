"""Compile jobs of which an engine does the rest."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from support.execution_models import (
    compile_request,
    dataset,
    execute,
    get_failure,
    linear_model,
    saved,
)

from qai_hub.local.engine.failures import FailureType
from qai_hub.local.engine.onnx.signature import get_inputs, get_outputs
from qai_hub.local.engine.protocol import AttemptRequest, Report
from qai_hub.local.enums import ModelType


def tflite_request(folder: Path, options: str = "", **changed: Any) -> AttemptRequest:
    model = saved(linear_model(), folder)
    request = compile_request(model, options=f"--target_runtime tflite {options}")
    return replace(request, engines=("tflite",), **changed)


def next_stage(report: Report) -> AttemptRequest:
    assert report.next_stage is not None
    assert (report.next_stage.kind, report.next_stage.engine) == ("tflite", "tflite")
    return report.next_stage


def test_the_model_is_prepared_as_for_onnx(tmp_path: Path) -> None:
    report = execute(tflite_request(tmp_path, "--output_names renamed"), tmp_path / "a")

    stage = next_stage(report)
    assert report.files == {}
    assert stage.model.model_type == ModelType.ONNX
    assert stage.model.source is None
    assert stage.options == "--target_runtime tflite --output_names renamed"
    model = onnx.load(stage.model.path)
    assert [port.to_spec() for port in get_inputs(model)] == list(stage.input_specs)
    assert [port.name for port in get_outputs(model)] == ["renamed"]
    assert [each["name"] for each in report.result["output_spec"]] == ["renamed"]
    assert report.result["tool_versions"]
    assert report.result["notices"] == []


def test_the_float_model_of_a_quantized_one_goes_along(tmp_path: Path) -> None:
    (port,) = get_inputs(linear_model())
    spec = port.to_spec()
    samples = [np.linspace(-1, 1, num=int(np.prod(spec.shape)), dtype=np.float32)]
    data = dataset(tmp_path / "d.h5", {spec.name: [samples[0].reshape(spec.shape)]})
    request = tflite_request(tmp_path, "--quantize_full_type int8", dataset=data)

    stage = next_stage(execute(request, tmp_path / "a"))

    assert stage.dataset == data
    assert stage.model.source is not None
    quantized, floats = onnx.load(stage.model.path), onnx.load(stage.model.source)
    operators = {node.op_type for node in quantized.graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= operators
    assert "QuantizeLinear" not in {node.op_type for node in floats.graph.node}


def test_settings_of_qnn_are_ignored_with_a_notice(tmp_path: Path) -> None:
    options = "--qnn_options default_graph_htp_optimizations=O=3"

    report = execute(tflite_request(tmp_path, options), tmp_path / "a")

    (notice,) = report.result["notices"]
    assert "it applies to QNN target runtimes only" in notice["message"]


def test_without_the_engine_nothing_is_prepared(tmp_path: Path) -> None:
    request = replace(tflite_request(tmp_path), engines=("qnn-2.50",))

    failure = get_failure(request, tmp_path / "a")

    assert failure.failure_type is FailureType.UNSUPPORTED
    assert failure.lacks == "engine-tflite"
    assert list((tmp_path / "a" / "work").iterdir()) == []


def test_a_model_that_does_not_run_is_not_handed_on(tmp_path: Path) -> None:
    request = tflite_request(tmp_path)
    request.model.path.write_bytes(b"no model")

    assert get_failure(request, tmp_path / "a").failure_type is FailureType.MODEL_CORRUPT


def test_quantizing_needs_data(tmp_path: Path) -> None:
    failure = get_failure(tflite_request(tmp_path, "--quantize_full_type int8"), tmp_path / "a")

    assert failure.failure_type is FailureType.INVALID_ARGUMENT
    assert "needs calibration_data" in failure.reason
