"""Prepares recurrent layers for the converter."""

import onnx

_OPERATORS = frozenset({"GRU", "LSTM", "RNN"})


def list_recurrent(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """Return the recurrent layers of a model.

    Args:
        model: The model.
    """
    return [node for node in model.graph.node if node.op_type in _OPERATORS]


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
