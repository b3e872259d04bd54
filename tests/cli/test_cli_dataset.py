"""The command `qai-hub dataset`."""

import json
import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from support.command import Run
from support.users import COLLEAGUE

from qai_hub.client import Client, Dataset
from qai_hub.errors import UserError


def test_upload_and_delete(run: Run, client: Client, home: Path, data: Dataset) -> None:
    uploaded = run("dataset", "upload", str(home / "data.h5"), "--name", "samples")
    (dataset_id,) = uploaded.lines
    assert (uploaded.status, uploaded.err) == (0, "")
    assert client.get_dataset(dataset_id).name == "samples"
    again = run("dataset", "upload", str(home / "data.h5"), "--fields", "name,id")
    assert again.out.startswith("data.h5\td")
    deleted = run("dataset", "delete", dataset_id)
    assert (deleted.status, deleted.out) == (0, f"{dataset_id}\n")
    assert run("dataset", "show", dataset_id).status == 1


@pytest.mark.parametrize(
    ("name", "reason"), [("absent.h5", "There is no dataset"), ("affine.onnx", "is no HDF5 file")]
)
def test_upload_of_something_else(run: Run, home: Path, name: str, reason: str) -> None:
    uploaded = run("dataset", "upload", str(home / name))
    assert (uploaded.status, uploaded.out) == (1, "")
    assert reason in uploaded.err


def test_list_and_show(run: Run, data: Dataset) -> None:
    assert data.dataset_id in run("dataset", "list", "--all", "-q").lines
    told = json.loads(run("dataset", "show", data.dataset_id, "--format", "json").out)
    assert (told["id"], told["name"]) == (data.dataset_id, "data")
    assert told["expires"] > told["created"]
    assert f"id       {data.dataset_id}\n" in run("dataset", "show", data.dataset_id).out


@pytest.mark.parametrize("output", [None, "new/", "mine"])
def test_download(run: Run, data: Dataset, tmp_path: Path, output: str | None) -> None:
    chosen = [] if output is None else ["-o", output]
    downloaded = run("dataset", "download", data.dataset_id, *chosen)
    name = "mine" if output == "mine" else data.dataset_id
    folder = tmp_path / "new" if output == "new/" else tmp_path
    assert (downloaded.status, downloaded.err) == (0, "")
    assert tmp_path / downloaded.out.rstrip("\n") == folder / f"{name}.h5"
    with h5py.File(folder / f"{name}.h5") as file:
        assert file["data/0/batch_0"].shape == (1, 4)


def test_numpy_files_up_and_down(run: Run, client: Client, tmp_path: Path) -> None:
    (tmp_path / "samples").mkdir()
    for number in range(11):
        np.savez(tmp_path / "samples" / f"{number}.npz", x=np.full((1, 4), number, np.float32))
    (dataset_id,) = run("dataset", "upload", "samples/", "-q").lines
    assert client.get_dataset(dataset_id).name == "samples"
    downloaded = run("dataset", "download", dataset_id, "--npz")
    paths = [Path(line) for line in downloaded.lines]
    assert [str(path) for path in paths[:2]] == [f"{dataset_id}/00.npz", f"{dataset_id}/01.npz"]
    assert [np.load(path)["x"][0, 0] for path in paths] == list(range(11))
    (one_id,) = run("dataset", "upload", str(paths[7]), "-q").lines
    assert client.get_dataset(one_id).name == "07.npz"
    again = run("dataset", "download", one_id, "--npz", "-o", "new/folder")
    assert again.out == "new/folder/0.npz\n"
    assert run("dataset", "download", one_id, "-o", "one.npz").out == "one.npz\n"
    assert np.load("one.npz")["x"][0, 0] == 7
    several = run("dataset", "download", dataset_id, "-o", "several.npz")
    assert (several.status, several.out) == (1, "")
    assert "has 11 samples, and a .npz file holds one" in several.err
    refused = run("dataset", "download", one_id, "--npz", "-o", "samples")
    assert (refused.status, refused.out) == (1, "")
    assert "samples holds 1.npz already: give a new folder" in refused.err
    assert run("dataset", "delete", dataset_id, one_id).status == 0


def test_share(run: Run, data: Dataset) -> None:
    assert run("dataset", "share", data.dataset_id, "--add", COLLEAGUE).lines == [COLLEAGUE]
    assert run("dataset", "list", "-q", "--profile", "colleague").lines == [data.dataset_id]
    assert run("dataset", "share", data.dataset_id, "--remove", COLLEAGUE) == (
        *(0, ""),
        "It is shared with nobody.\n",
    )
    assert run("dataset", "show", data.dataset_id, "--profile", "colleague").status == 1


@pytest.mark.skipif(not Path("/dev/null").is_char_device(), reason="there are no such files")
def test_no_file_takes_the_place_of_a_device_or_a_pipe(
    run: Run, data: Dataset, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(tmp_path / "other.h5")
    for output in ("/dev/null", "pipe", "other"):
        refused = run("dataset", "download", data.dataset_id, "-o", output)
        assert (refused.status, refused.out) == (1, "")
        assert "a device, a pipe or a socket, which no file replaces: give" in refused.err
        with pytest.raises(UserError, match="which no file replaces"):
            data.download(output)
    assert {path.name for path in tmp_path.iterdir()} == {"pipe", "other.h5"}
    (tmp_path / "out.h5").mkdir()
    taken = run("dataset", "download", data.dataset_id, "-o", "out")
    assert "out.h5 is a folder, which no file replaces" in taken.err
