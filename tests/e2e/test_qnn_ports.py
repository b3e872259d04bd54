"""Inputs and outputs that a context binary does not have: the hub adds them when it runs it."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from support.execution_models import FLOAT, INT64, build_model
from support.qnn import (
    BINARY,
    DLC,
    GEN_3,
    INTEGERS,
    PRECOMPILED,
    agreement,
    compiled,
    on_cpu,
    other_notices,
    simulated,
    target_of,
)

from qai_hub.client import Client, Model

RANDOM = np.random.default_rng(3)
WEIGHTS = {
    "w": RANDOM.standard_normal((8, 4)).astype(np.float32),
    "anchors": RANDOM.standard_normal((10, 2)).astype(np.float32),
    "steps": np.array([8, 16, 2**40]),
}
X = {
    "x": [RANDOM.standard_normal((2, 8)).astype(np.float32) for _ in range(2)],
    "unused": [np.zeros(3, np.float32)] * 2,
    "count": [np.array([5, 2**40])] * 2,
}
node = helper.make_node


def odd_model(*, with_input_as_output: bool = True) -> onnx.ModelProto:
    """y = x @ w, with outputs that need no HTP, and an input that none needs."""
    nodes = [
        node("MatMul", ["x", "w"], ["y"], name="product"),
        node("Identity", ["y"], ["again"], name="twice"),
        node("Add", ["anchors", "anchors"], ["computed"], name="folded"),
        node("Identity", ["count"], ["counted"], name="passed"),
    ]
    inputs = {"x": (FLOAT, [2, 8]), "unused": (FLOAT, [3]), "count": (INT64, [2])}
    outputs: dict[str, tuple[int, Any]] = {
        "y": (FLOAT, [2, 4]),
        "anchors": (FLOAT, [10, 2]),
        "again": (FLOAT, [2, 4]),
        "computed": (FLOAT, [10, 2]),
        "steps": (INT64, [3]),
        "counted": (INT64, [2]),
    }
    if with_input_as_output:
        outputs["x"] = inputs["x"]
    return build_model(nodes, inputs, outputs, WEIGHTS)


def agrees(outputs: Any, model: onnx.ModelProto) -> None:
    expected = on_cpu(model.SerializeToString(), X)
    assert min(agreement(expected, outputs).values()) > 45
    for name in outputs.keys() - {"y", "again", "counted"}:
        np.testing.assert_array_equal(np.stack(outputs[name]), np.stack(expected[name]))


@pytest.fixture(scope="module")
def binary(client: Client) -> Model:
    job = compiled(client, odd_model(), BINARY)
    check = job.get_target_check()
    assert check is not None
    assert (check.status, len(check.outputs)) == ("CLOSE", 7)
    (message,) = other_notices(job)
    assert message == (
        "The context binary does not have the model's outputs that are constant or inputs as "
        "they are ('anchors', 'computed', 'steps', 'x') and inputs that affect no computed "
        "output ('unused'). This hub adds them when it runs the binary; an application must do "
        "so itself."
    )
    return target_of(job)


def test_a_binary_runs_with_all_of_them(client: Client, binary: Model) -> None:
    agrees(simulated(client, binary, X)[1], odd_model())


def test_it_can_be_profiled(client: Client, binary: Model) -> None:
    assert client.submit_inference_job(binary, GEN_3).wait(60).success


def test_it_runs_when_it_is_uploaded_again(client: Client, binary: Model, tmp_path: Path) -> None:
    file = binary.download(str(tmp_path / "binary"))

    agrees(simulated(client, file, X)[1], odd_model())


def test_it_runs_when_it_is_wrapped(client: Client, binary: Model) -> None:
    job = client.submit_compile_job(binary, GEN_3)
    assert job.wait(60).success, job.get_status().message

    agrees(simulated(client, target_of(job), X)[1], odd_model())


def test_other_runtimes_have_them_in_the_model(client: Client) -> None:
    for runtime in (PRECOMPILED, DLC):
        job = compiled(client, odd_model(), runtime)
        assert other_notices(job) == []
        agrees(simulated(client, target_of(job), X)[1], odd_model())


def test_a_linked_graph_runs_with_all_of_them(client: Client) -> None:
    dlc = target_of(compiled(client, odd_model(), DLC))
    job = client.submit_link_job([dlc], GEN_3)
    assert job.wait(60).success, job.get_status().message
    assert any("('anchors', 'computed', 'steps', 'x')" in each.message for each in job.notices)

    agrees(simulated(client, target_of(job), X)[1], odd_model())


def test_a_quantized_binary_runs_with_all_of_them(client: Client) -> None:
    # The quantizer cannot take an input that is an output.
    model = odd_model(with_input_as_output=False)
    job = client.submit_quantize_job(model, X)
    assert job.wait(60).success, job.get_status().message
    made = target_of(compiled(client, target_of(job), BINARY, INTEGERS))
    _, outputs = simulated(client, made, X, INTEGERS)

    expected = on_cpu(model.SerializeToString(), X)
    assert min(agreement(expected, outputs).values()) > 35
