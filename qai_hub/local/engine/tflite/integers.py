"""Quantizes a converted model with the ranges that its source states."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import onnx

from qai_hub.local.engine.onnx.integer_ports import encode_inputs
from qai_hub.local.engine.onnx.plausible import PLAUSIBLE_INPUTS_LABEL
from qai_hub.local.engine.onnx.session import Tensor
from qai_hub.local.engine.onnx.signature import get_inputs
from qai_hub.local.engine.protocol import build_notice, quote_name
from qai_hub.local.engine.qnn.target_check import Precision, read_samples
from qai_hub.local.engine.runners.tflite import LiteRtModel
from qai_hub.local.engine.tflite.biases import widen_bias_scales
from qai_hub.local.engine.tflite.contents import TfliteFile
from qai_hub.local.engine.tflite.conversion import Conversion
from qai_hub.local.engine.tflite.decompose import decompose_for_integers
from qai_hub.local.engine.tflite.divisions import multiply_by_reciprocals
from qai_hub.local.engine.tflite.kin import replace_by_kin, restore_kin
from qai_hub.local.engine.tflite.matmuls import use_fully_connected
from qai_hub.local.engine.tflite.maxima import shift_maxima
from qai_hub.local.engine.tflite.pads import limit_pads
from qai_hub.local.engine.tflite.quantize import (
    IntegerTypes,
    find_exact_inputs,
    find_refused_maxima,
    quantize_floats,
)
from qai_hub.local.engine.tflite.ranges import Range, measure_ranges
from qai_hub.local.engine.tflite.refusals import find_refused
from qai_hub.local.engine.tflite.reshapes import use_reshapes
from qai_hub.local.engine.tflite.saturate import saturate_clips
from qai_hub.local.engine.tflite.scales import allow_all_scales
from qai_hub.local.engine.tflite.unrolled import fold_first_states, share_ranges_of_steps

logger = logging.getLogger(__name__)

_MAX_SAMPLES = 32
_MAX_SAMPLES_TRIED = 3
_MAX_OPERATORS_SHOWN = 10
# The bits in which quantized weights are stored.
_WEIGHT_BITS = 8


def quantize_conversion(
    conversion: Conversion,
    source: Path,
    data: Path | None,
    precision: Precision,
    port_type: str,
    target: Path,
) -> list[dict[str, str]]:
    """Write a converted model that computes with integers.

    Tensors that the converter has added, of which the source states no ranges, are measured.

    Args:
        conversion: The converted model, which is changed.
        source: The quantized .onnx file.
        data: HDF5 file with the data that the source was calibrated on; None if it is not known.
        precision: The precision of the source.
        port_type: Type of the inputs and outputs; empty for floats.
        target: File to write.

    Returns:
        Notices for the user.

    Raises:
        JobFailure: It cannot be quantized.
    """
    file, work = conversion.file, conversion.folder / "float.tflite"
    decompose_for_integers(file)
    use_fully_connected(file)
    fold_first_states(file)
    use_reshapes(file)
    floats = multiply_by_reciprocals(file)
    file.write(work)
    label, samples = _read_samples(conversion, source, data)
    ranges = {name: Range(each.minimum, each.maximum) for name, each in conversion.ranges.items()}
    missing = file.list_floats() - ranges.keys()
    if missing:
        ranges |= share_ranges_of_steps(file, measure_ranges(work, missing, samples))
    saturate_clips(file, ranges)
    limit_pads(file, ranges)
    shift_maxima(file, ranges)
    allow_all_scales(file)
    replace_by_kin(file)
    file.write(work)
    exact = find_exact_inputs(file) & missing
    wide = {name for name, each in conversion.ranges.items() if each.bits > precision.activations}
    types = IntegerTypes(
        activation_bits=precision.activations,
        wide=frozenset(wide),
        # The source computes recurrent layers in floats.
        wide_parts=conversion.recurrent,
        floats=frozenset(floats | find_refused_maxima(file)),
        float_inputs=frozenset(exact),
        port=port_type,
    )
    _quantize_what_runs(work, target, ranges, types, samples[:_MAX_SAMPLES_TRIED])
    notices = []
    if exact and port_type:
        names = ", ".join(quote_name(conversion.names.restore(each)) for each in sorted(exact))
        words = (
            ("input", "stays a float", "it")
            if len(exact) == 1
            else ("inputs", "stay floats", "them")
        )
        message = (
            f"The {words[0]} {names} {words[1]}, as the source model does not quantize {words[2]}."
        )
        notices.append(build_notice("INFO", "MODEL", message))
    if missing and label == PLAUSIBLE_INPUTS_LABEL:
        tensors = "1 tensor" if len(missing) == 1 else f"{len(missing)} tensors"
        message = (
            f"The ranges of {tensors} that the converter added to the model were measured on "
            f"{label}, as there is no calibration data that fits. Compile with calibration_data "
            "to measure them on that."
        )
        notices.append(build_notice("WARNING", "USER", message))
    return [*notices, *_describe(TfliteFile.read(target), precision)]


def _read_samples(
    conversion: Conversion, source: Path, data: Path | None
) -> tuple[str, list[dict[str, Tensor]]]:
    """Return samples by the names that inputs have now, and how messages refer to them."""
    model = onnx.load(source, load_external_data=False)
    label, samples = read_samples(data, model, get_inputs(model), _MAX_SAMPLES)
    hide = conversion.names.hide
    return label, [{hide(name): value for name, value in each.items()} for each in samples]


def _quantize_what_runs(
    source: Path,
    target: Path,
    ranges: Mapping[str, Range],
    types: IntegerTypes,
    samples: Sequence[Mapping[str, Tensor]],
) -> None:
    """Quantize a model, but for the operators that LiteRT refuses to compute with integers."""
    while True:
        quantize_floats(source, target, ranges, types)
        file = TfliteFile.read(target)
        restore_kin(file, types.activation_bits)
        widen_bias_scales(file, TfliteFile.read(source))
        file.write(target)
        encodings = LiteRtModel(target, threads=1).encodings
        refused = find_refused(target, [encode_inputs(each, encodings) for each in samples])
        if refused is None or refused in types.floats:
            return
        logger.info("LiteRT refuses integers for %s, which stays in floats", refused)
        types = replace(types, floats=types.floats | {refused})


def _describe(file: TfliteFile, precision: Precision) -> list[dict[str, str]]:
    """Return notices about what a file computes with integers, and what not."""
    total, floats = file.count_values()
    message = (
        f"{total - floats} of the {total} tensors that the target model computes are integers."
    )
    notices = [build_notice("INFO", "MODEL", message)]
    found = file.count_float_operators().most_common()
    if found:
        shown = ", ".join(f"{name} ({count})" for name, count in found[:_MAX_OPERATORS_SHOWN])
        more = len(found) - _MAX_OPERATORS_SHOWN
        count = sum(count for _, count in found)
        compute, them = ("operators", "compute"), "them"
        if count == 1:
            compute, them = ("operator", "computes"), "it"
        message = (
            f"{count} {compute[0]} of the target model {compute[1]} with floats, as TensorFlow "
            f"Lite or its quantizer has no integers for {them}: {shown}"
            f"{f' and {more} more' if more > 0 else ''}."
        )
        notices.append(build_notice("WARNING", "MODEL", message))
    if 0 < precision.weights < _WEIGHT_BITS:
        message = (
            f"Weights of {precision.weights} bits are stored in {_WEIGHT_BITS} bits, and rounded "
            "to that."
        )
        notices.append(build_notice("INFO", "MODEL", message))
    return notices
