"""Runs a quantized model with some of its layers in floats, without quantizing anew."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from qai_hub.local.engine.onnx.edit import collect_names, unique_name
from qai_hub.local.engine.onnx.session import Tensor
from qai_hub.local.engine.quantize.layers import Layer
from qai_hub.local.engine.quantize.trials import Trials

_QUANTIZED = "_quantized"


class LayerTrials(Trials):
    """Trials of a quantized model whose layers have their weights, or all, in floats.

    One session serves all trials: whether a layer has floats is an input of its model.

    Args:
        original: The float model.
        quantized: The model quantized from it.
        layers: Its tensors.
        samples: The samples.
        work: Folder for generated files.
        with_activations: Whether what a layer computes is in floats as well, beside its weights.

    Raises:
        JobFailure: One of the models cannot be run.
    """

    def __init__(
        self,
        original: Path,
        quantized: Path,
        layers: Sequence[Layer],
        samples: Iterable[Mapping[str, Tensor]],
        work: Path,
        *,
        with_activations: bool,
    ) -> None:
        model = onnx.load(quantized)
        switches = _Switches(model, onnx.load(original))
        self.layers = {}
        for layer in layers:
            name = switches.add(layer, with_activations=with_activations)
            if name:
                self.layers[name] = layer
        switches.apply()
        super().__init__(original, model, samples, work)

    def _make_inputs(self, raised: AbstractSet[str]) -> dict[str, Tensor]:
        return {name: np.asarray(name in raised) for name in self.layers}


class _Switches:
    """Switches between what a model computes with and the floats that it was made from."""

    def __init__(self, model: onnx.ModelProto, original: onnx.ModelProto) -> None:
        self._graph = model.graph
        self._taken = collect_names(model.graph)
        self._makers = {output: node for node in model.graph.node for output in node.output}
        self._constants = {each.name: each for each in model.graph.initializer}
        self._floats = {each.name: each for each in original.graph.initializer}
        self._users: dict[str, list[onnx.NodeProto]] = {}
        for node in model.graph.node:
            for name in node.input:
                self._users.setdefault(name, []).append(node)
        self._inserted: dict[str, list[onnx.NodeProto]] = {}
        self._scales: set[str] = set()

    def add(self, layer: Layer, *, with_activations: bool) -> str:
        """Add a switch for a layer; return the name of its input, empty if there is none."""
        quantizer = self._makers.get(layer.integers)
        if quantizer is None or quantizer.op_type != "QuantizeLinear":
            return ""
        # Tensors that only move data share the scale of what they move.
        if quantizer.input[1] in self._scales:
            return ""
        self._scales.add(quantizer.input[1])
        name = unique_name(f"{layer.tensor}_raised", self._taken)
        maker = self._makers.get(quantizer.input[0])
        weights = [
            (each, floats)
            for each in (maker.input if maker is not None else ())
            if (floats := self._add_float_weight(each))
        ]
        if not weights and not with_activations:
            return ""
        for dequantized, floats in weights:
            self._switch(name, dequantized, floats)
        for user in self._users.get(layer.integers, ()) if with_activations else ():
            if user.op_type == "DequantizeLinear":
                self._switch(name, user.output[0], self._clip(quantizer))
        value = helper.make_tensor_value_info(name, onnx.TensorProto.BOOL, [])
        self._graph.input.append(value)
        return name

    def _add_float_weight(self, dequantized: str) -> str:
        """Add the floats that a weight was made from; return their name, empty for no weight."""
        node = self._makers.get(dequantized)
        if node is None or node.op_type != "DequantizeLinear":
            return ""
        floats = self._floats.get(node.input[0].removesuffix(_QUANTIZED))
        if node.input[0] not in self._constants or floats is None:
            return ""
        name = unique_name(f"{floats.name}_floats", self._taken)
        tensor = self._graph.initializer.add()
        tensor.CopyFrom(floats)
        tensor.name = name
        return name

    def _clip(self, quantizer: onnx.NodeProto) -> str:
        """Return what a node quantizes, within its range: that may stand for a Relu or Clip."""
        scale, zero = (numpy_helper.to_array(self._constants[n]) for n in quantizer.input[1:3])
        limits = np.iinfo(zero.dtype)
        ends = []
        for integer in (limits.min, limits.max):
            end = np.asarray((integer - int(zero)) * float(scale), np.float32)
            ends.append(unique_name(f"{quantizer.input[0]}_end", self._taken))
            self._graph.initializer.append(numpy_helper.from_array(end, ends[-1]))
        clipped = unique_name(f"{quantizer.input[0]}_clipped", self._taken)
        node = helper.make_node("Clip", [quantizer.input[0], *ends], [clipped], name=clipped)
        self._inserted.setdefault(quantizer.output[0], []).append(node)
        return clipped

    def _switch(self, name: str, narrow: str, floats: str) -> None:
        """Let the users of a tensor use floats instead if a switch is on."""
        maker = self._makers[narrow]
        inner = unique_name(f"{narrow}_narrow", self._taken)
        maker.output[list(maker.output).index(narrow)] = inner
        node_name = unique_name(f"{narrow}_choice", self._taken)
        node = helper.make_node("Where", [name, floats, inner], [narrow], name=node_name)
        self._makers[inner], self._makers[narrow] = maker, node
        self._inserted.setdefault(inner, []).append(node)

    def apply(self) -> None:
        """Insert the nodes of the switches after those that they choose from."""
        nodes = [each for node in self._graph.node for each in self._with_inserted(node)]
        del self._graph.node[:]
        self._graph.node.extend(nodes)
        del self._graph.value_info[:]

    def _with_inserted(self, node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
        yield node
        for output in node.output:
            for each in self._inserted.get(output, ()):
                yield from self._with_inserted(each)
