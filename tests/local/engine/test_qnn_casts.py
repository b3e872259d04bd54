"""Casts are rewritten to ones that the HTP supports, with the same results."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from support.execution_models import FLOAT, build_model

from qai_hub.local.engine.onnx.session import OptimizationLevel, Session
from qai_hub.local.engine.protocol import Soc
from qai_hub.local.engine.qnn.casts import rewrite_casts
from qai_hub.local.engine.qnn.contexts import compile_context
from qai_hub.local.engine.qnn.provider import QnnSession, QnnSettings, htp_options

SOC = Soc(name="gen-3", soc_model=57, hexagon=75, fp16=True, weight_sharing=True)
TYPES = {
    "bool": TensorProto.BOOL,
    "uint8": TensorProto.UINT8,
    "int8": TensorProto.INT8,
    "uint16": TensorProto.UINT16,
    "int16": TensorProto.INT16,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "float16": TensorProto.FLOAT16,
    "float32": TensorProto.FLOAT,
}
# Those that the HTP computes wrongly or does not support, and some that it does.
PAIRS = [
    *(("uint8", "float32"), ("uint8", "int64"), ("uint8", "float16"), ("uint8", "bool")),
    *(("int32", "bool"), ("int32", "float32"), ("int64", "bool"), ("int64", "float32")),
    *(("bool", "int64"), ("bool", "float32"), ("int16", "float32"), ("int16", "int64")),
    *(("float32", "int64"), ("float32", "uint8"), ("float32", "bool"), ("float32", "int32")),
    *(("int8", "float32"), ("int8", "int64"), ("int8", "bool"), ("uint16", "int32")),
    *(("float16", "int64"), ("float16", "uint8"), ("float16", "bool")),
]
SHAPE = (1, 2, 8, 16)


def values_of(dtype: str) -> Any:
    """All values of a byte, or as many others, with negative ones where there are any."""
    numbers = np.arange(256).reshape(SHAPE)
    if dtype in {"int16", "int32", "int64"}:
        numbers = (numbers - 128) * 200
    elif dtype == "int8":
        numbers = numbers - 128
    elif dtype == "bool":
        numbers = numbers % 2
    elif dtype.startswith("float"):
        return (numbers * 0.5).astype(dtype)
    return numbers.astype(dtype)


def with_types(model: onnx.ModelProto) -> onnx.ModelProto:
    return onnx.shape_inference.infer_shapes(model)


def casts() -> onnx.ModelProto:
    """One Cast for each pair of types."""
    nodes, outputs = [], {}
    for source, target in PAIRS:
        name = f"{source}_to_{target}"
        nodes.append(helper.make_node("Cast", [source], [name], name=name, to=TYPES[target]))
        outputs[name] = (TYPES[target], SHAPE)
    used = {source for source, _ in PAIRS}
    return with_types(
        build_model(nodes, {name: (TYPES[name], SHAPE) for name in TYPES if name in used}, outputs)
    )


def moves() -> onnx.ModelProto:
    """An image of bytes whose layout and order change before and after it is a float."""
    nodes = [
        helper.make_node("Transpose", ["image"], ["first"], name="t", perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["first"], ["floats"], name="c", to=TensorProto.FLOAT),
        helper.make_node("Conv", ["floats", "w"], ["conv"], name="conv"),
        helper.make_node("Relu", ["conv"], ["relu"], name="relu"),
        helper.make_node("Cast", ["relu"], ["bytes"], name="back", to=TensorProto.UINT8),
        helper.make_node("Concat", ["first", "bytes"], ["both"], name="join", axis=1),
        helper.make_node("Gather", ["both", "order"], ["picked"], name="pick", axis=1),
    ]
    weights = {"w": np.full((1, 3, 1, 1), 0.25, np.float32), "order": np.array([3, 0])}
    outputs = {"both": (TensorProto.UINT8, [1, 4, 4, 4]), "picked": (TensorProto.UINT8, None)}
    model = build_model(nodes, {"image": (TensorProto.UINT8, [1, 4, 4, 3])}, outputs, weights)
    return with_types(model)


def truncations() -> onnx.ModelProto:
    """Floats that are truncated by a Cast to integers and back."""
    nodes, outputs = [], {}
    for integer in ("int32", "int64"):
        name = f"by_{integer}"
        nodes += [
            helper.make_node("Cast", ["x"], [integer], name=integer, to=TYPES[integer]),
            helper.make_node("Cast", [integer], [name], name=name, to=TensorProto.FLOAT),
        ]
        outputs[name] = (FLOAT, SHAPE)
    return with_types(build_model(nodes, {"x": (FLOAT, SHAPE)}, outputs))


def indices() -> onnx.ModelProto:
    """Outputs of int64 that are computed in the layout of a convolution."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
        helper.make_node("ArgMax", ["c"], ["first"], name="first", axis=1),
        helper.make_node("ArgMin", ["c"], ["last"], name="last", axis=3),
        helper.make_node("Add", ["first", "first"], ["twice"], name="twice"),
    ]
    weights = {"w": np.random.default_rng(2).normal(size=(5, 2, 1, 1)).astype(np.float32)}
    outputs: dict[str, Any] = {n: (TYPES["int64"], [1, 1, 8, 16]) for n in ("first", "twice")}
    outputs["last"] = (TYPES["int64"], [1, 5, 8, 1])
    return with_types(build_model(nodes, {"x": (FLOAT, SHAPE)}, outputs, weights))


