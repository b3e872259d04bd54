"""The check of a target model against its source model, in simulation."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from support.execution_models import FLOAT, INT64, build_model, linear_model, saved, spec

from qai_hub.local.engine import isolated
from qai_hub.local.engine.failures import FailureType
from qai_hub.local.engine.protocol import InputModel, Soc
from qai_hub.local.engine.qnn import target_check
from qai_hub.local.engine.qnn.contexts import compile_context
from qai_hub.local.engine.qnn.diagnose import adapt_model
from qai_hub.local.engine.qnn.provenance import Graph, Provenance
from qai_hub.local.engine.qnn.provider import QnnSettings, htp_options
from qai_hub.local.engine.qnn.target_check import (
    CheckRequest,
    Precision,
    check_target,
    choose_bound,
    limit_seconds,
)

SOC = Soc(name="gen-3", soc_model=57, hexagon=75, fp16=True, weight_sharing=True)


@pytest.fixture(scope="module")
def request_of(tmp_path_factory: pytest.TempPathFactory) -> CheckRequest:
    """A context binary of y = relu(x @ w) @ (w + w), and its source model."""
    folder = tmp_path_factory.mktemp("target")
    model = linear_model()
    adapt_model(model)
    source = saved(onnx.shape_inference.infer_shapes(model), folder)
    options = htp_options(SOC) | QnnSettings().provider_options(SOC)
    context = compile_context(source, folder / "context", options)
    graph = Graph(
        name="model",
        parts=context.parts,
        inputs=(spec("x", [2, 3]),),
        outputs=(spec("y", [2, 3]),),
    )
    provenance = Provenance(runtime="qnn_context_binary", soc=SOC, sdk="2.40.0", graphs=(graph,))
    target = InputModel(
        path=context.binary,
        model_type="MODEL_TYPE_QNN_CONTEXT_BINARY",
        provenance=provenance.to_json(),
    )
    return CheckRequest(target=target, soc=SOC, reference=source, bound=30.0)


def with_weights_of(factor: float, folder: Path) -> Path:
    model = linear_model()
    weight = onnx.numpy_helper.to_array(model.graph.initializer[0])
    changed = onnx.numpy_helper.from_array(weight * np.float32(factor), "w")
    model.graph.initializer[0].CopyFrom(changed)
    return saved(model, folder)


def test_a_sound_target_is_close(request_of: CheckRequest, tmp_path: Path) -> None:
    check = check_target(request_of, tmp_path / "check", 60)

    assert (check.status, check.reason) == ("CLOSE", "")
    assert 1 <= check.samples <= 3
    assert check.outputs[0]["psnr"] > 50
    assert check.to_notice()["severity"] == "INFO"


@pytest.mark.parametrize(("factor", "status"), [(1.001, "CLOSE"), (1.1, "FAR"), (-1, "FAR")])
def test_a_target_of_other_weights_is_far(
    request_of: CheckRequest, tmp_path: Path, factor: float, status: str
) -> None:
    reference = with_weights_of(factor, tmp_path)
    check = check_target(replace(request_of, reference=reference), tmp_path / "check", 60)

    assert check.status == status
    assert ("'y'" in check.reason) is (status == "FAR")
    assert (check.to_notice()["severity"] == "WARNING") is (status == "FAR")


def test_a_check_that_takes_too_long_is_ended(request_of: CheckRequest, tmp_path: Path) -> None:
    check = check_target(request_of, tmp_path / "check", 0.0)

    assert check.status == "NOT_CHECKED"
    assert check.reason == "the simulation took longer than 0 s."
    assert check.to_notice()["severity"] == "INFO"


def test_what_was_compared_before_the_time_was_up_counts(
    request_of: CheckRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = check_target(request_of, tmp_path / "check", 60)
    progress = {"status": done.status, "samples": 1, "outputs": list(done.outputs)}

    def end(*_: Any) -> None:
        raise isolated.CallError("took longer than 9 s", progress=progress)

    monkeypatch.setattr(target_check, "call_isolated", end)
    check = check_target(request_of, tmp_path / "again", 9)

    assert (check.status, check.samples) == ("CLOSE", 1)


@pytest.mark.parametrize(
    ("error", "reason", "severity"),
    [
        (
            isolated.CallError("was killed by SIGSEGV"),
            "the simulation was killed by SIGSEGV.",
            "WARNING",
        ),
        (
            isolated.CallError("ran out of memory", FailureType.OUT_OF_MEMORY),
            "this hub has too little memory for the simulation.",
            "INFO",
        ),
    ],
)
def test_a_crash_of_the_simulation_is_told(
    request_of: CheckRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: isolated.CallError,
    reason: str,
    severity: str,
) -> None:
    def end(*_: Any) -> None:
        raise error

    monkeypatch.setattr(target_check, "call_isolated", end)
    check = check_target(request_of, tmp_path / "check", 9)

    assert (check.status, check.reason) == ("NOT_CHECKED", reason)
    assert reason in check.to_notice()["message"]
    assert check.to_notice()["severity"] == severity


def test_a_target_that_does_not_run_is_a_warning(request_of: CheckRequest, tmp_path: Path) -> None:
    damaged = tmp_path / "context.bin"
    damaged.write_bytes(b"no context")
    target = replace(request_of.target, path=damaged)
    check = check_target(replace(request_of, target=target), tmp_path / "check", 60)

    assert (check.status, check.outputs) == ("NOT_CHECKED", ())
    assert check.to_notice()["severity"] == "WARNING"


def test_samples_that_the_source_model_refuses_are_left_out(
    request_of: CheckRequest, tmp_path: Path
) -> None:
    model = linear_model()
    # A shape that only samples without negative numbers have.
    model.graph.node.extend(
        [
            helper.make_node("ReduceMin", ["x"], ["least"], keepdims=0),
            helper.make_node("Floor", ["least"], ["floor"]),
            helper.make_node("Cast", ["floor"], ["size"], to=INT64),
            helper.make_node("Unsqueeze", ["size", "zero"], ["sizes"]),
            helper.make_node("ConstantOfShape", ["sizes"], ["z"]),
        ]
    )
    model.graph.initializer.append(helper.make_tensor("zero", INT64, [1], [0]))
    reference = saved(model, tmp_path)
    check = check_target(replace(request_of, reference=reference), tmp_path / "check", 60)

    assert check.status == "CLOSE"
    assert 1 <= check.samples <= 2


def test_a_source_model_that_does_not_run_is_told(request_of: CheckRequest, tmp_path: Path) -> None:
    nodes = [helper.make_node("Reshape", ["x", "shape"], ["y"])]
    weights = {"shape": np.array([7, 7])}
    model = build_model(nodes, {"x": (FLOAT, [2, 3])}, {"y": (FLOAT, None)}, weights)
    reference = saved(model, tmp_path)
    check = check_target(replace(request_of, reference=reference), tmp_path / "check", 60)

    assert check.status == "NOT_CHECKED"
    assert "cannot" in check.reason


@pytest.mark.parametrize(
    ("elapsed", "time_limit", "seconds"),
    [(1, None, 20), (100, None, 100), (5000, None, 600), (10, 30, 10), (40, 30, 0)],
)
def test_the_time_of_a_check_is_bounded(
    elapsed: float, time_limit: float | None, seconds: float
) -> None:
    assert limit_seconds(elapsed, time_limit) == seconds


def qdq(weight: int, activation: int) -> onnx.ModelProto:
    """y = DQ(Q(x)) @ DQ(w), with types of the weight and of the activation."""
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "az"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "az"], ["a"]),
        helper.make_node("DequantizeLinear", ["w", "s", "wz"], ["b"]),
        helper.make_node("MatMul", ["a", "b"], ["y"]),
    ]
    model = build_model(nodes, {"x": (FLOAT, [2, 2])}, {"y": (FLOAT, [2, 2])})
    for name, elem_type, dims in (
        ("az", activation, []),
        ("w", weight, [2, 2]),
        ("wz", weight, []),
    ):
        values = [0] * (4 if dims else 1)
        model.graph.initializer.append(helper.make_tensor(name, elem_type, dims, values))
    model.graph.initializer.append(helper.make_tensor("s", FLOAT, [], [0.1]))
    return model


@pytest.mark.parametrize(
    ("types", "precision", "bounds"),
    [
        (("INT8", "UINT8"), (8, 8), (20, 20)),
        (("INT8", "UINT16"), (8, 16), (30, 30)),
        (("INT4", "UINT8"), (4, 8), (20, 8)),
        (("INT4", "UINT16"), (4, 16), (30, 15)),
    ],
)
def test_the_bound_depends_on_the_precision(
    types: tuple[str, str], precision: tuple[int, int], bounds: tuple[float, float]
) -> None:
    weight, activation = (onnx.TensorProto.DataType.Value(name) for name in types)
    found = Precision.of(qdq(weight, activation))

    assert found == precision
    assert bounds == (
        choose_bound(found, is_source_quantized=True),
        choose_bound(found, is_source_quantized=False),
    )


def test_the_bound_of_floats() -> None:
    assert choose_bound(Precision.of(linear_model()), is_source_quantized=False) == 30
