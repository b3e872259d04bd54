"""TorchScript and exported programs; `make test-torch` runs this where PyTorch is installed."""

import importlib
import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import pytest
from support.execution_models import carried_out, failure_of, run_onnx, spec

from qai_hub.local.execution.attempt import AttemptRequest, InputModel, TensorSpec
from qai_hub.local.execution.failures import FailureType, JobFailure
from qai_hub.local.execution.messages import Report

torch = pytest.importorskip("torch", reason="needs the extra [torch]")
pytest.importorskip("onnxscript", reason="needs the extra [torch]")

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:torch"),
]

IMAGE, SCALE = torch.linspace(-1, 1, 2 * 3 * 8 * 8).reshape(2, 3, 8, 8), torch.tensor([1.5])
SPECS = (spec("picture", (2, 3, 8, 8)), spec("scale", (1,)))


class Net(torch.nn.Module):  # type: ignore[name-defined, misc]
    """Two inputs and two outputs."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = torch.nn.Conv2d(3, 4, 3)
        self.linear = torch.nn.Linear(4, 5)

    def forward(self, image: torch.Tensor, scale: torch.Tensor) -> Any:  # type: ignore[name-defined]
        features = self.conv(image).relu().mean((2, 3)) * scale
        return self.linear(features), features


class PassedOn(torch.nn.Module):  # type: ignore[name-defined, misc]
    """An input that is an output as well."""

    def forward(self, x: torch.Tensor) -> Any:  # type: ignore[name-defined]
        return x, x + 1


class Sequences(torch.nn.Module):  # type: ignore[name-defined, misc]
    """A list within its outputs."""

    def forward(self, x: torch.Tensor) -> Any:  # type: ignore[name-defined]
        return x + 1, [x + 2, x + 3]


def script(path: Path, module: Any = None, *samples: Any) -> Path:
    samples = samples or (IMAGE, SCALE)
    torch.jit.trace((module or Net()).eval(), samples, strict=False).save(str(path))
    return path


def program(path: Path, module: Any = None, samples: Any = (IMAGE, SCALE), **more: Any) -> Path:
    torch.export.save(torch.export.export((module or Net()).eval(), samples, **more), str(path))
    return path


def torch_request(path: Path, model_type: str, *specs: TensorSpec) -> AttemptRequest:
    model = InputModel(path=path, model_type=f"MODEL_TYPE_{model_type}")
    return AttemptRequest(
        kind="compile", inputs=(model,), options="--target_runtime onnx", input_specs=specs
    )


def ports(report: Report, which: str) -> dict[str, list[int]]:
    return {port["name"]: port["shape"] for port in report.result[which]}


def assert_same(path: Path, name: str = "picture") -> None:
    outputs = run_onnx(path, **{name: IMAGE.numpy(), "scale": SCALE.numpy()})
    for actual, expected in zip(outputs, Net().eval()(IMAGE, SCALE), strict=True):
        np.testing.assert_allclose(actual, expected.detach().numpy(), atol=1e-5)


def test_torchscript_takes_its_names_from_input_specs(tmp_path: Path) -> None:
    request = torch_request(script(tmp_path / "m"), "TORCHSCRIPT", *SPECS)

    report = carried_out(request, tmp_path / "a")

    assert ports(report, "input_spec") == {"picture": [2, 3, 8, 8], "scale": [1]}
    assert ports(report, "output_spec") == {"output_0": [2, 5], "output_1": [2, 4]}
    tools = {tool["name"]: tool["version"] for tool in report.result["tool_versions"]}
    assert tools["PyTorch"] == torch.__version__
    assert_same(tmp_path / "a" / report.files["target_model"])


def test_torchscript_of_integers(tmp_path: Path) -> None:
    class Table(torch.nn.Module):  # type: ignore[name-defined, misc]
        def forward(self, index: torch.Tensor) -> Any:  # type: ignore[name-defined]
            return torch.arange(10.0)[index]

    path = script(tmp_path / "m", Table(), torch.tensor([1, 2]))
    request = torch_request(path, "TORCHSCRIPT", spec("index", (2,), "int64"))

    report = carried_out(request, tmp_path / "a")

    (y,) = run_onnx(tmp_path / "a" / report.files["target_model"], index=np.array([7, 3]))
    np.testing.assert_array_equal(y, [7, 3])


def test_an_exported_program_needs_no_specs_and_has_names(tmp_path: Path) -> None:
    path = program(tmp_path / "m")

    report = carried_out(torch_request(path, "TORCH_EXPORTED_PROGRAM"), tmp_path / "a")

    assert ports(report, "input_spec") == {"image": [2, 3, 8, 8], "scale": [1]}
    assert ports(report, "output_spec") == {"output_0": [2, 5], "output_1": [2, 4]}
    target = tmp_path / "a" / report.files["target_model"]
    assert_same(target, "image")
    assert b"test_execution_torch" not in target.read_bytes()


def test_dynamic_dimensions_of_a_program_are_fixed_by_specs(tmp_path: Path) -> None:
    batch = torch.export.Dim("batch", min=1, max=64)
    path = program(tmp_path / "m", dynamic_shapes={"image": {0: batch}, "scale": None})
    specs = (spec("image", (7, 3, 8, 8)), spec("scale", (1,)))

    report = carried_out(torch_request(path, "TORCH_EXPORTED_PROGRAM", *specs), tmp_path / "a")

    assert ports(report, "output_spec") == {"output_0": [7, 5], "output_1": [7, 4]}
    failure = failure_of(torch_request(path, "TORCH_EXPORTED_PROGRAM"), tmp_path / "b")
    assert failure.failure_type is FailureType.INVALID_INPUTS
    assert "is dynamic" in failure.reason


def test_an_input_that_is_an_output_keeps_its_name(tmp_path: Path) -> None:
    path = program(tmp_path / "m", PassedOn(), (torch.ones(3),))

    report = carried_out(torch_request(path, "TORCH_EXPORTED_PROGRAM"), tmp_path / "a")

    assert ports(report, "input_spec") == {"x": [3]}
    x = np.array([1, 2, 3], np.float32)
    outputs = run_onnx(tmp_path / "a" / report.files["target_model"], x=x)
    np.testing.assert_array_equal(outputs, [x, x + 1])
    assert list(ports(report, "output_spec")) == ["output_0", "output_1"]


def test_nested_outputs_of_a_program_are_numbered_through(tmp_path: Path) -> None:
    path = program(tmp_path / "m", Sequences(), (torch.zeros(2),))

    report = carried_out(torch_request(path, "TORCH_EXPORTED_PROGRAM"), tmp_path / "a")

    outputs = run_onnx(tmp_path / "a" / report.files["target_model"], x=np.zeros(2, np.float32))
    np.testing.assert_array_equal(outputs, [[1, 1], [2, 2], [3, 3]])
    assert list(ports(report, "output_spec")) == ["output_0", "output_1", "output_2"]


def test_torchscript_with_a_list_among_its_outputs_is_refused(tmp_path: Path) -> None:
    path = script(tmp_path / "m", Sequences(), torch.zeros(2))

    failure = failure_of(torch_request(path, "TORCHSCRIPT", spec("x", (2,))), tmp_path / "a")

    assert failure.failure_type is FailureType.UNSUPPORTED
    assert "is of the type sequence" in failure.reason


def test_torchscript_without_specs(tmp_path: Path) -> None:
    failure = failure_of(torch_request(script(tmp_path / "m"), "TORCHSCRIPT"), tmp_path / "a")

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

    failure = failure_of(request, tmp_path / "a")

    assert failure.failure_type is FailureType.INVALID_INPUTS
    assert told in failure.reason


def saved(path: Path, thing: object, **more: Any) -> None:
    torch.save(thing, path, **more)


FILES: dict[str, Callable[[Path], object]] = {
    "weights": lambda path: saved(path, Net().state_dict()),
    "module": lambda path: saved(path, Net()),
}
DAMAGED: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_bytes(b"no archive at all"),
    "weights, as long ago": lambda path: saved(
        path, Net().state_dict(), _use_new_zipfile_serialization=False
    ),
    "cut off": lambda path: path.write_bytes(script(path).read_bytes()[:2000]),
}


@pytest.mark.parametrize("model_type", ["TORCHSCRIPT", "TORCH_EXPORTED_PROGRAM"])
@pytest.mark.parametrize("name", [*FILES, *DAMAGED])
def test_files_without_code_and_damaged_ones(tmp_path: Path, name: str, model_type: str) -> None:
    path = tmp_path / "m"
    (FILES | DAMAGED)[name](path)

    failure = failure_of(torch_request(path, model_type, *SPECS), tmp_path / "a")

    if name in FILES:
        assert failure.failure_type is FailureType.MODEL_INVALID
        assert "What torch.save writes" in failure.reason
    else:
        assert failure.failure_type is FailureType.MODEL_CORRUPT
        assert "damaged" in failure.reason


@pytest.mark.parametrize("write", [script, program])
@pytest.mark.parametrize("seed", range(4))
def test_spoilt_archives_end_in_an_outcome(
    tmp_path: Path, write: Callable[[Path], Path], seed: int
) -> None:
    path = write(tmp_path / "m")
    spoilt = np.frombuffer(path.read_bytes(), np.uint8).copy()
    random = np.random.default_rng(seed)
    start = random.integers(len(spoilt) // 2)
    spoilt[start : start + 400] = random.integers(256, size=400)
    path.write_bytes(spoilt.tobytes())
    kind = "TORCHSCRIPT" if write is script else "TORCH_EXPORTED_PROGRAM"

    request = torch_request(path, kind, *(SPECS if write is script else ()))
    try:
        report = carried_out(request, tmp_path / "a")
    except JobFailure as failure:
        assert failure.failure_type in {FailureType.MODEL_CORRUPT, FailureType.MODEL_INVALID}
        assert failure.reason
    else:
        # Only weights were hit.
        assert len(report.result["output_spec"]) == 2


class Harmful:
    """Its pickle runs a command."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


