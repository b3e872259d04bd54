"""Quantizes a converted model with the ranges that its source states."""

from pathlib import Path

import onnx

from qai_hub.local.engine.onnx.plausible import PLAUSIBLE_INPUTS_LABEL
from qai_hub.local.engine.onnx.signature import get_inputs
from qai_hub.local.engine.protocol import build_notice
from qai_hub.local.engine.qnn.target_check import Precision, read_samples
from qai_hub.local.engine.tflite.contents import TfliteFile
from qai_hub.local.engine.tflite.conversion import Conversion
from qai_hub.local.engine.tflite.matmuls import use_fully_connected
from qai_hub.local.engine.tflite.quantize import IntegerTypes, quantize_floats
from qai_hub.local.engine.tflite.ranges import Range, measure_ranges
from qai_hub.local.engine.tflite.reshapes import use_reshapes
from qai_hub.local.engine.tflite.saturate import saturate_clips

_MAX_SAMPLES = 32
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
    use_fully_connected(file)
    use_reshapes(file)
    file.write(work)
    stated = {name: Range(each.minimum, each.maximum) for name, each in conversion.ranges.items()}
    missing = file.list_floats() - stated.keys()
    ranges, notices = stated, list[dict[str, str]]()
    if missing:
        measured, notices = _measure(conversion, source, data, missing, work)
        ranges = stated | measured
    saturate_clips(file, ranges)
    file.write(work)
    wide = {name for name, each in conversion.ranges.items() if each.bits > precision.activations}
    types = IntegerTypes(
        activation_bits=precision.activations, wide=frozenset(wide), port=port_type
    )
    quantize_floats(work, target, ranges, types)
    return [*notices, *_describe(TfliteFile.read(target), precision)]


def _measure(
    conversion: Conversion, source: Path, data: Path | None, missing: set[str], work: Path
) -> tuple[dict[str, Range], list[dict[str, str]]]:
    """Return the ranges of tensors on data, and a notice if it is generated."""
    model = onnx.load(source, load_external_data=False)
    label, samples = read_samples(data, model, get_inputs(model), _MAX_SAMPLES)
    hidden = (
        {conversion.names.hide(name): value for name, value in each.items()} for each in samples
    )
    measured = measure_ranges(work, missing, hidden)
    if label != PLAUSIBLE_INPUTS_LABEL:
        return measured, []
    message = (
        f"{len(missing)} tensors that the converter added to the model have ranges that were "
        f"measured on {label}, as there is no calibration data that fits. Compile with "
        "calibration_data to measure them on that."
    )
    return measured, [build_notice("WARNING", "USER", message)]


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
        message = (
            f"{sum(count for _, count in found)} operators of the target model compute with "
            f"floats, as the quantizer has no integers for them: {shown}"
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
