"""Hides names of a model that ONNX Runtime's quantizer would give to what it adds.

For each tensor it adds others, named after it: a scale is `x_scale`. It does not look whether the
model has such a name already.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import onnx

from qai_hub.local.engine.onnx.edit import (
    collect_names,
    collect_tensors,
    iter_graphs,
    rename_tensors,
    unique_name,
)
from qai_hub.local.engine.onnx.session import Tensor
from qai_hub.local.engine.quantize.calibrated_ranges import Ranges
from qai_hub.local.engine.quantize.calibration import CalibrationReader, CalibrationSamples
from qai_hub.local.engine.quantize.overrides import Overrides

# What follows the name of a tensor in the names that the quantizer makes.
_ADDED = re.compile(r"_(?=(?:scale|zero_point|quantized|QuantizeLinear|DequantizeLinear|convert))")


class HiddenNames:
    """Names that are replaced while the quantizer works on a model.

    Args:
        source: The .onnx file of the float model.
    """

    def __init__(self, source: Path) -> None:
        self._source = source
        model = onnx.load(source, load_external_data=False)
        taken = collect_names(model.graph)
        clashing = sorted(name for name in taken if _has_stem(name, taken))
        # A name that ends in a point begins no other one.
        self._hidden = {
            name: unique_name(f"hidden.{number}.", taken) for number, name in enumerate(clashing)
        }
        self.path = source
        if self._hidden:
            self.path = source.with_name("hidden_names.onnx")
            _rename(model, self._hidden, self._hidden)
            self.path.write_bytes(model.SerializeToString())

    def hide(self, names: Iterable[str]) -> list[str]:
        """Return the names that tensors or nodes have in the changed file."""
        return [self._hidden.get(name, name) for name in names]

    def hide_overrides(self, overrides: Overrides) -> Overrides:
        """Return overrides for the tensors of the changed file."""
        return {self._hidden.get(name, name): each for name, each in overrides.items()}

    def read(self, samples: CalibrationSamples) -> CalibrationReader:
        """Return a reader of samples for the changed file."""
        return CalibrationReader(self._hide(sample) for sample in samples)

    def _hide(self, sample: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {self._hidden.get(name, name): tensor for name, tensor in sample.items()}

    def restore_ranges(self, ranges: Ranges) -> Ranges:
        """Return ranges of the changed file's tensors by the names of the user."""
        names = {hidden: name for name, hidden in self._hidden.items()}
        return {names.get(name, name): each for name, each in ranges.items()}

    def restore(self, model: onnx.ModelProto) -> None:
        """Give the quantized model the hidden names back, in place.

        What the quantizer has named like them, or after their replacements, gets other names.

        Args:
            model: The quantized model.
        """
        if not self._hidden:
            return
        nodes = {node.name for node in _iter_nodes(model.graph)}
        tensors = collect_tensors(model.graph)
        _rename(model, self._find_names(tensors), self._find_names(nodes))

    def _find_names(self, present: set[str]) -> dict[str, str]:
        """Return the names that tensors or nodes of the quantized model get."""
        taken = present | self._hidden.keys()
        found = {hidden: name for name, hidden in self._hidden.items() if hidden in present}
        for name in sorted(present - found.keys()):
            if name in self._hidden and self._hidden[name] in present:
                found[name] = unique_name(name, taken)
                continue
            for user, hidden in self._hidden.items():
                if name.startswith(hidden):
                    found[name] = unique_name(user + name.removeprefix(hidden), taken)
        return found


def _has_stem(name: str, names: set[str]) -> bool:
    return any(name[: match.start()] in names for match in _ADDED.finditer(name))


def _rename(model: onnx.ModelProto, tensors: Mapping[str, str], nodes: Mapping[str, str]) -> None:
    rename_tensors(model.graph, tensors)
    for node in _iter_nodes(model.graph):
        node.name = nodes.get(node.name, node.name)


def _iter_nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    for inner in iter_graphs(graph):
        yield from inner.node
