"""TorchScript and exported programs; `make test-torch` runs this where PyTorch is installed."""

import importlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import pytest
from support import torch_models
from support.execution_models import attempt, execute, get_failure, run_onnx, spec
from support.torch_models import IMAGE, SCALE, SPECS, WARNINGS, Net, program, script, torch_request

from qai_hub.local.engine.attempt import TensorSpec
from qai_hub.local.engine.failures import FailureType
from qai_hub.local.engine.protocol import Report

torch = torch_models.torch
pytestmark = WARNINGS


class PassedOn(torch.nn.Module):  # type: ignore[name-defined, misc]
    """An input that is an output as well."""

    def forward(self, x: torch.Tensor) -> Any:  # type: ignore[name-defined]
        return x, x + 1


class Sequences(torch.nn.Module):  # type: ignore[name-defined, misc]
    """A list within its outputs."""

    def forward(self, x: torch.Tensor) -> Any:  # type: ignore[name-defined]
        return x + 1, [x + 2, x + 3]


def ports(report: Report, which: str) -> dict[str, list[int]]:
    return {port["name"]: port["shape"] for port in report.result[which]}


def assert_same(path: Path, name: str = "picture") -> None:
    outputs = run_onnx(path, **{name: IMAGE.numpy(), "scale": SCALE.numpy()})
    for actual, expected in zip(outputs, Net().eval()(IMAGE, SCALE), strict=True):
        np.testing.assert_allclose(actual, expected.detach().numpy(), atol=1e-5)


def test_torchscript_takes_its_names_from_input_specs(tmp_path: Path) -> None:
    request = torch_request(script(tmp_path / "m"), "TORCHSCRIPT", *SPECS)

    report = execute(request, tmp_path / "a")

    assert ports(report, "input_spec") == {"picture": [2, 3, 8, 8], "scale": [1]}
    assert ports(report, "output_spec") == {"output_0": [2, 5], "output_1": [2, 4]}
    tools = {tool["name"]: tool["version"] for tool in report.result["tool_versions"]}
    assert tools["PyTorch"] == torch.__version__
    assert report.result["notices"] == []
    assert_same(tmp_path / "a" / report.files["target_model"])


class Unused(torch.nn.Module):  # type: ignore[name-defined, misc]
    """An input that nothing takes, between others."""

    def forward(self, a: torch.Tensor, b: torch.Tensor, c: torch.Tensor) -> Any:  # type: ignore[name-defined]
        return a - c


@pytest.mark.parametrize("write", [script, program])
def test_an_input_that_nothing_takes_stays(tmp_path: Path, write: Any) -> None:
    ones = tuple(torch.full((2,), float(n)) for n in range(3))
    path = script(tmp_path / "m", Unused(), *ones)
    if write is program:
        path = program(tmp_path / "m", Unused(), ones)
    kind = "TORCHSCRIPT" if write is script else "TORCH_EXPORTED_PROGRAM"
    specs = [spec(name, (2,)) for name in ("a", "b", "c")]

    report = execute(torch_request(path, kind, *specs), tmp_path / "a")

    assert list(ports(report, "input_spec")) == ["a", "b", "c"]


def test_random_numbers_make_a_difference_that_is_told(tmp_path: Path) -> None:
    class Noisy(torch.nn.Module):  # type: ignore[name-defined, misc]
        def forward(self, x: torch.Tensor) -> Any:  # type: ignore[name-defined]
            return x + torch.rand(3)

    path = program(tmp_path / "m", Noisy(), (torch.ones(3),))

    report = execute(torch_request(path, "TORCH_EXPORTED_PROGRAM"), tmp_path / "a")

    told = [notice["message"] for notice in report.result["notices"]]
    expected = "The output 'output_0' of the model that PyTorch exported differs"
    assert [message for message in told if message.startswith(expected)]


