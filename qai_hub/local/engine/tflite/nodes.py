"""Makes the nodes that replace others before the conversion."""

from collections.abc import Iterable
from typing import Any

import onnx
from onnx import helper

Nodes = list[onnx.NodeProto]


def make_node(op: str, inputs: Iterable[str], output: str, **attributes: Any) -> onnx.NodeProto:  # noqa: ANN401
    """Return a node that has the name of what it computes.

    Args:
        op: The operator.
        inputs: What it takes.
        output: What it computes.
        **attributes: Its attributes.
    """
    return helper.make_node(op, list(inputs), [output], name=output, **attributes)
