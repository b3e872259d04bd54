from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper
from support.execution_models import FLOAT, build_model
from support.tflite_models import graph, operator, operator_code, tensor, written

pytest.importorskip("ai_edge_litert", reason="needs the extra [tflite]")

from ai_edge_litert import schema_py_generated as schema

from qai_hub.local.engine.runners.tflite import LiteRtModel
from qai_hub.local.engine.tflite.contents import TfliteFile
from qai_hub.local.engine.tflite.gelus import approximate, list_approximate


def test_gelus_that_are_approximate_stay_so(tmp_path: Path) -> None:
    """Without it, they are farther apart than a part in a thousand."""
    nodes = [
        helper.make_node("Gelu", ["x"], ["y"], approximate="tanh"),
        helper.make_node("Gelu", ["x"], ["z"]),
    ]
    port = (FLOAT, [1, 64])
    names = list_approximate(build_model(nodes, {"x": port}, {"y": port, "z": port}))
    tensors = [tensor(name, [1, 64]) for name in ("x", "y", "z")]
    gelus = [operator(0, [0], [1]), operator(0, [0], [2])]
    codes = [operator_code(schema.BuiltinOperator.GELU)]
    path = written(tmp_path / "model.tflite", [graph(tensors, gelus, [0], [1, 2])], codes)
    x = np.linspace(-4, 4, 64, dtype=np.float32).reshape(1, 64)

    file = TfliteFile.read(path)
    approximate(file, names)
    file.write(path)

    found: list[Any] = LiteRtModel(path, threads=1).load().run({"x": x}, "a sample")
    wanted = x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    np.testing.assert_allclose(found[0], wanted, atol=1e-5)
    assert np.max(np.abs(found[1] - wanted)) > 1e-4
