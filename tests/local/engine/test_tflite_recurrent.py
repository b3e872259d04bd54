from typing import Any

import pytest
from onnx import helper
from support.execution_models import FLOAT, build_model

from qai_hub.local.engine.failures import JobFailure
from qai_hub.local.engine.tflite.recurrent import check_layers


def lstm(**attributes: Any) -> Any:
    node = helper.make_node("LSTM", ["x", "w", "r"], ["y"], hidden_size=4, **attributes)
    return build_model([node], {"x": (FLOAT, [5, 1, 3])}, {"y": (FLOAT, [5, 1, 1, 4])})


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({"clip": 0.5}, "The LSTM that computes 'y' clips"),
        ({"activations": ["Sigmoid", "Relu", "Tanh"]}, "has other activations than Sigmoid"),
    ],
)
def test_layers_that_would_become_others_are_refused(attributes: dict[str, Any], told: str) -> None:
    with pytest.raises(JobFailure, match=told):
        check_layers(lstm(**attributes))


def test_usual_layers_are_not_refused() -> None:
    usual = ["Sigmoid", "tanh", "Tanh"]

    check_layers(lstm(activations=usual * 2, direction="bidirectional"))
    check_layers(lstm())
