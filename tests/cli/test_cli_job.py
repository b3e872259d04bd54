"""The command `qai-hub job`."""

import json
import os
import re
from datetime import datetime
from pathlib import Path

import pytest
from support.command import Run
from support.job_hub import FAILED, RUNNING, JobHub
from support.users import COLLEAGUE, ME

from qai_hub.client import Client, ClientConfig, CompileJob
from qai_hub.config import save_config


def test_list_filters(run: Run, compiled: CompileJob, failed: CompileJob) -> None:
    done, broken = compiled.job_id, failed.job_id
    found = run("job", "list", "-q", "--state", "failed", "--type", "compile", "--creator", ME)
    assert broken in found.lines
    assert done not in found.lines
    assert done in run("job", "list", "--all", "-q", "--project", compiled.project_id).lines
    nobody = run("job", "list", "--creator", COLLEAGUE, "--format", "human")
    assert (nobody.out, nobody.err) == ("", "No jobs.\n")
    assert json.loads(run("job", "list", "--creator", COLLEAGUE, "--format", "json").out) == []
    assert len(run("job", "list", "-n", "1").lines) == 1


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_show_as_json(run: Run, compiled: CompileJob, form: str) -> None:
    shown = run("job", "show", compiled.job_id, "--format", form)
    told = json.loads(shown.out)
    assert (shown.status, shown.err, told["id"]) == (0, "", compiled.job_id)
    assert (told["state"], told["reason"], told["type"]) == ("SUCCESS", None, "compile")
    assert (told["device"], told["options"]) == ("Samsung Galaxy S24 14", "--target_runtime onnx")
    assert (told["owner"], told["model"]) == (ME, compiled.model.model_id)
    assert datetime.fromisoformat(told["created"]) == compiled.created_at


def test_show_other_forms(run: Run, compiled: CompileJob, failed: CompileJob) -> None:
    chosen = ["--format", "tsv", "--fields", "state, id"]
    assert run("job", "show", compiled.job_id, *chosen).out == f"SUCCESS\t{compiled.job_id}\n"
    assert run("job", "show", compiled.job_id, "-q").out == f"{compiled.job_id}\n"
    text = run("job", "show", failed.job_id).out
    assert re.search("^state +FAILED\nreason +The file is not an ONNX model", text, re.MULTILINE)


def test_show_of_none(run: Run) -> None:
    shown = run("job", "show", "jzzzzzzzz")
    assert (shown.status, shown.out) == (1, "")
    assert shown.err == (
        "qai-hub: There is no job jzzzzzzzz that you may see: check the identifier, or ask its "
        "owner to share it.\n"
    )


def test_wait(run: Run, compiled: CompileJob, failed: CompileJob) -> None:
    done, broken = compiled.job_id, failed.job_id
    assert run("job", "wait", done) == (0, "", "")
    waited = run("job", "wait", "-", stdin=f"{done}\tcompile\tSUCCESS\n\n{broken}\n{done}\n")
    assert (waited.status, waited.out) == (1, "")
    assert waited.err.startswith(f"qai-hub: {broken} has failed: The file is not an ONNX model")
    assert waited.err.count("\n") == 1
    assert run("job", "wait", done, broken, "-q").lines == [done, broken]
    waited = run("job", "wait", done, broken, "--fields", "id,state")
    assert waited.lines == [f"{done}\tSUCCESS", f"{broken}\tFAILED"]


def test_nothing_to_wait_for(run: Run) -> None:
    waited = run("job", "wait", "-", stdin="\n")
    assert (waited.status, waited.out) == (1, "")
    assert "Standard input has no identifiers" in waited.err
    assert run("job", "wait").status == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["wait", "jabcdefg1", "--timeout", "nan"],
        ["wait", "jabcdefg1", "--timeout", "-1"],
        ["list", "--limit", "0"],
        ["list", "--limit", "99999999999999999999"],
    ],
)
def test_numbers_that_cannot_be(run: Run, arguments: list[str]) -> None:
    refused = run("job", *arguments)
    assert (refused.status, refused.out) == (2, "")
    assert "qai-hub: Invalid value for" in refused.err


