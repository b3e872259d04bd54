import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper
from support.execution_models import (
    FLOAT,
    INT64,
    branching_model,
    build_model,
    compile_request,
    execute,
    get_failure,
    linear_model,
    linear_result,
    run_onnx,
    saved,
    spec,
)

from qai_hub.local.engine.compile import compile_model
from qai_hub.local.engine.failures import FailureType
from qai_hub.local.engine.onnx.verify import verify_target


def test_a_static_model(tmp_path: Path) -> None:
    report = execute(compile_request(saved(linear_model(), tmp_path)), tmp_path / "a")

    assert report.failure_type == "JOB_FAILURE_TYPE_SUCCESS"
    assert report.result["target_model_type"] == "MODEL_TYPE_ONNX"
    assert report.result["input_spec"] == [{"name": "x", "shape": [2, 3], "dtype": "float32"}]
    assert report.result["output_spec"] == [{"name": "y", "shape": [2, 3], "dtype": "float32"}]
    assert report.result["notices"] == []
    versions = {tool["name"]: tool["version"] for tool in report.result["tool_versions"]}
    assert versions["ONNX Runtime"] == onnxruntime.__version__
    assert versions["ONNX"] == onnx.__version__


def test_the_target_model_is_folded_standard_and_right(tmp_path: Path) -> None:
    report = execute(compile_request(saved(linear_model(), tmp_path)), tmp_path / "a")

    path = tmp_path / "a" / report.files["target_model"]
    target = onnx.load(path)
    onnx.checker.check_model(target, full_check=True)
    assert [node.op_type for node in target.graph.node] == ["MatMul", "Relu", "MatMul"]
    assert [opset.domain for opset in target.opset_import] == [""]
    assert {value.name for value in target.graph.value_info} == {"m", "r"}
    x = np.random.default_rng(1).standard_normal((2, 3)).astype(np.float32)
    np.testing.assert_allclose(run_onnx(path, x=x)[0], linear_result(x), rtol=1e-5)


def test_dynamic_dimensions_are_fixed_to_the_specs(tmp_path: Path) -> None:
    model = saved(linear_model("batch"), tmp_path)

    report = execute(compile_request(model, spec("x", [5, 3])), tmp_path / "a")

    assert report.result["input_spec"][0]["shape"] == [5, 3]
    assert report.result["output_spec"][0]["shape"] == [5, 3]
    target = onnx.load(tmp_path / "a" / report.files["target_model"])
    dims = [
        dim.dim_value
        for value in (target.graph.input[0], target.graph.output[0])
        for dim in value.type.tensor_type.shape.dim
    ]
    assert dims == [5, 3, 5, 3]


