"""Writes the example folder of a hub: a small model, and a script that runs it in two jobs.

It is a program of its own, as the hub's process must not load ONNX: it takes the folder, which must
not exist yet.
"""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

MODEL, SCRIPT = "model.onnx", "first_job.py"

_SCRIPT_SOURCE = Path(__file__).parents[1] / "data" / SCRIPT
# Old enough for the runtimes of the service.
_IR_VERSION, _OPSET = 9, 17


def build_example_model() -> onnx.ModelProto:
    """Return a small classifier of images: `x` float32[1, 3, 48, 192], `y` float32[1, 10]."""
    rng = np.random.default_rng(0)
    shapes = {
        "first_weight": (16, 3, 3, 3),
        "second_weight": (32, 16, 3, 3),
        "classifier": (10, 32),
    }
    weights = []
    for name, shape in shapes.items():
        scale = np.sqrt(2 / np.prod(shape[1:]))
        values = (rng.normal(size=shape) * scale).astype(np.float32)
        weights.append(numpy_helper.from_array(values, name))
    convolution: dict[str, Any] = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("Conv", ["x", "first_weight"], ["a"], "first", **convolution),
        helper.make_node("Relu", ["a"], ["b"], "first_relu"),
        helper.make_node("Conv", ["b", "second_weight"], ["c"], "second", **convolution),
        helper.make_node("Relu", ["c"], ["d"], "second_relu"),
        helper.make_node("GlobalAveragePool", ["d"], ["e"], "pool"),
        helper.make_node("Flatten", ["e"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "classifier"], ["y"], "classify", transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "example",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 48, 192])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 10])],
        weights,
    )
    opsets = [helper.make_opsetid("", _OPSET)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)


def write_examples(folder: Path) -> None:
    """Write the example folder; it appears when it is complete.

    Args:
        folder: The folder, which must not exist.

    Raises:
        OSError: It cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="examples-", dir=folder.parent) as parent:
        written = Path(parent, "examples")
        written.mkdir()
        onnx.save(build_example_model(), written / MODEL)
        shutil.copyfile(_SCRIPT_SOURCE, written / SCRIPT)
        written.rename(folder)


if __name__ == "__main__":
    write_examples(Path(sys.argv[1]))
