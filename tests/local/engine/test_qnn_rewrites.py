"""Rewrites for QNN: what they change, and that the results stay the same."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper
from support.execution_models import FLOAT, build_model

from qai_hub.local.engine.onnx.graph_index import GraphIndex
from qai_hub.local.engine.qnn.byte_outputs import quantize_byte_outputs
from qai_hub.local.engine.qnn.convolutions import (
    crop_transposed_convolutions,
    enlarge_convolutions,
)
from qai_hub.local.engine.qnn.diagnose import adapt_model
from qai_hub.local.engine.qnn.norms import flatten_normalizations
from qai_hub.local.engine.qnn.rewrites import (
    quantize_before_clamps,
    remove_idle_clamps,
    separate_weights,
)
from qai_hub.local.engine.qnn.splits import keep_splits_apart

UINT8 = onnx.TensorProto.UINT8
SHAPE = [1, 2, 6, 6]
VALUES = np.random.default_rng(3).uniform(-3, 3, SHAPE).astype(np.float32)
RANGE = {"low": np.float32(-0.5), "high": np.float32(0.75)}


def q(source: str, target: str, encoding: str) -> onnx.NodeProto:
    names = [source, f"{encoding}_scale", f"{encoding}_zero"]
    return helper.make_node("QuantizeLinear", names, [target], name=target)


def dq(source: str, target: str, encoding: str) -> onnx.NodeProto:
    names = [source, f"{encoding}_scale", f"{encoding}_zero"]
    return helper.make_node("DequantizeLinear", names, [target], name=target)


def encodings(**given: tuple[float, Any]) -> dict[str, Any]:
    scales = {f"{name}_scale": np.float32(scale) for name, (scale, _) in given.items()}
    return scales | {f"{name}_zero": zero for name, (_, zero) in given.items()}


def clamped(clamp: str, zero: Any, **constants: Any) -> onnx.ModelProto:
    """A convolution of quantized values, and a clamp between it and its Q."""
    nodes = [
        q("x", "xq", "a"),
        dq("xq", "xd", "a"),
        helper.make_node("Conv", ["xd", "w"], ["c"], name="conv"),
        helper.make_node(clamp, ["c", *constants], ["r"], name="clamp"),
        q("r", "rq", "b"),
        dq("rq", "y", "b"),
    ]
    weight = np.random.default_rng(4).uniform(-1, 1, (2, 2, 1, 1)).astype(np.float32)
    parameters = encodings(a=(0.03, np.int8(0)), b=(0.03, zero))
    return build_model(
        nodes,
        {"x": (FLOAT, SHAPE)},
        {"y": (FLOAT, SHAPE)},
        {"w": weight, **parameters, **constants},
    )


def alone(clamp: str, zero: Any, scale: float = 0.01, **constants: Any) -> onnx.ModelProto:
    """A clamp with one encoding before and after it."""
    nodes = [
        q("x", "xq", "a"),
        dq("xq", "xd", "a"),
        helper.make_node(clamp, ["xd", *constants], ["r"], name="clamp"),
        q("r", "rq", "b"),
        dq("rq", "y", "b"),
    ]
    parameters = encodings(a=(0.01, zero), b=(scale, zero))
    return build_model(
        nodes, {"x": (FLOAT, SHAPE)}, {"y": (FLOAT, SHAPE)}, {**parameters, **constants}
    )


def byte_output(*before: onnx.NodeProto, last: str = "y", **constants: Any) -> onnx.ModelProto:
    nodes = [*before, helper.make_node("Cast", ["c"], [last], name="cast", to=UINT8)]
    if last != "y":
        nodes.append(helper.make_node("Transpose", [last], ["y"], perm=[0, 2, 3, 1], name="move"))
    return build_model(nodes, {"x": (FLOAT, SHAPE)}, {"y": (UINT8, None)}, constants)


def run(model: onnx.ModelProto, x: Any = VALUES) -> Any:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": x})[0]


def operators(model: onnx.ModelProto) -> list[str]:
    onnx.checker.check_model(model)
    short = {"QuantizeLinear": "Q", "DequantizeLinear": "DQ"}
    return [short.get(node.op_type, node.op_type) for node in model.graph.node]


def same_results(
    rewrite: Callable[[GraphIndex], bool],
    model: onnx.ModelProto,
    x: Any = VALUES,
    *,
    tolerance: float = 0.0,
) -> bool:
    """Apply a rewrite, and return whether it says that it changed the model."""
    model = onnx.shape_inference.infer_shapes(model)
    text, before = model.SerializeToString(), run(model, x)
    changed = rewrite(GraphIndex(model))
    assert changed == (model.SerializeToString() != text)
    np.testing.assert_allclose(run(model, x), before, rtol=0, atol=tolerance)
    assert not rewrite(GraphIndex(model))
    return changed


close_results = partial(same_results, tolerance=1e-5)


@pytest.mark.parametrize("zero", [np.int8(0), np.uint8(128), np.uint16(1000)])
@pytest.mark.parametrize(("clamp", "bounds"), [("Relu", {}), ("Clip", RANGE)])
def test_a_clamp_before_a_q_gets_a_q_of_its_own(
    clamp: str, bounds: dict[str, Any], zero: Any
) -> None:
    model = clamped(clamp, zero, **bounds)
    model.opset_import[0].version = 21
    assert same_results(quantize_before_clamps, model)


def test_where_the_q_goes() -> None:
    model = clamped("Relu", np.int8(0))
    quantize_before_clamps(GraphIndex(model))
    assert operators(model) == ["Q", "DQ", "Conv", "Q", "DQ", "Relu", "Q", "DQ"]


def test_floats_get_no_q() -> None:
    nodes = [
        helper.make_node("Neg", ["x"], ["n"]),
        helper.make_node("Relu", ["n"], ["r"]),
        q("r", "rq", "b"),
        dq("rq", "y", "b"),
    ]
    parameters = encodings(b=(0.03, np.int8(0)))
    model = build_model(nodes, {"x": (FLOAT, SHAPE)}, {"y": (FLOAT, SHAPE)}, parameters)
    assert not same_results(quantize_before_clamps, model)


def test_values_that_are_used_unclamped_too_stay() -> None:
    model = clamped("Relu", np.int8(0))
    model.graph.output.append(helper.make_tensor_value_info("c", FLOAT, SHAPE))
    assert not same_results(quantize_before_clamps, model)


@pytest.mark.parametrize(
    ("model", "idle"),
    [
        (alone("Relu", np.uint8(0)), True),
        (alone("Relu", np.int8(-128)), True),
        (alone("Relu", np.int8(0)), False),
        (alone("Relu", np.uint8(0), scale=0.02), False),
        (alone("Clip", np.uint8(0), low=np.float32(0), high=np.float32(6)), True),
        (alone("Clip", np.uint8(0), low=np.float32(0), high=np.float32(2)), False),
        (alone("Clip", np.int8(0), low=np.float32(-1), high=np.float32(6)), False),
    ],
)
def test_clamps_that_change_no_quantized_value_go(model: onnx.ModelProto, idle: bool) -> None:
    assert same_results(remove_idle_clamps, model) == idle
    if idle:
        remove_idle_clamps(GraphIndex(model))
        assert operators(model) == ["Q", "DQ"]


def test_several_idle_clamps_in_a_row() -> None:
    nodes = [q("x", "xq", "a"), dq("xq", "d0", "a")]
    for index in range(3):
        nodes.append(helper.make_node("Relu", [f"d{index}"], [f"r{index}"], name=f"r{index}"))
        nodes += [q(f"r{index}", f"q{index}", "a"), dq(f"q{index}", f"d{index + 1}", "a")]
    nodes.append(helper.make_node("Neg", ["d3"], ["y"], name="neg"))
    parameters = encodings(a=(0.01, np.uint8(0)))
    model = build_model(nodes, {"x": (FLOAT, SHAPE)}, {"y": (FLOAT, SHAPE)}, parameters)
    assert same_results(remove_idle_clamps, model)


PIXELS = np.random.default_rng(5).uniform(0, 255.9, SHAPE).astype(np.float32)


@pytest.mark.parametrize("last", ["y", "moved"])
def test_floats_become_bytes_by_a_q(last: str) -> None:
    model = byte_output(helper.make_node("Relu", ["x"], ["c"], name="relu"), last=last)
    assert same_results(quantize_byte_outputs, model, PIXELS)
    quantize_byte_outputs(GraphIndex(model := onnx.shape_inference.infer_shapes(model)))
    moves = ["Transpose"] * (last == "moved")
    assert operators(model) == ["Relu", *moves, "Floor", "Q"]


@pytest.mark.parametrize(
    ("last", "after"), [("y", []), ("moved", ["DQ", "Transpose", "Q"])], ids=["output", "moved"]
)
def test_quantized_values_become_bytes_by_one_q(last: str, after: list[str]) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["r"], name="relu"),
        q("r", "rq", "a"),
        dq("rq", "c", "a"),
    ]
    model = byte_output(*nodes, last=last, **encodings(a=(1.0, np.uint8(0))))
    assert same_results(quantize_byte_outputs, model, np.rint(PIXELS).clip(0, 255))
    quantize_byte_outputs(GraphIndex(model := onnx.shape_inference.infer_shapes(model)))
    assert operators(model) == ["Relu", "Q", *after]


def test_values_that_are_used_in_floats_too_keep_their_q() -> None:
    nodes = [q("x", "xq", "a"), dq("xq", "c", "a"), helper.make_node("Neg", ["c"], ["z"], name="n")]
    model = byte_output(*nodes, **encodings(a=(2.0, np.uint8(0))))
    model.graph.output.append(helper.make_tensor_value_info("z", FLOAT, SHAPE))
    assert same_results(quantize_byte_outputs, model, PIXELS.clip(0, 127))


@pytest.mark.parametrize("extra", ["output", "bool"])
def test_casts_that_are_no_output_of_bytes_alone_stay(extra: str) -> None:
    model = byte_output(helper.make_node("Relu", ["x"], ["c"], name="relu"))
    if extra == "bool":
        model.graph.node[1].attribute[0].i = onnx.TensorProto.BOOL
        model.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.BOOL
    else:
        model.graph.node.append(helper.make_node("Cast", ["y"], ["z"], to=FLOAT, name="back"))
        model.graph.output.append(helper.make_tensor_value_info("z", FLOAT, SHAPE))
    assert not same_results(quantize_byte_outputs, model, PIXELS)


def test_bytes_within_the_model_stay_a_cast() -> None:
    nodes = [
        helper.make_node("Cast", ["x"], ["b"], name="down", to=UINT8),
        helper.make_node("Cast", ["b"], ["y"], name="up", to=FLOAT),
    ]
    model = build_model(nodes, {"x": (FLOAT, SHAPE)}, {"y": (FLOAT, SHAPE)})
    assert not same_results(quantize_byte_outputs, model, PIXELS)


def test_weights_that_operators_use_in_different_ways_are_copied() -> None:
    nodes = [
        helper.make_node("Gemm", ["x", "w"], ["a"]),
        helper.make_node("Gemm", ["a", "w"], ["b"]),
        helper.make_node("Gemm", ["b", "w"], ["c"], transB=1),
        helper.make_node("MatMul", ["c", "w"], ["d"]),
        helper.make_node("Add", ["d", "w"], ["y"]),
    ]
    weight = np.random.default_rng(4).uniform(-1, 1, (6, 6)).astype(np.float32)
    ports = {"x": (FLOAT, [6, 6])}, {"y": (FLOAT, [6, 6])}
    model = build_model(nodes, *ports, {"w": weight})
    x = np.random.default_rng(5).uniform(-1, 1, (6, 6)).astype(np.float32)
    before = run(model, x)

    assert separate_weights(GraphIndex(model))

    assert [each.input[1] for each in model.graph.node] == ["w", "w", "w_of_c", "w_of_d", "w_of_y"]
    assert np.array_equal(run(model, x), before)
    assert not separate_weights(GraphIndex(model))


def test_weights_that_the_model_returns_stay_as_they_are() -> None:
    nodes = [helper.make_node("Gemm", ["x", "w"], ["y"], transB=1)]
    weight = np.random.default_rng(4).uniform(-1, 1, (6, 6)).astype(np.float32)
    ports = {"x": (FLOAT, [6, 6])}, {"y": (FLOAT, [6, 6]), "w": (FLOAT, [6, 6])}
    model = build_model(nodes, *ports, {"w": weight})

    assert separate_weights(GraphIndex(model))

    assert model.graph.node[0].input[1] == "w_of_y"
    assert [each.name for each in model.graph.initializer] == ["w", "w_of_y"]
    assert not separate_weights(GraphIndex(model))


def test_quantized_weights_that_operators_use_in_different_ways_are_copied() -> None:
    nodes = [
        dq("w", "d", "e"),
        helper.make_node("Gemm", ["x", "d"], ["a"]),
        helper.make_node("Gemm", ["a", "d"], ["b"], transB=1),
        helper.make_node("Gemm", ["b", "d"], ["y"]),
    ]
    weight = np.random.default_rng(4).integers(-100, 100, (6, 6)).astype(np.int8)
    ports = {"x": (FLOAT, [6, 6])}, {"y": (FLOAT, [6, 6])}
    model = build_model(nodes, *ports, {"w": weight, **encodings(e=(0.01, np.int8(0)))})
    x = np.random.default_rng(5).uniform(-1, 1, (6, 6)).astype(np.float32)
    before = run(model, x)

    assert separate_weights(GraphIndex(model))

    taken = {each.name: each for each in model.graph.node if each.op_type == "DequantizeLinear"}
    assert {each.input[0] for each in taken.values()} == {"w", "w_of_d"}
    assert [each.input[1] for each in model.graph.node if each.op_type == "Gemm"] == [
        *("d", "d_of_b", "d"),
    ]
    assert np.array_equal(run(model, x), before)
    assert not separate_weights(GraphIndex(model))


def convolution(op: str, weight: list[int], **settings: Any) -> onnx.ModelProto:
    weights = np.random.default_rng(4).uniform(-1, 1, weight).astype(np.float32)
    nodes = [helper.make_node(op, ["x", "w"], ["y"], name="odd", **settings)]
    return build_model(nodes, {"x": (FLOAT, SHAPE)}, {"y": (FLOAT, None)}, {"w": weights})


def quantized_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    (weights,) = model.graph.initializer
    channels = weights.dims[1]
    integers = (numpy_helper.to_array(weights) * 100).astype(np.int8)
    weights.CopyFrom(numpy_helper.from_array(integers, "wq"))
    scale = np.linspace(0.01, 0.02, channels, dtype=np.float32)
    model.graph.initializer.append(numpy_helper.from_array(scale, "ws"))
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(channels, np.int8), "wz"))
    names = ["wq", "ws", "wz"]
    model.graph.node.insert(0, helper.make_node("DequantizeLinear", names, ["w"], "dq", axis=1))
    return model


DOUBLED: dict[str, Any] = {"strides": [2, 2], "output_padding": [1, 1], "group": 2}


@pytest.mark.parametrize("quantized", [False, True])
@pytest.mark.parametrize(
    ("pads", "kernel"), [([1, 1, 1, 1], [3, 3]), ([0, 0, 0, 0], [4, 4]), ([1, 0, 1, 0], [3, 4])]
)
def test_a_padded_output_of_a_transposed_convolution_is_cropped_less_or_computed(
    pads: list[int], kernel: list[int], quantized: bool
) -> None:
    model = convolution("ConvTranspose", [2, 1, 3, 3], pads=pads, kernel_shape=[3, 3], **DOUBLED)
    if quantized:
        model = quantized_weights(model)

    assert same_results(crop_transposed_convolutions, model)

    model = onnx.shape_inference.infer_shapes(model)
    crop_transposed_convolutions(GraphIndex(model))
    stored = {tensor.name: tensor.dims for tensor in model.graph.initializer}
    (weights,) = (dims for dims in stored.values() if len(dims) == 4)
    assert weights[2:] == kernel


def test_an_output_that_is_not_padded_stays() -> None:
    model = convolution("ConvTranspose", [2, 1, 3, 3], strides=[2, 2], group=2)
    assert not same_results(crop_transposed_convolutions, model)


CONVOLUTIONS: list[tuple[list[int], list[int], list[int], bool]] = [
    ([3, 3], [3, 3, 3, 3], [1, 1], True),
    ([3, 2], [0, 3, 0, 0], [1, 1], True),
    ([3, 3], [4, 0, 1, 0], [2, 1], True),
    ([3, 3], [2, 2, 4, 4], [1, 1], False),
    ([1, 1], [2, 2, 2, 2], [1, 1], False),
]


@pytest.mark.parametrize(("kernel", "pads", "dilations", "changed"), CONVOLUTIONS)
def test_a_kernel_smaller_than_its_padding_is_enlarged(
    kernel: list[int], pads: list[int], dilations: list[int], changed: bool
) -> None:
    model = convolution("Conv", [3, 2, *kernel], pads=pads, dilations=dilations, strides=[2, 1])
    assert close_results(enlarge_convolutions, model) == changed


def test_weights_in_a_file_of_their_own_are_read_from_it(tmp_path: Path) -> None:
    model = convolution("Conv", [3, 2, 3, 3], pads=[3, 3, 3, 3])
    path = tmp_path / "model.onnx"
    onnx.save_model(model, path, save_as_external_data=True, location="data", size_threshold=0)

    def load() -> onnx.ModelProto:
        return onnx.load(path, load_external_data=False)

    with_folder, without = load(), load()
    assert adapt_model(with_folder, tmp_path)
    adapt_model(without)

    sizes = [
        {tuple(tensor.dims)[2:] for tensor in each.graph.initializer if len(tensor.dims) == 4}
        for each in (with_folder, without)
    ]
    assert max(sizes[0]) > (3, 3)
    assert sizes[1] == {(3, 3)}


@pytest.mark.parametrize(("axis", "scale"), [(1, [2, 6, 6]), (2, [6, 6]), (2, [6]), (-3, [1])])
def test_normalizations_over_several_dimensions(axis: int, scale: list[int]) -> None:
    random = np.random.default_rng(4)
    constants = {n: random.uniform(0.5, 2, scale).astype(np.float32) for n in ("scale", "bias")}
    node = helper.make_node("LayerNormalization", ["x", *constants], ["y"], "odd", axis=axis)
    model = build_model([node], {"x": (FLOAT, SHAPE)}, {"y": (FLOAT, SHAPE)}, constants)

    assert close_results(flatten_normalizations, model)


def test_normalizations_that_qnn_takes_stay() -> None:
    scale = {"scale": np.ones(6, np.float32)}
    node = helper.make_node("LayerNormalization", ["x", "scale"], ["y"], "odd", axis=3)
    model = build_model([node], {"x": (FLOAT, SHAPE)}, {"y": (FLOAT, SHAPE)}, scale)

    assert not close_results(flatten_normalizations, model)


def test_a_scale_that_is_computed_keeps_its_normalization() -> None:
    node = helper.make_node("LayerNormalization", ["x", "x"], ["y"], "odd", axis=0)
    model = build_model([node], {"x": (FLOAT, SHAPE)}, {"y": (FLOAT, SHAPE)})

    assert not close_results(flatten_normalizations, model)


def summed_and_split(
    activation: str, group: int = 2, split: bool = False, joined: str = "Add"
) -> onnx.ModelProto:
    """Two sums of the input, an activation, and what splits its result."""
    nodes = [
        helper.make_node(joined, ["x", "x"], ["a"], "joined"),
        helper.make_node("Sigmoid", ["a"], ["s"], "sigmoid"),
        helper.make_node(
            activation,
            ["a", "s"] if activation == "Mul" else ["a", "slope"][: 1 + (activation == "PRelu")],
            ["p"],
            "activation",
        ),
        helper.make_node("Split", ["p"], ["h", "i"], "split", axis=1)
        if split
        else helper.make_node("Conv", ["p", "w"], ["h"], "conv", group=group),
        helper.make_node("Relu", ["h"], ["y"], "relu"),
    ]
    weights = np.random.default_rng(4).uniform(-1, 1, (4, 4 // group, 1, 1)).astype(np.float32)
    shape = [1, 2 if split else 4, 6, 6]
    constants = {"w": weights, "slope": np.full((4, 1, 1), 0.25, np.float32)}
    model = build_model(nodes, {"x": (FLOAT, [1, 4, 6, 6])}, {"y": (FLOAT, shape)}, constants)
    return onnx.shape_inference.infer_shapes(model)


@pytest.mark.parametrize("activation", ["PRelu", "LeakyRelu", "Mul"])
@pytest.mark.parametrize("split", [False, True])
def test_splits_are_kept_apart_from_activations_of_sums(activation: str, *, split: bool) -> None:
    model = summed_and_split(activation, split=split)
    data = {"x": np.random.default_rng(3).uniform(-3, 3, (1, 4, 6, 6)).astype(np.float32)}
    before = onnxruntime.InferenceSession(model.SerializeToString()).run(None, data)
    graph = GraphIndex(model)

    assert keep_splits_apart(graph)

    (splitting,) = (node for node in model.graph.node if node.name in {"conv", "split"})
    between = graph.producers[splitting.input[0]]
    assert (between.op_type, between.input[0]) == ("Mul", "p")
    onnx.checker.check_model(model, full_check=True)
    after = onnxruntime.InferenceSession(model.SerializeToString()).run(None, data)
    np.testing.assert_array_equal(before[0], after[0])


@pytest.mark.parametrize(
    "settings",
    [
        {"activation": "Relu"},
        {"activation": "PRelu", "group": 1},
        {"activation": "PRelu", "group": 4},
        {"activation": "PRelu", "joined": "Sub"},
    ],
)
def test_other_activations_and_convolutions_stay(settings: dict[str, Any]) -> None:
    model = summed_and_split(**settings)
    assert not keep_splits_apart(GraphIndex(model))
