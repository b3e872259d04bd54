"""Slices of joined tensors, which are taken from the tensors themselves."""

from typing import Any

import numpy as np
import onnx
import onnxruntime
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper
from support.execution_models import FLOAT, build_model

from qai_hub.local.engine.onnx.graph_index import GraphIndex
from qai_hub.local.engine.quantize.joined_slices import slice_before_joining

Draw = st.DataObject


def build_heads(draw: Draw) -> onnx.ModelProto:
    """A model that joins inputs several times, and takes the result apart several times."""
    nodes: list[onnx.NodeProto] = []
    inputs: dict[str, tuple[int, list[int]]] = {}
    constants: dict[str, np.ndarray] = {}

    def join(shape: list[int], depth: int) -> str:
        axis = draw.draw(st.integers(0, 2))
        if depth == 0 or shape[axis] < 2:
            inputs[f"x{len(inputs)}"] = (FLOAT, shape)
            return list(inputs)[-1]
        cut = draw.draw(st.integers(1, shape[axis] - 1))
        parts = [
            join([*shape[:axis], size, *shape[axis + 1 :]], depth - 1)
            for size in (cut, shape[axis] - cut)
        ]
        output = f"joined{len(nodes)}"
        sign = draw.draw(st.sampled_from([axis, axis - 3]))
        nodes.append(helper.make_node("Concat", parts, [output], axis=sign))
        return output

    def take(source: str, shape: list[int], number: int) -> tuple[str, list[int]]:
        axis = draw.draw(st.integers(0, 2))
        start = draw.draw(st.integers(0, shape[axis] - 1))
        stop = draw.draw(st.integers(start + 1, shape[axis]))
        name = f"taken{number}_{len(nodes)}"
        for key, value in (("start", start), ("stop", stop), ("axis", axis)):
            constants[f"{name}_{key}"] = np.array([value], np.int64)
        given = [f"{name}_{key}" for key in ("start", "stop", "axis")]
        nodes.append(helper.make_node("Slice", [source, *given], [name]))
        return name, [*shape[:axis], stop - start, *shape[axis + 1 :]]

    full = draw.draw(st.lists(st.integers(1, 5), min_size=3, max_size=3))
    source = join(full, 3)
    outputs = {}
    for number in range(3):
        name, shape = take(source, full, number)
        if draw.draw(st.booleans()):
            name, shape = take(name, shape, number)
        outputs[name] = (FLOAT, shape)
    return build_model(nodes, inputs, outputs, constants)


def run(model: onnx.ModelProto) -> list[Any]:
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    random = np.random.default_rng(0)
    feeds = {
        each.name: random.random([int(size) for size in each.shape], np.float32)
        for each in session.get_inputs()
    }
    return list(session.run(None, feeds))


@given(st.data())
def test_results_are_the_same(draw: Draw) -> None:
    model = onnx.shape_inference.infer_shapes(build_heads(draw))
    expected = run(model)

    slice_before_joining(GraphIndex(model))

    for before, after in zip(expected, run(model), strict=True):
        np.testing.assert_array_equal(before, after)


def test_nodes_without_a_first_output_are_left_alone() -> None:
    weights = {name: np.ones((1, 9, size), np.float32) for name, size in (("w", 2), ("r", 3))}
    nodes = [
        helper.make_node("Concat", ["x", "x"], ["joined"], axis=2),
        helper.make_node("Slice", ["joined", "zero", "two", "two"], ["taken"]),
        helper.make_node("GRU", ["taken", "w", "r"], ["", "y"], hidden_size=3),
    ]
    constants = {"zero": np.array([0]), "two": np.array([2])} | weights
    inputs, outputs = {"x": (FLOAT, [4, 1, 2])}, {"y": (FLOAT, [1, 1, 3])}
    model = onnx.shape_inference.infer_shapes(build_model(nodes, inputs, outputs, constants))
    expected = run(model)

    slice_before_joining(GraphIndex(model))

    assert [node.op_type for node in model.graph.node] == ["GRU"]
    np.testing.assert_array_equal(expected[0], run(model)[0])
