"""Quantized models of everyday operators give on the HTP what they give on the CPU."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from support.network_models import attention, between, node, single, uniform, weights_of
from support.qnn import BINARY, GEN_3, INTEGERS, agreement, compiled, on_cpu, simulated, target_of

import qai_hub as hub
from qai_hub.client import Client, Device

pytest.importorskip("onnxruntime_qnn", reason="needs the extra [qnn]")
INT8, INT16 = hub.QuantizeDtype.INT8, hub.QuantizeDtype.INT16
TRANSFORMERS = Path(__file__).parents[1] / "data" / "transformers"


def quantized(
    client: Client, model: onnx.ModelProto, inputs: Any, activations: hub.QuantizeDtype
) -> Any:
    job = client.submit_quantize_job(model, inputs, INT8, activations)
    assert job.wait(120).success, job.get_status().message
    return job.get_target_model()


def batch_norm() -> tuple[onnx.ModelProto, dict[str, list[Any]]]:
    constants = {
        "scale": np.array([1, 0.8, 1.2], np.float32),
        "offset": np.full(3, 0.43, np.float32),
        "mean": np.zeros(3, np.float32),
        "variance": np.ones(3, np.float32),
    }
    nodes = [node("BatchNormalization", ["x", *constants], ["y"])]
    return single(nodes, [1, 3, 8, 8], constants), {"x": uniform(2, 1, 3, 8, 8)}


def padding() -> tuple[onnx.ModelProto, dict[str, list[Any]]]:
    constants = {"pads": np.array([0, 0, 1, 1, 0, 0, 0, 2]), "number": np.float32(2.5)}
    nodes = [node("Pad", ["x", "pads", "number"], ["y"])]
    model = single(nodes, [1, 3, 8, 8], constants, out=[1, 3, 9, 11])
    return model, {"x": uniform(2, 1, 3, 8, 8)}


def offset() -> tuple[onnx.ModelProto, dict[str, list[Any]]]:
    constants = weights_of(w=(8, 4, 2, 2)) | {"b": 3 * weights_of(seed=1, b=(4, 1, 1))["b"]}
    nodes = [
        node("ConvTranspose", ["x", "w"], ["c"], strides=[2, 2]),
        node("Add", ["c", "b"], ["y"]),
    ]
    model = single(nodes, [1, 8, 8, 8], constants, out=[1, 4, 16, 16])
    return model, {"x": uniform(2, 1, 8, 8, 8)}


def norm_and_tanh() -> tuple[onnx.ModelProto, dict[str, list[Any]]]:
    constants = {"gamma": 1 + weights_of(g=(32,))["g"], "beta": weights_of(b=(32,))["b"]}
    nodes = [
        node("LayerNormalization", ["r", "gamma", "beta"], ["n"]),
        node("Gemm", ["rows", "w3"], ["t"]),
        node("Tanh", ["t"], ["u"]),
        node("Reshape", ["u", "whole"], ["g"]),
    ]
    nodes.insert(1, node("Reshape", ["n", "flat"], ["rows"]))
    shapes = {"flat": np.array([16, 32]), "whole": np.array([1, 16, 32])}
    weights = constants | shapes | weights_of(w3=(32, 32))
    return between(nodes, weights), {"x": uniform(2, 1, 16, 32)}


def bert() -> tuple[onnx.ModelProto, dict[str, list[Any]]]:
    random = np.random.default_rng(1)
    masks = [(np.arange(8)[None] < n).astype(np.int64) for n in (8, 5)]
    ids = [random.integers(1, 32, (1, 8)) for _ in range(2)]
    return onnx.load(TRANSFORMERS / "bert_dynamo_23.onnx"), {"ids": ids, "mask": masks}


# The bounds are some 5 dB below what was measured on both chips.
CASES = {
    "BatchNormalization": (batch_norm, INT16, INTEGERS, 85),
    "offset of a ConvTranspose": (offset, INT8, GEN_3, 48),
    "Pad": (padding, INT8, GEN_3, 48),
    "LayerNormalization and Tanh": (norm_and_tanh, INT16, INTEGERS, 40),
    "padding mask": (lambda: attention("padding"), INT8, INTEGERS, 40),
    "BERT": (bert, INT16, GEN_3, 45),
}


@pytest.mark.parametrize("what", CASES)
def test_the_htp_is_close_to_the_float_model(quick_client: Client, what: str) -> None:
    build, activations, device, least = CASES[what]
    model, inputs = build()

    target = quantized(quick_client, model, inputs, activations)
    binary = target_of(compiled(quick_client, target, BINARY, device))
    _, outputs = simulated(quick_client, binary, inputs, device)

    close = agreement(on_cpu(model.SerializeToString(), inputs), outputs)
    assert all(ratio > least for ratio in close.values()), close


def test_a_quantized_model_of_one_branch(quick_client: Client, device: Device) -> None:
    """The input that chose the branch is still an input, whose value does not matter."""
    branches: Any = {
        f"{name}_branch": onnx.helper.make_graph(
            [node("MatMul", ["x", weight], [f"{name}_y"])],
            name,
            [],
            [onnx.helper.make_tensor_value_info(f"{name}_y", 1, [1, 4])],
        )
        for name, weight in (("then", "w1"), ("else", "w2"))
    }
    nodes = [node("Equal", ["rate", "high"], ["c"]), node("If", ["c"], ["y"], **branches)]
    model = single(
        nodes, [1, 8], weights_of(w1=(8, 4), w2=(8, 4)) | {"high": np.int64(16000)}, out=[1, 4]
    )
    model.graph.input.append(onnx.helper.make_tensor_value_info("rate", 7, []))
    inputs = {"x": uniform(2, 1, 8), "rate": [np.array(16000)] * 2}

    target = quantized(quick_client, model, inputs, INT8)
    binary = target_of(compiled(quick_client, target, BINARY, GEN_3))
    _, outputs = simulated(quick_client, binary, inputs, GEN_3)

    close = agreement(on_cpu(model.SerializeToString(), inputs), outputs)
    assert close["y"] > 35
