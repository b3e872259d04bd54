from pathlib import Path

import h5py
import numpy as np
import pytest
from onnx import TensorProto, helper
from support.execution_models import (
    FLOAT,
    build_model,
    dataset,
    execute,
    get_failure,
    linear_model,
    linear_result,
    onnx_input,
    read_dataset,
    run_request,
    samples,
    saved,
    two_inputs,
)

from qai_hub.local.engine.attempt import AttemptRequest
from qai_hub.local.engine.failures import FailureType


def test_outputs_are_those_of_the_model(tmp_path: Path) -> None:
    inputs = samples(3)
    request = run_request(saved(linear_model(), tmp_path), dataset(tmp_path / "d", {"x": inputs}))

    report = execute(request, tmp_path / "a")

    assert report.failure_type == "JOB_FAILURE_TYPE_SUCCESS"
    assert "profile" not in report.result
    outputs = read_dataset(tmp_path / "a" / report.files["output_data"])
    assert list(outputs) == ["y"]
    assert len(outputs["y"]) == 3
    for x, y in zip(inputs, outputs["y"], strict=True):
        assert y.dtype == np.float32
        np.testing.assert_allclose(y, linear_result(x), rtol=1e-5)


def test_several_inputs_and_outputs_keep_the_models_order(tmp_path: Path) -> None:
    model = two_inputs(tmp_path)
    tensors = {
        "index": [np.array([1]), np.array([2])],
        "x": [np.zeros(2, np.float32), np.ones(2, np.float32)],
    }

    report = execute(run_request(model, dataset(tmp_path / "d", tensors)), tmp_path / "a")

    outputs = read_dataset(tmp_path / "a" / report.files["output_data"])
    assert list(outputs) == ["sum", "minus"]
    np.testing.assert_array_equal(outputs["sum"], [[[10, 20]], [[31, 41]]])
    np.testing.assert_array_equal(outputs["minus"], np.negative(outputs["sum"]))


def test_dynamic_dimensions_follow_each_sample(tmp_path: Path) -> None:
    inputs = [np.ones((n, 3), np.float32) for n in (1, 4, 2)]
    model = saved(linear_model("N"), tmp_path)

    report = execute(run_request(model, dataset(tmp_path / "d", {"x": inputs})), tmp_path / "a")

    outputs = read_dataset(tmp_path / "a" / report.files["output_data"])
    assert [y.shape for y in outputs["y"]] == [(1, 3), (4, 3), (2, 3)]


def test_random_inputs_need_sizes_and_are_told_how_to_get_them(tmp_path: Path) -> None:
    model = saved(linear_model("N"), tmp_path)

    failure = get_failure(run_request(model, profile=True), tmp_path / "a")

    assert "such as {'x': (1, 3)} (on the command line: --input-specs " in failure.reason


@pytest.mark.parametrize("dtype", ["float16", "int8", "uint16", "bool"])
def test_element_types_are_kept(tmp_path: Path, dtype: str) -> None:
    elem_type = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes = [helper.make_node("Identity", ["x"], ["y"])]
    model = saved(build_model(nodes, {"x": (elem_type, [4])}, {"y": (elem_type, [4])}), tmp_path)
    x = np.array([0, 1, 1, 0], dtype)

    report = execute(run_request(model, dataset(tmp_path / "d", {"x": [x]})), tmp_path / "a")

    (y,) = read_dataset(tmp_path / "a" / report.files["output_data"])["y"]
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(y, x)


def test_samples_of_the_other_byte_order_keep_their_values(tmp_path: Path) -> None:
    x = samples(1)[0]
    data = dataset(tmp_path / "d", {"x": [x.astype(">f4")]})

    report = execute(run_request(saved(linear_model(), tmp_path), data), tmp_path / "a")

    (y,) = read_dataset(tmp_path / "a" / report.files["output_data"])["y"]
    np.testing.assert_allclose(y, linear_result(x), rtol=1e-5)


