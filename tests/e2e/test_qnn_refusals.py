"""Refusals for chips: they name the user's nodes, say what is true of the chip, and what helps."""

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from support.execution_models import FLOAT, build_model
from support.qnn import (
    BINARY,
    GEN_3,
    INTEGERS,
    agreement,
    compiled,
    on_cpu,
    refused,
    simulated,
    target_of,
)

from qai_hub.client import Client, Device, QuantizeDtype

RB3 = Device("RB3 Gen 2 (Proxy)")  # QCS6490: computes with integers only
UINT8 = onnx.TensorProto.UINT8
INT16 = onnx.TensorProto.INT16
RANDOM = np.random.default_rng(11)


def values(*shape: int) -> list[Any]:
    return [RANDOM.uniform(-1, 1, shape).astype(np.float32) for _ in range(2)]


def quantized(client: Client, model: onnx.ModelProto, inputs: dict[str, Any]) -> Any:
    job = client.submit_quantize_job(
        model, inputs, weights_dtype=QuantizeDtype.INT8, activations_dtype=QuantizeDtype.INT8
    )
    return target_of(job)


def scatter() -> onnx.ModelProto:
    nodes = [helper.make_node("ScatterND", ["x", "rows", "u"], ["y"], name="write")]
    ports = {"x": (FLOAT, [8, 4]), "u": (FLOAT, [3, 4])}, {"y": (FLOAT, [8, 4])}
    return build_model(nodes, *ports, {"rows": np.array([[0], [7], [3]])})


def test_operators_that_qnn_has_for_floats_only(quick_client: Client) -> None:
    nodes = [helper.make_node("ScatterND", ["x", "rows", "u"], ["y"], name="write")]
    weights: dict[str, Any] = {"rows": np.array([[0], [7], [3]])}
    for op, gates in (("GRU", 3), ("LSTM", 4)):
        names = [f"w {op}", f"r {op}"]
        nodes.append(helper.make_node(op, ["s", *names], ["", op], hidden_size=6))
        for name, size in zip(names, (4, 6), strict=True):
            weights[name] = RANDOM.normal(0, 0.3, (1, 6 * gates, size)).astype(np.float32)
    inputs = {"x": (FLOAT, [8, 4]), "u": (FLOAT, [3, 4]), "s": (FLOAT, [5, 1, 4])}
    outputs = {"y": (FLOAT, [8, 4])} | dict.fromkeys(("GRU", "LSTM"), (FLOAT, [1, 1, 6]))
    model = build_model(nodes, inputs, outputs, weights)
    data = {name: values(*shape) for name, (_, shape) in inputs.items()}

    cause, reason = refused(quick_client, quantized(quick_client, model, data), BINARY, INTEGERS)

    assert cause == "UNSUPPORTED"
    assert reason.startswith(
        "The HTP of this chip supports integers only, and QNN supports these operators of the "
        "model for floats only: ScatterND ('write'), GRU ('GRU'), LSTM ('LSTM'). Replace them, or"
    )
    compiled(quick_client, model, BINARY, GEN_3)


def half_quantized(*ends: str) -> onnx.ModelProto:
    """A convolution between Q and DQ, and one of floats."""
    parameters = ["scale", "zero"]
    nodes = [
        helper.make_node("QuantizeLinear", ["x", *parameters], ["xq"], name="q"),
        helper.make_node("DequantizeLinear", ["xq", *parameters], ["xd"], name="dq"),
        helper.make_node("Relu", ["xd"], ["r"], name="relu"),
        helper.make_node("QuantizeLinear", ["r", *parameters], ["rq"], name="rq"),
        helper.make_node("DequantizeLinear", ["rq", *parameters], ["rd"], name="rd"),
        *(helper.make_node("Conv", ["rd", "w"], [end], name=f"conv of {end}") for end in ends),
    ]
    weights = {"w": RANDOM.normal(0, 0.3, (2, 2, 1, 1)).astype(np.float32)}
    constants = {"scale": np.float32(0.01), "zero": np.uint8(100), **weights}
    shape = [1, 2, 6, 6]
    outputs = dict.fromkeys(ends, (FLOAT, shape))
    return build_model(nodes, {"x": (FLOAT, shape)}, outputs, constants)


@pytest.mark.parametrize("device", [INTEGERS, RB3], ids=["888", "6490"])
def test_nodes_that_were_left_in_floats_are_named(client: Client, device: Device) -> None:
    """For one chip, QNN would compile them; for the other, ONNX Runtime ends at the first one."""
    cause, reason = refused(client, half_quantized("a", "b"), BINARY, device)
    assert cause == "UNSUPPORTED"
    assert reason.startswith(
        "The HTP of this chip supports integers only, and these nodes of the model use floats that "
        "are not quantized: Conv ('conv of a', with 'w', 'a'), Conv ('conv of b', with 'w', 'b'). "
        "Quantize these tensors too, or choose a device whose HTP supports floats"
    )


def test_types_that_an_operator_is_not_supported_for_are_named(client: Client) -> None:
    nodes = [helper.make_node("Transpose", ["x"], ["y"], perm=[0, 2, 1], name="turn")]
    model = build_model(nodes, {"x": (INT16, [1, 4, 6])}, {"y": (INT16, [1, 6, 4])})
    _, reason = refused(client, model, BINARY)
    assert reason.startswith(
        "QNN does not support these operators of the model for the types of their tensors: "
        "Transpose ('turn', int16). Cast before or after them, or compile with"
    )


