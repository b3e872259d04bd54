"""Gives the uses of a shared tensor that differ in kind tensors of their own."""

from collections.abc import Callable, Hashable

from qai_hub.local.engine.onnx.graph_index import GraphIndex, Use

Kind = Callable[[Use], Hashable]
"""Returns what decides whether two uses can share a tensor."""


def separate_constant(graph: GraphIndex, name: str, kind: Kind) -> bool:
    """Give each kind of use of a constant a constant of its own, in place.

    Args:
        graph: The graph, which must look up the uses anew afterwards.
        name: The constant.
        kind: Returns the kind of a use.

    Returns:
        Whether copies were added.
    """
    return separate_uses(graph, name, kind, lambda wanted: graph.copy_constant(name, wanted))


def separate_uses(graph: GraphIndex, name: str, kind: Kind, copy: Callable[[str], str]) -> bool:
    """Give each kind of use of a tensor a tensor of its own, in place.

    The first kind keeps the tensor, unless the graph returns it or a subgraph uses it.

    Args:
        graph: The graph, which must look up the uses anew afterwards.
        name: The tensor.
        kind: Returns the kind of a use.
        copy: Adds a copy of the tensor, and returns its name, which resembles the one given.

    Returns:
        Whether copies were added.
    """
    kinds: dict[Hashable, list[Use]] = {}
    for use in graph.uses.get(name, ()):
        kinds.setdefault(kind(use), []).append(use)
    separated = list(kinds.values())[0 if name in graph.outputs else 1 :]
    for uses in separated:
        copied = copy(f"{name}_of_{uses[0].node.output[0]}")
        for use in uses:
            use.node.input[use.place] = copied
    return bool(separated)
