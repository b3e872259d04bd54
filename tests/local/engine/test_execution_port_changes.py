"""A model whose inputs and outputs were changed computes what it did before."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper
from support.execution_models import BOOL, FLOAT, INT64, branching_model, build_model

from qai_hub.local.engine.failures import JobFailure
from qai_hub.local.engine.onnx.edit import PortChange, apply_port_changes, collect_names

INT32 = onnx.TensorProto.INT32
# Few names, some of them like those that are made up, so that they meet.
NAMES = [
    "a",
    "b",
    "c",
    "a_inner",
    "b_inner_1",
    "a_Cast",
    "a_Transpose",
    "x",
    "y",
    "z",
    "u",
    "v",
    "w",
    "p",
    "q",
    "r",
]
TO_LAST = {3: [1, 2, 0], 4: [0, 2, 3, 1], 5: [0, 2, 3, 4, 1]}


@dataclass(frozen=True)
class Tensor:
    name: str
    elem_type: int
    shape: tuple[int, ...]

    def info(self) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(self.name, self.elem_type, self.shape)


@st.composite
def tensors(draw: st.DrawFn, name: str) -> Tensor:
    elem_type = draw(st.sampled_from([FLOAT, INT32, INT64]))
    return Tensor(name, elem_type, tuple(draw(st.lists(st.integers(1, 3), max_size=5))))


@st.composite
def models(draw: st.DrawFn) -> onnx.ModelProto:
    """Some inputs and a weight, nodes over them, graphs within, and any of it as an output."""
    free = draw(st.permutations(NAMES))
    inputs = [draw(tensors(free.pop())) for _ in range(draw(st.integers(1, 2)))]
    weight = draw(tensors(free.pop()))
    choice = Tensor(free.pop(), BOOL, ())
    known, nodes = [*inputs, weight], []
    for _ in range(draw(st.integers(0, 3))):
        source = draw(st.sampled_from(known))
        made = replace(source, name=free.pop())
        nodes.append(draw(nodes_of(source, made, choice, free)))
        known.append(made)
    outputs = draw(st.lists(st.sampled_from(known), min_size=1, max_size=4))
    values = np.arange(np.prod(weight.shape)).reshape(weight.shape)
    graph = helper.make_graph(
        nodes,
        "graph",
        [tensor.info() for tensor in inputs],
        [tensor.info() for tensor in outputs],
        [
            numpy_helper.from_array(values.astype(_dtype(weight.elem_type)), weight.name),
            numpy_helper.from_array(np.array(draw(st.booleans())), choice.name),
        ],
        value_info=[tensor.info() for tensor in known if draw(st.booleans())],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@st.composite
def nodes_of(
    draw: st.DrawFn, source: Tensor, made: Tensor, choice: Tensor, free: list[str]
) -> onnx.NodeProto:
    kind = draw(st.sampled_from(["Neg", "Add", "If"]))
    if kind == "Neg":
        return helper.make_node("Neg", [source.name], [made.name])
    if kind == "Add":
        return helper.make_node("Add", [source.name, source.name], [made.name])
    branches: dict[str, Any] = {}
    for branch, op in (("then_branch", "Neg"), ("else_branch", "Identity")):
        inner = replace(made, name=free.pop() if free else branch)
        nodes = [helper.make_node(op, [source.name], [inner.name])]
        branches[branch] = helper.make_graph(nodes, branch, [], [inner.info()])
    return helper.make_node("If", [choice.name], [made.name], **branches)


@st.composite
def changes(draw: st.DrawFn, value: onnx.ValueInfoProto, *, wide: int, narrow: int) -> PortChange:
    tensor = value.type.tensor_type
    rank = len(tensor.shape.dim)
    return PortChange(
        name=draw(st.just(value.name) | st.sampled_from(NAMES)),
        elem_type=draw(st.sampled_from([wide, narrow]))
        if tensor.elem_type == wide
        else narrow
        if tensor.elem_type == narrow
        else tensor.elem_type,
        channel_last=rank if rank in TO_LAST and draw(st.booleans()) else 0,
    )


def _dtype(elem_type: int) -> np.dtype[Any]:
    return helper.tensor_dtype_to_np_dtype(elem_type)


def apply_change(value: np.ndarray, change: PortChange) -> np.ndarray:
    value = value.astype(_dtype(change.elem_type))
    return value.transpose(TO_LAST[change.channel_last]) if change.channel_last else value


def run(model: onnx.ModelProto, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    outputs: list[np.ndarray] = session.run(None, dict(inputs))
    return outputs


def assert_same_results(
    before: onnx.ModelProto,
    after: onnx.ModelProto,
    inputs: list[PortChange],
    outputs: list[PortChange],
) -> None:
    """Check that a model computes the same with its new inputs and outputs as it did before."""
    random = np.random.default_rng(5)
    given_before, given_after = {}, {}
    for value, change in zip(before.graph.input, inputs, strict=True):
        shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        data = random.integers(-9, 9, shape).astype(_dtype(value.type.tensor_type.elem_type))
        given_before[value.name] = data
        given_after[change.name] = apply_change(data, change)
    results = run(after, given_after)
    for old, new, value, change in zip(
        run(before, given_before), results, after.graph.output, outputs, strict=True
    ):
        assert value.name == change.name
        assert new.dtype == _dtype(value.type.tensor_type.elem_type)
        assert list(new.shape) == [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        np.testing.assert_array_equal(new, apply_change(old, change))


@given(model=models(), data=st.data())
@settings(max_examples=300, deadline=None)
def test_any_model_with_any_changes(model: onnx.ModelProto, data: st.DataObject) -> None:
    onnx.checker.check_model(model, full_check=True)
    before = onnx.ModelProto.FromString(model.SerializeToString())
    inputs = [data.draw(changes(value, wide=INT64, narrow=INT32)) for value in model.graph.input]
    outputs = [data.draw(changes(value, wide=INT64, narrow=INT32)) for value in model.graph.output]
    names = [change.name for change in inputs + outputs]

    try:
        changed = apply_port_changes(model, inputs, outputs)
    except JobFailure as failure:
        event("refused")
        assert "would have the name" in failure.reason
        assert len(set(names)) < len(names)
        assert model == before
        return

    event("changed" if changed else "not changed")
    assert changed == (model != before)
    onnx.checker.check_model(model, full_check=True)
    assert_same_results(before, model, inputs, outputs)


def unchanged(value: onnx.ValueInfoProto, **more: Any) -> PortChange:
    change = PortChange(name=value.name, elem_type=value.type.tensor_type.elem_type)
    return replace(change, **more)


def test_what_does_not_change_is_left_alone() -> None:
    model = branching_model()
    before = model.SerializeToString()

    kept = [unchanged(value) for value in (*model.graph.input, *model.graph.output)]

    assert not apply_port_changes(model, kept[:1], kept[1:])
    assert model.SerializeToString() == before


def test_graphs_within_follow_a_renamed_input() -> None:
    model = branching_model()
    before = onnx.ModelProto.FromString(model.SerializeToString())
    # The names of the branches' own tensors, which the new ones must not hide.
    inputs = [unchanged(model.graph.input[0], name="then")]
    outputs = [unchanged(model.graph.output[0], name="else")]

    assert apply_port_changes(model, inputs, outputs)

    assert_same_results(before, model, inputs, outputs)
    onnx.checker.check_model(model, full_check=True)


def test_an_input_that_is_an_output_twice_and_used_within() -> None:
    nodes = [helper.make_node("Neg", ["x"], ["y"])]
    ports = {"x": (INT64, [1, 2, 3, 4])}
    model = build_model(nodes, ports, ports)
    for name in ("x", "y"):
        model.graph.output.append(helper.make_tensor_value_info(name, INT64, [1, 2, 3, 4]))
    before = onnx.ModelProto.FromString(model.SerializeToString())
    inputs = [PortChange(name="y", elem_type=INT32, channel_last=4)]
    outputs = [
        PortChange(name="x", elem_type=INT64),
        PortChange(name="other", elem_type=INT32, channel_last=4),
        PortChange(name="negative", elem_type=INT64),
    ]

    assert apply_port_changes(model, inputs, outputs)

    assert_same_results(before, model, inputs, outputs)


@pytest.mark.parametrize("names", [("x", "x"), ("y", "y"), ("x", "y", "y")])
def test_two_of_one_name_are_refused(names: tuple[str, ...]) -> None:
    nodes = [helper.make_node("Neg", ["a"], ["b"]), helper.make_node("Neg", ["b"], ["c"])]
    model = build_model(nodes, {"a": (FLOAT, [1])}, {"b": (FLOAT, [1]), "c": (FLOAT, [1])})
    given_names = [*names, "c"][:3]

    with pytest.raises(JobFailure, match=f"would have the name '{names[-1]}'"):
        apply_port_changes(
            model,
            [PortChange(name=given_names[0], elem_type=FLOAT)],
            [PortChange(name=name, elem_type=FLOAT) for name in given_names[1:]],
        )


def test_initializers_and_annotations_move_out_of_the_way_of_new_names() -> None:
    nodes = [helper.make_node("Mul", ["x", "w"], ["y"])]
    model = build_model(
        nodes, {"x": (FLOAT, [2])}, {"y": (FLOAT, [2])}, {"w": np.array([2, 3], np.float32)}
    )
    annotation = model.graph.quantization_annotation.add(tensor_name="y")
    annotation.quant_parameter_tensor_names.add(key="SCALE_TENSOR", value="w")
    before = onnx.ModelProto.FromString(model.SerializeToString())
    inputs = [unchanged(model.graph.input[0], name="w")]
    outputs = [unchanged(model.graph.output[0], name="x")]

    apply_port_changes(model, inputs, outputs)

    assert_same_results(before, model, inputs, outputs)
    (weight,) = model.graph.initializer
    (annotation,) = model.graph.quantization_annotation
    assert annotation.quant_parameter_tensor_names[0].value == weight.name != "w"
    assert annotation.tensor_name in collect_names(model.graph) - {"x", "y"}


def test_inputs_with_a_default_are_no_inputs_to_change() -> None:
    nodes = [helper.make_node("Mul", ["x", "w"], ["y"])]
    ports = {"w": (FLOAT, [2]), "x": (FLOAT, [2])}
    model = build_model(nodes, ports, {"y": (FLOAT, [2])}, {"w": np.array([2, 3], np.float32)})

    apply_port_changes(
        model, [PortChange(name="w", elem_type=FLOAT)], [unchanged(model.graph.output[0])]
    )

    np.testing.assert_array_equal(run(model, {"w": np.array([1, 1], np.float32)})[0], [2, 3])


def test_operators_are_imported_where_the_model_has_only_others() -> None:
    nodes = [helper.make_node("Gelu", ["x"], ["y"], domain="com.microsoft")]
    model = build_model(nodes, {"x": (FLOAT, [1, 2, 3])}, {"y": (FLOAT, [1, 2, 3])})
    model.opset_import[0].CopyFrom(helper.make_opsetid("com.microsoft", 1))
    before = onnx.ModelProto.FromString(model.SerializeToString())
    inputs = [unchanged(model.graph.input[0], channel_last=3)]
    outputs = [unchanged(model.graph.output[0])]

    apply_port_changes(model, inputs, outputs)

    assert_same_results(before, model, inputs, outputs)
