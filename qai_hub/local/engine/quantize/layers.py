"""Measures how close each computed tensor of a quantized model is to the float model's."""

import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, Self

import numpy as np
import onnx

from qai_hub.local.engine.isolated import save_progress
from qai_hub.local.engine.onnx.session import OptimizationLevel, Session, Tensor
from qai_hub.local.engine.quantize.calibration import CalibrationData
from qai_hub.local.engine.slices import compute_psnr

logger = logging.getLogger(__name__)

# Quantizing a tensor to 8 bits costs an error of range / 255 / sqrt(12), which is 53 to 59 dB below
# its peak. A tensor below this bound has lost over 20 dB more: its error is over 3 % of its peak.
BAD_PSNR = 30
# In one layer, the error grows to more than three times that of the layer's inputs. Errors that
# merely add up, layer by layer, stay below.
BAD_LOSS = 10
# A layer above this bound is accurate, whatever it loses: its error is below 1 % of its peak.
ACCURATE_PSNR = 40

MAX_SAMPLES = 4
MAX_LAYERS = 2000
# All tensors of a chunk are in memory at once, for both models.
_CHUNK_LAYERS = 64
# How floats are computed, not how they are optimised, is what is compared.
_UNOPTIMISED = OptimizationLevel.ORT_DISABLE_ALL
_MAX = float(np.finfo(np.float32).max)
# Where the range of integers does what these operators do, the quantizer removes them.
_REMOVABLE = {"Relu", "Clip"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A computed tensor of a quantized model.

    Attributes:
        tensor: Its name in the float model.
        node: Name of the node that computes it; empty for an input.
        operator: Operator of that node; empty for an input.
        inputs: The tensors that it is computed from, without constants.
        quantized: Name of the tensor of the quantized model that has the values which other nodes
            use: integers converted back to floats, if it is quantized.
        integers: Name of the integer tensor of the quantized model; empty if it stays a float.
        psnr: PSNR on the CPU in decibels; None if it has none, or was not measured.
        simulated_psnr: PSNR in simulation in decibels; None if it has none, or was not measured.
    """

    tensor: str
    node: str
    operator: str
    inputs: tuple[str, ...]
    quantized: str
    integers: str = ""
    psnr: float | None = None
    simulated_psnr: float | None = None

    @classmethod
    def from_fields(cls, value: Mapping[str, Any]) -> Self:
        """Create it from a JSON object with its fields."""
        return cls(**{**value, "inputs": tuple(value["inputs"])})

    def to_json(self) -> dict[str, Any]:
        """Return the JSON of a `LayerAccuracy`."""
        ratios = {"psnr": self.psnr, "simulated_psnr": self.simulated_psnr}
        return {
            "tensor": self.tensor,
            "node": self.node,
            "operator": self.operator,
            **{key: ratio for key, ratio in ratios.items() if ratio is not None},
        }


@dataclass(slots=True)
class ErrorSum:
    """The error of a tensor, over all elements of all samples so far."""

    squared: float = 0.0
    count: int = 0
    peak: float = 0.0

    def add(self, expected: Tensor, actual: Tensor) -> None:
        """Add a sample.

        Elements that are not finite in the float model, such as those of masks, are left out.

        Args:
            expected: The tensor of the float model.
            actual: The tensor of the quantized model.
        """
        if expected.shape != actual.shape:
            return
        finite = np.isfinite(expected)
        if not finite.all():
            expected, actual = expected[finite], actual[finite]
        if not expected.size:
            return
        difference = np.subtract(expected, actual, dtype=np.float64).ravel()
        squared = float(np.dot(difference, difference))
        if not math.isfinite(squared):
            # An overflow counts as the largest float.
            actual = np.nan_to_num(actual.astype(np.float64), nan=_MAX, posinf=_MAX, neginf=-_MAX)
            squared = float(np.sum(np.square(np.subtract(expected, actual, dtype=np.float64))))
        self.squared += squared
        self.count += expected.size
        self.peak = max(self.peak, float(np.max(expected)), -float(np.min(expected)))

    @property
    def psnr(self) -> float | None:
        """PSNR in decibels, by the formula of the model's outputs; None if it has none.

        It has none if both tensors are equal, or the float model's is 0 throughout.
        """
        ratio = compute_psnr(self.squared, self.count, self.peak)
        return None if ratio is None else round(ratio, 2)


def find_layers(original: onnx.ModelProto, quantized: onnx.ModelProto) -> list[Layer]:
    """Match the computed tensors of a float model with those of the model quantized from it.

    Args:
        original: The float model, as it was quantized.
        quantized: The quantized model.

    Returns:
        The tensors that both models have, in the order of computation, inputs first.
    """
    constants = {tensor.name for tensor in original.graph.initializer}
    constants |= {tensor.values.name for tensor in original.graph.sparse_initializer}
    matches = _QuantizedTensors(quantized.graph)
    ports = [port.name for port in original.graph.input if port.name not in constants]
    found = {
        name: Layer(tensor=name, node="", operator="", inputs=(), quantized=match)
        for name in ports
        if (match := matches.find(name)) and match != name
    }
    # The layers that each tensor is computed from; a tensor that is a layer stands for itself.
    sources: dict[str, tuple[str, ...]] = {name: (name,) if name in found else () for name in ports}
    for node in original.graph.node:
        if not any(name in sources for name in node.input):
            continue
        for name in filter(None, node.output):
            inputs = _merge(sources.get(each, ()) for each in node.input)
            match = matches.find(name)
            if match is None and node.op_type in _REMOVABLE and node.input[0] in found:
                # What precedes it now has its values.
                before = found.pop(node.input[0])
                match, inputs = before.quantized, before.inputs
            sources[name] = inputs if match is None else (name,)
            if match is not None:
                found[name] = Layer(
                    tensor=name,
                    node=node.name,
                    operator=node.op_type,
                    inputs=inputs,
                    quantized=match,
                )
    return [
        replace(layer, integers=matches.get_integers(layer.quantized)) for layer in found.values()
    ]


def _merge(names: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(names)))


class _QuantizedTensors:
    """The tensors of a quantized graph, as nodes use them."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._names = {port.name for port in graph.input}
        dequantized: dict[str, str] = {}
        for node in graph.node:
            self._names.update(node.output)
            if node.op_type == "DequantizeLinear":
                dequantized.setdefault(node.input[0], node.output[0])
        self._used: dict[str, str] = {}
        self._integers: dict[str, str] = {}
        for node in graph.node:
            result = dequantized.get(node.output[0]) if node.op_type == "QuantizeLinear" else None
            if result is not None and node.input[0] not in self._used:
                self._used[node.input[0]] = result
                self._integers[result] = node.output[0]

    def find(self, name: str) -> str | None:
        """Return the tensor that nodes use for a tensor; None if the graph does not have it."""
        return self._used.get(name, name) if name in self._names else None

    def get_integers(self, name: str) -> str:
        """Return the integers that a tensor is converted from; empty if it is not."""
        return self._integers.get(name, "")


def measure_layers(arguments: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Run both models on the CPU, without optimization, and compare their tensors.

    The tensors of a chunk of layers on one sample are in memory at a time. ONNX Runtime's own
    helpers for this, in `onnxruntime.quantization.qdq_loss_debug`, keep those of all layers on all
    samples. This is called in a process of its own, and saves what it has found after each chunk.

    Args:
        arguments: `original` and `quantized`, the .onnx files of the float model and the quantized
            one; `layers`, the tensors as the fields of `Layer`; `data`, as JSON of
            `CalibrationData`; and `seconds`, after which no further sample begins.
        folder: Folder for generated files.

    Returns:
        `psnr`, the PSNR of each tensor of floats that was measured, in decibels: None if it has
        none; `done`, the number of tensors, of integers too, before time ran out; and `samples`,
        the number of samples that they were compared on.

    Raises:
        JobFailure: One of the models cannot be run.
    """
    deadline = time.monotonic() + arguments["seconds"]
    original, quantized = Path(arguments["original"]), Path(arguments["quantized"])
    layers = list(map(Layer.from_fields, arguments["layers"]))
    psnr: dict[str, float | None] = {}
    done = count = 0
    with CalibrationData.from_json(arguments["data"]).open() as samples:
        for chunk in split_layers(layers, _CHUNK_LAYERS):
            before = add_outputs(original, [each.tensor for each in chunk], folder / "float.onnx")
            after = add_outputs(quantized, [each.quantized for each in chunk], folder / "qdq.onnx")
            compared = compare_tensors(
                Session(before, level=_UNOPTIMISED),
                Session(after, level=_UNOPTIMISED),
                chunk,
                _take_until(samples, deadline, count or None),
            )
            count = count or compared.count
            if compared.count < count or not count:
                logger.info("Time ran out after %d of %d layers", done, len(layers))
                break
            done += len(chunk)
            for layer, error in zip(chunk, compared.errors, strict=True):
                if error.count:
                    psnr[layer.tensor] = error.psnr
            save_progress(folder, {"psnr": psnr, "done": done, "samples": count})
    return {"psnr": psnr, "done": done, "samples": count}


def _take_until(
    samples: Iterable[Mapping[str, Tensor]], deadline: float, count: int | None
) -> Iterator[Mapping[str, Tensor]]:
    for sample in islice(samples, count):
        if time.monotonic() > deadline:
            return
        yield sample


def split_layers(layers: Sequence[Layer], size: int) -> Iterator[Sequence[Layer]]:
    """Split layers into chunks whose tensors fit into memory together.

    Args:
        layers: The layers.
        size: Number of layers in a chunk.
    """
    for start in range(0, len(layers), size):
        yield layers[start : start + size]


@dataclass(frozen=True, slots=True)
class _Compared:
    errors: Sequence[ErrorSum]
    count: int


def compare_tensors(
    before: Session,
    after: Session,
    layers: Sequence[Layer],
    samples: Iterable[Mapping[str, Tensor]],
    names: Mapping[str, str] | None = None,
) -> _Compared:
    """Compare tensors of two models that both have as outputs.

    Args:
        before: The float model.
        after: The quantized model.
        layers: The tensors.
        samples: The samples.
        names: The outputs of the quantized model, by tensor; by default, those of that name.

    Returns:
        The error of each tensor, without elements if it has no floats; and the number of samples.

    Raises:
        JobFailure: One of the models cannot be run.
    """
    names = names or {}
    places = [
        (
            before.output_names.index(each.tensor),
            after.output_names.index(names.get(each.quantized, each.quantized)),
        )
        for each in layers
    ]
    errors = [ErrorSum() for _ in layers]
    count = 0
    for count, sample in enumerate(samples, 1):
        label = f"sample {count - 1} of the calibration data"
        expected, actual = before.run(sample, label), after.run(sample, label)
        for error, (left, right) in zip(errors, places, strict=True):
            if expected[left].dtype.kind == "f":
                error.add(expected[left], actual[right])
    return _Compared(errors, count)


def add_outputs(source: Path, names: Iterable[str], target: Path) -> Path:
    """Write a model with further tensors as outputs.

    Args:
        source: The .onnx file, whose weights are in it.
        names: The tensors.
        target: The .onnx file to write.

    Returns:
        The target.
    """
    model = onnx.load(source)
    present = {port.name for port in model.graph.output}
    # ONNX Runtime infers their types.
    model.graph.output.extend(
        onnx.ValueInfoProto(name=name) for name in dict.fromkeys(names) if name not in present
    )
    target.write_bytes(model.SerializeToString())
    return target


Ratio = Callable[[Layer], float]


def get_psnr(layer: Layer) -> float:
    """Return the PSNR of a layer on the CPU; infinity if it has none."""
    return math.inf if layer.psnr is None else layer.psnr


def get_simulated_psnr(layer: Layer) -> float:
    """Return the PSNR of a layer in simulation; infinity if it has none."""
    return math.inf if layer.simulated_psnr is None else layer.simulated_psnr


def compute_losses(layers: Sequence[Layer], ratio: Ratio = get_psnr) -> dict[str, float]:
    """Return how much each layer loses: how far its PSNR is below the lowest of its inputs'.

    Args:
        layers: The layers, in the order of computation.
        ratio: Returns the PSNR of a layer.

    Returns:
        The losses in decibels, by tensor; infinity for a layer whose inputs are exact.
    """
    ratios = {layer.tensor: ratio(layer) for layer in layers}
    return {
        layer.tensor: min((ratios.get(name, math.inf) for name in layer.inputs), default=math.inf)
        - ratios[layer.tensor]
        for layer in layers
        if ratios[layer.tensor] < math.inf
    }


def find_first_bad_layer(layers: Sequence[Layer], ratio: Ratio = get_psnr) -> Layer | None:
    """Return the first layer that loses far more accuracy than the layers before it.

    Its PSNR is below `ACCURATE_PSNR` and at least `BAD_LOSS` below the lowest of its inputs', and
    its error lasts: no layer computed from it is above `BAD_PSNR` again, nor is the layer itself if
    none is computed from it. Some errors vanish, such as those of the large inputs of a Sigmoid or
    of the smaller summand of a sum.

    Args:
        layers: The layers, in the order of computation.
        ratio: Returns the PSNR of a layer.
    """
    losses = compute_losses(layers, ratio)
    own = {layer.tensor: ratio(layer) for layer in layers}
    # The best layer among those computed from a layer.
    best: dict[str, float] = {}
    for layer in reversed(layers):
        after = max(own[layer.tensor], best.get(layer.tensor, -math.inf))
        for name in layer.inputs:
            best[name] = max(best.get(name, -math.inf), after)
    return next(
        (
            layer
            for layer in layers
            if losses.get(layer.tensor, 0) >= BAD_LOSS
            and own[layer.tensor] < ACCURATE_PSNR
            and best.get(layer.tensor, own[layer.tensor]) < BAD_PSNR
        ),
        None,
    )