def test_shapes_that_no_longer_hold_are_dropped(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = linear_model("N")
    model.graph.value_info.append(helper.make_tensor_value_info("m", FLOAT, [7, 3]))
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 7

    report = execute(compile_request(saved(model, tmp_path), spec("x", [5, 3])), tmp_path / "a")

    assert report.result["output_spec"][0]["shape"] == [5, 3]
    assert "merging shape" not in capfd.readouterr().err


def test_an_unknown_operator_is_not_blamed_on_the_specs(tmp_path: Path) -> None:
    model = linear_model("batch")
    model.graph.node[1].op_type = "Magic"
    model.graph.node[1].domain = "com.example"
    model.opset_import.append(helper.make_opsetid("com.example", 1))

    failure = get_failure(
        compile_request(saved(model, tmp_path), spec("x", [5, 3])), tmp_path / "a"
    )

    assert failure.failure_type is FailureType.MODEL_INVALID
    assert "com.example:Magic" in failure.reason
    assert "input_specs" not in failure.reason


def test_a_model_with_control_flow(tmp_path: Path) -> None:
    report = execute(compile_request(saved(branching_model(), tmp_path)), tmp_path / "a")

    path = tmp_path / "a" / report.files["target_model"]
    x = np.array([-1, -2, 3, -4], np.float32)
    np.testing.assert_array_equal(run_onnx(path, x=x)[0], -x)
    np.testing.assert_array_equal(run_onnx(path, x=-x)[0], -x)


def test_every_element_type_of_the_api(tmp_path: Path) -> None:
    names = ["float32", "float16", "int32", "int64", "int8", "uint8", "int16", "uint16", "bool"]
    elem_types = [helper.np_dtype_to_tensor_dtype(np.dtype(name)) for name in names]
    model = build_model(
        [helper.make_node("Identity", [f"x{i}"], [f"y{i}"]) for i in range(len(names))],
        {f"x{i}": (elem_type, [2]) for i, elem_type in enumerate(elem_types)},
        {f"y{i}": (elem_type, [2]) for i, elem_type in enumerate(elem_types)},
    )

    report = execute(compile_request(saved(model, tmp_path)), tmp_path / "a")

    for key in ("input_spec", "output_spec"):
        assert [tensor["dtype"] for tensor in report.result[key]] == names


@pytest.mark.parametrize("ir_version", [3, 8])
def test_initializers_among_the_inputs_are_constants(tmp_path: Path, ir_version: int) -> None:
    model = linear_model()
    model.ir_version = ir_version
    model.graph.input.append(helper.make_tensor_value_info("w", FLOAT, [3, 3]))

    report = execute(compile_request(saved(model, tmp_path)), tmp_path / "a")

    assert [tensor["name"] for tensor in report.result["input_spec"]] == ["x"]
    target = onnx.load(tmp_path / "a" / report.files["target_model"])
    onnx.checker.check_model(target)
    assert [value.name for value in target.graph.input] == ["x"]
    assert [node.op_type for node in target.graph.node] == ["MatMul", "Relu", "MatMul"]


def test_a_model_without_inputs(tmp_path: Path) -> None:
    nodes = [helper.make_node("Neg", ["c"], ["y"])]
    model = build_model(nodes, {}, {"y": (FLOAT, [2])}, {"c": np.ones(2, np.float32)})

    report = execute(compile_request(saved(model, tmp_path)), tmp_path / "a")

    assert report.result["input_spec"] == []
    path = tmp_path / "a" / report.files["target_model"]
    np.testing.assert_array_equal(run_onnx(path)[0], [-1, -1])


def test_large_models_keep_their_weights_beside_the_graph(tmp_path: Path) -> None:
    weight = np.ones((40, 40), np.float32)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    model = build_model(nodes, {"x": (FLOAT, ["N", 40])}, {"y": (FLOAT, ["N", 40])}, {"w": weight})
    request = compile_request(saved(model, tmp_path), spec("x", [1, 40]))
    (tmp_path / "a" / "work").mkdir(parents=True)

    report = compile_model(request, tmp_path / "a", external_data_threshold=1000)

    target = tmp_path / "a" / report.files["target_model"]
    assert target.name == "target_model.onnx.zip"
    with zipfile.ZipFile(target) as archive:
        assert archive.namelist() == ["model.onnx/model.data", "model.onnx/model.onnx"]
        assert archive.getinfo("model.onnx/model.data").file_size >= weight.nbytes
        archive.extractall(tmp_path / "out")
    x = np.ones((1, 40), np.float32)
    np.testing.assert_allclose(run_onnx(tmp_path / "out/model.onnx/model.onnx", x=x)[0], x @ weight)
    again = execute(compile_request(target), tmp_path / "b")
    assert again.result["input_spec"] == report.result["input_spec"]


def test_without_a_target_runtime_a_notice_tells_which_one_it_is(tmp_path: Path) -> None:
    request = compile_request(saved(linear_model(), tmp_path), options=" ")

    report = execute(request, tmp_path / "a")

    (notice,) = report.result["notices"]
    assert notice["severity"] == "INFO"
    assert notice["context"] == "USER"
    assert "onnx" in notice["message"]


def constant_model(path: Path, *values: Any) -> Path:
    """Save a model that returns the same values whatever its input is."""
    model = build_model(
        [helper.make_node("Identity", [f"c{i}"], [f"y{i}"]) for i in range(len(values))],
        {"x": (FLOAT, [1])},
        {
            f"y{i}": (helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
            for i, value in enumerate(values)
        },
        {f"c{i}": value for i, value in enumerate(values)},
    )
    return saved(model, path.parent, path.name)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (np.array([1, 100], "float32"), np.array([1, 100.01], "float32"), None),
        (
            np.array([1, 100], "float32"),
            np.array([1, 101], "float32"),
            "up to 1, where",
        ),
        (np.array([1, 100], "float16"), np.array([1, 100.5], "float16"), None),
        (np.array([1, 100], "float16"), np.array([1, 103], "float16"), "up to 3"),
        (np.array([np.nan, np.inf, 1], "float32"), np.array([np.nan, np.inf, 1], "float32"), None),
        (np.array([np.nan, 1], "float32"), np.array([0, 1], "float32"), "differs"),
        (np.array([np.inf, 1], "float32"), np.array([-np.inf, 1], "float32"), "differs"),
        (np.array([1e-9], "float32"), np.array([2e-9], "float32"), None),
        (np.array([], "float32"), np.array([], "float32"), None),
        (np.array([1, 2, 3], "int64"), np.array([1, 2, 3], "int64"), None),
        (np.array([1, 2, 3], "int64"), np.array([1, 5, 6], "int64"), "in 2 of 3 values"),
        (np.array([True], "bool"), np.array([False], "bool"), "in 1 of 1 values"),
        (np.array([1, 2], "float32"), np.array([[1, 2]], "float32"), "(1, 2) instead of (2,)"),
    ],
)
def test_outputs_that_differ_are_told(
    tmp_path: Path, before: Any, after: Any, told: str | None
) -> None:
    original = constant_model(tmp_path / "original", np.zeros(1, np.float32), before)
    target = constant_model(tmp_path / "target", np.zeros(1, np.float32), after)

    outputs, notices = verify_target(original, target, [spec("x", [1])], tmp_path / "verify")

    assert [output.shape for output in outputs] == [(1,), after.shape]
    assert len(notices) == (told is not None)
    for notice in notices:
        assert notice["severity"] == "WARNING"
        assert "'y1'" in notice["message"]
        assert str(told) in notice["message"]


