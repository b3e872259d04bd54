from pathlib import Path
from typing import Any

import pytest
from support.execution_models import (
    compile_request,
    execute,
    get_failure,
    linear_model,
    saved,
    spec,
)

from qai_hub.local.engine.failures import FailureType


@pytest.mark.parametrize(
    ("specs", "told"),
    [
        ((), ["Dimension 0 ('N')", "'x': float32[N, 3]", "dynamic"]),
        ((spec("x", [2, 3]), spec("z", [1])), ["unknown: 'z'"]),
        ((spec("x", [2, 3]), spec("x", [2, 3])), ["repeated: 'x'"]),
        ((spec("z", [2, 4]),), ["'x': float32[N, 3]", "'z': float32[2, 4]"]),
        ((spec("z\0", [2, 3]),), ["no NUL"]),
        ((spec("z" * 1025, [2, 3]),), ["1 to 1024"]),
        ((spec("x", [2, 4]),), ["'x': float32[N, 3]", "float32[2, 4]"]),
        ((spec("x", [6]),), ["'x': float32[N, 3]", "float32[6]"]),
        ((spec("x", [1, 2, 3]),), ["float32[1, 2, 3]"]),
        ((spec("x", [0, 3]),), ["at least 1"]),
        ((spec("x", [-1, 3]),), ["at least 1"]),
        ((spec("x", [2, 3], "float64"),), ["'x': float32", "input_specs, float64"]),
        (
            (spec("x", [2, 3], "int32"),),
            ["'x': float32", "input_specs, int32", "cannot hold every value"],
        ),
        ((spec("x", [2**60, 3]),), ["too large"]),
    ],
)
def test_input_specs_that_do_not_fit(tmp_path: Path, specs: Any, told: list[str]) -> None:
    request = compile_request(saved(linear_model("N"), tmp_path), *specs)

    failure = get_failure(request, tmp_path / "a")

    assert failure.failure_type is FailureType.INVALID_INPUTS
    assert [part for part in told if part not in failure.reason] == []


def test_shapes_that_the_graph_cannot_take_are_invalid_inputs(tmp_path: Path) -> None:
    model = linear_model("N")
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "M"

    failure = get_failure(
        compile_request(saved(model, tmp_path), spec("x", [2, 4])), tmp_path / "a"
    )

    assert failure.failure_type is FailureType.INVALID_INPUTS
    assert "'x': float32[2, 4]" in failure.reason


@pytest.mark.parametrize(
    "name",
    ["../../x", "/etc/passwd", "x" * 1000, "データ 🚀", "a b;c", "x\n2026 forged", "\x1b[2J"],
)
def test_hostile_input_names_are_only_names(tmp_path: Path, name: str) -> None:
    request = compile_request(saved(linear_model("N", name=name), tmp_path), spec(name, [2, 3]))

    report = execute(request, tmp_path / "a")

    assert report.result["input_spec"][0]["name"] == name
    assert {path.name for path in tmp_path.iterdir()} == {"m1", "a"}
    failure = get_failure(compile_request(request.model.path), tmp_path / "b")
    assert "\n" not in failure.reason
    assert "\x1b" not in failure.reason
    assert len(failure.reason) < 1000
