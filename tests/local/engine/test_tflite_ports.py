from typing import Any

import onnx
import pytest
from onnx import helper
from support.execution_models import FLOAT, build_model

pytest.importorskip("ai_edge_litert", reason="needs the extra [tflite]")

from qai_hub.local.engine.failures import JobFailure
from qai_hub.local.engine.tflite.ports import read_shapes

INPUT = {"x": (FLOAT, [3, 4])}


@pytest.mark.parametrize(
    ("nodes", "inputs", "output", "told"),
    [
        (
            [helper.make_node("NonZero", ["x"], ["indices"])],
            INPUT,
            ("indices", (onnx.TensorProto.INT64, [2, None])),
            "The shape of the output 'indices' does not follow from the shapes of the inputs",
        ),
        (
            [helper.make_node("RandomNormal", [], ["y"], shape=[3])],
            {},
            ("y", (FLOAT, [3])),
            "The model has no inputs",
        ),
        ([], INPUT, ("x", (FLOAT, [3, 4])), "The model computes nothing from its inputs"),
    ],
)
def test_what_no_target_can_have_is_told_in_the_names_of_the_model(
    nodes: list[onnx.NodeProto], inputs: dict[str, Any], output: tuple[str, Any], told: str
) -> None:
    model = build_model(nodes, inputs, dict([output]))

    with pytest.raises(JobFailure, match=told):
        read_shapes(model)