def test_torchscript_of_integers(tmp_path: Path) -> None:
    class Table(torch.nn.Module):  # type: ignore[name-defined, misc]
        def forward(self, index: torch.Tensor) -> Any:  # type: ignore[name-defined]
            return torch.arange(10.0)[index]

    path = script(tmp_path / "m", Table(), torch.tensor([1, 2]))
    request = torch_request(path, "TORCHSCRIPT", spec("index", (2,), "int64"))

    report = execute(request, tmp_path / "a")

    (y,) = run_onnx(tmp_path / "a" / report.files["target_model"], index=np.array([7, 3]))
    np.testing.assert_array_equal(y, [7, 3])


def test_an_exported_program_needs_no_specs_and_has_names(tmp_path: Path) -> None:
    path = program(tmp_path / "m")

    report = execute(torch_request(path, "TORCH_EXPORTED_PROGRAM"), tmp_path / "a")

    assert ports(report, "input_spec") == {"image": [2, 3, 8, 8], "scale": [1]}
    assert ports(report, "output_spec") == {"output_0": [2, 5], "output_1": [2, 4]}
    target = tmp_path / "a" / report.files["target_model"]
    assert_same(target, "image")
    assert b"test_execution_torch" not in target.read_bytes()


def test_dynamic_dimensions_of_a_program_are_fixed_by_specs(tmp_path: Path) -> None:
    batch = torch.export.Dim("batch", min=1, max=64)
    path = program(tmp_path / "m", dynamic_shapes={"image": {0: batch}, "scale": None})
    specs = (spec("image", (7, 3, 8, 8)), spec("scale", (1,)))

    report = execute(torch_request(path, "TORCH_EXPORTED_PROGRAM", *specs), tmp_path / "a")

    assert ports(report, "output_spec") == {"output_0": [7, 5], "output_1": [7, 4]}
    told = [notice["message"] for notice in report.result["notices"]]
    assert "was not compared with PyTorch: it has dynamic dimensions" in " ".join(told)
    failure = get_failure(torch_request(path, "TORCH_EXPORTED_PROGRAM"), tmp_path / "b")
    assert failure.failure_type is FailureType.INVALID_INPUTS
    assert "is dynamic" in failure.reason


def test_an_input_that_is_an_output_keeps_its_name(tmp_path: Path) -> None:
    path = program(tmp_path / "m", PassedOn(), (torch.ones(3),))

    report = execute(torch_request(path, "TORCH_EXPORTED_PROGRAM"), tmp_path / "a")

    assert ports(report, "input_spec") == {"x": [3]}
    x = np.array([1, 2, 3], np.float32)
    outputs = run_onnx(tmp_path / "a" / report.files["target_model"], x=x)
    np.testing.assert_array_equal(outputs, [x, x + 1])
    assert list(ports(report, "output_spec")) == ["output_0", "output_1"]


def test_nested_outputs_of_a_program_are_numbered_through(tmp_path: Path) -> None:
    path = program(tmp_path / "m", Sequences(), (torch.zeros(2),))

    report = execute(torch_request(path, "TORCH_EXPORTED_PROGRAM"), tmp_path / "a")

    outputs = run_onnx(tmp_path / "a" / report.files["target_model"], x=np.zeros(2, np.float32))
    np.testing.assert_array_equal(outputs, [[1, 1], [2, 2], [3, 3]])
    assert list(ports(report, "output_spec")) == ["output_0", "output_1", "output_2"]


class Named(torch.nn.Module):  # type: ignore[name-defined, misc]
    """A dictionary with a hostile name."""

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:  # type: ignore[name-defined]
        return {"\"']): import os\n": x + 1, "a": x + 2, "9": x + 3}


class Deep(torch.nn.Module):  # type: ignore[name-defined, misc]
    """Lists of tuples of lists, the last of which has an input as it is."""

    def forward(
        self,
        x: torch.Tensor,  # type: ignore[name-defined]
    ) -> list[tuple[torch.Tensor, list[torch.Tensor]]]:  # type: ignore[name-defined]
        return [(x + 1, [x + 2]), (x + 3, [x])]


