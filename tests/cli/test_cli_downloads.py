"""Downloads of the command: where files get, and that none is replaced unless that is wanted."""

import os
import subprocess
from pathlib import Path

import h5py
import numpy as np
import onnx
import pytest
from support.command import COMMAND, Run, make_environment
from support.pty_terminal import pty_terminal

from qai_hub.client import CompileJob, Dataset, InferenceJob, Model


def _list_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_no_download_replaces_a_file(
    run: Run, compiled: CompileJob, target: Model, inferred: InferenceJob, data: Dataset
) -> None:
    mine = "compiled.onnx"
    for call in (
        ("model", "download", target.model_id),
        ("model", "download", target.model_id, "-o", mine),
        ("model", "download", target.model_id, "-o", "compiled"),
        ("job", "download", compiled.job_id),
    ):
        Path(mine).write_text("mine")
        refused = run(*call)
        assert (refused.status, refused.out) == (1, "")
        assert f"qai-hub: {mine} exists, and nothing was written: give --force" in refused.err
        assert Path(mine).read_text() == "mine"
        assert _list_names(Path()) == [mine]
        forced = run(*call, "-f")
        assert forced.status == 0
        assert mine in forced.lines
        assert onnx.load(mine).graph.output
        for name in _list_names(Path()):
            Path(name).unlink()
    calls: list[tuple[tuple[str, ...], str]] = [
        (("dataset", "download", data.dataset_id), f"{data.dataset_id}.h5"),
        (("dataset", "download", data.dataset_id, "-o", "x.npz"), "x.npz"),
        (("dataset", "download", data.dataset_id, "--npz", "-o", "data"), "data/0.npz"),
        (("job", "download", inferred.job_id), f"{inferred.job_id}_profile.json"),
        (("job", "logs", inferred.job_id, "-o", "logs"), f"logs/{inferred.job_id}_hub.log"),
    ]
    for arguments, path in calls:
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text("mine")
        before = _list_names(Path())
        refused = run(*arguments)
        assert (refused.status, refused.out) == (1, "")
        assert f"{path} exists, and nothing was written" in refused.err
        assert Path(path).read_text() == "mine"
        assert _list_names(Path()) == before
        assert path in run(*arguments, "--force").lines
        assert Path(path).read_bytes() != b"mine"


def test_a_link_that_leads_nowhere_is_not_replaced(run: Run, target: Model) -> None:
    Path("x.onnx").symlink_to("absent.onnx")
    assert run("model", "download", target.model_id, "-o", "x.onnx").status == 1
    assert Path("x.onnx").is_symlink()


def test_a_file_has_one_name(run: Run, compiled: CompileJob, target: Model) -> None:
    by_model = run("model", "download", target.model_id, "-o", "a/").lines
    by_job = run("model", "download", compiled.job_id, "-o", "b/").lines
    everything = run("job", "download", compiled.job_id, "-o", "c").lines
    assert Path(by_model[0]).name == Path(by_job[0]).name
    assert Path(by_model[0]).name in {Path(line).name for line in everything}


def test_another_suffix_is_told(run: Run, target: Model) -> None:
    downloaded = run("model", "download", target.model_id, "-o", "x.bin")
    assert downloaded.out == "x.bin.onnx\n"
    assert "x.bin lacks the suffix of the file: it is called x.bin.onnx." in downloaded.err


def test_a_single_file_to_standard_output(
    home: Path, run: Run, target: Model, data: Dataset, compiled: CompileJob, tmp_path: Path
) -> None:
    for noun, identifier in (("model", target.model_id), ("dataset", data.dataset_id)):
        done = subprocess.run(
            [*COMMAND, noun, "download", identifier, "-o", "-"],
            env=make_environment(home),
            cwd=tmp_path,
            capture_output=True,
            timeout=60,
            check=True,
        )
        (tmp_path / noun).write_bytes(done.stdout)
    assert onnx.load(tmp_path / "model").graph.input[0].name == "x"
    with h5py.File(tmp_path / "dataset") as file:
        assert np.all(file["data/0/batch_0"][:] == 1)
    assert _list_names(tmp_path) == ["dataset", "model"]
    for arguments in (
        ("job", "download", compiled.job_id),
        ("dataset", "download", data.dataset_id, "--npz"),
    ):
        refused = run(*arguments, "-o", "-")
        assert refused.status == 2
        assert "folder" in refused.err
    assert _list_names(tmp_path) == ["dataset", "model"]


@pytest.mark.skipif(os.name != "posix", reason="there are no such terminals")
def test_no_file_is_written_to_a_terminal(home: Path, target: Model) -> None:
    command = [*COMMAND, "model", "download", target.model_id, "-o", "-"]
    with pty_terminal(200) as terminal:
        done = subprocess.run(
            command,
            env=make_environment(home),
            stdout=terminal.descriptor,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert done.returncode == 1
        assert "would garble the terminal: give a path with -o" in done.stderr
        assert terminal.text == ""
