"""The inputs that are derived from a model."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from support.execution_models import FLOAT, INT64, build_model, spec

from qai_hub.local.engine.onnx.plausible import PlausibleInputs

node = helper.make_node
TABLE = np.zeros((50, 4), np.float32)


def drawn(model: onnx.ModelProto, dtype: str, shape: Sequence[int] = (4, 64)) -> list[Any]:
    inputs = PlausibleInputs(model, [spec("x", shape, dtype)])
    return [inputs.sample(number)["x"] for number in range(2)]


def model(
    *nodes: onnx.NodeProto, elem_type: int = INT64, weights: Mapping[str, Any] | None = None
) -> onnx.ModelProto:
    return build_model(nodes, {"x": (elem_type, [4, 64])}, {"y": (FLOAT, None)}, weights)


def test_samples_differ_and_are_the_same_every_time() -> None:
    one = model(node("Identity", ["x"], ["y"]), elem_type=FLOAT)
    first, second = drawn(one, "float32")

    assert first.dtype == np.float32
    assert not np.array_equal(first, second)
    assert np.array_equal(first, drawn(one, "float32")[0])


def test_floats_are_uniform_and_normal_with_outliers() -> None:
    uniform, normal = drawn(model(node("Neg", ["x"], ["y"]), elem_type=FLOAT), "float32", (10_000,))

    assert (uniform.min() >= 0, uniform.max() < 1) == (True, True)
    assert np.abs(normal).max() > 6
    assert np.std(normal) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16"])
def test_small_integers_have_their_whole_range(dtype: str) -> None:
    values = drawn(model(node("Cast", ["x"], ["y"], to=FLOAT)), dtype, (20_000,))[0]
    limits = np.iinfo(dtype)

    assert values.dtype == dtype
    assert np.ptp(values.astype(int)) > 0.99 * (limits.max - limits.min)


@pytest.mark.parametrize(
    "nodes",
    [
        [node("Gather", ["table", "x"], ["y"])],
        [node("Reshape", ["x", "flat"], ["a"]), node("Gather", ["table", "a"], ["y"], axis=0)],
        [
            node("Cast", ["x"], ["a"], to=onnx.TensorProto.INT32),
            node("Unsqueeze", ["a", "zero"], ["b"]),
            node("Gather", ["table", "b"], ["y"]),
        ],
        [node("OneHot", ["x", "depth", "off_on"], ["y"])],
        # Positions, a table that is transposed first.
        [node("Gather", ["wide", "x"], ["y"], axis=1)],
        [node("Gather", ["long", "x"], ["a"]), node("Gather", ["table", "x"], ["y"])],
    ],
)
def test_indices_are_within_the_table_that_they_reach(nodes: list[onnx.NodeProto]) -> None:
    weights = {
        "table": TABLE,
        "wide": TABLE.T.copy(),
        "long": np.zeros((200, 4), np.float32),
        "depth": np.int64(50),
        "off_on": np.array([0, 1], np.float32),
        "flat": np.array([-1]),
        "zero": np.array([0]),
    }
    for values in drawn(model(*nodes, weights=weights), "int64"):
        assert (values.min(), values.max()) == (0, 49)


def test_a_mask_is_never_empty() -> None:
    nodes = [node("Cast", ["x"], ["y"], to=FLOAT)]
    for dtype in ("int64", "int32", "bool"):
        for values in drawn(model(*nodes), dtype):
            assert set(np.unique(values)) == {0, 1}
            assert values[:, 0].all()


@pytest.mark.parametrize("dtype", ["bool", "float32", "int32", "int64", "uint8"])
def test_inputs_without_dimensions(dtype: str) -> None:
    for value in drawn(model(node("Cast", ["x"], ["y"], to=FLOAT)), dtype, ()):
        assert (value.dtype, value.shape) == (dtype, ())


def test_a_flag_has_the_values_that_it_is_compared_with() -> None:
    values = drawn(
        model(node("Equal", ["x", "rate"], ["y"]), weights={"rate": np.int64(16000)}), "int64"
    )[0]

    assert set(np.unique(values)) == {0, 1, 16000}


@pytest.mark.parametrize(
    ("zero", "low", "high"), [(np.uint8(128), -12.8, 12.7), (np.int16(0), -3276.8, 3276.7)]
)
def test_floats_have_the_range_that_they_are_quantized_to(
    zero: Any, low: float, high: float
) -> None:
    nodes = [node("Transpose", ["x"], ["t"]), node("QuantizeLinear", ["t", "scale", "zero"], ["y"])]
    one = model(*nodes, elem_type=FLOAT, weights={"scale": np.float32(0.1), "zero": zero})
    for values in drawn(one, "float32", (5000,)):
        assert low <= values.min() < low * 0.99
        assert high * 0.99 < values.max() <= high
