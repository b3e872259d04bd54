"""Compile jobs that ask for other inputs and outputs than the model's."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from support.execution_models import (
    FLOAT,
    INT64,
    build_model,
    compile_request,
    conv_net,
    dataset,
    execute,
    get_failure,
    linear_model,
    quantize_request,
    run_onnx,
    samples,
    saved,
    spec,
    two_inputs,
)

from qai_hub.local.engine.compile import compile_model
from qai_hub.local.engine.failures import FailureType
from qai_hub.local.engine.protocol import Report, TensorSpec

INDEX = np.array([1], np.int64)
X = np.array([1, 2], np.float32)


def compile_with(
    model: Path, folder: Path, *specs: TensorSpec, options: str = ""
) -> tuple[Report, Path]:
    request = compile_request(model, *specs, options=f"--target_runtime onnx {options}")
    report = execute(request, folder)
    target = folder / report.files["target_model"]
    onnx.checker.check_model(target, full_check=True)
    return report, target


def ports(report: Report, of: str = "input_spec") -> list[str]:
    return [str(TensorSpec.from_json(value)) for value in report.result[of]]


def messages(report: Report) -> list[str]:
    return [notice["message"] for notice in report.result["notices"]]


def image_model(shape: Sequence[int | str]) -> onnx.ModelProto:
    """y = -x, z = y + y, of one shape."""
    nodes = [helper.make_node("Neg", ["x"], ["y"]), helper.make_node("Add", ["y", "y"], ["z"])]
    return build_model(nodes, {"x": (FLOAT, shape)}, {"y": (FLOAT, shape), "z": (FLOAT, shape)})


def test_outputs_get_the_names_of_the_options(tmp_path: Path) -> None:
    report, target = compile_with(
        two_inputs(tmp_path), tmp_path / "a", options="--output_names s,m"
    )

    assert ports(report, "output_spec") == ["'s': float32[1, 2]", "'m': float32[1, 2]"]
    assert [value.name for value in onnx.load(target).graph.output] == ["s", "m"]
    np.testing.assert_array_equal(run_onnx(target, x=X, index=INDEX)[1], [[-11, -22]])
    assert messages(report) == []


def test_outputs_can_swap_their_names_and_take_inner_ones(tmp_path: Path) -> None:
    model = two_inputs(tmp_path)

    report, target = compile_with(model, tmp_path / "a", options="--output_names minus,sum")
    assert ports(report, "output_spec") == ["'minus': float32[1, 2]", "'sum': float32[1, 2]"]
    np.testing.assert_array_equal(run_onnx(target, x=X, index=INDEX)[0], [[11, 22]])

    report, target = compile_with(model, tmp_path / "b", options="--output_names table,picked")
    np.testing.assert_array_equal(run_onnx(target, x=X, index=INDEX)[1], [[-11, -22]])


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (
            "--output_names one",
            ["it has 1", "the outputs of the model are ", "'sum': float32[1, 2]", "'minus'"],
        ),
        ("--output_names a,b,c", ["it has 3"]),
        ("--output_names x,b", ["would have the name 'x'"]),
        ("--output_names b,index", ["would have the name 'index'"]),
        (f"--output_names a,{'b' * 1025}", ["1 to 1024"]),
        ("--force_channel_last_input image", ["'image'", "inputs are 'x': float32[2], 'index'"]),
        ("--force_channel_last_input x", ["'x': float32[2]", "3, 4, 5 dimensions"]),
        ("--force_channel_last_output x", ["'x'", "outputs are 'sum': float32[1, 2], 'minus'"]),
        ("--output_names a,b --force_channel_last_output sum", ["outputs are 'a': float32[1, 2]"]),
    ],
)
def test_options_that_do_not_fit(tmp_path: Path, options: str, parts: list[str]) -> None:
    request = compile_request(two_inputs(tmp_path), options=f"--target_runtime onnx {options}")

    failure = get_failure(request, tmp_path / "a")

    assert failure.failure_type is FailureType.INVALID_ARGUMENT
    assert [part for part in parts if part not in failure.reason] == []


def test_specs_with_new_names_rename_the_inputs_in_order(tmp_path: Path) -> None:
    specs = spec("vector", [2]), spec("row", [1], "int64")

    report, target = compile_with(two_inputs(tmp_path), tmp_path / "a", *specs)

    assert ports(report) == ["'vector': float32[2]", "'row': int64[1]"]
    assert messages(report) == [
        "The input 'x' was renamed to 'vector', as input_specs request.",
        "The input 'index' was renamed to 'row', as input_specs request.",
    ]
    np.testing.assert_array_equal(run_onnx(target, vector=X, row=INDEX)[0], [[11, 22]])


def test_specs_with_the_models_names_can_be_in_any_order(tmp_path: Path) -> None:
    specs = spec("index", [1], "int64"), spec("x", [2])

    report, _ = compile_with(two_inputs(tmp_path), tmp_path / "a", *specs)

    assert ports(report) == ["'x': float32[2]", "'index': int64[1]"]
    assert messages(report) == []


def test_one_input_of_two_is_renamed(tmp_path: Path) -> None:
    specs = spec("x", [2]), spec("picked", [1], "int64")

    report, target = compile_with(two_inputs(tmp_path), tmp_path / "a", *specs)

    assert ports(report) == ["'x': float32[2]", "'picked': int64[1]"]
    np.testing.assert_array_equal(run_onnx(target, x=X, picked=INDEX)[0], [[11, 22]])


@pytest.mark.parametrize(
    "specs",
    [
        (spec("index", [1], "int64"), spec("vector", [2])),
        (spec("vector", [2]),),
        (spec("a", [2]), spec("b", [1], "int64"), spec("c", [1])),
        (spec("a", [2]), spec("a", [1], "int64")),
        # Renamed in order, the shapes do not fit.
        (spec("row", [1], "int64"), spec("vector", [2])),
        (spec("sum", [2]), spec("row", [2], "int64")),
    ],
)
def test_specs_that_can_be_no_new_names(tmp_path: Path, specs: Any) -> None:
    failure = get_failure(compile_request(two_inputs(tmp_path), *specs), tmp_path / "a")

    assert failure.failure_type is FailureType.INVALID_INPUTS


def test_a_name_of_the_models_own_in_anothers_place_is_taken_for_a_slip(tmp_path: Path) -> None:
    nodes = [helper.make_node("Sub", ["x", "y"], ["z"])]
    model = build_model(nodes, {"x": (FLOAT, [2]), "y": (FLOAT, [2])}, {"z": (FLOAT, [2])})
    request = compile_request(saved(model, tmp_path), spec("y", [2]), spec("minus", [2]))

    failure = get_failure(request, tmp_path / "a")

    assert "unknown: 'minus', missing: 'x'" in failure.reason
    assert "To rename inputs, give a spec for each of them, in this order." in failure.reason


def test_an_input_cannot_have_the_name_of_an_output(tmp_path: Path) -> None:
    specs = spec("sum", [2]), spec("row", [1], "int64")
    model = two_inputs(tmp_path)

    failure = get_failure(compile_request(model, *specs), tmp_path / "a")
    assert "would have the name 'sum'" in failure.reason

    _, target = compile_with(model, tmp_path / "b", *specs, options="--output_names x,index")
    np.testing.assert_array_equal(run_onnx(target, sum=X, row=INDEX)[0], [[11, 22]])


def test_an_input_of_a_narrower_type_is_cast_inside(tmp_path: Path) -> None:
    specs = spec("x", [2], "uint8"), spec("index", [1], "int32")

    report, target = compile_with(two_inputs(tmp_path), tmp_path / "a", *specs)

    assert ports(report) == ["'x': uint8[2]", "'index': int32[1]"]
    assert messages(report) == [
        f"The input {name!r} has the type {outer}, as input_specs request, and is cast to the "
        f"model's {inner} without scaling."
        for name, outer, inner in (("x", "uint8", "float32"), ("index", "int32", "int64"))
    ]
    given = {"x": X.astype(np.uint8), "index": INDEX.astype(np.int32)}
    np.testing.assert_array_equal(run_onnx(target, **given)[0], [[11, 22]])


@pytest.mark.parametrize("wanted", ["float32", "uint16", "int32"])
def test_types_with_values_that_do_not_fit_are_refused(tmp_path: Path, wanted: str) -> None:
    nodes = [helper.make_node("Cast", ["x"], ["y"], to=FLOAT)]
    int16 = onnx.TensorProto.INT16
    model = saved(build_model(nodes, {"x": (int16, [2])}, {"y": (FLOAT, [2])}), tmp_path)

    failure = get_failure(compile_request(model, spec("x", [2], wanted)), tmp_path / "a")

    assert f"cannot hold every value of the type in input_specs, {wanted}" in failure.reason


def test_64_bit_inputs_and_outputs_are_truncated(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Add", ["i", "i"], ["j"]),
        helper.make_node("Cast", ["j"], ["f"], to=FLOAT),
        helper.make_node("Add", ["f", "x"], ["y"]),
    ]
    inputs = {"i": (INT64, [2]), "x": (FLOAT, [2])}
    model = saved(build_model(nodes, inputs, {"j": (INT64, [2]), "y": (FLOAT, [2])}), tmp_path)

    report, target = compile_with(
        model,
        tmp_path / "a",
        spec("x", [2]),
        spec("i", [2], "int64"),
        options="--truncate_64bit_io",
    )

    assert ports(report) == ["'i': int32[2]", "'x': float32[2]"]
    assert ports(report, "output_spec") == ["'j': int32[2]", "'y': float32[2]"]
    j, y = run_onnx(target, i=np.array([3, 2**30], np.int32), x=X)
    np.testing.assert_array_equal(j, np.array([6, -(2**31)], np.int32))
    np.testing.assert_array_equal(y, np.array([7, 2**31 + 2], np.float32))
    report, _ = compile_with(model, tmp_path / "b", options="--truncate_64bit_io false")
    assert ports(report) == ["'i': int64[2]", "'x': float32[2]"]


@pytest.mark.parametrize(
    ("shape", "last", "axes"),
    [
        ((3, 4, 5), (4, 5, 3), (1, 2, 0)),
        ((2, 3, 4, 5), (2, 4, 5, 3), (0, 2, 3, 1)),
        ((2, 3, 4, 5, 6), (2, 4, 5, 6, 3), (0, 2, 3, 4, 1)),
    ],
)
def test_channels_last(
    tmp_path: Path,
    shape: tuple[int, ...],
    last: tuple[int, ...],
    axes: tuple[int, ...],
) -> None:
    model = saved(image_model(["N", *shape[1:]]), tmp_path)
    options = "--output_names a,b --force_channel_last_output b --force_channel_last_input image"

    report, target = compile_with(model, tmp_path / "a", spec("image", shape), options=options)

    assert report.result["input_spec"][0]["shape"] == list(last)
    assert [value["shape"] for value in report.result["output_spec"]] == [list(shape), list(last)]
    (x,) = samples(1, *shape)
    a, b = run_onnx(target, image=x.transpose(axes))
    np.testing.assert_array_equal(a, -x)
    np.testing.assert_array_equal(b, (-2 * x).transpose(axes))


def test_an_open_dimension_is_named_as_the_model_has_it(tmp_path: Path) -> None:
    model = saved(image_model([1, 3, "H", 8]), tmp_path)

    failure = get_failure(
        compile_request(model, options="--target_runtime onnx --force_channel_last_input x"),
        tmp_path / "a",
    )

    assert "Dimension 2 ('H') of the input 'x': float32[1, 3, H, 8]" in failure.reason


def test_models_of_old_exporters_list_their_weights_among_the_inputs(tmp_path: Path) -> None:
    model = linear_model()
    model.ir_version = 3
    model.graph.input.insert(0, helper.make_tensor_value_info("w", FLOAT, [3, 3]))
    source = saved(model, tmp_path)

    # The new names are those of the weights and of a tensor within.
    report, target = compile_with(
        source, tmp_path / "a", spec("w", [2, 3]), options="--output_names m"
    )

    assert ports(report) == ["'w': float32[2, 3]"]
    (x,) = samples(1, 2, 3)
    _, before = compile_with(source, tmp_path / "b")
    np.testing.assert_array_equal(run_onnx(target, w=x)[0], run_onnx(before, x=x)[0])


def test_quantized_models_stay_quantized_to_their_ends(tmp_path: Path) -> None:
    model = conv_net()
    del model.graph.node[4:], model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("r2", FLOAT, [1, 8, 14, 14]))
    x = samples(4, 1, 3, 16, 16)
    data = dataset(tmp_path / "data", {"x": x})
    report = execute(quantize_request(saved(model, tmp_path), data), tmp_path / "q")
    quantized = tmp_path / "q" / report.files["target_model"]

    report, target = compile_with(
        quantized,
        tmp_path / "a",
        options="--force_channel_last_input x --force_channel_last_output r2",
    )

    assert messages(report) == []
    _, before = compile_with(quantized, tmp_path / "b")
    expected = run_onnx(before, x=x[0])[0].transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(run_onnx(target, x=x[0].transpose(0, 2, 3, 1))[0], expected)
    # Else the chips that compute with integers alone could not transpose.
    nodes = onnx.load(target).graph.node
    makers = {name: node.op_type for node in nodes for name in node.output}
    users = {name: node.op_type for node in nodes for name in node.input}
    found = [node for node in nodes if node.op_type == "Transpose"]
    assert [makers[node.input[0]] for node in found] == ["DequantizeLinear"] * 2
    assert [users[node.output[0]] for node in found] == ["QuantizeLinear"] * 2


def test_weights_in_a_file_of_their_own_stay_there(tmp_path: Path) -> None:
    weight = np.random.default_rng(2).standard_normal((40, 40)).astype(np.float32)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    model = build_model(nodes, {"x": (FLOAT, [1, 40])}, {"y": (FLOAT, [1, 40])}, {"w": weight})
    for folder in ("a", "b"):
        (tmp_path / folder / "work").mkdir(parents=True)
    request = compile_request(saved(model, tmp_path))
    apart = compile_model(request, tmp_path / "a", external_data_threshold=1000).files[
        "target_model"
    ]
    request = compile_request(
        tmp_path / "a" / apart,
        # The name of the tensor in the other file.
        spec("w", [1, 40], "int16"),
        options="--target_runtime onnx --output_names x",
    )

    report = compile_model(request, tmp_path / "b", external_data_threshold=1000)

    with zipfile.ZipFile(tmp_path / "b" / report.files["target_model"]) as archive:
        assert archive.getinfo("model.onnx/model.data").file_size >= weight.nbytes
        archive.extractall(tmp_path / "out")
    x = np.arange(40, dtype=np.int16).reshape(1, 40)
    (y,) = run_onnx(tmp_path / "out/model.onnx/model.onnx", w=x)
    np.testing.assert_allclose(y, x @ weight, rtol=1e-5)
    assert ports(report, "output_spec") == ["'x': float32[1, 40]"]
