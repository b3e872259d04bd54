"""Models of a few bytes, made on the spot."""

import numpy as np
import onnx
from onnx import TensorProto, helper


def affine(*, batch: int | str = 1, scale: float = 2.0, shift: float = 1.0) -> onnx.ModelProto:
    """`y = scale * x + shift` on `x[batch, 4]`, in two layers."""
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 4])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 4])]
    constants = [
        onnx.numpy_helper.from_array(np.full((4,), value, np.float32), name)
        for name, value in (("scale", scale), ("shift", shift))
    ]
    nodes = [
        helper.make_node("Mul", ["x", "scale"], ["scaled"], name="scaling"),
        helper.make_node("Add", ["scaled", "shift"], ["y"], name="shifting"),
    ]
    graph = helper.make_graph(nodes, "affine", inputs, outputs, constants)
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9)


def averaging() -> onnx.ModelProto:
    """`y[1, 3, 1, 1]`: the averages of `x[1, 3, 48, 192]` over its last two dimensions."""
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 48, 192])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, 1, 1])]
    node = helper.make_node("GlobalAveragePool", ["x"], ["y"], name="averaging")
    graph = helper.make_graph([node], "averaging", inputs, outputs)
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9)
