import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from support.execution_models import (
    FLOAT,
    INT64,
    branching_model,
    carried_out,
    compile_request,
    failure_of,
    linear_model,
    linear_result,
    model_of,
    saved,
    spec,
)

from qai_hub.local.execution.attempt import AttemptRequest
from qai_hub.local.execution.compilation import compile_model
from qai_hub.local.execution.failures import FailureType
from qai_hub.local.execution.verification import verify


def run_onnx(path: Path, **inputs: Any) -> list[Any]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    outputs: list[Any] = session.run(None, inputs)
    return outputs


def external_model(folder: Path, location: str = "weights.bin") -> onnx.ModelProto:
    """The linear model, with its weight in a file beside it."""
    model = linear_model()
    tensor = model.graph.initializer[0]
    (folder / "weights.bin").write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return model


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_a_static_model(tmp_path: Path) -> None:
    report = carried_out(compile_request(saved(linear_model(), tmp_path)), tmp_path / "a")

    assert report.failure_type == "JOB_FAILURE_TYPE_SUCCESS"
    assert report.result["target_model_type"] == "MODEL_TYPE_ONNX"
    assert report.result["input_spec"] == [{"name": "x", "shape": [2, 3], "dtype": "float32"}]
    assert report.result["output_spec"] == [{"name": "y", "shape": [2, 3], "dtype": "float32"}]
    assert report.result["notices"] == []
    versions = {tool["name"]: tool["version"] for tool in report.result["tool_versions"]}
    assert versions["ONNX Runtime"] == onnxruntime.__version__
    assert versions["ONNX"] == onnx.__version__


def test_the_target_model_is_folded_standard_and_right(tmp_path: Path) -> None:
    report = carried_out(compile_request(saved(linear_model(), tmp_path)), tmp_path / "a")

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

    report = carried_out(compile_request(model, spec("x", [5, 3])), tmp_path / "a")

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

    report = carried_out(compile_request(saved(model, tmp_path), spec("x", [5, 3])), tmp_path / "a")

    assert report.result["output_spec"][0]["shape"] == [5, 3]
    assert "merging shape" not in capfd.readouterr().err


def test_a_model_with_control_flow(tmp_path: Path) -> None:
    report = carried_out(compile_request(saved(branching_model(), tmp_path)), tmp_path / "a")

    path = tmp_path / "a" / report.files["target_model"]
    x = np.array([-1, -2, 3, -4], np.float32)
    np.testing.assert_array_equal(run_onnx(path, x=x)[0], -x)
    np.testing.assert_array_equal(run_onnx(path, x=-x)[0], -x)


def test_every_element_type_of_the_api(tmp_path: Path) -> None:
    names = ["float32", "float16", "int32", "int64", "int8", "uint8", "int16", "uint16", "bool"]
    elem_types = [helper.np_dtype_to_tensor_dtype(np.dtype(name)) for name in names]
    model = model_of(
        [helper.make_node("Identity", [f"x{i}"], [f"y{i}"]) for i in range(len(names))],
        {f"x{i}": (elem_type, [2]) for i, elem_type in enumerate(elem_types)},
        {f"y{i}": (elem_type, [2]) for i, elem_type in enumerate(elem_types)},
    )

    report = carried_out(compile_request(saved(model, tmp_path)), tmp_path / "a")

    for key in ("input_spec", "output_spec"):
        assert [tensor["dtype"] for tensor in report.result[key]] == names


@pytest.mark.parametrize("ir_version", [3, 8])
def test_initializers_among_the_inputs_are_constants(tmp_path: Path, ir_version: int) -> None:
    model = linear_model()
    model.ir_version = ir_version
    model.graph.input.append(helper.make_tensor_value_info("w", FLOAT, [3, 3]))

    report = carried_out(compile_request(saved(model, tmp_path)), tmp_path / "a")

    assert [tensor["name"] for tensor in report.result["input_spec"]] == ["x"]
    target = onnx.load(tmp_path / "a" / report.files["target_model"])
    assert [value.name for value in target.graph.input] == ["x"]
    assert [node.op_type for node in target.graph.node] == ["MatMul", "Relu", "MatMul"]


def test_without_a_target_runtime_a_notice_tells_which_one_it_is(tmp_path: Path) -> None:
    request = compile_request(saved(linear_model(), tmp_path), options=" ")

    report = carried_out(request, tmp_path / "a")

    (notice,) = report.result["notices"]
    assert notice["severity"] == "INFO"
    assert notice["context"] == "USER"
    assert "onnx" in notice["message"]


