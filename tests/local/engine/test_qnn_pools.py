"""AveragePools with padding become convolutions, with the same results."""

from itertools import product
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from onnxruntime import InferenceSession
from support.execution_models import FLOAT, build_model

from qai_hub.local.engine.onnx.graph_index import GraphIndex
from qai_hub.local.engine.qnn.pools import convolve_padded_pools

ONE, TWO = ([1, 4, 9], [1, 4, 9, 7])


def average(shape: list[int], **how: Any) -> onnx.ModelProto:
    node = helper.make_node("AveragePool", ["x"], ["y"], name="average", **how)
    model = build_model([node], {"x": (FLOAT, shape)}, {"y": (FLOAT, None)})
    return onnx.shape_inference.infer_shapes(model)


def run(model: onnx.ModelProto) -> Any:
    shape = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
    x = np.random.default_rng(6).random(shape, np.float32)
    return InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]


PADDINGS: list[dict[str, Any]] = [
    {"pads": [1, 1, 1, 1]},
    {"pads": [0, 2, 1, 0]},
    *({"auto_pad": f"SAME_{side}"} for side in ("UPPER", "LOWER")),
    {"ceil_mode": 1},
    {"pads": [1, 0, 1, 1], "ceil_mode": 1},
]


@pytest.mark.parametrize(("padding", "included", "stride"), [*product(PADDINGS, (0, 1), (1, 2))])
def test_results_stay_the_same(padding: dict[str, Any], included: int, stride: int) -> None:
    how = {"kernel_shape": [3, 4], "strides": [stride] * 2, "count_include_pad": included}
    model = average(TWO, **how, **padding)
    before = run(model)

    assert convolve_padded_pools(GraphIndex(model))

    onnx.checker.check_model(model, full_check=True)
    assert [node.op_type for node in model.graph.node] == ["Conv", "Mul"]
    assert model.graph.node[-1].name == "average"
    np.testing.assert_allclose(run(model), before, 1e-6)


def test_one_dimension() -> None:
    model = average(ONE, kernel_shape=[3], pads=[2, 0])
    before = run(model)

    assert convolve_padded_pools(GraphIndex(model))

    np.testing.assert_allclose(run(model), before, 1e-6)


@pytest.mark.parametrize(
    ("shape", "how"),
    [
        (TWO, {"kernel_shape": [3, 3]}),
        (TWO, {"kernel_shape": [3, 3], "auto_pad": "VALID"}),
        ([1, 2, 4, 4, 4], {"kernel_shape": [2, 2, 2], "pads": [1] * 6}),
        # The last window has nothing but padding.
        ([1, 1, 2], {"kernel_shape": [2], "strides": [3], "pads": [1, 1], "ceil_mode": 1}),
    ],
)
def test_others_stay_as_they_are(shape: list[int], how: dict[str, Any]) -> None:
    assert not convolve_padded_pools(GraphIndex(average(shape, **how)))
