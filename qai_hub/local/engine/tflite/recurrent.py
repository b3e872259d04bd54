"""Prepares recurrent layers for the converter."""

import onnx

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.onnx.graph_index import attributes_of
from qai_hub.local.engine.protocol import quote_name

_ACTIVATIONS = (b"sigmoid", b"tanh", b"tanh")
_OPERATORS = frozenset({"GRU", "LSTM", "RNN"})


def list_recurrent(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """Return the recurrent layers of a model.

    Args:
        model: The model.
    """
    return [node for node in model.graph.node if node.op_type in _OPERATORS]


def check_layers(model: onnx.ModelProto) -> None:
    """Refuse layers that the converter turns into others.

    Args:
        model: The model.

    Raises:
        JobFailure: An LSTM has other activations than usual, or clips.
    """
    for node in list_recurrent(model):
        attributes = attributes_of(node)
        activations = [each.lower() for each in attributes.get("activations", _ACTIVATIONS)]
        is_usual = activations == [*_ACTIVATIONS] * (len(activations) // len(_ACTIVATIONS))
        if node.op_type == "LSTM" and (not is_usual or "clip" in attributes):
            what = "clips" if is_usual else "has other activations than Sigmoid, Tanh and Tanh"
            name = next((name for name in node.output if name), "")
            reason = (
                f"The LSTM that computes {quote_name(name)} {what}, which that of TensorFlow Lite "
                "does not."
            )
            raise JobFailure(FailureType.UNSUPPORTED, reason)


def name_all_steps(model: onnx.ModelProto) -> None:
    """Have recurrent layers return the results of all steps, in place, though nothing takes them.

    Of a layer that returns that of the last step alone, the converter gives that the shape of all.

    Args:
        model: The model.
    """
    for node in list_recurrent(model):
        last = next((name for name in node.output if name), "")
        if not node.output[0]:
            node.output[0] = f"{last}_all_steps"
