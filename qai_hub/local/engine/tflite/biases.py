"""Keeps the biases of quantized models whole, whose scales are those of what they are added to."""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from qai_hub.local.engine.tflite.contents import Operator, Tensor, TfliteFile

# Which inputs of an operator are the tensor that it computes with, the weights and the bias.
_PLACES = {
    "CONV_2D": (0, 1, 2),
    "DEPTHWISE_CONV_2D": (0, 1, 2),
    "FULLY_CONNECTED": (0, 1, 2),
    "TRANSPOSE_CONV": (2, 1, 3),
}
# Half of what 32 bits hold: kernels add products to it.
_LARGEST_BIAS = 2**30 - 1
_LARGEST_WEIGHT = 127


def widen_bias_scales(file: TfliteFile, floats: TfliteFile) -> None:
    """Give weights a larger scale where their bias would not fit its integers, in place.

    A bias has the scale of the input times that of the weights. Of a channel with tiny weights, it
    is beyond 32 bits, to which the quantizer clips it. Weights that are so much smaller than the
    bias lose nothing that shows by a larger scale.

    Args:
        file: The quantized model.
        floats: The model that it was made from.
    """
    sources = {
        name: operator for operator in floats.graph.operators for name in _outputs(floats, operator)
    }
    for operator in file.graph.operators:
        places = _PLACES.get(file.operator_name(operator))
        source = next((sources[name] for name in _outputs(file, operator) if name in sources), None)
        if places is None or source is None or not _has_bias(operator, source, places):
            continue
        taken, weights, bias = (file.graph.tensors[operator.inputs[each]] for each in places)
        values = floats.read_floats(floats.graph.tensors[source.inputs[places[2]]])
        factors = floats.read_floats(floats.graph.tensors[source.inputs[places[1]]])
        is_quantized = weights.type == schema.TensorType.INT8 and _scales(taken).size == 1
        if not is_quantized or values is None or factors is None:
            continue
        least = np.abs(values.astype(np.float64)) / _LARGEST_BIAS / _scales(taken)
        before = _scales(weights)
        scales = np.maximum(before, least if before.size > 1 else least.max())
        # A scale that was rounded to the nearest float must not be the next smaller one.
        scales = np.nextafter(scales.astype(np.float32), np.float32(np.inf))
        if np.all(least <= before):
            continue
        operator.inputs[places[1]] = _add_weights(file, weights, factors, scales)
        steps = np.rint(values / (scales.astype(np.float64) * _scales(taken)))
        operator.inputs[places[2]] = _add_bias(file, bias, steps, scales * _scales(taken))
    file.forget_unused_values()


def _outputs(file: TfliteFile, operator: Operator) -> list[str]:
    return [file.graph.tensors[index].name.decode() for index in operator.outputs]


def _has_bias(operator: Operator, source: Operator, places: tuple[int, int, int]) -> bool:
    return all(
        len(each.inputs) > places[2] and each.inputs[places[2]] >= 0 for each in (operator, source)
    )


def _scales(tensor: Tensor) -> np.ndarray[Any, Any]:
    """Return the scales of a tensor; none for one that is not quantized."""
    found = None if tensor.quantization is None else tensor.quantization.scale
    return np.array([] if found is None else found, np.float64)


def _add_weights(
    file: TfliteFile, like: Tensor, factors: np.ndarray[Any, Any], scales: np.ndarray[Any, Any]
) -> int:
    """Add weights with other scales than those of a tensor; return their index."""
    axis = like.quantization.quantizedDimension
    shape = [1] * factors.ndim
    shape[axis] = -1
    steps = np.rint(factors / scales.reshape(shape if scales.size > 1 else -1))
    limited = np.clip(steps, -_LARGEST_WEIGHT, _LARGEST_WEIGHT).astype(np.int8)
    return file.add_quantized(like, limited, scales)


def _add_bias(
    file: TfliteFile, like: Tensor, steps: np.ndarray[Any, Any], scales: np.ndarray[Any, Any]
) -> int:
    is_wide = like.type == schema.TensorType.INT64
    return file.add_quantized(like, steps.astype(np.int64 if is_wide else np.int32), scales)
