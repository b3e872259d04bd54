"""A small network of PyTorch, in the files that PyTorch writes of it."""

from pathlib import Path
from typing import Any

import pytest
from support.execution_models import spec

from qai_hub.local.engine.attempt import AttemptRequest, InputModel, TensorSpec

torch = pytest.importorskip("torch", reason="needs the extra [torch]")
pytest.importorskip("onnxscript", reason="needs the extra [torch]")

WARNINGS = [
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
