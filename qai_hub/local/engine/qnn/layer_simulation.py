"""Measures the computed tensors of a quantized model in QNN's simulation of an HTP."""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper

from qai_hub.local.engine.isolated import save_progress
from qai_hub.local.engine.onnx.edit import collect_names, unique_name
from qai_hub.local.engine.onnx.prepare import fix_input_shapes
from qai_hub.local.engine.onnx.session import OptimizationLevel, Session, Tensor
from qai_hub.local.engine.protocol import Soc, TensorSpec
from qai_hub.local.engine.qnn.diagnose import adapt_model
from qai_hub.local.engine.qnn.provider import QnnSession, QnnSettings, check_soc, htp_options
from qai_hub.local.engine.quantize.layers import Layer, add_outputs, compare_tensors, split_layers

# Each chunk takes another compilation of the whole model.
_CHUNK_LAYERS = 128


def simulate_layers(arguments: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Run a quantized model once in simulation, and compare its tensors with the float model's.

    Each tensor is a further output of the graph that QNN compiles, which it may then fuse less.
    This is called in a process of its own, and saves what it has found after each chunk of tensors.

    Args:
        arguments: `original` and `quantized`, the .onnx files of the float model and the quantized
            one; `layers`, the tensors as the fields of `Layer`; `inputs`, the names of the inputs;
            `sample`, an .npz file with `a0`, `a1` and so on for them; `soc`, the chip; and
            `seconds`, after which no further chunk begins.
        folder: Folder for generated files.

    Returns:
        `psnr`, the PSNR of each tensor that was simulated, in decibels: None if it has none.

    Raises:
        JobFailure: QNN is not installed, or one of the models cannot be run.
    """
    began = time.monotonic()
    soc = check_soc(Soc.from_json(arguments["soc"]), "simulating layers")
    options = htp_options(soc) | QnnSettings().provider_options(soc)
    original, quantized = Path(arguments["original"]), Path(arguments["quantized"])
    layers = list(map(Layer.from_fields, arguments["layers"]))
    with np.load(arguments["sample"]) as arrays:
        sample = {name: arrays[f"a{index}"] for index, name in enumerate(arguments["inputs"])}
    found: dict[str, float | None] = {}
    for number, chunk in enumerate(split_layers(layers, _CHUNK_LAYERS), 1):
        before = add_outputs(original, [each.tensor for each in chunk], folder / "float.onnx")
        after, names = add_simulated_outputs(quantized, chunk, sample, folder / "simulated.onnx")
        compared = compare_tensors(
            Session(before, level=OptimizationLevel.ORT_DISABLE_ALL),
            QnnSession(after, options),
            chunk,
            [sample],
            names,
        )
        for layer, error in zip(chunk, compared.errors, strict=True):
            found[layer.tensor] = error.psnr
        save_progress(folder, {"psnr": found})
        elapsed = time.monotonic() - began
        if elapsed + elapsed / number > arguments["seconds"]:
            break
    return {"psnr": found}


def add_simulated_outputs(
    source: Path, layers: Iterable[Layer], sample: Mapping[str, Tensor], target: Path
) -> tuple[Path, dict[str, str]]:
    """Write a quantized model with fixed shapes, and with further tensors as outputs.

    Integers are converted to floats by a node of their own for each output: QNN compiles an
    operator with the nodes that quantize its inputs and outputs, if these serve nothing else.

    Args:
        source: The .onnx file, whose weights are in it.
        layers: The tensors.
        sample: A sample with the shapes.
        target: The .onnx file to write.

    Returns:
        The target, and the name of the output for each quantized tensor.
    """
    model = onnx.load(source)
    specs = [
        TensorSpec(
            name=port.name, shape=sample[port.name].shape, dtype=sample[port.name].dtype.name
        )
        for port in model.graph.input
        if port.name in sample
    ]
    fix_input_shapes(model, specs)
    graph = model.graph
    taken = collect_names(graph)
    present = {port.name for port in graph.output}
    quantizers = {node.output[0]: node for node in graph.node if node.op_type == "QuantizeLinear"}
    names: dict[str, str] = {}
    for layer in layers:
        name = layer.quantized
        if name not in present and layer.integers:
            quantizer = quantizers[layer.integers]
            name = unique_name(f"{layer.tensor}_simulated", taken)
            node = helper.make_node(
                "DequantizeLinear",
                [layer.integers, *quantizer.input[1:]],
                [name],
                name=name,
                domain=quantizer.domain,
            )
            node.attribute.extend(each for each in quantizer.attribute if each.name == "axis")
            graph.node.append(node)
        if name not in present and name not in names.values():
            # ONNX Runtime infers its type.
            graph.output.append(onnx.ValueInfoProto(name=name))
        names[layer.quantized] = name
    adapt_model(model)
    target.write_bytes(model.SerializeToString())
    return target, names
