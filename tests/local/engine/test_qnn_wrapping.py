from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from onnx import helper
from support.execution_models import linear_model, spec

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.protocol import Soc
from qai_hub.local.engine.qnn.provenance import Graph, GraphPart, Provenance
from qai_hub.local.engine.qnn.wrappers import (
    label_wrapper,
    unwrap,
    wraps_context_binary,
    write_wrapper,
)

CHIP = Soc(name="chip", soc_model=57, hexagon=75, fp16=True, weight_sharing=True)
GRAPH = Graph(
    name="net",
    inputs=(spec("x", (1, 3)), spec("n", (1,), "int32")),
    outputs=(spec("y", (1, 2), "float16"),),
    parts=(GraphPart("inner", (("a", "Add"),)),),
)
MADE = Provenance(runtime="precompiled_qnn_onnx", soc=CHIP, sdk="2.51.0", graphs=(GRAPH,))


@pytest.fixture
def wrapper(tmp_path: Path) -> Path:
    binary = tmp_path / "model.bin"
    binary.write_bytes(b"a context")
    write_wrapper(binary, GRAPH, tmp_path / "model.onnx")
    label_wrapper(tmp_path / "model.onnx", binary, MADE)
    return tmp_path / "model.onnx"


def test_a_wrapper_leads_to_its_binary(wrapper: Path) -> None:
    model = onnx.load(wrapper)
    assert wraps_context_binary(model)
    assert not wraps_context_binary(linear_model())
    wrapped = unwrap(model, wrapper, is_unpacked=True)
    assert wrapped.binary == wrapper.with_name("model.bin")
    assert wrapped.provenance == MADE


def test_a_wrapper_has_the_ports_of_the_graph(wrapper: Path) -> None:
    graph = onnx.load(wrapper).graph
    ports = [
        (
            port.name,
            onnx.helper.tensor_dtype_to_np_dtype(port.type.tensor_type.elem_type).name,
            tuple(dim.dim_value for dim in port.type.tensor_type.shape.dim),
        )
        for port in (*graph.input, *graph.output)
    ]
    assert ports == [("x", "float32", (1, 3)), ("n", "int32", (1,)), ("y", "float16", (1, 2))]
    (node,) = graph.node
    assert {a.name: a.s for a in node.attribute if a.s}["partition_name"] == b"inner"


def test_a_label_follows_the_binary_and_drops_the_compilers_words(wrapper: Path) -> None:
    model = onnx.load(wrapper)
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    helper.set_model_props(model, {"compiled in": "/a/secret/folder"})
    onnx.save(model, wrapper)
    other = wrapper.with_name("other.bin")
    other.write_bytes(b"another context")

    label_wrapper(wrapper, other, MADE)

    labelled = onnx.load(wrapper)
    assert {opset.domain for opset in labelled.opset_import} == {"", "com.microsoft"}
    assert not [prop for prop in labelled.metadata_props if "secret" in prop.value]
    assert unwrap(labelled, wrapper, is_unpacked=True).binary == other


def set_binary_name(binary: str) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        for attribute in model.graph.node[0].attribute:
            if attribute.name == "ep_cache_context":
                attribute.s = binary.encode()

    return change


def set_provenance(text: str) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        for prop in model.metadata_props:
            if prop.key.endswith("provenance"):
                prop.value = text

    return change


@pytest.mark.parametrize(
    ("change", "failure_type", "reason"),
    [
        (set_binary_name("gone.bin"), FailureType.MODEL_INVALID, "is not beside it"),
        (set_binary_name("../model.bin"), FailureType.MODEL_INVALID, "is not beside it"),
        (set_binary_name("/etc/passwd"), FailureType.MODEL_INVALID, "is not beside it"),
        (set_binary_name(""), FailureType.MODEL_INVALID, "is not beside it"),
        (set_binary_name("x\0"), FailureType.MODEL_INVALID, "is not beside it"),
        (set_binary_name("n" * 5000), FailureType.MODEL_INVALID, "is not beside it"),
        (set_binary_name("model.onnx"), FailureType.MODEL_CORRUPT, "belongs to another model"),
        (set_provenance("{}"), FailureType.UNSUPPORTED, "did not make this"),
        (set_provenance("[1]"), FailureType.UNSUPPORTED, "did not make this"),
        (set_provenance("not JSON"), FailureType.UNSUPPORTED, "did not make this"),
        (set_provenance('{"soc": {}, "graphs": []}'), FailureType.UNSUPPORTED, "did not make this"),
        (
            lambda model: model.ClearField("metadata_props"),
            FailureType.UNSUPPORTED,
            "did not make this",
        ),
    ],
)
def test_a_wrapper_that_was_tampered_with(
    wrapper: Path,
    change: Callable[[onnx.ModelProto], None],
    failure_type: FailureType,
    reason: str,
) -> None:
    model = onnx.load(wrapper)
    change(model)
    with pytest.raises(JobFailure, match=reason) as caught:
        unwrap(model, wrapper, is_unpacked=True)
    assert caught.value.failure_type is failure_type


@pytest.mark.parametrize("content", [b"a c0ntext", b"", None])
def test_a_binary_that_is_not_whole(wrapper: Path, content: bytes | None) -> None:
    binary = wrapper.with_name("model.bin")
    binary.unlink()
    if content is not None:
        binary.write_bytes(content)
    with pytest.raises(JobFailure) as caught:
        unwrap(onnx.load(wrapper), wrapper, is_unpacked=True)
    expected = FailureType.MODEL_INVALID if content is None else FailureType.MODEL_CORRUPT
    assert caught.value.failure_type is expected


def test_files_of_others_are_not_looked_at(wrapper: Path) -> None:
    """A model that came alone lies among everybody's files, whose names it may guess."""
    with pytest.raises(JobFailure, match="not beside it"):
        unwrap(onnx.load(wrapper), wrapper, is_unpacked=False)
