"""Models whose names are those that ONNX Runtime's quantizer gives to what it adds."""

from pathlib import Path
from typing import Any

import onnx
import pytest
from support.execution_models import FLOAT, build_model
from support.network_models import node, quantized, uniform, weights_of

ADDED = ["scale", "zero_point", "QuantizeLinear_Output", "DequantizeLinear_Output"]


def clashing(kind: str) -> tuple[onnx.ModelProto, dict[str, list[Any]]]:
    """Tensors of a kind named like those that are added for x[1, 3, 8, 8], for w and for y."""
    image, maps = [1, 3, 8, 8], [1, 4, 6, 6]
    names = [f"{stem}_{added}" for stem in ("x", "w", "y") for added in ADDED]
    nodes = [node("Conv", ["x", "w"], ["c"], name="x_QuantizeLinear")]
    weights, inputs = weights_of(w=(4, 3, 3, 3)), {"x": (FLOAT, image)}
    outputs: dict[str, Any] = {}
    samples = {"x": uniform(2, *image)}
    last = "c"
    for number, name in enumerate(names):
        if kind == "weights":
            weights |= {name: weights_of(seed=number, w=(1, 4, 1, 1))["w"]}
        elif kind == "inputs":
            inputs |= {name: (FLOAT, maps)}
            samples |= {name: uniform(2, *maps, seed=number)}
        else:
            nodes.append(node("Sigmoid", [last], [name]))
            outputs |= {name: (FLOAT, maps)} if kind == "outputs" else {}
        total = f"t{number}" if name != names[-1] else "y"
        nodes.append(node("Add", [last, name], [total]))
        last = total
    return build_model(nodes, inputs, outputs | {"y": (FLOAT, maps)}, weights), samples


@pytest.mark.parametrize("activations", ["INT8", "INT16"])
@pytest.mark.parametrize("kind", ["inputs", "outputs", "weights", "inner tensors"])
def test_names_that_the_quantizer_uses_too(tmp_path: Path, kind: str, activations: str) -> None:
    model, inputs = clashing(kind)

    result, target = quantized(tmp_path, model, inputs, activations, analyze_layers=True)

    graph = onnx.load(target).graph
    assert [port.name for port in graph.input] == [port.name for port in model.graph.input]
    assert [port.name for port in graph.output] == [port.name for port in model.graph.output]
    assert min(result["psnr"].values()) > 40
    reported = {layer["tensor"] for layer in result["layer_accuracy"]["layers"]}
    computed = {n.output[0] for n in model.graph.node if n.op_type == "Sigmoid"}
    assert reported >= {"y", *computed, *inputs}
    ranged = {tensor["tensor"] for tensor in result["tensor_ranges"]["tensors"]}
    assert ranged >= {"y", *computed, *inputs}
    assert not any("hidden" in each.name for each in graph.node)
