from pathlib import Path

import onnx
import pytest
from onnx import helper
from support.execution_models import FLOAT, build_model, linear_model, run_onnx, samples

from qai_hub.local.engine.qnn.contexts import CompiledContext, get_graph_names
from qai_hub.local.engine.qnn.diagnose import adapt_model, format_nodes
from qai_hub.local.engine.qnn.provenance import GraphPart
from qai_hub.local.engine.qnn.simulate import build_layers_and_segments
from qai_hub.local.engine.runners.onnx import TracedNode

QNN, CPU = "QNNExecutionProvider", "CPUExecutionProvider"
PARTS = (
    GraphPart("g_0", (("one", "Conv"), ("two", "Relu"))),
    GraphPart("g_1", (("five", "Add"),)),
    GraphPart("", (("three", "Erf"),)),
    GraphPart("", (("four", "Det"),)),
)
TRACED = [
    TracedNode("other_0", "other", QNN, [10, 12, 11]),
    TracedNode("three", "Erf", CPU, [3, 5, 4]),
    TracedNode("four", "Det", CPU, [7, 7, 7]),
    TracedNode("other_1", "other", QNN, [20, 20, 20]),
]


def test_layers_and_segments_are_in_the_order_in_which_they_ran() -> None:
    layers, segments = build_layers_and_segments(PARTS, TRACED)

    assert [(layer["name"], layer["segment_id"], layer["id"]) for layer in layers] == [
        ("one", "0", "0"),
        ("two", "0", "1"),
        ("three", "1", "2"),
        ("four", "1", "3"),
        ("five", "2", "4"),
    ]
    units = [layer["compute_unit"].removeprefix("COMPUTE_UNIT_") for layer in layers]
    assert units == ["NPU", "NPU", "CPU", "CPU", "NPU"]
    assert [layer.get("execution_time") for layer in layers] == [None, None, 4, 7, None]
    assert [(s["id"], s["delegate_name"], s["execution_time"]) for s in segments] == [
        ("0", QNN, 11),
        ("1", CPU, 11),
        ("2", QNN, 20),
    ]
    assert [s["delegate_extra_info"] for s in segments] == ["HTP simulation", "", "HTP simulation"]


def test_what_is_left_to_the_cpu() -> None:
    context = CompiledContext(Path("model.onnx"), Path("model.bin"), PARTS)
    assert context.cpu_nodes == [("three", "Erf"), ("four", "Det")]
    assert format_nodes(context.cpu_nodes) == "Erf ('three'), Det ('four')"
    many = format_nodes([(f"n{number}", "Erf") for number in range(12)])
    assert many.endswith("Erf ('n9') and 2 more")
    assert format_nodes([("a\nb" + "x" * 200, "Erf")]) == f"Erf ('a\\nb{'x' * 97}…')"


def test_graphs_within_a_wrapper_keep_their_order(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("EPContext", ["x"], ["a"], domain="com.microsoft", partition_name="q_1"),
        helper.make_node("Erf", ["a"], ["b"]),
        helper.make_node("EPContext", ["b"], ["y"], domain="com.microsoft", partition_name="q_0"),
    ]
    model = build_model(nodes, {"x": (FLOAT, [1])}, {"y": (FLOAT, [1])})
    (tmp_path / "w.onnx").write_bytes(model.SerializeToString())
    assert get_graph_names(tmp_path / "w.onnx") == ["q_1", "q_0"]


def test_only_nodes_without_names_are_named() -> None:
    model = linear_model()
    # The first time, weights that nodes use in different ways get copies.
    adapt_model(model)
    assert [node.name for node in model.graph.node] == ["first", "second", "folded", "third"]
    assert not adapt_model(model)
    for node in model.graph.node[:2]:
        node.name = ""
    model.graph.node[3].name = "m"
    assert adapt_model(model)
    names = [node.name for node in model.graph.node]
    assert names == ["m_", "r", "folded", "m"]
    assert not adapt_model(model)


@pytest.mark.parametrize(
    ("factors", "turned"),
    [(("x", "gate"), True), (("gate", "x"), False), (("z", "gate"), False)],
)
def test_products_that_qnn_mistakes_are_turned(
    tmp_path: Path, factors: tuple[str, str], turned: bool
) -> None:
    nodes = [
        helper.make_node("Neg", ["x"], ["z"], name="other"),
        helper.make_node("HardSigmoid", ["x"], ["gate"], name="gate", alpha=1 / 6, beta=0.5),
        helper.make_node("Mul", factors, ["y"], name="product"),
    ]
    ports = {"x": (FLOAT, [2, 3])}, {"y": (FLOAT, [2, 3])}
    (before, after), (x,) = (build_model(nodes, *ports) for _ in range(2)), samples(1)

    assert adapt_model(after) is turned

    assert list(after.graph.node[2].input) == (["gate", "x"] if turned else list(factors))
    paths = [tmp_path / name for name in ("before.onnx", "after.onnx")]
    for path, model in zip(paths, (before, after), strict=True):
        onnx.save(model, path)
    first, second = (run_onnx(path, x=x)[0] for path in paths)
    assert first.tobytes() == second.tobytes()
