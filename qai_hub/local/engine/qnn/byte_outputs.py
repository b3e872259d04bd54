"""Rewrites uint8 outputs of floats for QNN, which moves no uint8 tensors without a scale."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import onnx
from onnx import helper

from qai_hub.local.engine.onnx.graph_index import GraphIndex

# Operators that move or copy elements of their first input, and do not change their values.
_MOVES = {
    *("DepthToSpace", "Expand", "Flatten", "Gather", "Identity", "Reshape", "Slice"),
    *("SpaceToDepth", "Squeeze", "Tile", "Transpose", "Unsqueeze"),
}


def quantize_byte_outputs(graph: GraphIndex) -> bool:
    """Turn a Cast of floats to uint8 outputs into a QuantizeLinear with a scale of 1, in place.

    QNN's HTP does not transpose or otherwise move uint8 tensors, and the layout of convolutions
    makes ONNX Runtime transpose outputs. It does move floats, and quantized tensors of the same 8
    bits. Operators between the Cast and the output therefore come before the Q. Cast cuts fractions
    off, for which Floor comes first; values that are quantized already have been rounded. Values
    outside of 0 to 255, which have no defined result in Cast, become the nearest of the two.

    Args:
        graph: The graph of a model with types and shapes.

    Returns:
        Whether there were any.
    """
    rewriter = _ByteOutputs(graph)
    casts = [node for node in graph.graph.node if node.op_type == "Cast"]
    changed = [rewriter.rewrite(cast) for cast in casts]
    if any(changed):
        rewriter.finish()
    return any(changed)


class _ByteOutputs:
    """Rewrites of one graph that are not finished yet."""

    def __init__(self, graph: GraphIndex) -> None:
        self._graph = graph
        # What replaces a node, by the name of its first output.
        self._replaced: dict[str, list[onnx.NodeProto]] = {}

    def rewrite(self, cast: onnx.NodeProto) -> bool:
        """Replace a Cast and what moves its result, if it makes uint8 outputs of floats."""
        target = next((each.i for each in cast.attribute if each.name == "to"), 0)
        if target != onnx.TensorProto.UINT8 or not self._graph.is_float(cast.input[0]):
            return False
        moves = self._find_moves(cast)
        if moves is None:
            return False
        parameters = [
            self._graph.add_constant(f"{cast.output[0]}_step", np.array(1, np.float32)),
            self._graph.add_constant(f"{cast.output[0]}_zero", np.array(0, np.uint8)),
        ]
        before = self._graph.producers.get(cast.input[0])
        if before is not None and before.op_type == "DequantizeLinear":
            self._rewrite_quantized(cast, moves, before, parameters)
        else:
            self._rewrite_floats(cast, moves, parameters)
        return True

    def finish(self) -> None:
        """Put the new nodes into the graph."""
        self._graph.set_nodes(
            new
            for node in self._graph.graph.node
            for new in self._replaced.get(next(iter(node.output), ""), [node])
        )

    def _find_moves(self, cast: onnx.NodeProto) -> list[onnx.NodeProto] | None:
        """Return the nodes from a Cast to the output, each the only use of the one before."""
        moves: list[onnx.NodeProto] = []
        name = cast.output[0]
        while True:
            if name in self._graph.outputs:
                return None if self._graph.users(name) else moves
            move = self._graph.sole_user(name)
            if move is None or move.op_type not in _MOVES or move.input[0] != name:
                return None
            moves.append(move)
            name = move.output[0]

    def _rewrite_floats(
        self, cast: onnx.NodeProto, moves: Sequence[onnx.NodeProto], parameters: Sequence[str]
    ) -> None:
        """Move floats, then round them down and quantize them."""
        source = cast.input[0]
        self._replaced[cast.output[0]] = []
        for move in moves:
            source = self._move_floats(move, source)
        last = moves[-1] if moves else cast
        output = last.output[0]
        whole = self._graph.declare_floats(f"{output}_whole", source)
        self._replaced[output] += [
            helper.make_node("Floor", [source], [whole], name=whole),
            self._quantize(whole, output, parameters),
        ]

    def _rewrite_quantized(
        self,
        cast: onnx.NodeProto,
        moves: Sequence[onnx.NodeProto],
        before: onnx.NodeProto,
        parameters: Sequence[str],
    ) -> None:
        """Quantize with a scale of 1, and move what is between a DQ and a Q of this scale."""
        source, output = cast.input[0], cast.output[0]
        first = self._graph.producers.get(before.input[0])
        if first is not None and self._is_chain([first, before, cast]):
            # One Q does for both: QNN does not move the result of Q, DQ and Q.
            source = first.input[0]
            self._replaced[first.output[0]] = self._replaced[before.output[0]] = []
        self._replaced[output] = [self._quantize(source, output, parameters)]
        for move in moves:
            floats = self._graph.declare_floats(f"{output}_moved", move.input[0])
            dq = helper.make_node("DequantizeLinear", [output, *parameters], [floats], name=floats)
            output = move.output[0]
            moved = self._move_floats(move, floats)
            q = self._quantize(moved, output, parameters)
            self._replaced[output] = [dq, *self._replaced[output], q]

    def _move_floats(self, move: onnx.NodeProto, source: str) -> str:
        """Replace a node by one that moves floats; return its result."""
        changed = onnx.NodeProto()
        changed.CopyFrom(move)
        changed.input[0] = source
        changed.output[0] = self._graph.declare_floats(f"{move.output[0]}_floats", move.output[0])
        self._replaced[move.output[0]] = [changed]
        return changed.output[0]

    def _quantize(self, source: str, target: str, parameters: Sequence[str]) -> onnx.NodeProto:
        name = self._graph.name(f"{target}_bytes")
        return helper.make_node("QuantizeLinear", [source, *parameters], [target], name=name)

    def _is_chain(self, nodes: Sequence[onnx.NodeProto]) -> bool:
        """Return whether each node's only use is the next one, and the first is a Q."""
        return nodes[0].op_type == "QuantizeLinear" and all(
            self._graph.sole_user(node.output[0]) == following
            for node, following in pairwise(nodes)
        )