MODELS = {"indices": indices, "casts": casts, "moves": moves, "truncations": truncations}


def inputs_of(name: str) -> dict[str, Any]:
    if name == "moves":
        return {"image": 4 * np.random.default_rng(0).integers(0, 64, (1, 4, 4, 3), np.uint8)}
    if name == "indices":
        return {"x": np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)}
    if name == "truncations":
        return {"x": values_of("float32") - 31}
    return {source: values_of(source) for source in TYPES if any(source == p[0] for p in PAIRS)}


def saved(model: onnx.ModelProto, folder: Path) -> Path:
    folder.mkdir()
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    return folder / "model.onnx"


def run(session: Session, name: str) -> dict[str, Any]:
    return dict(zip(session.output_names, session.run(inputs_of(name), "values"), strict=True))


@pytest.mark.parametrize("name", MODELS)
def test_the_htp_computes_what_the_model_says(name: str, tmp_path: Path) -> None:
    model = MODELS[name]()
    level = OptimizationLevel.ORT_DISABLE_ALL
    expected = run(Session(saved(model, tmp_path / "before"), level=level), name)

    assert rewrite_casts(model)

    onnx.checker.check_model(model, full_check=True)
    path = saved(model, tmp_path / "after")
    on_cpu = run(Session(path, level=level), name)
    options = htp_options(SOC) | QnnSettings().provider_options(SOC)
    context = compile_context(path, tmp_path / "context", options)
    simulated = run(QnnSession(context.wrapper, htp_options(SOC)), name)
    for output, values in expected.items():
        np.testing.assert_array_equal(on_cpu[output], values, err_msg=output)
        # The simulation's floats differ from their values in the last digit.
        np.testing.assert_allclose(
            simulated[output].astype(np.float64), values.astype(np.float64), 1e-6, err_msg=output
        )


@pytest.mark.parametrize(("source", "target"), [("int32", "float32"), ("float32", "int32")])
def test_casts_that_are_right_stay_as_they_are(source: str, target: str) -> None:
    node = helper.make_node("Cast", ["x"], ["y"], name="cast", to=TYPES[target])
    ports = {"x": (TYPES[source], SHAPE)}, {"y": (TYPES[target], SHAPE)}

    assert not rewrite_casts(with_types(build_model([node], *ports)))


def test_outputs_that_are_rewritten_stay_as_they_are() -> None:
    model = indices()

    assert rewrite_casts(model)
    assert not rewrite_casts(model)


def test_casts_keep_their_names() -> None:
    model = moves()
    before = {(node.name, node.op_type) for node in model.graph.node}
    rewrite_casts(model)

    assert before <= {(node.name, node.op_type) for node in model.graph.node}
