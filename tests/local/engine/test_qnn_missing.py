"""Where QNN is not there, or cannot be told what it needs, jobs for it fail and say why."""

import sys
from pathlib import Path

import pytest
from onnx import helper
from support.execution_models import attempt, get_failure, linear_model, onnx_input, saved

from qai_hub.local.engine.attempt import AttemptRequest, InputModel
from qai_hub.local.engine.failures import FailureType
from qai_hub.local.engine.protocol import Soc
from qai_hub.local.engine.qnn import provider

CHIP = Soc(name="chip", soc_model=57, hexagon=75, fp16=True, weight_sharing=True)
RUNTIMES = ("qnn_context_binary", "precompiled_qnn_onnx", "qnn_dlc")


def compile_for(runtime: str, folder: Path, soc: Soc | None = CHIP) -> AttemptRequest:
    model = onnx_input(saved(linear_model(), folder))
    options = f"--target_runtime {runtime}"
    return AttemptRequest(kind="compile", inputs=(model,), options=options, soc=soc)


def run_wrapper(folder: Path) -> AttemptRequest:
    """A run of an ONNX model around a context, as others have made it."""
    ports = [helper.make_tensor_value_info(name, 1, [1, 4]) for name in ("x", "y")]
    node = helper.make_node("EPContext", ["x"], ["y"], domain="com.microsoft", embed_mode=1)
    node.attribute.append(helper.make_attribute("ep_cache_context", b"a binary"))
    graph = helper.make_graph([node], "wrapper", ports[:1], ports[1:])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    wrapper = onnx_input(saved(model, folder, "wrapper"))
    return AttemptRequest(kind="run", inputs=(wrapper,), options="", profile=True, soc=CHIP)


def run_or_link(kind: str, model_type: str, folder: Path) -> AttemptRequest:
    (folder / "binary").write_bytes(b"a binary")
    model = InputModel(path=folder / "binary", model_type=model_type)
    if kind == "link":
        return AttemptRequest(kind="link", inputs=(model,), options="", soc=CHIP)
    return AttemptRequest(kind="run", inputs=(model,), options="", profile=True, soc=CHIP)


def requests(folder: Path) -> list[AttemptRequest]:
    return [
        *(compile_for(runtime, folder) for runtime in RUNTIMES),
        run_or_link("link", "MODEL_TYPE_QNN_DLC", folder),
        run_or_link("run", "MODEL_TYPE_QNN_DLC", folder),
        run_or_link("run", "MODEL_TYPE_QNN_CONTEXT_BINARY", folder),
        run_wrapper(folder),
    ]


def test_without_the_extra_jobs_fail_and_name_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime_qnn", None)
    # Another test of this process may have loaded it.
    monkeypatch.setattr(provider, "_load_provider", provider._load_provider.__wrapped__)
    for number, request in enumerate(requests(tmp_path)):
        failure = get_failure(request, tmp_path / str(number))
        assert failure.failure_type is FailureType.UNSUPPORTED
        assert failure.reason == (
            "QNN is not installed on this hub: run pip install 'qai-hub-openapi[qnn]' where the "
            "hub runs, and restart the hub. It needs Linux on x86-64."
        )
        assert failure.lacks == "qnn"


def test_a_library_of_the_system_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "libatomic.so.1").touch()
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    outcome = attempt(compile_for("qnn_dlc", tmp_path), tmp_path / "a")
    assert outcome.failure_type == FailureType.UNSUPPORTED
    assert outcome.reason.startswith("QNN does not work on this machine: a library that it needs")
    assert "libatomic.so.1" in outcome.reason


def test_a_device_that_is_no_longer_in_the_catalogue(tmp_path: Path) -> None:
    outcome = attempt(compile_for("qnn_dlc", tmp_path, soc=None), tmp_path / "a")
    assert outcome.failure_type == FailureType.UNSUPPORTED
    assert outcome.reason == (
        "The job's device is not in the catalogue of this hub: qnn_dlc needs a known chip."
    )


def test_a_dlc_whose_model_is_gone_is_not_run(tmp_path: Path) -> None:
    made = attempt(compile_for("qnn_dlc", tmp_path), tmp_path / "a")
    assert made.succeeded, made.reason
    dlc = InputModel(
        path=made.files["target_model"],
        model_type="MODEL_TYPE_QNN_DLC",
        provenance=made.result["provenance"],
    )
    request = AttemptRequest(kind="run", inputs=(dlc,), options="", profile=True, soc=CHIP)
    outcome = attempt(request, tmp_path / "b")
    assert outcome.reason == (
        "The source model of the DLC is no longer on this hub: compile it again."
    )