def test_options_are_read_first(tmp_path: Path) -> None:
    failure = get_failure(compile_request(tmp_path / "none", options="--what 1"), tmp_path / "a")

    assert failure.failure_type is FailureType.INVALID_ARGUMENT


def test_a_model_that_does_not_run_fails(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Add", ["s", "seven"], ["shape"]),
        helper.make_node("Reshape", ["x", "shape"], ["y"]),
    ]
    ports = {"x": (FLOAT, [6]), "s": (INT64, [1])}, {"y": (FLOAT, ["A"])}
    model = build_model(nodes, *ports, {"seven": np.array([7])})

    failure = get_failure(compile_request(saved(model, tmp_path)), tmp_path / "a")

    assert failure.failure_type is FailureType.RUNTIME_UNKNOWN
    assert "cannot run the model on random inputs" in failure.reason


def test_an_output_without_a_shape_is_named(tmp_path: Path) -> None:
    # Nothing is known of the operator, so the shape cannot be inferred.
    nodes = [helper.make_node("Thing", ["x"], ["y"], domain="my.operators")]
    model = build_model(nodes, {"x": (FLOAT, [1, 3])}, {"y": (FLOAT, [1, 3])})
    model.opset_import.append(helper.make_opsetid("my.operators", 1))
    model.graph.output[0].type.tensor_type.ClearField("shape")

    failure = get_failure(compile_request(saved(model, tmp_path)), tmp_path / "a")

    assert failure.reason == (
        "The model declares no shape for its output 'y': export it with shapes, or add them by "
        "onnx.shape_inference.infer_shapes."
    )
