"""Operators that the converter gets wrong by itself, each an output of one model."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from support.execution_models import FLOAT, build_model
from support.real_engines import use_engine
from support.tflite_engine import convert, target_of

from qai_hub.local.engine.onnx.session import Session
from qai_hub.local.engine.runners.tflite import LiteRtModel

_IMAGE = [1, 3, 8, 7]
_OPSET = 11
# Operator, inputs, attributes, and the shape of the result.
_CASES: dict[str, tuple[str, list[str], dict[str, Any], list[int]]] = {
    "elu": ("Elu", ["x"], {"alpha": 0.5}, _IMAGE),
    "softmax": ("Softmax", ["x"], {"axis": 1}, _IMAGE),
    "gather_nd": ("GatherND", ["x", "places"], {}, [2, 7]),
    "gather_elements": ("GatherElements", ["x", "elements"], {"axis": 3}, [1, 1, 1, 2]),
    "backwards": ("Slice", ["x", "last", "before", "axes", "step"], {}, [1, 3, 3, 7]),
    "remainder": ("Mod", ["x", "divisor"], {"fmod": 1}, _IMAGE),
    "average": (
        "AveragePool",
        ["x"],
        {
            "kernel_shape": [3, 3],
            "strides": [2, 2],
            "pads": [1, 0, 0, 1],
            "ceil_mode": 1,
            "count_include_pad": 1,
        },
        [1, 3, 4, 4],
    ),
    "maximum": (
        "MaxPool",
        ["line"],
        {"kernel_shape": [3], "strides": [2], "pads": [1, 0], "ceil_mode": 1},
        [1, 2, 4],
    ),
    "deconvolved": (
        "ConvTranspose",
        ["x", "kernel"],
        {"strides": [2, 2], "pads": [1, 0, 0, 1], "output_padding": [1, 0]},
        [1, 2, 17, 14],
    ),
    "convolved": ("Conv", ["x", "small"], {"auto_pad": "SAME_LOWER"}, _IMAGE),
    "interpolated": ("Resize", ["x", "none", "factors"], {"mode": "linear"}, [1, 3, 12, 10]),
    "neighbours": ("Resize", ["x", "none", "none", "size"], {"mode": "nearest"}, [1, 3, 5, 3]),
}
_CONSTANTS = {
    "kernel": np.linspace(-1, 1, 54, dtype=np.float32).reshape(3, 2, 3, 3),
    "small": np.linspace(-1, 1, 36, dtype=np.float32).reshape(3, 3, 2, 2),
    "factors": np.array([1, 1, 1.5, 1.5], np.float32),
    "places": np.array([[0, 1, -1], [-1, -2, 3]]),
    "elements": np.array([[[[0, -1]]]]),
    "last": np.array([-1]),
    "before": np.array([-7]),
    "axes": np.array([2]),
    "step": np.array([-2]),
    "divisor": np.array([0.7], np.float32),
    "none": np.array([], np.float32),
    "size": np.array([1, 3, 5, 3]),
}


@pytest.fixture(autouse=True, scope="module")
def _engine() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        use_engine("tflite", patch)
        yield


def build() -> onnx.ModelProto:
    nodes = [
        helper.make_node(op, inputs, [name], **attributes)
        for name, (op, inputs, attributes, _) in _CASES.items()
    ]
    outputs = {name: (FLOAT, case[-1]) for name, case in _CASES.items()}
    inputs = {"x": (FLOAT, _IMAGE), "line": (FLOAT, [1, 2, 8])}
    model = build_model(nodes, inputs, outputs, _CONSTANTS)
    # The last operator set in which a Softmax is of all dimensions from one on, and Mod as today.
    model.opset_import[0].version = _OPSET
    return onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)


def test_each_operator_computes_what_onnx_defines(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    sample = {
        "x": random.standard_normal(_IMAGE).astype(np.float32),
        "line": random.standard_normal((1, 2, 8)).astype(np.float32),
    }

    outcome = convert(tmp_path, build())

    loaded = LiteRtModel(target_of(outcome), threads=1).load()
    found: dict[str, Any] = dict(
        zip(loaded.output_names, loaded.run(sample, "a sample"), strict=True)
    )
    session = Session(tmp_path / "model.onnx")
    wanted: list[Any] = session.run(sample, "a sample")
    for name, value in zip(session.output_names, wanted, strict=True):
        np.testing.assert_allclose(found[name], value, atol=1e-5, err_msg=name)


def test_a_target_that_cannot_be_loaded_fails_without_a_check(tmp_path: Path) -> None:
    node = helper.make_node("Resize", ["x", "none", "factors"], ["y"], mode="linear")
    weights = {"none": np.array([], np.float32), "factors": _CONSTANTS["factors"]}
    # The shape that is declared is not the one that the factors give.
    model = build_model([node], {"x": (FLOAT, _IMAGE)}, {"y": (FLOAT, [1, 3, 12, 9])}, weights)

    outcome = convert(tmp_path, model, options="--skip_target_check")

    assert outcome.failure_type == "JOB_FAILURE_TYPE_UNSUPPORTED"
    assert outcome.reason.startswith("LiteRT does not run the converted model: LiteRT cannot load")
