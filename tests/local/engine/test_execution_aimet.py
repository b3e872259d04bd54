from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from support.aimet_models import Affine, aimet_archive, aimet_request, encodings, matmul_model
from support.execution_models import (
    FLOAT,
    branching_model,
    build_model,
    conv_net,
    execute,
    linear_model,
    run_onnx,
    saved,
    spec,
)

from qai_hub.local.engine.importers.aimet import open_aimet
from qai_hub.local.engine.onnx.session import OptimizationLevel, Session

VERSIONS = ("0.6.1", "1.0.0", "2.0.0")
SCALES = st.floats(2**-12, 1, width=32)
BITS = st.sampled_from([4, 8, 16])
VALUES = st.lists(st.floats(-8, 8, width=32), min_size=12, max_size=12)


@st.composite
def affines(draw: st.DrawFn, channels: int = 1) -> Affine:
    """Symmetric around 0, or with any zero point."""
    bits = draw(BITS)
    scales = draw(st.lists(SCALES, min_size=channels, max_size=channels))
    lowest = st.just(-(2 ** (bits - 1))) | st.integers(1 - 2**bits, 0)
    offsets = st.lists(lowest, min_size=channels, max_size=channels)
    symmetric = st.just([-(2 ** (bits - 1))] * channels)
    return Affine(scales, draw(symmetric | offsets), bits)


def elementwise_model(weight: Any) -> onnx.ModelProto:
    """y = relu(x + w) * 3, in which a tensor has two consumers."""
    nodes = [
        helper.make_node("Add", ["x", "w"], ["sum"]),
        helper.make_node("Relu", ["sum"], ["relu"]),
        helper.make_node("Mul", ["relu", "three"], ["y"]),
        helper.make_node("Neg", ["relu"], ["z"]),
    ]
    ports = {"x": (FLOAT, [3, 4])}, {"y": (FLOAT, [3, 4]), "z": (FLOAT, [3, 4])}
    return build_model(nodes, *ports, {"w": weight, "three": np.float32(3)})


def as_array(values: list[float]) -> Any:
    return np.array(values, np.float32).reshape(3, 4)


def run(model: onnx.ModelProto, content: object, **inputs: Any) -> list[Any]:
    with TemporaryDirectory() as folder:
        work = Path(folder)
        opened = open_aimet(aimet_archive(work / "m", model, content), work)
        onnx.checker.check_model(opened.path)
        # The optimiser fuses Q and DQ nodes with others, which rounds otherwise.
        return Session(opened.path, level=OptimizationLevel.ORT_DISABLE_ALL).run(inputs, "a test")


@settings(deadline=None, max_examples=40)
@given(
    version=st.sampled_from(VERSIONS),
    x=VALUES,
    w=VALUES,
    quantized=st.fixed_dictionaries(
        {}, optional={name: affines() for name in ("x", "w", "sum", "relu", "y", "z")}
    ),
)
def test_numbers_are_those_of_direct_fake_quantization(
    version: str, x: list[float], w: list[float], quantized: dict[str, Affine]
) -> None:
    def fake(name: str, values: Any) -> Any:
        return quantized[name](values) if name in quantized else values

    params = {name: affine for name, affine in quantized.items() if name == "w"}
    activations = {name: affine for name, affine in quantized.items() if name != "w"}

    y, z = run(
        elementwise_model(as_array(w)), encodings(version, activations, params), x=as_array(x)
    )

    added = fake("sum", fake("x", as_array(x)) + fake("w", as_array(w)))
    relu = fake("relu", np.maximum(added, 0))
    np.testing.assert_array_equal(y, fake("y", relu * np.float32(3)))
    np.testing.assert_array_equal(z, fake("z", -relu))


