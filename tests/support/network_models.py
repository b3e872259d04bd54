"""Networks of the operators of everyday models, seeded, and what their quantized forms give."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper
from support.execution_models import (
    FLOAT,
    INT64,
    build_model,
    dataset,
    execute,
    quantize_notices,
    quantize_request,
    saved,
)
from support.real_models import psnr

node = helper.make_node
Arrays = Mapping[str, Sequence[Any]]


def uniform(count: int, *shape: int, low: float = -1, high: float = 1, seed: int = 5) -> list[Any]:
    """Samples of uniform numbers."""
    random = np.random.default_rng(seed)
    return [random.uniform(low, high, shape).astype(np.float32) for _ in range(count)]


def weights_of(seed: int = 9, **shapes: Sequence[int]) -> dict[str, Any]:
    """Normal weights of 0.3."""
    random = np.random.default_rng(seed)
    return {
        name: random.normal(0, 0.3, tuple(shape)).astype(np.float32)
        for name, shape in shapes.items()
    }


def single(
    nodes: Sequence[onnx.NodeProto],
    shape: Sequence[int],
    weights: Mapping[str, Any],
    *,
    out: Sequence[int] | None = None,
    opset: int = 17,
) -> onnx.ModelProto:
    """y of x, both float."""
    model = build_model(nodes, {"x": (FLOAT, shape)}, {"y": (FLOAT, out or shape)}, weights)
    model.opset_import[0].version = opset
    return model


def between(
    nodes: Sequence[onnx.NodeProto], constants: Mapping[str, Any], *, opset: int = 17
) -> onnx.ModelProto:
    """Nodes from 'r' to 'g' between two MatMuls, of x[1, 16, 32]."""
    made = weights_of(w1=(32, 32), w2=(32, 32))
    steps = [node("MatMul", ["x", "w1"], ["r"]), *nodes, node("MatMul", ["g", "w2"], ["y"])]
    floats = {name: np.asarray(value) for name, value in constants.items()}
    return single(steps, [1, 16, 32], made | floats, opset=opset)


def quantized(
    folder: Path,
    model: onnx.ModelProto,
    inputs: Arrays,
    activations: str = "INT8",
    *,
    analyze_layers: bool = False,
) -> tuple[dict[str, Any], Path]:
    """What the report of a quantize job tells, and its target model."""
    folder.mkdir(exist_ok=True)
    asked = quantize_request(
        saved(model, folder), dataset(folder / "d", inputs), "INT8", activations
    )
    report = execute(replace(asked, analyze_layers=analyze_layers), folder / "a")
    return report.result, folder / "a" / report.files["target_model"]


def operators(path: Path) -> list[str]:
    """The operators of a model without those that quantize."""
    graph = onnx.load(path).graph
    return [each.op_type for each in graph.node if "quantize" not in each.op_type.lower()]


def told(result: Mapping[str, Any]) -> list[str]:
    """The messages of a report."""
    return [notice["message"] for notice in quantize_notices(result)]


def nearness(expected: Sequence[Any], actual: Sequence[Any]) -> float:
    """The PSNR over all samples."""
    return psnr(np.stack(expected), np.stack(actual))


def attention(mask: str) -> tuple[onnx.ModelProto, dict[str, list[Any]]]:
    """A Softmax of scores x[1, 2, 4, 4], masked in one of the ways that exporters write.

    Args:
        mask: "padding" (1 - mask) * lowest, "bool" Where(mask, 0, -inf), "causal" Where of scores,
            "subtracted" scores - mask * 1e9, "negative" (mask - 1) * 1e9, "guarded" with a guard
            against NaN.
    """
    lowest = float(np.finfo(np.float32).min)
    constants: dict[str, Any] = {"one": np.float32(1), "zero": np.float32(0)}
    flags = {"mask": (INT64, [1, 1, 1, 4])}
    if mask == "padding":
        constants["huge"] = np.float32(lowest)
        steps = [
            node("Cast", ["mask"], ["f"], to=FLOAT),
            node("Sub", ["one", "f"], ["i"]),
            node("Mul", ["i", "huge"], ["m"]),
            node("Add", ["x", "m"], ["s"]),
        ]
    elif mask == "subtracted":
        constants["huge"] = np.float32(1e9)
        steps = [
            node("Cast", ["mask"], ["f"], to=FLOAT),
            node("Sub", ["one", "f"], ["i"]),
            node("Mul", ["i", "huge"], ["m"]),
            node("Sub", ["x", "m"], ["s"]),
        ]
    elif mask == "negative":
        constants["huge"] = np.float32(1e9)
        steps = [
            node("Cast", ["mask"], ["f"], to=FLOAT),
            node("Sub", ["f", "one"], ["i"]),
            node("Mul", ["huge", "i"], ["m"]),
            node("Add", ["x", "m"], ["s"]),
        ]
    elif mask == "causal":
        flags = {}
        constants |= {"huge": np.float32(-np.inf), "lower": np.tril(np.ones((4, 4), bool))}
        steps = [node("Where", ["lower", "x", "huge"], ["s"])]
    else:
        constants["huge"] = np.float32(-np.inf)
        steps = [
            node("Cast", ["mask"], ["b"], to=onnx.TensorProto.BOOL),
            node("Where", ["b", "zero", "huge"], ["m"]),
            node("Add", ["x", "m"], ["s"]),
        ]
    result = "p" if mask == "guarded" else "y"
    steps.append(node("Softmax", ["s"], [result], axis=-1))
    if mask == "guarded":
        steps += [
            node("IsNaN", ["p"], ["n"]),
            node("Where", ["n", "zero", "p"], ["q"]),
            node("MatMul", ["q", "v"], ["y"]),
        ]
        constants |= weights_of(v=(4, 4))
    inputs: dict[str, list[Any]] = {"x": uniform(2, 1, 2, 4, 4)}
    if flags:
        inputs["mask"] = [np.array([[[[1, 1, 0, 0]]]]), np.array([[[[1, 1, 1, 0]]]])]
    shape = [1, 2, 4, 4]
    return build_model(
        steps, {"x": (FLOAT, shape), **flags}, {"y": (FLOAT, shape)}, constants
    ), inputs
