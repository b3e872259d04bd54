"""AIMET models: archives of a model of floats with encodings, in the versions that there are."""

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper
from support.execution_models import FLOAT, build_model

from qai_hub.local.engine.attempt import AttemptRequest, InputModel
from qai_hub.local.engine.protocol import TensorSpec


@dataclass(frozen=True)
class Affine:
    """What AIMET does to a tensor, as its documentation tells."""

    scale: Sequence[float]
    offset: Sequence[int]
    bits: int
    axis: int = 0

    def __call__(self, x: Any) -> Any:
        """Quantize and dequantize, in float32."""
        shape = [1] * x.ndim
        if len(self.scale) > 1:
            shape[self.axis] = -1
        scale = np.asarray(self.scale, np.float32).reshape(shape)
        offset = np.asarray(self.offset, np.float64).reshape(shape)
        quantized = np.clip(np.rint(x / scale) - offset, 0, 2.0**self.bits - 1)
        return ((quantized + offset).astype(np.float32) * scale).astype(np.float32)

    @property
    def symmetric(self) -> bool:
        return set(self.offset) == {-(2 ** (self.bits - 1))}


def legacy(affine: Affine) -> list[dict[str, Any]]:
    return [
        {
            "bitwidth": affine.bits,
            "dtype": "int",
            "is_symmetric": str(affine.symmetric),
            "max": (offset + 2**affine.bits - 1) * scale,
            "min": offset * scale,
            "offset": offset,
            "scale": scale,
        }
        for scale, offset in zip(affine.scale, affine.offset, strict=True)
    ]


def first(name: str, affine: Affine) -> dict[str, Any]:
    return {
        "name": name,
        "enc_type": "PER_TENSOR" if len(affine.scale) == 1 else "PER_CHANNEL",
        "dtype": "INT",
        "bw": affine.bits,
        "is_sym": affine.symmetric,
        "scale": list(affine.scale),
        "offset": list(affine.offset),
    }


def second(name: str, affine: Affine) -> dict[str, Any]:
    several = len(affine.scale) > 1
    start = -(2 ** (affine.bits - 1)) if affine.symmetric else 0
    zero_points = [start - offset for offset in affine.offset]
    encoding = {
        "name": name,
        "output_dtype": f"{'' if affine.symmetric else 'u'}int{affine.bits}",
        "y_scale": list(affine.scale) if several else affine.scale[0],
        **({"axis": affine.axis} if several else {}),
    }
    if any(zero_points):
        encoding["y_zero_point"] = zero_points if several else zero_points[0]
    return encoding


def encodings(
    version: str, activations: Mapping[str, Affine], params: Mapping[str, Affine]
) -> dict[str, Any]:
    """The content of an encodings file."""
    if version == "2.0.0":
        listed = [second(*each) for group in (activations, params) for each in group.items()]
        return {"version": version, "encodings": listed}
    groups = {"activation_encodings": activations, "param_encodings": params}
    if version == "1.0.0":
        lists = {key: [first(*each) for each in group.items()] for key, group in groups.items()}
        return {"version": version, **lists, "excluded_layers": []}
    return {
        "version": version,
        **{key: {n: legacy(a) for n, a in group.items()} for key, group in groups.items()},
        "quantizer_args": {"per_channel_quantization": "True"},
    }


def aimet_archive(path: Path, model: onnx.ModelProto, content: object, **more: bytes) -> Path:
    """An archive as the client makes of a directory."""
    held = content if isinstance(content, bytes) else json.dumps(content).encode()
    files = {"model.onnx": model.SerializeToString(), "model.encodings": held, **more}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(f"net.aimet/{name}", data)
    return path


def matmul_model(weight: Any) -> onnx.ModelProto:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    ports = {"x": (FLOAT, ["n", weight.shape[0]])}, {"y": (FLOAT, ["n", weight.shape[1]])}
    return build_model(nodes, *ports, {"w": weight})


def aimet_request(path: Path, *specs: TensorSpec) -> AttemptRequest:
    model = InputModel(path=path, model_type="MODEL_TYPE_AIMET_ONNX")
    return AttemptRequest(
        kind="compile", inputs=(model,), options="--target_runtime onnx", input_specs=specs
    )
