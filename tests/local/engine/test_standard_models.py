"""Models in forms that few tools read: functions, sparse tensors, branches, unknown shapes."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from support.execution_models import (
    FLOAT,
    INT64,
    build_model,
    compile_request,
    execute,
    run_onnx,
    saved,
    spec,
)
from support.network_models import node, operators, quantized, told, uniform, weights_of


def compiled(folder: Path, model: onnx.ModelProto, *specs: Any) -> tuple[dict[str, Any], Path]:
    report = execute(compile_request(saved(model, folder), *specs), folder / "c")
    return report.result, folder / "c" / report.files["target_model"]


def linear(weight: Any) -> onnx.ModelProto:
    nodes = [node("MatMul", ["x", "w"], ["y"])]
    return build_model(nodes, {"x": (FLOAT, [1, 8])}, {"y": (FLOAT, [1, 4])}, {"w": weight})


def sparse(indices: Any) -> onnx.ModelProto:
    model = linear(np.zeros((8, 4), np.float32))
    del model.graph.initializer[:]
    values = numpy_helper.from_array(np.array([1, 2, -1], np.float32), "w")
    places = numpy_helper.from_array(np.array(indices), "places")
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [8, 4]))
    return model


def with_function() -> onnx.ModelProto:
    body = [node("MatMul", ["a", "b"], ["m"]), node("Relu", ["m"], ["c"])]
    opsets = [helper.make_opsetid("", 17)]
    function = helper.make_function("mine", "Layer", ["a", "b"], ["c"], body, opsets)
    model = linear(weights_of(w=(8, 4))["w"])
    model.graph.node[0].CopyFrom(node("Layer", ["x", "w"], ["y"], domain="mine"))
    model.functions.append(function)
    model.opset_import.append(helper.make_opsetid("mine", 1))
    return model


def branching(condition: list[onnx.NodeProto], **constants: Any) -> onnx.ModelProto:
    """y of x[1, length] by a branch for 16 or one for 8 numbers, on the condition 'c'."""
    branches: dict[str, Any] = {
        f"{name}_branch": helper.make_graph(
            [node("MatMul", ["x", weight], ["inner"])],
            name,
            [],
            [helper.make_tensor_value_info("inner", FLOAT, [1, 4])],
        )
        for name, weight in (("then", "w16"), ("else", "w8"))
    }
    weights = weights_of(w16=(16, 4), w8=(8, 4)) | constants
    inputs: dict[str, Any] = {"x": (FLOAT, [1, "length"])}
    if any("rate" in each.input for each in condition):
        inputs["rate"] = (INT64, [])
    nodes = [*condition, node("If", ["c"], ["y"], name="choice", **branches)]
    return build_model(nodes, inputs, {"y": (FLOAT, [1, 4])}, weights)


BY_RATE = [node("Equal", ["rate", "high"], ["c"])]
BY_SHAPE = [
    node("Shape", ["x"], ["shape"]),
    node("Gather", ["shape", "last"], ["n"]),
    node("Equal", ["n", "high"], ["c"]),
]


@pytest.mark.parametrize("indices", [[0, 5, 31], [[0, 0], [1, 1], [7, 3]]])
@pytest.mark.parametrize("activations", ["INT8", "INT16"])
def test_sparse_weights(tmp_path: Path, indices: Any, activations: str) -> None:
    result, target = quantized(tmp_path, sparse(indices), {"x": uniform(4, 1, 8)}, activations)

    assert result["psnr"]["y"] > 40
    assert operators(target) == ["MatMul"]


def test_sparse_weights_are_compiled(tmp_path: Path) -> None:
    _, target = compiled(tmp_path, sparse([0, 5, 31]))

    (x,) = uniform(1, 1, 8)
    expected = np.array([[x[0, 0] * 1, x[0, 1] * 2, 0, x[0, 7] * -1]])
    np.testing.assert_allclose(run_onnx(target, x=x)[0], expected, rtol=1e-6)


def test_functions(tmp_path: Path) -> None:
    result, target = quantized(tmp_path, with_function(), {"x": uniform(4, 1, 8)})

    assert result["psnr"]["y"] > 40
    model = onnx.load(target)
    assert not model.functions
    assert [opset.domain for opset in model.opset_import] == [""]


def test_functions_are_compiled(tmp_path: Path) -> None:
    result, target = compiled(tmp_path, with_function())

    assert not onnx.load(target).functions
    assert {notice["severity"] for notice in result["notices"]} <= {"INFO"}


def test_an_output_that_declares_no_shape(tmp_path: Path) -> None:
    model = linear(weights_of(w=(8, 4))["w"])
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", FLOAT, None))

    result, target = compiled(tmp_path, model)

    assert result["output_spec"] == [{"name": "y", "shape": [1, 4], "dtype": "float32"}]
    onnx.checker.check_model(target)


@pytest.mark.parametrize(("length", "high"), [(16, 16), (8, 16)])
def test_the_branch_for_the_shape_in_input_specs(tmp_path: Path, length: int, high: int) -> None:
    model = branching(BY_SHAPE, last=np.int64(1), high=np.int64(high))

    _, target = compiled(tmp_path, model, spec("x", (1, length)))

    assert operators(target) == ["MatMul"]
    (x,) = uniform(1, 1, length)
    np.testing.assert_allclose(run_onnx(target, x=x)[0], run_onnx(tmp_path / "m1", x=x)[0])


def test_a_branch_that_does_not_fit_the_shape_and_is_not_taken(tmp_path: Path) -> None:
    model = branching(BY_RATE, high=np.int64(16000))

    result, target = compiled(tmp_path, model, spec("x", (1, 16)), spec("rate", (), "int64"))

    assert result["output_spec"] == [{"name": "y", "shape": [1, 4], "dtype": "float32"}]
    assert any("a branch of its If does not accept" in text for text in told(result))
    (x,) = uniform(1, 1, 16)
    rate = np.array(16000)
    expected = run_onnx(tmp_path / "m1", x=x, rate=rate)[0]
    np.testing.assert_allclose(run_onnx(target, x=x, rate=rate)[0], expected, rtol=1e-6)


def test_the_branch_that_all_samples_take(tmp_path: Path) -> None:
    inputs = {"x": uniform(2, 1, 16), "rate": [np.array(16000)] * 2}

    result, target = quantized(tmp_path, branching(BY_RATE, high=np.int64(16000)), inputs)

    assert operators(target) == ["MatMul"]
    assert result["psnr"]["y"] > 40
    (warning,) = (each for each in result["notices"] if each["severity"] == "WARNING")
    assert "If 'choice'" in warning["message"]
    assert "'rate' is 16000" in warning["message"]


def test_an_if_that_samples_decide_differently_stays(tmp_path: Path) -> None:
    inputs = {"x": [*uniform(1, 1, 16), *uniform(1, 1, 8)], "rate": [np.array(16000), np.array(0)]}

    _, target = quantized(tmp_path, branching(BY_RATE, high=np.int64(16000)), inputs)

    assert "If" in operators(target)


def test_shape_computations_fold_with_the_shapes_of_the_samples(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", ["x", "w"], ["a"]),
        node("Shape", ["a"], ["s"]),
        node("Gather", ["s", "last"], ["n"]),
        node("Cast", ["n"], ["f"], to=FLOAT),
        node("Range", ["zero", "f", "one"], ["grid"]),
        node("Add", ["a", "grid"], ["y"]),
    ]
    constants = {"last": np.int64(1), "zero": np.float32(0), "one": np.float32(1)}
    model = build_model(
        nodes,
        {"x": (FLOAT, ["rows", 8])},
        {"y": (FLOAT, ["rows", 4])},
        weights_of(w=(8, 4)) | constants,
    )

    _, target = quantized(tmp_path, model, {"x": uniform(2, 3, 8)})

    assert operators(target) in (["MatMul", "Add"], ["Gemm"])


def test_a_compiled_model_of_fused_and_unfused_layers_can_be_loaded_again(tmp_path: Path) -> None:
    """Two layers, one of which ONNX Runtime fuses at each time that it loads the model."""
    nodes = [
        node("MatMul", ["x", "w1"], ["a"]),
        node("Add", ["a", "b1"], ["b"]),
        node("Transpose", ["b"], ["c"], perm=[0, 2, 1]),
        node("MatMul", ["c", "w2"], ["d"]),
        node("Add", ["b2", "d"], ["y"]),
    ]
    weights = weights_of(w1=(8, 8), b1=(8,), w2=(8, 8), b2=(8,))
    ports = {"x": (FLOAT, [1, 8, 8])}, {"y": (FLOAT, [1, 8, 8])}

    _, target = compiled(tmp_path, build_model(nodes, *ports, weights))
    _, again = compiled_again(tmp_path, target)

    (x,) = uniform(1, 1, 8, 8)
    np.testing.assert_allclose(run_onnx(again, x=x)[0], run_onnx(target, x=x)[0], rtol=1e-5)
    names = {each for n in onnx.load(target).graph.node for each in n.output}
    assert not any(name.startswith("gemm_") for name in names)


def compiled_again(folder: Path, target: Path) -> tuple[dict[str, Any], Path]:
    inner = folder / "again"
    inner.mkdir()
    return compiled(inner, onnx.load(target))