@pytest.mark.parametrize(
    ("units", "told"),
    [
        ("cpu", []),
        ("all", []),
        ("cpu,npu", ["The model ran on cpu, not on npu."]),
        (
            "gpu",
            [
                (
                    "--compute_unit gpu had no effect: this hub has no GPU, and the model ran on "
                    "the CPU of this hub's host. Times and outputs are not those of a GPU."
                )
            ],
        ),
    ],
)
def test_compute_units_that_are_not_here_are_told(
    tmp_path: Path, units: str, told: list[str]
) -> None:
    data = dataset(tmp_path / "d", {"x": samples(1)})
    model = saved(linear_model(), tmp_path)

    report = execute(run_request(model, data, options=f"--compute_unit {units}"), tmp_path / "a")

    assert [notice["message"] for notice in report.result["notices"]] == told
    assert "output_data" in report.files


def test_options_that_inference_ignores_are_noticed(tmp_path: Path) -> None:
    data = dataset(tmp_path / "d", {"x": samples(1)})
    options = "--max_profiler_iterations 3 --qnn_options a=b"

    report = execute(
        run_request(saved(linear_model(), tmp_path), data, options=options), tmp_path / "a"
    )

    told = [notice["message"].partition(" was ignored")[0] for notice in report.result["notices"]]
    assert told == ["The option --max_profiler_iterations", "The option --qnn_options"]


def test_a_sample_that_the_model_cannot_take_is_named(tmp_path: Path) -> None:
    tensors = {"x": [np.zeros(2, np.float32)] * 2, "index": [np.array([0]), np.array([99])]}

    failure = get_failure(
        run_request(two_inputs(tmp_path), dataset(tmp_path / "d", tensors)), tmp_path / "a"
    )

    assert failure.failure_type is FailureType.RUNTIME_UNKNOWN
    assert "cannot run the model on sample 1 of the dataset" in failure.reason
    assert "out of data bounds" in failure.reason


@pytest.mark.parametrize("name", ["../../x", "/data/0", "x" * 1000, "データ", "batch_0"])
def test_hostile_names_are_only_names(tmp_path: Path, name: str) -> None:
    data = dataset(tmp_path / "d", {name: samples(1)})

    report = execute(run_request(saved(linear_model(name=name), tmp_path), data), tmp_path / "a")

    assert report.files == {"output_data": "output_data.h5"}
    assert {path.name for path in tmp_path.iterdir()} == {"a", "d", "m1"}


def test_a_model_without_inputs_has_no_samples(tmp_path: Path) -> None:
    model = build_model(
        [helper.make_node("Identity", ["c"], ["y"])], {}, {"y": (FLOAT, [1])}, {"c": np.zeros(1)}
    )
    with h5py.File(tmp_path / "d", "w") as file:
        file.create_group("data")

    failure = get_failure(run_request(saved(model, tmp_path), tmp_path / "d"), tmp_path / "a")

    assert failure.failure_type is FailureType.INVALID_INPUTS


def test_models_that_do_not_load(tmp_path: Path) -> None:
    data = dataset(tmp_path / "d", {"x": samples(1)})
    broken = linear_model()
    broken.graph.node[0].op_type = "Teleport"
    unsupported = linear_model()
    unsupported.graph.input[0].type.tensor_type.elem_type = TensorProto.STRING
    for number, (model, failure_type) in enumerate(
        [
            (saved(broken, tmp_path, "m1"), FailureType.MODEL_INVALID),
            (saved(unsupported, tmp_path, "m2"), FailureType.UNSUPPORTED),
            (data, FailureType.MODEL_CORRUPT),
        ]
    ):
        failure = get_failure(run_request(model, data), tmp_path / f"a{number}")

        assert failure.failure_type is failure_type


def test_a_run_must_have_a_purpose(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs a dataset"):
        AttemptRequest(kind="run", inputs=(onnx_input(tmp_path),), options="")
