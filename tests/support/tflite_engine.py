"""Conversions to TensorFlow Lite, and small models for them."""

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from support.execution_models import attempt

from qai_hub.local.engine.attempt import AttemptOutcome, AttemptRequest, InputModel
from qai_hub.local.engine.datasets import OutputDataset
from qai_hub.local.enums import ModelType

# Names that are neither identifiers nor paths, nor like those that tools make.
IMAGE, INDEX, PIXELS, LABEL = "an image/0:ü", "t1", "pixels\u202e\n", "../label"
_SIZE = (1, 2, 4, 6)


def convert(
    folder: Path, model: onnx.ModelProto, *, options: str = "", data: Path | None = None
) -> AttemptOutcome:
    """Carry out a conversion in a worker of the engine, which is to be installed."""
    source = folder / "model.onnx"
    source.write_bytes(model.SerializeToString())
    request = AttemptRequest(
        kind="tflite",
        engine="tflite",
        inputs=(InputModel(path=source, model_type=ModelType.ONNX),),
        options=options,
        dataset=data,
        check_target=True,
    )
    return attempt(request, folder / "attempt", time_limit=120)


def target_of(outcome: AttemptOutcome) -> Path:
    """Return the file of a target model."""
    assert outcome.succeeded, outcome.reason
    return outcome.files["target_model"]


def write_data(folder: Path, samples: int = 4) -> Path:
    """Write calibration data for `conv_net`."""
    random = np.random.default_rng(0)
    path = folder / "data.h5"
    with closing(OutputDataset(path, [IMAGE, INDEX], samples)) as dataset:
        for number in range(samples):
            image = random.standard_normal(_SIZE, np.float32)
            dataset.write(number, [image, np.array([number % 3])])
    return path


def conv_net(*, quantized: bool = False) -> onnx.ModelProto:
    """An image and the index of a row, to pixels with channels first and to a label.

    Quantized, it has 8 bits, and no Relu where the range of a tensor begins at 0.
    """
    random = np.random.default_rng(1)
    kernel = random.standard_normal((3, 2, 3, 3)).astype(np.float32) / 4
    table = random.standard_normal((3, 3, 1, 1)).astype(np.float32)
    graph = helper.make_graph(
        [],
        "conv",
        [
            helper.make_tensor_value_info(IMAGE, TensorProto.FLOAT, _SIZE),
            helper.make_tensor_value_info(INDEX, TensorProto.INT64, [1]),
        ],
        [
            helper.make_tensor_value_info(PIXELS, TensorProto.FLOAT, [1, 3, 4, 6]),
            helper.make_tensor_value_info(LABEL, TensorProto.FLOAT, [1, 3]),
        ],
        [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.array([-1, 3]), "to")],
    )

    def add(op: str, inputs: list[str], output: str, **attributes: Any) -> None:
        graph.node.append(helper.make_node(op, inputs, [output], **attributes))

    def pair(name: str, scale: float, zero_point: int, output: str = "") -> str:
        """Add a Q and a DQ node, if the model is to be quantized."""
        if not quantized:
            if output:
                add("Identity", [name], output)
            return output or name
        output = output or f"{name}_dq"
        parameters = [f"{name}_scale", f"{name}_zero"]
        graph.initializer.append(
            numpy_helper.from_array(np.array(scale, np.float32), parameters[0])
        )
        graph.initializer.append(
            numpy_helper.from_array(np.array(zero_point, np.uint8), parameters[1])
        )
        add("QuantizeLinear", [name, *parameters], f"{name}_q")
        add("DequantizeLinear", [f"{name}_q", *parameters], output)
        return output

    if quantized:
        scale = (np.abs(kernel).max((1, 2, 3)) / 127).astype(np.float32)
        steps = np.rint(kernel / scale.reshape(3, 1, 1, 1)).astype(np.int8)
        graph.initializer.append(numpy_helper.from_array(steps, "kernel_steps"))
        graph.initializer.append(numpy_helper.from_array(scale, "kernel_scale"))
        graph.initializer.append(numpy_helper.from_array(np.zeros(3, np.int8), "kernel_zero"))
        add("DequantizeLinear", ["kernel_steps", "kernel_scale", "kernel_zero"], "kernel", axis=0)
    else:
        graph.initializer.append(numpy_helper.from_array(kernel, "kernel"))
    image = pair(IMAGE, 8 / 255, 127)
    add("Conv", [image, "kernel"], "sums", pads=[1, 1, 1, 1])
    if quantized:
        clipped = pair("sums", 4 / 255, 0)
    else:
        add("Relu", ["sums"], "clipped")
        clipped = "clipped"
    add("Gather", ["table", INDEX], "row", axis=0)
    shift = pair("row", 4 / 255, 127)
    add("Add", [clipped, shift], "shifted")
    pixels = pair("shifted", 8 / 255, 96, PIXELS)
    add("GlobalAveragePool", [pixels], "average")
    average = pair("average", 4 / 255, 127)
    add("Reshape", [average, "to"], "flat")
    pair("flat", 4 / 255, 127, LABEL)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return onnx.shape_inference.infer_shapes(model)
