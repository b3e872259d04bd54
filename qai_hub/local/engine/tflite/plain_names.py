"""Gives a model plain names while tools work on it, which rewrite names or trip over them."""

import re

import onnx

from qai_hub.local.engine.onnx.edit import collect_tensors, iter_graphs, rename_tensors

_PLAIN = re.compile(r"t\d+(?!\d)")


class PlainNames:
    """The names of a model's tensors, which it changes to plain ones.

    Args:
        model: The model, which is changed.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        tensors = sorted(collect_tensors(model.graph) - {""})
        self._plain = {name: f"t{number}" for number, name in enumerate(tensors)}
        self._user = {plain: name for name, plain in self._plain.items()}
        # No plain name may be in use while names change, as tensors would become one.
        rename_tensors(model.graph, {name: f"\0{plain}" for name, plain in self._plain.items()})
        rename_tensors(model.graph, {f"\0{plain}": plain for plain in self._user})
        for graph in iter_graphs(model.graph):
            for node in graph.node:
                node.name = next((name for name in node.output if name), node.op_type)

    def hide(self, name: str) -> str:
        """Return the plain name of a tensor."""
        return self._plain[name]

    def restore(self, name: str) -> str:
        """Return the user's name of a tensor that a tool has made, perhaps from another's name."""
        found = _PLAIN.match(name)
        if found is None or found[0] not in self._user:
            return name
        return self._user[found[0]] + name[found.end() :]
