"""PyTorch models in memory and as files; `make test-torch` runs this where torch is installed."""

import runpy
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.users import ME

import qai_hub as hub
import qai_hub.hub
from qai_hub.client import Client, Device, SourceModelType
from qai_hub.config import save_config
from qai_hub.local import LocalHub

torch = pytest.importorskip("torch")

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch"),
    pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated"),
    pytest.mark.filterwarnings("ignore:.*torch.jit.*is not supported"),
]

SAMPLE = torch.linspace(-1, 1, 8).reshape(2, 4)


class Classifier(torch.nn.Module):  # type: ignore[name-defined, misc]
    """A layer with weights, and one without."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # type: ignore[name-defined]
        return torch.relu(self.layer(x))


def traced() -> Any:
    return torch.jit.trace(Classifier().eval(), SAMPLE)


def scripted() -> Any:
    return torch.jit.script(Classifier().eval())


def frozen() -> Any:
    return torch.jit.freeze(torch.jit.script(Classifier().eval()))


def exported() -> Any:
    return torch.export.export(Classifier().eval(), (SAMPLE,))


def load_exported(path: str) -> Any:
    return torch.export.load(path).module()


SAVED: dict[str, Callable[[Any, Path], object]] = {
    "weights": lambda module, path: torch.save(module.state_dict(), path),
    "module": torch.save,
    "weights, as long ago": lambda module, path: torch.save(
        module.state_dict(), path, _use_new_zipfile_serialization=False
    ),
}


@pytest.mark.parametrize(
    ("make", "model_type", "suffix", "name", "load"),
    [
        (traced, SourceModelType.TORCHSCRIPT, ".pt", "Classifier", torch.jit.load),
        (scripted, SourceModelType.TORCHSCRIPT, ".pt", "Classifier", torch.jit.load),
        (frozen, SourceModelType.TORCHSCRIPT, ".pt", "Classifier", torch.jit.load),
        (
            exported,
            SourceModelType.TORCH_EXPORTED_PROGRAM,
            ".pt2",
            "ExportedProgram",
            load_exported,
        ),
    ],
)
def test_models_in_memory_arrive_as_they_are(
    client: Client,
    tmp_path: Path,
    make: Callable[[], Any],
    model_type: SourceModelType,
    suffix: str,
    name: str,
    load: Callable[[str], Any],
) -> None:
    model = make()
    uploaded = client.upload_model(model)
    assert (uploaded.model_type, uploaded.name) == (model_type, name)
    assert uploaded.model is model
    path = uploaded.download(str(tmp_path / "back"))
    assert Path(path).name == f"back{suffix}"
    assert torch.equal(load(path)(SAMPLE), Classifier()(SAMPLE))


@pytest.mark.parametrize("make", [traced, exported])
def test_models_in_memory_are_compiled(
    client: Client, device: Device, make: Callable[[], Any]
) -> None:
    model = make()
    if make is traced:
        with pytest.raises(hub.UserError, match="needs input_specs"):
            client.submit_compile_job(model, device)
        with pytest.warns(DeprecationWarning, match=r"torch\.export"):
            job = client.submit_compile_job(model, device, input_specs={"x": (2, 4)})
    else:
        job = client.submit_compile_job(model, device)
    assert job.model.model_type.name.startswith("TORCH")
    with pytest.raises(hub.UserError, match="cannot run on a device"):
        client.submit_inference_job(model, device)
    with pytest.raises(hub.UserError, match="Only ONNX models"):
        client.submit_quantize_job(model, {"x": [SAMPLE.numpy()]})


@pytest.mark.parametrize("make", [traced, exported])
def test_what_is_compiled_of_them_runs_and_gives_what_they_give(
    client: Client, device: Device, make: Callable[[], Any]
) -> None:
    specs: Any = {"picture": (2, 4)} if make is traced else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        job = client.submit_compile_job(make(), device, input_specs=specs)
    target = job.get_target_model()
    assert target is not None, job.get_status()
    assert "PyTorch" in job.get_tool_versions()
    name = "picture" if make is traced else "x"
    inference = client.submit_inference_job(target, device, {name: [SAMPLE.numpy()]})

    outputs = inference.download_output_data()

    assert isinstance(outputs, dict)
    assert list(outputs) == ["output_0"]
    expected = Classifier()(SAMPLE).detach()
    assert torch.allclose(torch.from_numpy(outputs["output_0"][0]), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "save", "suffix"),
    [
        (traced, torch.jit.save, ".pt"),
        (scripted, torch.jit.save, ".pth"),
        (exported, torch.export.save, ".pt2"),
    ],
)
def test_files_with_code_are_taken(
    client: Client,
    tmp_path: Path,
    make: Callable[[], Any],
    save: Callable[[Any, str], None],
    suffix: str,
) -> None:
    path = tmp_path / f"model{suffix}"
    save(make(), str(path))
    assert client.upload_model(path).name == path.name


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".pt2"])
@pytest.mark.parametrize("saved", SAVED)
def test_files_without_code_are_refused(
    client: Client, tmp_path: Path, saved: str, suffix: str
) -> None:
    path = tmp_path / f"model{suffix}"
    SAVED[saved](Classifier(), path)
    with pytest.raises(hub.UserError, match=r"written by torch\.save"):
        client.upload_model(path)


def test_a_module_is_python_code(client: Client) -> None:
    with pytest.raises(hub.UserError, match=r"torch\.export\.export"):
        client.upload_model(Classifier())


def test_a_scripted_function_is_no_model(client: Client) -> None:
    def double(x: torch.Tensor) -> torch.Tensor:  # type: ignore[name-defined]
        return x * 2

    with pytest.raises(hub.UserError, match="not a ScriptFunction"):
        client.upload_model(torch.jit.script(double))


def test_example_compiles_a_module(
    lh: LocalHub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = save_config(lh.config(ME), environ={}, home=tmp_path)
    monkeypatch.setenv("QAIHUB_CLIENT_INI", str(path))
    monkeypatch.setattr(qai_hub.hub, "_global_client", None)
    monkeypatch.chdir(tmp_path)
    script = Path(__file__).parents[2] / "examples/compile_pytorch.py"
    runpy.run_path(str(script), run_name="__main__")
    told = capsys.readouterr().out
    assert told.endswith(
        "compiled/from_pytorch.onnx takes {'image': ((1, 3, 48, 192), 'float32')}\n"
    )