def constant(path: Path, *values: Any) -> Path:
    """Save a model that returns the same values whatever its input is."""
    model = model_of(
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
    original = constant(tmp_path / "original", np.zeros(1, np.float32), before)
    target = constant(tmp_path / "target", np.zeros(1, np.float32), after)

    outputs, notices = verify(original, target, [spec("x", [1])])

    assert [output.shape for output in outputs] == [(1,), after.shape]
    assert len(notices) == (told is not None)
    for notice in notices:
        assert notice["severity"] == "WARNING"
        assert "'y1'" in notice["message"]
        assert str(told) in notice["message"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello, this is not a model\n" * 20,
        bytes(100),
        np.random.default_rng(0).bytes(500),
        linear_model().SerializeToString()[:100],
        linear_model().SerializeToString()[:-1],
    ],
    ids=["empty", "text", "zeros", "random", "truncated", "one byte short"],
)
def test_files_that_are_no_models_are_corrupt(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "m").write_bytes(data)

    failure = failure_of(compile_request(tmp_path / "m"), tmp_path / "a")

    assert failure.failure_type is FailureType.MODEL_CORRUPT
    assert "damaged" in failure.reason


def unknown_op(model: onnx.ModelProto) -> None:
    model.graph.node[0].op_type = "Teleport"


def custom_op(model: onnx.ModelProto) -> None:
    model.graph.node[0].domain = "my.domain"
    model.opset_import.add(domain="my.domain", version=1)


def future_opset(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 9999


def future_ir(model: onnx.ModelProto) -> None:
    model.ir_version = 9999


def no_outputs_for(model: onnx.ModelProto) -> None:
    model.graph.output[0].name = "nowhere"


def not_utf8(model: onnx.ModelProto) -> None:
    model.graph.node[0].input[0] = "nowhere"


def wrong_dims(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 7


def long_name(model: onnx.ModelProto) -> None:
    model.graph.input[0].name = model.graph.node[0].input[0] = "x" * 5000


def nul_name(model: onnx.ModelProto) -> None:
    model.graph.input[0].name = model.graph.node[0].input[0] = "x\0y"


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (unknown_op, "No Op registered for Teleport"),
        (custom_op, "my.domain:MatMul"),
        (future_opset, "9999"),
        (future_ir, "9999"),
        (no_outputs_for, "nowhere"),
        (not_utf8, "nowhere"),
        (wrong_dims, "Incompatible dimensions"),
        (long_name, "1 to 1024 characters"),
        (nul_name, "no NUL"),
    ],
)
def test_models_that_break_the_rules_are_invalid(
    tmp_path: Path, spoil: Callable[[onnx.ModelProto], None], told: str
) -> None:
    model = linear_model()
    spoil(model)

    failure = failure_of(compile_request(saved(model, tmp_path)), tmp_path / "a")

    assert failure.failure_type is FailureType.MODEL_INVALID
    assert told in failure.reason
    assert str(tmp_path) not in failure.reason
    assert len(failure.reason) < 2000


def test_reasons_hold_no_escapes_from_the_model(tmp_path: Path) -> None:
    model = linear_model()
    model.graph.node[0].op_type = "\x1b[2JTeleport\r\n"

    failure = failure_of(compile_request(saved(model, tmp_path)), tmp_path / "a")

    assert "Teleport" in failure.reason
    assert failure.reason.isprintable()


def test_text_that_is_not_utf8_is_corrupt(tmp_path: Path) -> None:
    model = linear_model()
    model.graph.node[0].op_type = "MatMuX"
    (tmp_path / "m").write_bytes(model.SerializeToString().replace(b"MatMuX", b"MatMu\xff"))

    failure = failure_of(compile_request(tmp_path / "m"), tmp_path / "a")

    assert failure.failure_type is FailureType.MODEL_CORRUPT


@pytest.mark.parametrize("role", ["input", "output"])
@pytest.mark.parametrize(
    ("elem_type", "told"),
    [
        (TensorProto.DOUBLE, "tensor of DOUBLE"),
        (TensorProto.STRING, "tensor of STRING"),
        (TensorProto.UINT64, "tensor of UINT64"),
    ],
)
def test_element_types_outside_the_api_are_unsupported(
    tmp_path: Path, role: str, elem_type: int, told: str
) -> None:
    types = (elem_type, FLOAT) if role == "input" else (FLOAT, elem_type)
    nodes = [helper.make_node("Cast", ["x"], ["y"], to=types[1])]
    model = model_of(nodes, {"x": (types[0], [1])}, {"y": (types[1], [1])})

    failure = failure_of(compile_request(saved(model, tmp_path)), tmp_path / "a")

    assert failure.failure_type is FailureType.UNSUPPORTED
    assert told in failure.reason
    assert f"The {role}" in failure.reason


