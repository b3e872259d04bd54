"""The names of nodes: for the compiler, which tells by them what it did, and for people."""

from collections.abc import Sequence

import onnx

from qai_hub.local.execution.messages import shortened

_MOST_NAMED = 10


def name_all(model: onnx.ModelProto) -> bool:
    """Give names to the nodes that have none.

    Args:
        model: The model, which is changed.

    Returns:
        Whether there were any.
    """
    taken = {node.name for node in model.graph.node}
    nameless = [each for each in enumerate(model.graph.node) if not each[1].name]
    for number, node in nameless:
        name = f"{node.op_type}_{number}"
        while name in taken:
            name += "_"
        taken.add(name)
        node.name = name
    return bool(nameless)


def told(nodes: Sequence[tuple[str, str]]) -> str:
    """Name nodes for people, by operator.

    Args:
        nodes: Their names and operators.
    """
    named = [f"{op} ({shortened(name)})" for name, op in nodes[:_MOST_NAMED]]
    more = len(nodes) - _MOST_NAMED
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")