@pytest.mark.parametrize("jobs", [["jabcdefg1"], ["jabcdefg1", "jabcdefg2"]])
def test_time_runs_out(
    command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: list[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with JobHub(RUNNING) as hub:
        save_config(ClientConfig("token", hub.server.url, hub.server.url, False), home=tmp_path)
        waited = command("job", "wait", *jobs, "--timeout", "0.2", "--format", "jsonl")
        assert (waited.status, waited.out) == (124, "")
        assert waited.err.startswith("qai-hub: ")
        hub.state = FAILED
        waited = command("job", "wait", *jobs, "--format", "tsv", "--fields", "state,reason")
    assert (waited.status, waited.lines) == (1, ["FAILED\tno reason"] * len(jobs))
    assert waited.err.splitlines() == [f"qai-hub: {job} has failed: no reason" for job in jobs]


def test_logs(run: Run, compiled: CompileJob, tmp_path: Path) -> None:
    logs = run("job", "logs", compiled.job_id)
    assert (logs.status, logs.err) == (0, "")
    assert "Attempt started: compile" in logs.out
    written = run("job", "logs", compiled.job_id, "-o", "logs")
    (path,) = written.lines
    assert (tmp_path / path).read_text() == logs.out


def test_download(run: Run, compiled: CompileJob, failed: CompileJob, tmp_path: Path) -> None:
    downloaded = run("job", "download", compiled.job_id, "-o", "one")
    assert downloaded.status == 0
    assert {Path(path).suffix for path in downloaded.lines} == {".onnx", ".log"}
    both = run("job", "download", compiled.job_id, failed.job_id, "-o", "two")
    assert both.status == 1
    assert all((tmp_path / path).is_file() for path in both.lines)
    assert {Path(path).parts[:2] for path in both.lines} == {
        ("two", compiled.job_id),
        ("two", failed.job_id),
    }
    assert f"{failed.job_id} has failed: " in both.err


def test_rename(run: Run, client: Client, failed: CompileJob) -> None:
    assert run("job", "rename", failed.job_id, "Bröken") == (0, f"{failed.job_id}\n", "")
    assert client.get_job(failed.job_id).name == "Bröken"
    assert run("job", "rename", failed.job_id, "").status == 1


def test_share(run: Run, failed: CompileJob) -> None:
    assert run("job", "share", failed.job_id, "--add", COLLEAGUE).lines == [COLLEAGUE]
    assert run("job", "share", failed.job_id).lines == [COLLEAGUE]
    assert run("--profile", "colleague", "job", "show", failed.job_id, "-q").status == 0
    refused = run("job", "share", failed.job_id, "--off", "--remove", COLLEAGUE)
    assert (refused.status, refused.out) == (2, "")
    assert run("job", "share", failed.job_id, "--remove", COLLEAGUE) == (0, "", "")
    assert run("job", "show", failed.job_id, "--profile", "colleague").status == 1
    assert run("job", "share", failed.job_id, "--off") == (0, "", "")


def test_cancel_says_what_has_become_of_them(run: Run, compiled: CompileJob) -> None:
    cancelled = run("job", "cancel", "-", stdin=compiled.job_id)
    assert cancelled == (0, f"{compiled.job_id}\n", f"{compiled.job_id} is SUCCESS.\n")


def test_open_in_a_pipe_prints_the_address(
    run: Run, compiled: CompileJob, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BROWSER", f"touch {tmp_path / 'opened'} %s")
    assert run("job", "open", compiled.job_id) == (0, f"{compiled.url}\n", "")
    assert run("job", "open", compiled.job_id, "--print") == (0, f"{compiled.url}\n", "")
    assert not (tmp_path / "opened").exists()


@pytest.mark.parametrize("verb", ["download", "logs"])
def test_results_are_written_to_folders_only(run: Run, compiled: CompileJob, verb: str) -> None:
    refused = run("job", verb, compiled.job_id, "-o", os.devnull)
    assert (refused.status, refused.out) == (1, "")
    assert refused.err == f"qai-hub: {os.devnull} is not a folder: give the path of a folder.\n"