class Alone(torch.nn.Module):  # type: ignore[name-defined, misc]
    """A list with one tensor."""

    def forward(self, x: torch.Tensor) -> Any:  # type: ignore[name-defined]
        return [x + 1]


@pytest.mark.parametrize(
    ("module", "expected"),
    [(Sequences, [1, 2, 3]), (Named, [1, 2, 3]), (Deep, [1, 2, 3, 0]), (Alone, [1])],
)
def test_nested_outputs_of_torchscript_are_numbered_through(
    tmp_path: Path, module: Any, expected: list[int]
) -> None:
    path = tmp_path / "m"
    if module is Deep:  # It cannot be traced.
        torch.jit.script(module()).save(str(path))
    else:
        script(path, module(), torch.zeros(2))
    options = f"--output_names {','.join('abcd'[: len(expected)])}"
    asked = torch_request(path, "TORCHSCRIPT", spec("x", (2,)))

    report = execute(asked, tmp_path / "a")
    renamed = execute(replace(asked, options=f"{asked.options} {options}"), tmp_path / "b")

    outputs = run_onnx(tmp_path / "a" / report.files["target_model"], x=np.zeros(2, np.float32))
    np.testing.assert_array_equal(outputs, [[value] * 2 for value in expected])
    names = [f"output_{number}" for number in range(len(expected))]
    assert list(ports(report, "output_spec")) == names
    assert list(ports(renamed, "output_spec")) == list("abcd"[: len(expected)])
    assert report.result["notices"] == []


def test_torchscript_without_specs(tmp_path: Path) -> None:
    failure = get_failure(torch_request(script(tmp_path / "m"), "TORCHSCRIPT"), tmp_path / "a")

    assert failure.failure_type is FailureType.INVALID_INPUTS
    assert "TorchScript model needs input_specs" in failure.reason
    assert "in order" in failure.reason


@pytest.mark.parametrize(
    ("specs", "told"),
    [
        ((spec("x", (2, 3, 8, 8)),), "missing"),
        ((spec("x", (2, 5, 8, 8)), spec("scale", (1,))), "channels"),
        ((*SPECS, spec("more", (1,))), "at most"),
        ((spec("x", (2**30, 2**30)), spec("scale", (1,))), "too large"),
    ],
)
def test_specs_that_do_not_fit_torchscript(
    tmp_path: Path, specs: tuple[TensorSpec, ...], told: str
) -> None:
    request = torch_request(script(tmp_path / "m"), "TORCHSCRIPT", *specs)

    failure = get_failure(request, tmp_path / "a")

    assert failure.failure_type is FailureType.INVALID_INPUTS
    assert told in failure.reason


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = program(tmp_path / "m")
    imported = importlib.import_module

    def without(name: str) -> ModuleType:
        if name == "onnxscript":
            raise ModuleNotFoundError("No module named 'onnxscript'")
        return imported(name)

    monkeypatch.setattr(importlib, "import_module", without)

    failure = get_failure(torch_request(path, "TORCH_EXPORTED_PROGRAM"), tmp_path / "a")

    assert failure.failure_type is FailureType.UNSUPPORTED
    assert "pip install 'qai-hub-openapi[torch]'" in failure.reason


def test_weights_are_in_the_target_model(tmp_path: Path) -> None:
    report = execute(
        torch_request(program(tmp_path / "m"), "TORCH_EXPORTED_PROGRAM"), tmp_path / "a"
    )

    model = onnx.load(tmp_path / "a" / report.files["target_model"])

    assert {tuple(tensor.dims) for tensor in model.graph.initializer} >= {(4, 3, 3, 3), (4,)}


def test_too_little_memory_for_pytorch_is_told(tmp_path: Path) -> None:
    request = torch_request(program(tmp_path / "m"), "TORCH_EXPORTED_PROGRAM")

    outcome = attempt(request, tmp_path / "a", memory_limit=2**30)

    assert outcome.failure_type == FailureType.OUT_OF_MEMORY
    assert "the limit of this hub is 1024 MiB" in outcome.reason
