"""The command `qai-hub model`."""

import json
from pathlib import Path

import onnx
import pytest
from support.command import Run
from support.job_hub import RUNNING, compile_job
from support.routed_hub import RoutedHub, Routes
from support.scripted_server import json_reply
from support.users import COLLEAGUE

from qai_hub.client import Client, ClientConfig, CompileJob, Model
from qai_hub.config import save_config


def test_upload_and_delete(run: Run, client: Client, home: Path) -> None:
    uploaded = run("model", "upload", str(home / "affine.onnx"), "--name", "by command")
    (model_id,) = uploaded.lines
    assert (uploaded.status, uploaded.err) == (0, "")
    assert client.get_model(model_id).name == "by command"
    again = run("model", "upload", str(home / "affine.onnx"), "--format", "json")
    told = json.loads(again.out)
    assert (told["name"], told["type"], told["producer"]) == ("affine.onnx", "onnx", None)
    reused = run("model", "upload", str(home / "affine.onnx"), "--reuse", "-q")
    assert reused.lines == [told["id"]]
    deleted = run("model", "delete", "-", told["id"], stdin=f"{model_id}\n")
    assert (deleted.status, deleted.lines) == (0, [model_id, told["id"]])
    assert run("model", "delete", model_id).status == 1


def test_fields_are_checked_before_anything_is_sent(
    run: Run, client: Client, home: Path, target: Model
) -> None:
    latest = client.get_models(limit=1)[0].model_id
    wrong = run("model", "upload", str(home / "affine.onnx"), "--fields", "id,nome")
    assert (wrong.status, wrong.out) == (2, "")
    assert "There is no field 'nome'. The fields are id, type," in wrong.err
    assert client.get_models(limit=1)[0].model_id == latest


def test_list(run: Run, target: Model, compiled: CompileJob) -> None:
    project = ["--project", compiled.project_id]
    assert target.model_id in run("model", "list", "--all", "-q", *project).lines
    row = next(line for line in run("model", "list", "--all").lines if target.model_id in line)
    assert row.split("\t")[1] == "onnx"
    assert row.split("\t")[3] == compiled.job_id


def test_list_tells_what_exists_and_by_whom(
    run: Run, target: Model, compiled: CompileJob, failed: CompileJob
) -> None:
    def listed(*options: str) -> dict[str, str]:
        lines = run("model", "list", "--all", "--fields", "id,exists", *options).lines
        return dict(line.split("\t") for line in lines)

    produced, uploaded = listed("--produced"), listed("--uploaded")
    assert produced[target.model_id] == "yes"
    assert "no" in produced.values()
    assert uploaded[compiled.model.model_id] == "yes"
    assert set(uploaded.values()) == {"yes"}
    assert listed() == produced | uploaded
    assert not produced.keys() & uploaded.keys()
    assert len(run("model", "list", "--produced", "-n", "1", "-q").lines) == 1


def test_show(run: Run, target: Model) -> None:
    told = json.loads(run("model", "show", target.model_id, "--format", "json").out)
    assert (told["inputs"], told["outputs"]) == (["x: float32[1, 4]"], ["y: float32[1, 4]"])
    assert (told["url"], told["name"]) == (target.url, target.name)
    assert "inputs    x: float32[1, 4]\n" in run("model", "show", target.model_id).out


def test_a_model_that_is_not_there_yet_is_shown_at_once(
    command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    model = {
        "model_id": "mabcdefg1",
        "name": "soon",
        "creation_time": "2026-01-02T03:04:05Z",
        "file_upload_complete": False,
        "producer_id": "jabcdefg1",
    }
    routes: Routes = {
        "GET /api/v1/models/mabcdefg1/": json_reply(model),
        "GET /api/v1/jobs/jabcdefg1/": json_reply(compile_job("jabcdefg1", RUNNING)),
    }
    with RoutedHub(routes) as hub:
        save_config(ClientConfig("token", hub.url, hub.url, False), home=tmp_path)
        shown = command("model", "show", "mabcdefg1", "--format", "json")
        assert hub.count("GET /api/v1/jobs/jabcdefg1/") == 0
    told = json.loads(shown.out)
    assert (told["type"], told["producer"], told["inputs"]) == (None, "jabcdefg1", [])


@pytest.mark.parametrize(
    ("output", "path"),
    [
        ([], "compiled.onnx"),
        (["-o", "there"], "there/compiled.onnx"),
        (["-o", "new/"], "new/compiled.onnx"),
        (["-o", "deep/er/mine"], "deep/er/mine.onnx"),
        (["-o", "mine.onnx"], "mine.onnx"),
    ],
)
def test_download(run: Run, target: Model, tmp_path: Path, output: list[str], path: str) -> None:
    (tmp_path / "there").mkdir()
    named = Path(path).name.replace("compiled", Path(target.name).stem)
    expected = tmp_path / Path(path).with_name(named)
    downloaded = run("model", "download", target.model_id, *output)
    assert (downloaded.status, downloaded.err) == (0, "")
    assert (tmp_path / downloaded.out.rstrip("\n")) == expected
    assert onnx.load(expected).graph.input[0].name == "x"


def test_download_of_a_model_that_was_not_made(run: Run, failed: CompileJob) -> None:
    (model,) = [
        line.split("\t")[0]
        for line in run("model", "list", "--all").lines
        if failed.job_id in line.split("\t")
    ]
    downloaded = run("model", "download", model)
    assert (downloaded.status, downloaded.out) == (1, "")
    assert "was not created: its job failed" in downloaded.err


def test_share_and_open(run: Run, target: Model) -> None:
    assert run("model", "share", target.model_id, "--add", COLLEAGUE).lines == [COLLEAGUE]
    assert run("model", "show", target.model_id, "-q", "--profile", "colleague").status == 0
    unshared = run("model", "share", target.model_id, "--off")
    assert unshared == (0, "", "It is shared with nobody.\n")
    assert run("model", "open", target.model_id).lines == [target.url]