def changed(path: Path, members: Mapping[str, bytes]) -> Path:
    """Replace and add members of an archive, by the ends of their names."""
    with zipfile.ZipFile(path) as archive:
        held = {info.filename: archive.read(info) for info in archive.infolist()}
    root = next(iter(held)).partition("/")[0]
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (held | {f"{root}/{key}": data for key, data in members.items()}).items():
            archive.writestr(name, data)
    return path


def in_samples(thing: object) -> dict[str, bytes]:
    buffer = io.BytesIO()
    torch.save(thing, buffer)
    return {"data/sample_inputs/model.pt": buffer.getvalue()}


def in_constants(thing: object) -> dict[str, bytes]:
    constant = {"path_name": "opaque_obj_0", "is_param": False, "use_pickle": True}
    config = {"config": {"c": {**constant, "tensor_meta": None}}}
    return {
        "data/constants/model_constants_config.json": json.dumps(config).encode(),
        "data/constants/opaque_obj_0": pickle.dumps(thing),
    }


@pytest.mark.parametrize("where", [in_samples, in_constants])
def test_no_code_within_a_program_runs(
    tmp_path: Path, where: Callable[[object], dict[str, bytes]]
) -> None:
    mark = tmp_path / "mark"
    path = changed(program(tmp_path / "m"), where(Harmful(mark)))

    failure = failure_of(torch_request(path, "TORCH_EXPORTED_PROGRAM"), tmp_path / "a")

    assert failure.failure_type is FailureType.MODEL_INVALID
    assert "could run any code" in failure.reason
    assert not mark.exists()
    # Afterwards pickles are what they were.
    assert pickle.loads(pickle.dumps(FailureType.SUCCESS)) is FailureType.SUCCESS
    assert "TORCH_FORCE_WEIGHTS_ONLY_LOAD" not in os.environ


def test_pytorch_on_its_own_would_have_run_it(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    path = changed(program(tmp_path / "m"), in_constants(Harmful(mark)))

    with suppress(AttributeError, RuntimeError, ValueError):
        torch.export.load(str(path))

    assert mark.exists()


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = program(tmp_path / "m")
    imported = importlib.import_module

    def without(name: str) -> ModuleType:
        if name == "onnxscript":
            raise ModuleNotFoundError("No module named 'onnxscript'")
        return imported(name)

    monkeypatch.setattr(importlib, "import_module", without)

    failure = failure_of(torch_request(path, "TORCH_EXPORTED_PROGRAM"), tmp_path / "a")

    assert failure.failure_type is FailureType.UNSUPPORTED
    assert "pip install 'qai-hub-openapi[torch]'" in failure.reason


def test_weights_are_in_the_target_model(tmp_path: Path) -> None:
    report = carried_out(
        torch_request(program(tmp_path / "m"), "TORCH_EXPORTED_PROGRAM"), tmp_path / "a"
    )

    model = onnx.load(tmp_path / "a" / report.files["target_model"])

    assert {tuple(tensor.dims) for tensor in model.graph.initializer} >= {(4, 3, 3, 3), (4,)}
