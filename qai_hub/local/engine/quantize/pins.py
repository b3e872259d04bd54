"""Fixes what all calibration data has in common: dimensions, and flags that choose branches."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import onnx

from qai_hub.local.engine.datasets import InputDataset
from qai_hub.local.engine.onnx.branches import has_branches, take_known_branches
from qai_hub.local.engine.onnx.prepare import fix_input_shapes
from qai_hub.local.engine.onnx.session import Tensor
from qai_hub.local.engine.onnx.signature import Port, format_ports, get_inputs
from qai_hub.local.engine.protocol import TensorSpec, build_notice, quote_name


def pin_to_data(model: onnx.ModelProto, data: Path) -> list[dict[str, str]]:
    """Fix the dynamic dimensions of a model to those of the calibration data, in place.

    What is computed from shapes becomes constant then: it needs no quantization. Where samples
    differ in shape, nothing is fixed. Each If whose condition is the same on all samples gives way
    to the branch that it takes.

    Args:
        model: The model.
        data: HDF5 file of the calibration data.

    Returns:
        Notices for the user; none if nothing was changed.

    Raises:
        JobFailure: The data does not match the model.
    """
    notices = []
    ports = get_inputs(model)
    with closing(InputDataset(data, ports)) as dataset:
        shapes = {name: dataset.shapes(name) for name in (port.name for port in ports)}
        flags = _find_flags(model, dataset) if has_branches(model) else {}
    dynamic = [port for port in ports if port.shape is None or port.dynamic_dims]
    if dynamic and all(len(found) == 1 for found in shapes.values()):
        specs = [
            TensorSpec(name=port.name, shape=next(iter(shapes[port.name])), dtype=port.dtype)
            for port in ports
        ]
        fix_input_shapes(model, specs)
        fixed = format_ports([port for port in get_inputs(model) if port.name in _names(dynamic)])
        message = (
            f"The dynamic dimensions of the inputs were fixed to those of the calibration data: "
            f"{fixed}. For other shapes, quantize with samples of those shapes."
        )
        notices.append(build_notice("INFO", "USER", message))
    for taken in take_known_branches(model, flags):
        if taken.inputs:
            inputs = ", ".join(map(quote_name, taken.inputs))
            values = ", ".join(str(flags[name].reshape(-1)[0]) for name in taken.inputs)
            message = (
                f"The If {quote_name(taken.name)} was replaced by its "
                f"{'then' if taken.branch else 'else'} branch, since {inputs} is {values} in all "
                "samples of the calibration data: the target model ignores other values."
            )
            notices.append(build_notice("WARNING", "MODEL", message))
    return notices


def _names(ports: Sequence[Port]) -> set[str]:
    return {port.name for port in ports}


def _find_flags(model: onnx.ModelProto, dataset: InputDataset) -> dict[str, Tensor]:
    """Return the inputs of a single integer or bool that is the same on all samples."""
    flags = {
        name: value
        for name, value in dataset.sample(0).items()
        if value.size == 1 and value.dtype.kind in "biu"
    }
    for index in range(1, dataset.samples):
        sample = dataset.sample(index)
        flags = {
            name: value for name, value in flags.items() if np.array_equal(value, sample[name])
        }
    return flags
