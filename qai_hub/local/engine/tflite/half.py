"""Stores the weights of a .tflite file as floats of 16 bits."""

from pathlib import Path

import numpy as np

from qai_hub.local.engine.tflite.contents import TfliteFile

# Smaller constants are parameters of operators rather than weights.
_MIN_ELEMENTS = 32
# What tells XNNPACK and GPU delegates that they may compute in 16 bits.
_METADATA = b"reduced_precision_support"
_HALF = b"fp16accfp16"


def halve_weights(file: TfliteFile, target: Path, *, compute_half: bool) -> None:
    """Write a float model with weights of 16 bits.

    A DEQUANTIZE operator makes 32 bits of them again, which runtimes without half floats need, and
    others leave out.

    Args:
        file: The model, which is changed.
        target: File to write.
        compute_half: Whether runtimes may compute in 16 bits.
    """
    graph = file.graph
    added = []
    for index in sorted({i for each in graph.operators for i in each.inputs if i >= 0}):
        tensor = graph.tensors[index]
        values = file.read_floats(tensor)
        if values is None or values.size < _MIN_ELEMENTS:
            continue
        stored = file.add_constant(f"{tensor.name.decode()}_half", values.astype(np.float16))
        tensor.buffer = 0
        added.append(file.build_operator("DEQUANTIZE", [stored], index, _VERSION))
    graph.operators = [*added, *graph.operators]
    file.forget_unused_values()
    if compute_half:
        file.add_metadata(_METADATA, _HALF)
    file.write(target)


# The first version that takes floats of 16 bits.
_VERSION = 3
