from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from support.execution_models import FLOAT, build_model
from support.real_engines import use_engine
from support.tflite_engine import (
    IMAGE,
    INDEX,
    LABEL,
    PIXELS,
    conv_net,
    convert,
    target_of,
    write_data,
)

from qai_hub.local.engine.attempt import AttemptOutcome
from qai_hub.local.engine.onnx.integer_ports import decode_outputs, encode_inputs
from qai_hub.local.engine.onnx.session import Session
from qai_hub.local.engine.runners.tflite import LiteRtModel

SAMPLE: dict[str, Any] = {
    IMAGE: np.random.default_rng(3).standard_normal((1, 2, 4, 6)).astype(np.float32),
    INDEX: np.array([1]),
}


@pytest.fixture(autouse=True, scope="module")
def _engine() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        use_engine("tflite", patch)
        yield


def specs_of(outcome: AttemptOutcome, role: str) -> list[tuple[str, list[int], str]]:
    return [(e["name"], e["shape"], e["dtype"]) for e in outcome.result[f"{role}_spec"]]


def notices_of(outcome: AttemptOutcome) -> str:
    return "\n".join(notice["message"] for notice in outcome.result["notices"])


def run(target: Path) -> dict[str, Any]:
    """Return the outputs in floats, as an inference job does."""
    model = LiteRtModel(target, threads=1)
    loaded = model.load()
    found = loaded.run(encode_inputs(SAMPLE, model.encodings), "a sample")
    decoded = decode_outputs(loaded.output_names, found, model.encodings)
    return dict(zip(loaded.output_names, decoded, strict=True))


def expected(folder: Path) -> dict[str, Any]:
    session = Session(folder / "model.onnx")
    return dict(zip(session.output_names, session.run(SAMPLE, "a sample"), strict=True))


def test_a_float_model_keeps_its_interface_and_computes_the_same(tmp_path: Path) -> None:
    outcome = convert(tmp_path, conv_net())

    found = run(target_of(outcome))
    assert specs_of(outcome, "input") == [
        (IMAGE, [1, 2, 4, 6], "float32"),
        (INDEX, [1], "int64"),
    ]
    assert specs_of(outcome, "output") == [
        (PIXELS, [1, 3, 4, 6], "float32"),
        (LABEL, [1, 3], "float32"),
    ]
    for name, value in expected(tmp_path).items():
        np.testing.assert_allclose(found[name], value, atol=1e-5)
    assert outcome.result["target_check"]["status"] == "TARGET_CHECK_STATUS_CLOSE"
    assert "on the CPU" in notices_of(outcome)
    assert "onnx2tf" in [tool["name"] for tool in outcome.result["tool_versions"]]


def test_weights_of_16_bits(tmp_path: Path) -> None:
    outcome = convert(tmp_path, conv_net(), options="--quantize_weight_type float16")

    target = target_of(outcome)
    assert {dtype for _, _, dtype in specs_of(outcome, "output")} == {"float32"}
    found = run(target)
    for name, value in expected(tmp_path).items():
        np.testing.assert_allclose(found[name], value, atol=1e-2)
        assert not np.array_equal(found[name], value)


def test_a_quantized_model_computes_with_integers(tmp_path: Path) -> None:
    data = write_data(tmp_path)

    outcome = convert(tmp_path, conv_net(quantized=True), data=data)

    found = run(target_of(outcome))
    for name, value in expected(tmp_path).items():
        np.testing.assert_allclose(found[name], value, atol=0.1)
    notices = notices_of(outcome)
    assert "with floats, as TensorFlow" not in notices
    assert "tensors that the target model computes are integers." in notices
    assert {dtype for _, _, dtype in specs_of(outcome, "output")} == {"float32"}


def test_integer_inputs_and_outputs_without_data(tmp_path: Path) -> None:
    options = "--quantize_io --quantize_io_type uint8"

    outcome = convert(tmp_path, conv_net(quantized=True), options=options)

    assert [dtype for _, _, dtype in specs_of(outcome, "input")] == ["uint8", "int64"]
    assert [dtype for _, _, dtype in specs_of(outcome, "output")] == ["uint8", "uint8"]
    found = run(target_of(outcome))
    for name, value in expected(tmp_path).items():
        np.testing.assert_allclose(found[name], value, atol=0.15)


def test_operators_that_cannot_be_converted_are_named(tmp_path: Path) -> None:
    value = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 4])
    output = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 1, 4])
    node = helper.make_node("Unique", ["x"], ["y"], sorted=1)
    graph = helper.make_graph([node], "g", [value], [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)

    outcome = convert(tmp_path, model)

    assert outcome.failure_type == "JOB_FAILURE_TYPE_UNSUPPORTED"
    assert "Unique" in outcome.reason


def test_recurrent_layers_begin_anew_at_each_inference(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    weights = {
        "w": random.standard_normal((2, 16, 3)).astype(np.float32),
        "r": random.standard_normal((2, 16, 4)).astype(np.float32),
    }
    nodes = [
        helper.make_node("LSTM", ["x", "w", "r"], ["y"], hidden_size=4, direction="bidirectional")
    ]
    model = build_model(nodes, {"x": (FLOAT, [5, 1, 3])}, {"y": (FLOAT, [5, 2, 1, 4])}, weights)
    sample = {"x": random.standard_normal((5, 1, 3)).astype(np.float32)}

    outcome = convert(tmp_path, model)

    loaded = LiteRtModel(target_of(outcome), threads=1).load()
    (wanted,) = Session(tmp_path / "model.onnx").run(sample, "a sample")
    for _ in range(2):
        found: Any = loaded.run(sample, "a sample")[0]
        assert np.max(np.abs(found - wanted)) < 1e-5
    assert "reset the variables before each inference" in notices_of(outcome)