def test_sequences_are_unsupported(tmp_path: Path) -> None:
    model = linear_model()
    model.graph.node.append(helper.make_node("SequenceConstruct", ["y"], ["s"]))
    model.graph.output.append(helper.make_tensor_sequence_value_info("s", FLOAT, None))

    failure = failure_of(compile_request(saved(model, tmp_path)), tmp_path / "a")

    assert failure.failure_type is FailureType.UNSUPPORTED
    assert "'s' is of the type sequence" in failure.reason


@pytest.mark.parametrize(
    ("specs", "told"),
    [
        ((), ["Dimension 0 ('N')", "'x': float32[N, 3]", "dynamic"]),
        ((spec("z", [2, 3]),), ["unknown: 'z'", "missing: 'x'", "'x': float32[N, 3]"]),
        ((spec("x", [2, 3]), spec("z", [1])), ["unknown: 'z'"]),
        ((spec("x", [2, 3]), spec("x", [2, 3])), ["twice: 'x'"]),
        ((spec("x", [2, 4]),), ["'x': float32[N, 3]", "float32[2, 4]"]),
        ((spec("x", [6]),), ["'x': float32[N, 3]", "float32[6]"]),
        ((spec("x", [1, 2, 3]),), ["float32[1, 2, 3]"]),
        ((spec("x", [0, 3]),), ["1 or more"]),
        ((spec("x", [-1, 3]),), ["1 or more"]),
        ((spec("x", [2, 3], "float64"),), ["takes float32", "say float64"]),
        ((spec("x", [2, 3], "int32"),), ["takes float32", "say int32"]),
        ((spec("x", [2**60, 3]),), ["too large"]),
    ],
)
def test_input_specs_that_do_not_fit(tmp_path: Path, specs: Any, told: list[str]) -> None:
    request = compile_request(saved(linear_model("N"), tmp_path), *specs)

    failure = failure_of(request, tmp_path / "a")

    assert failure.failure_type is FailureType.INVALID_INPUTS
    assert [part for part in told if part not in failure.reason] == []


def test_shapes_that_the_graph_cannot_take_are_invalid_inputs(tmp_path: Path) -> None:
    model = linear_model("N")
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "M"

    failure = failure_of(compile_request(saved(model, tmp_path), spec("x", [2, 4])), tmp_path / "a")

    assert failure.failure_type is FailureType.INVALID_INPUTS
    assert "'x': float32[2, 4]" in failure.reason


@pytest.mark.parametrize(
    "name",
    ["../../x", "/etc/passwd", "x" * 1000, "データ 🚀", "a b;c", "x\n2026 forged", "\x1b[2J"],
)
def test_hostile_input_names_are_only_names(tmp_path: Path, name: str) -> None:
    request = compile_request(saved(linear_model("N", name=name), tmp_path), spec(name, [2, 3]))

    report = carried_out(request, tmp_path / "a")

    assert report.result["input_spec"][0]["name"] == name
    assert {path.name for path in tmp_path.iterdir()} == {"m1", "a"}
    failure = failure_of(compile_request(request.model), tmp_path / "b")
    assert "\n" not in failure.reason
    assert "\x1b" not in failure.reason
    assert len(failure.reason) < 1000


@pytest.mark.parametrize("model_type", ["MODEL_TYPE_TFLITE", "MODEL_TYPE_TORCHSCRIPT"])
def test_other_formats_are_unsupported(tmp_path: Path, model_type: str) -> None:
    request = AttemptRequest(
        kind="compile", model=tmp_path / "m", model_type=model_type, options=""
    )

    failure = failure_of(request, tmp_path / "a")

    assert failure.failure_type is FailureType.UNSUPPORTED
    assert "ONNX models only" in failure.reason


def test_options_are_read_first(tmp_path: Path) -> None:
    failure = failure_of(compile_request(tmp_path / "none", options="--what 1"), tmp_path / "a")

    assert failure.failure_type is FailureType.INVALID_ARGUMENT


def test_a_model_that_does_not_run_fails(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Add", ["s", "seven"], ["shape"]),
        helper.make_node("Reshape", ["x", "shape"], ["y"]),
    ]
    ports = {"x": (FLOAT, [6]), "s": (INT64, [1])}, {"y": (FLOAT, ["A"])}
    model = model_of(nodes, *ports, {"seven": np.array([7])})

    failure = failure_of(compile_request(saved(model, tmp_path)), tmp_path / "a")

    assert failure.failure_type is FailureType.RUNTIME_UNKNOWN
    assert "does not run on random inputs" in failure.reason


