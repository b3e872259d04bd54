"""What everyday models become before they are quantized, and how close the result is."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from support.network_models import (
    attention,
    between,
    node,
    operators,
    quantized,
    single,
    told,
    uniform,
    weights_of,
)

ROOT, COEFFICIENT = np.float32(2**0.5), np.float32((2 / np.pi) ** 0.5)
ONE, TWO, HALF, CUBE = (np.float32(value) for value in (1, 2, 0.5, 0.044715))
GAMMA = {"gamma": 1 + weights_of(gamma=[32])["gamma"], "beta": weights_of(beta=[32])["beta"]}
SQUARES = [
    node("ReduceMean", ["r"], ["m"], axes=[-1]),
    node("Sub", ["r", "m"], ["d"]),
    node("Mul", ["d", "d"], ["p"]),
    node("ReduceMean", ["p"], ["v"], axes=[-1]),
    node("Add", ["v", "eps"], ["ve"]),
    node("Sqrt", ["ve"], ["sd"]),
]
FORMULAS: dict[str, tuple[list[onnx.NodeProto], dict[str, Any], str]] = {
    "GELU of PyTorch": (
        [
            node("Div", ["r", "root"], ["d"]),
            node("Erf", ["d"], ["e"]),
            node("Add", ["e", "one"], ["p"]),
            node("Mul", ["r", "p"], ["m"]),
            node("Mul", ["m", "half"], ["g"]),
        ],
        {"root": ROOT, "one": ONE, "half": HALF},
        "Gelu",
    ),
    "GELU of PyTorch's second exporter": (
        [
            node("Mul", ["r", "half"], ["h"]),
            node("Div", ["r", "root"], ["d"]),
            node("Erf", ["d"], ["e"]),
            node("Add", ["one", "e"], ["p"]),
            node("Mul", ["h", "p"], ["g"]),
        ],
        {"root": ROOT, "one": ONE, "half": HALF},
        "Gelu",
    ),
    "GELU by Tanh": (
        [
            node("Mul", ["r", "r"], ["r2"]),
            node("Mul", ["cube", "r2"], ["a"]),
            node("Add", ["a", "one"], ["b"]),
            node("Mul", ["r", "c"], ["rc"]),
            node("Mul", ["rc", "b"], ["t0"]),
            node("Tanh", ["t0"], ["t"]),
            node("Add", ["one", "t"], ["u"]),
            node("Mul", ["r", "half"], ["h"]),
            node("Mul", ["h", "u"], ["g"]),
        ],
        {"cube": CUBE, "c": COEFFICIENT, "one": ONE, "half": HALF},
        "Gelu",
    ),
    "LayerNormalization": (
        [
            *SQUARES,
            node("Div", ["d", "sd"], ["n"]),
            node("Mul", ["n", "gamma"], ["ng"]),
            node("Add", ["ng", "beta"], ["g"]),
        ],
        {"eps": np.float32(1e-5), **GAMMA},
        "LayerNormalization",
    ),
    "LayerNormalization of TensorFlow": (
        [
            *SQUARES,
            node("Reciprocal", ["sd"], ["rs"]),
            node("Mul", ["rs", "gamma"], ["rg"]),
            node("Mul", ["r", "rg"], ["xg"]),
            node("Mul", ["m", "rg"], ["mg"]),
            node("Sub", ["beta", "mg"], ["bm"]),
            node("Add", ["xg", "bm"], ["g"]),
        ],
        {"eps": np.float32(1e-3), **GAMMA},
        "LayerNormalization",
    ),
    "RMSNorm": (
        [
            node("Pow", ["r", "two"], ["p"]),
            node("ReduceMean", ["p"], ["v"], axes=[-1]),
            node("Add", ["v", "eps"], ["ve"]),
            node("Sqrt", ["ve"], ["sd"]),
            node("Div", ["one", "sd"], ["i"]),
            node("Mul", ["r", "i"], ["n"]),
            node("Mul", ["gamma", "n"], ["g"]),
        ],
        {"eps": np.float32(1e-6), "two": TWO, "one": ONE, "gamma": GAMMA["gamma"]},
        "RMSNormalization",
    ),
}


@pytest.mark.parametrize("activations", ["INT8", "INT16"])
@pytest.mark.parametrize("which", FORMULAS)
def test_formulas_in_parts_become_one_operator(
    tmp_path: Path, which: str, activations: str
) -> None:
    nodes, constants, expected = FORMULAS[which]
    model = between(nodes, constants)

    result, target = quantized(tmp_path, model, {"x": uniform(2, 1, 16, 32)}, activations)

    assert operators(target) == ["MatMul", expected, "MatMul"]
    assert result["psnr"]["y"] > 40


def test_what_only_resembles_a_formula_stays_as_it_is(tmp_path: Path) -> None:
    nodes, constants, _ = FORMULAS["GELU of PyTorch"]
    model = between(nodes, constants | {"root": np.float32(1.5)})

    _, target = quantized(tmp_path, model, {"x": uniform(2, 1, 16, 32)})

    assert "Erf" in operators(target)


def test_parts_of_a_formula_that_are_used_elsewhere_stay(tmp_path: Path) -> None:
    nodes, constants, _ = FORMULAS["GELU of PyTorch"]
    model = between(
        [*nodes[:-1], node("Mul", ["m", "half"], ["g0"]), node("Add", ["g0", "e"], ["g"])],
        constants,
    )

    result, target = quantized(tmp_path, model, {"x": uniform(2, 1, 16, 32)})

    assert {"Gelu", "Erf"} <= set(operators(target))
    assert result["psnr"]["y"] > 35


@pytest.mark.parametrize("shape", [[1, 6, 8, 8], [1, 6, 12], [1, 6, 4, 4, 4], [8, 6]])
def test_batch_normalization_has_no_quantized_offsets(tmp_path: Path, shape: list[int]) -> None:
    random = np.random.default_rng(4)
    constants = {
        "scale": random.uniform(0.5, 2, 6),
        "offset": np.linspace(-1, 1, 6),
        "mean": random.normal(0, 1, 6),
        "variance": random.uniform(0.5, 2, 6),
    }
    model = single(
        [node("BatchNormalization", ["x", *constants], ["y"], epsilon=1e-3)],
        shape,
        {name: value.astype(np.float32) for name, value in constants.items()},
    )

    result, target = quantized(tmp_path, model, {"x": uniform(2, *shape)}, "INT16")

    assert operators(target) == (["Mul", "Add"] if len(shape) == 2 else ["Conv"])
    # With offsets of 8 bits, it would be 60 dB.
    assert result["psnr"]["y"] > 90


@pytest.mark.parametrize(
    ("op", "inputs", "replaced"),
    [
        ("BatchNormalization", ["scale", "beta", "beta", "scale"], ["Mul", "Add"]),
        ("Selu", [], ["Elu", "Mul"]),
        ("Tanh", [], ["Mul", "Sigmoid", "Mul", "Add"]),
        ("Mish", [], ["Mul", "Sigmoid", "Mul", "Mul", "Add", "Add", "Div", "Mul"]),
    ],
)
def test_every_operator_of_a_kind_is_replaced(
    tmp_path: Path, op: str, inputs: list[str], replaced: list[str]
) -> None:
    constants = {"scale": np.abs(GAMMA["gamma"]), "beta": GAMMA["beta"]}
    steps = [
        node(op, ["x", *inputs], ["a"]),
        node("Sigmoid", ["a"], ["b"]),
        node(op, ["b", *inputs], ["y"]),
    ]
    model = single(steps, [16, 32], {name: constants[name] for name in set(inputs)}, opset=18)

    result, target = quantized(tmp_path, model, {"x": uniform(2, 16, 32)}, "INT16")

    assert operators(target) == [*replaced, "Sigmoid", *replaced]
    assert result["psnr"]["y"] > 60


def test_layer_normalization_has_an_unsigned_scale(tmp_path: Path) -> None:
    model = between([node("LayerNormalization", ["r", "gamma", "beta"], ["g"])], GAMMA)

    _, target = quantized(tmp_path, model, {"x": uniform(2, 1, 16, 32)})

    graph = onnx.load(target).graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    (norm,) = (each for each in graph.node if each.op_type == "LayerNormalization")
    dequantize = {each.output[0]: each for each in graph.node}
    types = [stored[dequantize[name].input[0]].data_type for name in norm.input[1:]]
    assert types == [onnx.TensorProto.UINT8, onnx.TensorProto.INT32]


@pytest.mark.parametrize("number", [2.5, -2.5, 0.5])
def test_the_range_of_a_padded_tensor_has_the_number_of_the_padding(
    tmp_path: Path, number: float
) -> None:
    constants = {"pads": np.array([0, 0, 1, 1, 0, 0, 0, 2]), "number": np.float32(number)}
    model = single(
        [node("Pad", ["x", "pads", "number"], ["y"])], [1, 3, 8, 8], constants, out=[1, 3, 9, 11]
    )

    result, target = quantized(tmp_path, model, {"x": uniform(2, 1, 3, 8, 8)})

    stored = {t.name: numpy_helper.to_array(t) for t in onnx.load(target).graph.initializer}
    steps = np.array([0, 255]) - stored["x_zero_point"]
    low, high = steps * stored["x_scale"]
    assert low - 0.01 <= min(number, -1)
    assert high + 0.01 >= max(number, 1)
    assert high - low < 2.1 + max(0, abs(number) - 1)
    assert result["psnr"]["y"] > 45


def test_a_constant_of_several_nodes_is_quantized_for_each(tmp_path: Path) -> None:
    weights = weights_of(w1=(10, 10, 2, 2), w2=(10, 10, 2, 2), b=(10,))
    nodes = [
        node("Conv", ["x", "w1", "b"], ["b0"]),
        node("Conv", ["b0", "w2", "b"], ["c"]),
        node("Add", ["c", "row"], ["y"]),
    ]
    weights["row"] = weights["b"].reshape(1, 10, 1, 1)

    result, _ = quantized(
        tmp_path,
        single(nodes, [1, 10, 8, 8], weights, out=[1, 10, 6, 6]),
        {"x": uniform(2, 1, 10, 8, 8)},
    )

    assert result["psnr"]["y"] > 40


def test_a_weight_shared_by_different_operators(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", ["x", "w"], ["a"]),
        node("Mul", ["a", "w"], ["m"]),
        node("Gemm", ["m", "w"], ["g"], transB=1),
        node("Gemm", ["g", "w"], ["y"]),
    ]
    model = single(nodes, [8, 8], weights_of(w=(8, 8)))

    result, _ = quantized(tmp_path, model, {"x": uniform(4, 8, 8)})

    assert result["psnr"]["y"] > 35


def test_a_weight_shared_by_equal_operators(tmp_path: Path) -> None:
    nodes = [
        node("Gemm", ["x", "w"], ["a"]),
        node("Gemm", ["a", "w"], ["b"]),
        node("Gemm", ["b", "w"], ["y"]),
    ]
    model = single(nodes, [8, 8], weights_of(w=(8, 8)))

    result, _ = quantized(tmp_path, model, {"x": uniform(4, 8, 8)})

    assert result["psnr"]["y"] > 35


def test_a_transposed_convolution_of_groups_with_a_bias(tmp_path: Path) -> None:
    weights = weights_of(w=(4, 3, 3, 3), b=(6,))
    model = single(
        [node("ConvTranspose", ["x", "w", "b"], ["y"], group=2)],
        [1, 4, 8, 8],
        weights,
        out=[1, 6, 10, 10],
    )

    result, _ = quantized(tmp_path, model, {"x": uniform(2, 1, 4, 8, 8)})

    assert result["psnr"]["y"] > 45


@pytest.mark.parametrize(
    ("op", "shape", "given", "expected"),
    [
        ("Add", (1, 6, 1, 1), ["w"], ["ConvTranspose"]),
        ("Add", (6, 1, 1), ["w", "b"], ["ConvTranspose"]),
        ("Sub", (), ["w"], ["ConvTranspose"]),
        ("Add", (6, 10, 10), ["w"], ["ConvTranspose", "Add"]),
        ("Add", (10,), ["w"], ["ConvTranspose", "Add"]),
    ],
)
def test_what_is_added_to_the_channels_of_a_transposed_convolution_is_its_bias(
    tmp_path: Path, op: str, shape: tuple[int, ...], given: list[str], expected: list[str]
) -> None:
    weights = weights_of(w=(4, 3, 3, 3), b=(6,), more=shape)
    nodes = [node("ConvTranspose", ["x", *given], ["c"], group=2), node(op, ["c", "more"], ["y"])]
    model = single(nodes, [1, 4, 8, 8], weights, out=[1, 6, 10, 10])

    result, target = quantized(tmp_path, model, {"x": uniform(2, 1, 4, 8, 8)})

    assert operators(target) == expected
    assert result["psnr"]["y"] > 40


@pytest.mark.parametrize("activations", ["INT8", "INT16"])
@pytest.mark.parametrize("how", ["padding", "bool", "causal", "subtracted", "negative", "guarded"])
def test_masks_are_clamped_to_what_the_precision_can_hold(
    tmp_path: Path, how: str, activations: str
) -> None:
    model, inputs = attention(how)

    result, target = quantized(tmp_path, model, inputs, activations)

    assert result["psnr"]["y"] > (35 if activations == "INT8" else 45)
    (message,) = told(result)
    assert message.startswith("The mask 'huge' was changed from ")
    assert "IsNaN" not in operators(target)


def test_a_huge_constant_that_does_not_end_in_a_softmax_stays(tmp_path: Path) -> None:
    model = single(
        [
            node("Add", ["x", "huge"], ["s"]),
            node("Softmax", ["s"], ["p"]),
            node("Add", ["p", "s"], ["y"]),
        ],
        [2, 4],
        {"huge": np.array([0, 0, 0, -1000], np.float32)},
    )

    result, _ = quantized(tmp_path, model, {"x": uniform(2, 2, 4)}, "INT16")

    assert told(result) == []


def test_scores_that_are_large_keep_the_mask_below_them(tmp_path: Path) -> None:
    model, inputs = attention("padding")
    inputs["x"] = [40 * x for x in inputs["x"]]

    result, _ = quantized(tmp_path, model, inputs, "INT16")

    (message,) = told(result)
    assert float(message.split(" to ")[1].split(":")[0]) < -60
    assert result["psnr"]["y"] > 50


@pytest.mark.parametrize(
    ("indices", "expected"),
    [
        (np.array([[[0, 0], [0, 1], [0, 2]]]), ["Reshape"]),
        (np.array([[[0, 2], [0, 0], [0, -1]]]), ["Reshape", "Gather", "Reshape"]),
    ],
)
def test_gathered_elements(tmp_path: Path, indices: Any, expected: list[str]) -> None:
    model = single(
        [node("MatMul", ["x", "w"], ["a"]), node("GatherND", ["a", "i"], ["y"])],
        [1, 3],
        {**weights_of(w=(3, 3)), "i": indices},
        out=[1, 3],
    )

    result, target = quantized(tmp_path, model, {"x": uniform(4, 1, 3)})

    assert operators(target) == ["MatMul", *expected]
    assert result["psnr"]["y"] > 35