@settings(deadline=None, max_examples=30)
@given(version=st.sampled_from(VERSIONS), w=VALUES, affine=affines(channels=4))
def test_weights_are_quantized_by_channels(version: str, w: list[float], affine: Affine) -> None:
    by_columns = Affine(affine.scale, affine.offset, affine.bits, axis=1)
    content = encodings(version, {}, {"w": by_columns})

    (y,) = run(matmul_model(as_array(w)), content, x=np.eye(3, dtype=np.float32))

    np.testing.assert_array_equal(y, by_columns(as_array(w)))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("op", "shape", "axis", "more"),
    [
        ("Conv", (4, 3, 1, 1), 0, {}),
        ("ConvTranspose", (3, 4, 1, 1), 1, {}),
        ("Gemm", (3, 4), 1, {}),
        ("Gemm", (4, 3), 0, {"transB": 1}),
        ("MatMul", (2, 3, 4), 2, {}),
    ],
)
def test_channels_are_those_of_the_output(
    version: str, op: str, shape: tuple[int, ...], axis: int, more: dict[str, Any]
) -> None:
    weight = np.random.default_rng(2).standard_normal(shape).astype(np.float32)
    affine = Affine([0.1, 0.2, 0.3, 0.4], [-128] * 4, 8, axis)
    x: Any = np.eye(3, dtype=np.float32)
    x = x[:, :, None, None] if op.startswith("Conv") else x

    nodes = [helper.make_node(op, ["x", "w"], ["y"], **more)]
    ports = {"x": (FLOAT, list(x.shape))}, {"y": (FLOAT, ["?"] * max(x.ndim, len(shape)))}
    (before,) = run(
        build_model(nodes, *ports, {"w": affine(weight)}), encodings(version, {}, {}), x=x
    )
    (y,) = run(
        build_model(nodes, *ports, {"w": weight}), encodings(version, {}, {"w": affine}), x=x
    )

    np.testing.assert_array_equal(y, before)


def test_channels_are_followed_through_a_transpose() -> None:
    weight = np.arange(12, dtype=np.float32).reshape(4, 3) / 10
    affine = Affine([0.1, 0.2, 0.3, 0.4], [-128] * 4, 8, 0)
    nodes = [
        helper.make_node("Transpose", ["w"], ["t"], perm=[1, 0]),
        helper.make_node("MatMul", ["x", "t"], ["y"]),
    ]
    model = build_model(nodes, {"x": (FLOAT, [3, 3])}, {"y": (FLOAT, [3, 4])}, {"w": weight})

    (y,) = run(model, encodings("1.0.0", {}, {"w": affine}), x=np.eye(3, dtype=np.float32))

    np.testing.assert_array_equal(y, affine(weight).T)


def test_a_bias_of_32_bits() -> None:
    bias = np.array([0.5, -3.25, 1e3], np.float32)
    nodes = [helper.make_node("Add", ["x", "b"], ["y"])]
    model = build_model(nodes, {"x": (FLOAT, [3])}, {"y": (FLOAT, [3])}, {"b": bias})
    affine = Affine([0.001, 0.002, 0.004], [-(2**31)] * 3, 32)

    for version in VERSIONS:
        (y,) = run(model, encodings(version, {}, {"b": affine}), x=np.zeros(3, np.float32))
        np.testing.assert_allclose(y, bias, atol=0.002)


def test_weights_are_stored_as_integers(tmp_path: Path) -> None:
    weight = np.ones((3, 3), np.float32)
    content = encodings("1.0.0", {"x": Affine([0.1], [-3], 8)}, {"w": Affine([0.1], [-8], 4)})

    opened = open_aimet(aimet_archive(tmp_path / "m", matmul_model(weight), content), tmp_path)

    types = {t.name: t.data_type for t in opened.proto.graph.initializer}
    assert TensorProto.INT4 in types.values()
    assert "w" not in types
    ops = [node.op_type for node in opened.proto.graph.node]
    assert sorted(ops) == ["DequantizeLinear", "DequantizeLinear", "MatMul", "QuantizeLinear"]
    (opset,) = opened.proto.opset_import
    assert opset.version == 21


def measured_ranges(model: onnx.ModelProto, x: Any, tmp_path: Path) -> dict[str, Affine]:
    """8-bit encodings of what a model computes, from one run."""
    seen = onnx.ModelProto.FromString(model.SerializeToString())
    names = [name for node in seen.graph.node for name in node.output]
    del seen.graph.output[:]
    seen.graph.output.extend(helper.make_tensor_value_info(n, FLOAT, None) for n in names)
    found = {"x": x} | dict(zip(names, run_onnx(saved(seen, tmp_path, "seen"), x=x), strict=True))
    affine = {}
    for name, values in found.items():
        low, high = min(0, float(values.min())), max(0, float(values.max()))
        scale = (high - low) / 255
        affine[name] = Affine([scale], [round(low / scale)], 8)
    return affine