def test_a_zipped_directory_with_external_weights(tmp_path: Path) -> None:
    model = external_model(tmp_path)
    archive = zipped(
        tmp_path / "m.zip",
        {
            "net/model.onnx": model.SerializeToString(),
            "net/weights.bin": (tmp_path / "weights.bin").read_bytes(),
            "net/readme.txt": b"text",
        },
    )

    report = carried_out(compile_request(archive), tmp_path / "a")

    x = np.ones((2, 3), np.float32)
    path = tmp_path / "a" / report.files["target_model"]
    np.testing.assert_allclose(run_onnx(path, x=x)[0], linear_result(x), rtol=1e-5)


def test_large_models_keep_their_weights_beside_the_graph(tmp_path: Path) -> None:
    weight = np.ones((40, 40), np.float32)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    model = model_of(nodes, {"x": (FLOAT, ["N", 40])}, {"y": (FLOAT, ["N", 40])}, {"w": weight})
    request = compile_request(saved(model, tmp_path), spec("x", [1, 40]))
    (tmp_path / "a" / "work").mkdir(parents=True)

    report = compile_model(request, tmp_path / "a", external_from=1000)

    target = tmp_path / "a" / report.files["target_model"]
    assert target.name == "target_model.onnx.zip"
    with zipfile.ZipFile(target) as archive:
        assert archive.namelist() == ["model.onnx/model.data", "model.onnx/model.onnx"]
        assert archive.getinfo("model.onnx/model.data").file_size >= weight.nbytes
        archive.extractall(tmp_path / "out")
    x = np.ones((1, 40), np.float32)
    np.testing.assert_allclose(run_onnx(tmp_path / "out/model.onnx/model.onnx", x=x)[0], x @ weight)
    again = carried_out(compile_request(target), tmp_path / "b")
    assert again.result["input_spec"] == report.result["input_spec"]


def test_a_single_file_cannot_refer_to_others(tmp_path: Path) -> None:
    model = external_model(tmp_path)

    failure = failure_of(compile_request(saved(model, tmp_path)), tmp_path / "a")

    assert failure.failure_type is FailureType.MODEL_INVALID
    assert "'weights.bin': upload the directory" in failure.reason


@pytest.mark.parametrize(
    "location",
    ["../secret", "/etc/passwd", "missing.bin", "", "a/../../secret", "*/_ORT_MEM_ADDR_/*", "a\0b"],
)
def test_external_weights_must_have_come_with_the_model(tmp_path: Path, location: str) -> None:
    (tmp_path / "a" / "work" / "model").parent.mkdir(parents=True)
    (tmp_path / "a" / "work" / "secret").write_bytes(bytes(36))
    model = external_model(tmp_path, location)
    archive = zipped(tmp_path / "m.zip", {"model.onnx": model.SerializeToString()})

    with pytest.raises(Exception, match="which is not beside it") as caught:
        compile_model(compile_request(archive), tmp_path / "a")

    assert getattr(caught.value, "failure_type", None) is FailureType.MODEL_INVALID


def test_external_weights_are_never_addresses_in_memory(tmp_path: Path) -> None:
    model = external_model(tmp_path, "*/_ORT_MEM_ADDR_/*")
    archive = zipped(
        tmp_path / "m.zip",
        {"model.onnx": model.SerializeToString(), "*/_ORT_MEM_ADDR_/*": bytes(36)},
    )

    failure = failure_of(compile_request(archive), tmp_path / "a")

    assert failure.failure_type is FailureType.MODEL_INVALID
    assert "which is not beside it" in failure.reason


def test_external_weights_are_found_wherever_a_model_hides_them(tmp_path: Path) -> None:
    tensor = external_model(tmp_path, "../secret").graph.initializer[0]
    model = branching_model()
    branch = model.graph.node[2].attribute[0].g
    branch.node.append(helper.make_node("Constant", [], ["hidden"], value=tensor))

    failure = failure_of(compile_request(saved(model, tmp_path)), tmp_path / "a")

    assert "'../secret'" in failure.reason


@pytest.mark.parametrize(
    ("names", "told"),
    [([], "none"), (["readme.txt"], "none"), (["a.onnx", "b/c.onnx"], "'a.onnx', 'c.onnx'")],
)
def test_a_directory_holds_exactly_one_model(tmp_path: Path, names: list[str], told: str) -> None:
    archive = zipped(tmp_path / "m.zip", dict.fromkeys(names, b""))

    failure = failure_of(compile_request(archive), tmp_path / "a")

    assert failure.failure_type is FailureType.MODEL_INVALID
    assert f"this one has {told}" in failure.reason
