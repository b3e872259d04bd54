"""Small transformers, as both of PyTorch's exporters write them, quantized.

`tests/data/transformers` has them: BERT, ViT and Whisper of one layer with random weights, made by
transformers 5.24 and PyTorch 2.15 with `dynamo=False` in operator set 14 and `dynamo=True` in 18
or 23, without metadata.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from support.network_models import quantized, told

DATA = Path(__file__).parents[2] / "data" / "transformers"
MODELS = sorted(path.stem for path in DATA.glob("*.onnx"))
# What HTP has no quantized form of.
LACKING = {"Attention", "Erf", "GatherND", "IsNaN", "Pow", "Sqrt"}


def inputs_of(model: onnx.ModelProto) -> dict[str, list[Any]]:
    random = np.random.default_rng(1)
    made: dict[str, list[Any]] = {}
    for value in model.graph.input:
        shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        if value.name == "mask":
            made["mask"] = [(np.arange(shape[1])[None] < n).astype(np.int64) for n in (8, 5, 6)]
        elif value.name in {"ids", "tokens"}:
            made[value.name] = [random.integers(1, 32, shape) for _ in range(3)]
        else:
            made[value.name] = [random.normal(size=shape).astype(np.float32) for _ in range(3)]
    return made


def test_all_models_are_there() -> None:
    assert {name.split("_")[0] for name in MODELS} == {"bert", "vit", "whisper"}


@pytest.mark.parametrize("activations", ["INT8", "INT16"])
@pytest.mark.parametrize("name", MODELS)
def test_a_transformer(tmp_path: Path, name: str, activations: str) -> None:
    model = onnx.load(DATA / f"{name}.onnx")

    result, target = quantized(tmp_path, model, inputs_of(model), activations)

    least = 30 if activations == "INT8" else 45
    assert all(ratio > least for ratio in result["psnr"].values()), result["psnr"]
    found = {node.op_type for node in onnx.load(target).graph.node}
    assert {"LayerNormalization", "Gelu", "Softmax"} <= found
    assert not found & LACKING
    if not name.startswith("vit"):
        assert any(message.startswith("The mask ") for message in told(result))
