"""Files that are no model of PyTorch, are damaged, or would do harm."""

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import torch_models
from support.execution_models import execute, get_failure
from support.torch_models import SPECS, WARNINGS, Net, program, script, torch_request

from qai_hub.local.engine.failures import FailureType, JobFailure

torch = torch_models.torch
pytestmark = WARNINGS


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

    failure = get_failure(torch_request(path, model_type, *SPECS), tmp_path / "a")

    if name in FILES:
        assert failure.failure_type is FailureType.MODEL_INVALID
        assert "A file from torch.save needs its Python code" in failure.reason
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
        report = execute(request, tmp_path / "a")
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

    failure = get_failure(torch_request(path, "TORCH_EXPORTED_PROGRAM"), tmp_path / "a")

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
