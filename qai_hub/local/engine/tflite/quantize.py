"""Quantizes float .tflite files with known ranges, by AI Edge Quantizer."""

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ai_edge_quantizer import algorithm_manager, qtyping, quantizer

from qai_hub.local.engine.failures import FailureType, JobFailure, resource_failure_from_error
from qai_hub.local.engine.tflite.contents import TfliteFile
from qai_hub.local.engine.tflite.quiet import logged_output
from qai_hub.local.engine.tflite.ranges import Range

logger = logging.getLogger(__name__)

_Operation = qtyping.TFLOperationName
_NO_QUANTIZE = algorithm_manager.AlgorithmName.NO_QUANTIZE
_INTEGER_OPS = frozenset(each.value for each in _Operation)
_WEIGHT_BITS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegerTypes:
    """The integers that a model computes with.

    Attributes:
        activation_bits: Number of bits of its tensors: 8 or 16.
        wide: Names of the tensors that have 16 bits where others have 8.
        wide_parts: Names of tensors that are computed in several steps, which have 16 bits: their
            own names begin with it.
        floats: Names of the tensors that operators compute in floats.
        float_inputs: Names of inputs that are floats whatever the type of others.
        port: Type of its inputs and outputs: "int8", "uint8" or "int16"; empty for floats.
    """

    activation_bits: int
    wide: frozenset[str] = frozenset()
    wide_parts: frozenset[str] = frozenset()
    floats: frozenset[str] = frozenset()
    float_inputs: frozenset[str] = frozenset()
    port: str = ""


def find_exact_inputs(file: TfliteFile) -> set[str]:
    """Return the names of inputs that no operator takes which may compute with integers.

    Such a one, as a cast to integers of which others are chosen, may need the exact value.

    Args:
        file: The float model.
    """
    graph = file.graph
    integer = {
        index
        for operator in graph.operators
        if file.operator_name(operator) in _INTEGER_OPS
        for index in operator.inputs
    }
    return {graph.tensors[each].name.decode() for each in set(graph.inputs) - integer}


def find_refused_maxima(file: TfliteFile) -> set[str]:
    """Return the names of maxima of a tensor and a constant, at which the quantizer fails.

    Args:
        file: The float model.
    """
    graph = file.graph
    return {
        graph.tensors[operator.outputs[0]].name.decode()
        for operator in graph.operators
        if file.operator_name(operator) == "MAXIMUM"
        and any(file.read_floats(graph.tensors[index]) is not None for index in operator.inputs)
    }


def quantize_floats(
    source: Path, target: Path, ranges: Mapping[str, Range], types: IntegerTypes
) -> None:
    """Quantize a float model.

    Args:
        source: The .tflite file.
        target: File to write.
        ranges: The ranges of its tensors, by name.
        types: The integers to compute with.

    Raises:
        JobFailure: It cannot be quantized.
    """
    work = quantizer.Quantizer(str(source))
    _configure(work, types)
    statistics = {
        name: {
            "min": np.array([each.minimum], np.float32),
            "max": np.array([each.maximum], np.float32),
        }
        for name, each in ranges.items()
    }
    try:
        with logged_output():
            result = work.quantize(
                statistics, enable_progress_report=False, enable_progress_bar=False
            )
    # The quantizer raises exceptions of any type.
    except Exception as error:
        if resource_failure_from_error(error):
            raise
        logger.exception("The quantizer failed")
        words = " ".join(str(error).split())[:1000]
        reason = f"The TensorFlow Lite model cannot be quantized: the quantizer says {words}."
        raise JobFailure(FailureType.UNSUPPORTED, reason) from error
    target.write_bytes(result.quantized_model)


def _configure(work: quantizer.Quantizer, types: IntegerTypes) -> None:
    """Tell a quantizer which integers to use where; later rules go before earlier ones."""
    scopes = {".*": types.activation_bits}
    if types.wide:
        scopes[_match(types.wide)] = 16
    scopes |= {f"(^|;){re.escape(name)}_": 16 for name in sorted(types.wide_parts)}
    for regex, bits in scopes.items():
        work.add_static_config(regex, _Operation.ALL_SUPPORTED, bits, _WEIGHT_BITS)
        # Its integer kernels know one scale for a whole matrix only.
        work.add_static_config(
            regex, _Operation.BATCH_MATMUL, bits, _WEIGHT_BITS, qtyping.QuantGranularity.TENSORWISE
        )
    if types.floats:
        work.update_quantization_recipe(
            _match(types.floats), _Operation.ALL_SUPPORTED, algorithm_key=_NO_QUANTIZE
        )
    for port in (_Operation.INPUT, _Operation.OUTPUT):
        if not types.port:
            work.update_quantization_recipe(".*", port, algorithm_key=_NO_QUANTIZE)
        elif types.port == "uint8":
            work.update_quantization_recipe(".*", port, _UNSIGNED)
    if types.float_inputs:
        work.update_quantization_recipe(
            _match(types.float_inputs), _Operation.INPUT, algorithm_key=_NO_QUANTIZE
        )


def _match(names: Iterable[str]) -> str:
    """Return the pattern for the operators that compute tensors, among others or not.

    It is one for all of them, as each pattern is tried on each operator.
    """
    return f"(^|;)({'|'.join(map(re.escape, sorted(names)))})(;|$)"


_UNSIGNED = qtyping.OpQuantizationConfig(
    activation_tensor_config=qtyping.TensorQuantizationConfig(
        num_bits=8, symmetric=False, dtype=qtyping.TensorDataType.UINT
    ),
    weight_tensor_config=qtyping.TensorQuantizationConfig(
        num_bits=8, symmetric=True, granularity=qtyping.QuantGranularity.CHANNELWISE
    ),
    compute_precision=qtyping.ComputePrecision.INTEGER,
)
