"""What attempts need of the machine that carries them out."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qai_hub.local.core.attempt_resources import get_resources
from qai_hub.local.core.executor import AttemptId, AttemptSpec
from qai_hub.local.engine.attempt import AttemptRequest, InputModel
from qai_hub.local.enums import ModelType
from qai_hub.local.executor_address import RESOURCES

COMPILE = AttemptRequest(
    kind="compile", inputs=(InputModel(path=Path("f1"), model_type=ModelType.ONNX),), options=""
)


def needs(limit: int | None = None, model_type: str = ModelType.ONNX, **changed: Any) -> set[str]:
    inputs = (replace(COMPILE.model, model_type=model_type),)
    request = replace(COMPILE, inputs=inputs, **changed)
    spec = AttemptSpec(
        id=AttemptId("j1", 1), request=request, digests={}, time_limit=1, memory_limit=limit
    )
    found = get_resources(spec)
    assert found.get("memory") == limit
    assert found.keys() <= {*RESOURCES}
    return set(found)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", set()),
        ("--target_runtime onnx", set()),
        ("--target_runtime=qnn_dlc", {"qnn"}),
        ("--target_runtime precompiled_qnn_onnx --qnn_options x=1", {"qnn"}),
        ("--target_runtime tflite", {"engine-tflite"}),
        ("--qnn_options default_graph_htp_optimizations=O=3", set()),
        ("--target_runtime 'qnn", set()),
    ],
)
def test_compile_jobs_need_what_makes_models_for_their_runtime(
    options: str, expected: set[str]
) -> None:
    assert needs(options=options) == expected


@pytest.mark.parametrize(
    ("model_type", "expected"),
    [
        (ModelType.ONNX, set()),
        (ModelType.QNN_DLC, {"qnn"}),
        (ModelType.QNN_CONTEXT_BINARY, {"qnn"}),
        (ModelType.TFLITE, {"tflite"}),
        (ModelType.TORCHSCRIPT, {"torch"}),
        (ModelType.TORCH_EXPORTED_PROGRAM, {"torch"}),
    ],
)
def test_models_need_what_reads_them(model_type: str, expected: set[str]) -> None:
    assert needs(model_type=model_type, kind="run", profile=True) == expected


def test_quantize_jobs_need_qnn_for_the_layers_alone() -> None:
    data = Path("f2")
    assert needs(kind="quantize", dataset=data) == set()
    assert needs(kind="quantize", dataset=data, analyze_layers=True) == {"qnn"}


def test_what_runs_with_an_engine_needs_that_in_place_of_the_extra() -> None:
    options = "--target_runtime qnn_dlc --qairt_version 2.50"
    assert needs(options=options, engine="qnn-2.50") == {"engine-qnn-2.50"}
    binary = ModelType.QNN_CONTEXT_BINARY
    run = needs(model_type=binary, kind="run", profile=True, engine="qnn-2.50")
    assert run == {"engine-qnn-2.50"}


def test_all_need_the_memory_that_they_may_use() -> None:
    assert needs(limit=1 << 30) == {"memory"}
