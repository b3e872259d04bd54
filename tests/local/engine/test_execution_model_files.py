import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from support.execution_models import (
    FLOAT,
    branching_model,
    build_model,
    compile_request,
    execute,
    get_failure,
    linear_model,
    linear_result,
    run_onnx,
    saved,
)

from qai_hub.local.engine.attempt import AttemptRequest, InputModel
from qai_hub.local.engine.compile import compile_model
from qai_hub.local.engine.failures import FailureType


def external_model(folder: Path, location: str = "weights.bin") -> onnx.ModelProto:
    """The linear model, with its weight in a file beside it."""
    model = linear_model()
    tensor = model.graph.initializer[0]
    (folder / "weights.bin").write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return model


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


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

    failure = get_failure(compile_request(tmp_path / "m"), tmp_path / "a")

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


def from_nowhere(model: onnx.ModelProto) -> None:
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
        (from_nowhere, "nowhere"),
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

    failure = get_failure(compile_request(saved(model, tmp_path)), tmp_path / "a")

    assert failure.failure_type is FailureType.MODEL_INVALID
    assert told in failure.reason
    assert str(tmp_path) not in failure.reason
    assert len(failure.reason) < 2000


def test_reasons_hold_no_escapes_from_the_model(tmp_path: Path) -> None:
    model = linear_model()
    model.graph.node[0].op_type = "\x1b[2JTeleport\r\n"

    failure = get_failure(compile_request(saved(model, tmp_path)), tmp_path / "a")

    assert "Teleport" in failure.reason
    assert failure.reason.isprintable()


def test_text_that_is_not_utf8_is_corrupt(tmp_path: Path) -> None:
    model = linear_model()
    model.graph.node[0].op_type = "MatMuX"
    (tmp_path / "m").write_bytes(model.SerializeToString().replace(b"MatMuX", b"MatMu\xff"))

    failure = get_failure(compile_request(tmp_path / "m"), tmp_path / "a")

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
    model = build_model(nodes, {"x": (types[0], [1])}, {"y": (types[1], [1])})

    failure = get_failure(compile_request(saved(model, tmp_path)), tmp_path / "a")

    assert failure.failure_type is FailureType.UNSUPPORTED
    assert told in failure.reason
    assert f"The {role}" in failure.reason


def test_sequences_are_unsupported(tmp_path: Path) -> None:
    model = linear_model()
    model.graph.node.append(helper.make_node("SequenceConstruct", ["y"], ["s"]))
    model.graph.output.append(helper.make_tensor_sequence_value_info("s", FLOAT, None))

    failure = get_failure(compile_request(saved(model, tmp_path)), tmp_path / "a")

    assert failure.failure_type is FailureType.UNSUPPORTED
    assert "'s' has the unsupported type sequence" in failure.reason


@pytest.mark.parametrize("model_type", ["MODEL_TYPE_TFLITE", "MODEL_TYPE_MLMODEL"])
def test_other_formats_are_unsupported(tmp_path: Path, model_type: str) -> None:
    model = InputModel(path=tmp_path / "m", model_type=model_type)
    request = AttemptRequest(kind="compile", inputs=(model,), options="")

    failure = get_failure(request, tmp_path / "a")

    assert failure.failure_type is FailureType.UNSUPPORTED
    assert f"models of the format {model_type.removeprefix('MODEL_TYPE_')}:" in failure.reason


def test_a_zipped_directory_with_external_weights(tmp_path: Path) -> None:
    model = external_model(tmp_path)
    archive = write_zip(
        tmp_path / "m.zip",
        {
            "net/model.onnx": model.SerializeToString(),
            "net/weights.bin": (tmp_path / "weights.bin").read_bytes(),
            "net/readme.txt": b"text",
        },
    )

    report = execute(compile_request(archive), tmp_path / "a")

    x = np.ones((2, 3), np.float32)
    path = tmp_path / "a" / report.files["target_model"]
    np.testing.assert_allclose(run_onnx(path, x=x)[0], linear_result(x), rtol=1e-5)


def test_a_single_file_cannot_refer_to_others(tmp_path: Path) -> None:
    model = external_model(tmp_path)

    failure = get_failure(compile_request(saved(model, tmp_path)), tmp_path / "a")

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
    archive = write_zip(tmp_path / "m.zip", {"model.onnx": model.SerializeToString()})

    with pytest.raises(Exception, match="which is not beside it") as caught:
        compile_model(compile_request(archive), tmp_path / "a")

    assert getattr(caught.value, "failure_type", None) is FailureType.MODEL_INVALID


def test_external_weights_are_never_addresses_in_memory(tmp_path: Path) -> None:
    model = external_model(tmp_path, "*/_ORT_MEM_ADDR_/*")
    archive = write_zip(
        tmp_path / "m.zip",
        {"model.onnx": model.SerializeToString(), "*/_ORT_MEM_ADDR_/*": bytes(36)},
    )

    failure = get_failure(compile_request(archive), tmp_path / "a")

    assert failure.failure_type is FailureType.MODEL_INVALID
    assert "which is not beside it" in failure.reason


def test_external_weights_are_found_wherever_a_model_hides_them(tmp_path: Path) -> None:
    tensor = external_model(tmp_path, "../secret").graph.initializer[0]
    model = branching_model()
    branch = model.graph.node[2].attribute[0].g
    branch.node.append(helper.make_node("Constant", [], ["hidden"], value=tensor))

    failure = get_failure(compile_request(saved(model, tmp_path)), tmp_path / "a")

    assert "'../secret'" in failure.reason


@pytest.mark.parametrize(
    ("names", "told"),
    [([], "none"), (["readme.txt"], "none"), (["a.onnx", "b/c.onnx"], "'a.onnx', 'c.onnx'")],
)
def test_a_directory_holds_exactly_one_model(tmp_path: Path, names: list[str], told: str) -> None:
    archive = write_zip(tmp_path / "m.zip", dict.fromkeys(names, b""))

    failure = get_failure(compile_request(archive), tmp_path / "a")

    assert failure.failure_type is FailureType.MODEL_INVALID
    assert f"this one contains {told}" in failure.reason