def test_an_operator_with_q_and_dq_around_a_part_of_its_tensors(client: Client) -> None:
    parameters = ["scale", "zero"]
    nodes = [
        helper.make_node("QuantizeLinear", ["x", *parameters], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", *parameters], ["xd"]),
        helper.make_node("DequantizeLinear", ["wq", "scales", "zeros"], ["wd"], axis=0),
        helper.make_node("Conv", ["xd", "wd"], ["a"], name="conv"),
        helper.make_node("Sigmoid", ["a"], ["s"], name="gate"),
        helper.make_node("QuantizeLinear", ["s", *parameters], ["sq"]),
        helper.make_node("DequantizeLinear", ["sq", *parameters], ["y"]),
    ]
    constants: dict[str, Any] = {
        "scale": np.float32(0.01),
        "zero": np.int8(0),
        "zeros": np.zeros(2, np.int8),
        "scales": np.array([0.01, 0.02], np.float32),
        "wq": RANDOM.integers(-99, 99, (2, 2, 1, 1)).astype(np.int8),
    }
    shape = [1, 2, 6, 6]
    model = build_model(nodes, {"x": (FLOAT, shape)}, {"y": (FLOAT, shape)}, constants)
    _, reason = refused(client, model, BINARY)
    assert reason.startswith(
        "QNN needs Q and DQ around all tensors of an operator or none, and these have some: "
        "Conv ('conv', with 'a' before Sigmoid ('gate')). Add Q and DQ to the others, or compile"
    )


def test_shapes_that_depend_on_data_and_too_many_dimensions(client: Client) -> None:
    nodes = [
        helper.make_node("NonZero", ["x"], ["n"], name="places"),
        helper.make_node("Cast", ["n"], ["c"], name="cast", to=FLOAT),
        helper.make_node("ReduceSum", ["c"], ["y"], name="sum", keepdims=0),
        helper.make_node("GridSample", ["v", "g"], ["z"], name="sample"),
    ]
    inputs = {"x": (FLOAT, [1, 8]), "v": (FLOAT, [1, 1, 4, 4, 4]), "g": (FLOAT, [1, 2, 2, 2, 3])}
    model = build_model(nodes, inputs, {"y": (FLOAT, []), "z": (FLOAT, [1, 1, 2, 2, 2])})
    model.opset_import[0].version = 20
    _, reason = refused(client, model, BINARY)
    assert reason.startswith(
        "QNN does not support these operators of the model: GridSample ('sample', of 5 "
        "dimensions), NonZero ('places'). QNN needs fixed shapes, and these nodes have "
        "tensors whose shapes depend on data: Cast ('cast'), ReduceSum ('sum'). Replace them, or "
    )


def test_advice_to_quantize_says_what_will_still_be_refused(client: Client) -> None:
    _, reason = refused(client, scatter(), BINARY, INTEGERS)
    assert "quantize it with a quantize job" not in reason
    assert "ScatterND ('write')" in reason


def test_integers_need_no_quantizing(client: Client) -> None:
    int32 = onnx.TensorProto.INT32
    nodes = [helper.make_node("Add", ["x", "x"], ["y"], name="twice")]
    model = build_model(nodes, {"x": (int32, [1, 4])}, {"y": (int32, [1, 4])})
    compiled(client, model, BINARY, INTEGERS)


def test_a_model_of_one_relu_follows_the_advice_to_quantize(quick_client: Client) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["y"], name="relu")]
    model = build_model(nodes, {"x": (FLOAT, [1, 3, 4, 4])}, {"y": (FLOAT, [1, 3, 4, 4])})
    inputs = {"x": values(1, 3, 4, 4)}
    _, reason = refused(quick_client, model, BINARY, INTEGERS)
    assert "quantize it with a quantize job" in reason

    job = compiled(quick_client, quantized(quick_client, model, inputs), BINARY, INTEGERS)

    _, outputs = simulated(quick_client, target_of(job), inputs, INTEGERS)
    assert agreement(on_cpu(model.SerializeToString(), inputs), outputs)["y"] > 40


def test_bytes_after_a_convolution(client: Client) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="conv"),
        helper.make_node("Clip", ["a", "low", "high"], ["c"], name="clip"),
        helper.make_node("Cast", ["c"], ["y"], name="bytes", to=UINT8),
    ]
    constants = {
        "w": RANDOM.normal(0, 100, (4, 3, 3, 3)).astype(np.float32),
        "low": np.float32(0),
        "high": np.float32(255),
    }
    shapes = {"x": (FLOAT, [1, 3, 8, 8])}, {"y": (UINT8, [1, 4, 6, 6])}
    model, inputs = build_model(nodes, *shapes, constants), {"x": values(1, 3, 8, 8)}

    _, outputs = simulated(client, target_of(compiled(client, model, BINARY)), inputs)

    expected = on_cpu(model.SerializeToString(), inputs)
    assert outputs["y"][0].dtype == np.uint8
    assert (
        agreement(
            {"y": [v.astype(float) for v in expected["y"]]},
            {"y": [v.astype(float) for v in outputs["y"]]},
        )["y"]
        > 50
    )