@pytest.mark.parametrize("version", VERSIONS)
def test_a_network_is_compiled_from_its_encodings(tmp_path: Path, version: str) -> None:
    model = conv_net("batch")
    x = np.random.default_rng(1).standard_normal((2, 3, 16, 16)).astype(np.float32)
    params = {}
    for tensor in model.graph.initializer:
        if tensor.name.startswith("w"):
            highest = np.abs(numpy_helper.to_array(tensor)).max(axis=(1, 2, 3))
            params[tensor.name] = Affine(
                [float(h) / 127 for h in highest], [-128] * len(highest), 8
            )
    content = encodings(version, measured_ranges(model, x, tmp_path), params)
    request = aimet_request(
        aimet_archive(tmp_path / "m", model, content), spec("x", (2, 3, 16, 16))
    )

    report = execute(request, tmp_path / "a")

    assert [port["shape"] for port in report.result["output_spec"]] == [[2, 10]]
    target = tmp_path / "a" / report.files["target_model"]
    (y,), (expected,) = run_onnx(target, x=x), run_onnx(saved(model, tmp_path), x=x)
    error = np.abs(y - expected).max() / np.abs(expected).max()
    assert 0 < error < 0.05
    ops = [node.op_type for node in onnx.load(target).graph.node]
    assert ops.count("Conv") == 3
    assert ops.count("DequantizeLinear") > 3


def test_weights_in_a_file_of_their_own(tmp_path: Path) -> None:
    model = linear_model()
    data = external(model)
    content = encodings("1.0.0", {"x": Affine([0.05], [-100], 8)}, {})
    more: dict[str, Any] = {"model.data": data}
    archive = aimet_archive(tmp_path / "m", model, content, **more)

    report = execute(aimet_request(archive), tmp_path / "a")

    x = np.array([[0.11, -0.12, 0.2], [1, 2, 3]], np.float32)
    target = tmp_path / "a" / report.files["target_model"]
    (y,) = run_onnx(target, x=x)
    (expected,) = run_onnx(saved(linear_model(), tmp_path), x=Affine([0.05], [-100], 8)(x))
    np.testing.assert_allclose(y, expected, rtol=1e-5)


def external(model: onnx.ModelProto) -> bytes:
    """Move the first weight into a file of its own, whose content this returns."""
    tensor = model.graph.initializer[0]
    data = bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="model.data")
    return data


def test_large_weights_stay_beside_the_graph(tmp_path: Path) -> None:
    model = matmul_model(np.ones((32, 32), np.float32))
    model.opset_import[0].version = 11
    content = encodings("1.0.0", {"x": Affine([0.05], [-100], 16)}, {})
    more: dict[str, Any] = {"model.data": external(model)}

    opened = open_aimet(aimet_archive(tmp_path / "m", model, content, **more), tmp_path)

    assert (opened.path.parent / "model.data").stat().st_size >= 4096
    assert opened.path.stat().st_size < 4096
    (y,) = run_onnx(opened.path, x=np.eye(32, dtype=np.float32))
    np.testing.assert_allclose(y, 1, atol=1e-6)


def test_an_input_that_is_an_output_keeps_its_name() -> None:
    nodes = [helper.make_node("Neg", ["x"], ["y"])]
    ports = {"x": (FLOAT, [2])}, {"x": (FLOAT, [2]), "y": (FLOAT, [2])}
    affine = Affine([0.5], [-128], 8)
    x = np.array([0.3, 0.6], np.float32)

    passed_on, y = run(build_model(nodes, *ports), encodings("1.0.0", {"x": affine}, {}), x=x)

    np.testing.assert_array_equal(passed_on, x)
    np.testing.assert_array_equal(y, -affine(x))


def test_tensors_that_stay_floats_are_noticed(tmp_path: Path) -> None:
    content = encodings("1.0.0", {"x": Affine([0.05], [-100], 8)}, {})
    content["activation_encodings"] += [
        {"name": "m", "enc_type": "PER_TENSOR", "dtype": "FLOAT", "bw": 16}
    ]

    report = execute(
        aimet_request(aimet_archive(tmp_path / "m", linear_model(), content)), tmp_path / "a"
    )

    told = [notice["message"] for notice in report.result["notices"]]
    assert [message for message in told if "of these tensors are floats: 'm'" in message]


def test_an_input_that_graphs_within_take_is_quantized_there_too(tmp_path: Path) -> None:
    affine = Affine([0.5], [-128], 8)
    x = np.array([0.3, 0.6, -0.9, 2], np.float32)

    (y,) = run(branching_model(), encodings("1.0.0", {"x": affine}, {}), x=x)

    np.testing.assert_array_equal(y, affine(x))
