"""The command `qai-hub job`."""

import json
import os
import re
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from support.command import Run, run_process
from support.execution_models import endless_model
from support.job_hub import FAILED, RUNNING, JobHub, compile_job
from support.scripted_server import Reply, Request, Step, json_reply
from support.users import COLLEAGUE, ME

from qai_hub.client import Client, ClientConfig, CompileJob, InferenceJob, Model
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


def test_list_searches(run: Run, compiled: CompileJob, failed: CompileJob, target: Model) -> None:
    done, broken = compiled.job_id, failed.job_id
    assert run("job", "list", "-q", "--name", done.upper()).lines == [done]
    assert run("job", "list", "-q", "--model", target.model_id, "--type", "compile").lines == [done]
    assert {done, broken} <= {*run("job", "list", "--all", "-q", "--device", "galaxy s24").lines}
    assert run("job", "list", "-q", "--device", "no such").lines == []
    created = compiled.created_at
    assert created is not None
    after, before = created.isoformat(), (created + timedelta(microseconds=1)).isoformat()
    assert run("job", "list", "-q", "--after", after, "--before", before).lines == [done]
    assert run("job", "list", "-q", "--before", "2020-01-01").lines == []
    assert {done, broken} <= {*run("job", "list", "--all", "-q", "--after", "2020-01-01").lines}


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        (["--after", "yesterday"], "'yesterday' is no date or time, such as 2026-01-02"),
        (["--model", "jabc12345"], "is the identifier of a job, not of a model"),
        (["--name", "x" * 201], "name must be a text of at most 200 characters"),
    ],
)
def test_list_refuses_what_it_cannot_search_for(run: Run, option: list[str], problem: str) -> None:
    refused = run("job", "list", *option)
    assert refused.status != 0
    assert problem in refused.err


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_show_as_json(run: Run, compiled: CompileJob, form: str) -> None:
    shown = run("job", "show", compiled.job_id, "--format", form)
    told = json.loads(shown.out)
    assert (shown.status, shown.err, told["id"]) == (0, "", compiled.job_id)
    assert (told["state"], told["reason"], told["type"]) == ("SUCCESS", None, "compile")
    assert (told["device"], told["device_os"]) == ("Samsung Galaxy S24", "14")
    assert (told["options"], told["owner"]) == ("--target_runtime onnx", ME)
    assert told["model"] == compiled.model.model_id
    assert datetime.fromisoformat(told["created"]) == compiled.created_at


def test_show_other_forms(run: Run, compiled: CompileJob, failed: CompileJob) -> None:
    chosen = ["--format", "tsv", "--fields", "state, id"]
    assert run("job", "show", compiled.job_id, *chosen).out == f"SUCCESS\t{compiled.job_id}\n"
    assert run("job", "show", compiled.job_id, "-q").out == f"{compiled.job_id}\n"
    text = run("job", "show", failed.job_id).out
    assert re.search(r"^device +Samsung Galaxy S24 \(OS 14\)$", text, re.MULTILINE)
    assert "device os" not in text
    assert re.search("^state +FAILED\nreason +The file is not an ONNX model", text, re.MULTILINE)


def test_show_of_none(run: Run) -> None:
    shown = run("job", "show", "jzzzzzzzz")
    assert (shown.status, shown.out) == (1, "")
    assert shown.err == (
        "qai-hub: There is no job jzzzzzzzz that you may see: check the identifier, or ask its "
        "owner to share it.\n"
    )


def test_wait(run: Run, compiled: CompileJob, target: Model, failed: CompileJob) -> None:
    done, broken = compiled.job_id, failed.job_id
    assert run("job", "wait", done, "-q") == (0, f"{done}\n", "")
    waited = run("job", "wait", "-", stdin=f"{done}\tcompile\tSUCCESS\n\n{broken}\n{done}\n")
    assert (waited.status, waited.out) == (1, "")
    assert waited.err.startswith(f"qai-hub: {broken} has failed: The file is not an ONNX model")
    assert waited.err.splitlines()[1:] == [f"{done}: target model {target.model_id}"]
    assert run("job", "wait", done, broken, "-q").lines == [done, broken]
    waited = run("job", "wait", done, broken, "--fields", "id,state")
    assert waited.lines == [f"{done}\tSUCCESS", f"{broken}\tFAILED"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["job", "wait"], "No jobs."),
        (["job", "wait", "--format", "human"], "No jobs."),
        (["job", "cancel"], "No jobs."),
        (["job", "download"], "No jobs."),
        (["model", "delete"], "No models."),
        (["dataset", "delete"], "No datasets."),
    ],
)
def test_nothing_on_standard_input_is_nothing_to_do(run: Run, words: list[str], told: str) -> None:
    assert run(*words, "-", stdin="\n") == (0, "", f"{told}\n")
    assert run(*words).status == 2


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
    if "--limit" in arguments:
        assert refused.err.endswith(" is not in the range 1<=x<=1000000.\n")


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


def test_jobs_that_have_ended_are_fetched_once_and_several_at_a_time(
    command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    jobs = [f"jabcdef{number:03}" for number in range(24)]
    asked: list[str] = []
    together = threading.Barrier(8)

    def answer(request: Request) -> Step | None:
        job_id = request.path.rstrip("/").rpartition("/")[2]
        asked.append(job_id)
        if job_id == jobs[-1]:
            return json_reply(compile_job(job_id, RUNNING if asked.count(job_id) == 1 else FAILED))
        if job_id in jobs[:8]:
            # Whoever asks for one after the other gets no answer.
            together.wait(30)
        return None

    with JobHub(FAILED) as hub:
        hub.override = answer
        save_config(ClientConfig("token", hub.server.url, hub.server.url, True), home=tmp_path)
        waited = command("job", "wait", "-", stdin="\n".join([*jobs, jobs[0]]))
    assert (waited.status, waited.out) == (1, "")
    assert sorted(asked) == sorted([*jobs, jobs[-1]])
    assert all(waited.err.count(f'ob {job_id} "net": FAILED') == 1 for job_id in jobs)


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ("../../users\n", "has no identifier in line 3"),
        ("\udcff\n", "has no identifier in line 3"),
        ("\0" * 2_000_000, "has no identifier in line 3"),
        (" " * 2_000_000, "has more than 1,000,000 characters in line 3"),
        (f"jabcdefg1 {'x' * 2_000_000}", "has more than 1,000,000 characters in line 3"),
        ("jabcdefg1\n" * 1_000_000, "has more than 1,000,000 lines"),
    ],
)
@pytest.mark.parametrize("words", [["job", "wait"], ["model", "delete"]])
def test_what_is_no_list_of_identifiers_is_refused(
    run: Run, words: list[str], end: str, told: str
) -> None:
    refused = run(*words, "-", stdin=f"jabcdefg1\n\n{end}")
    advice = "write one identifier on each line."
    assert refused == (1, "", f"qai-hub: Standard input {told}: {advice}\n")


@pytest.mark.parametrize("job_id", ["jABCDEF", "j-1", "j", "hello", "../../users", "mabcdefg1"])
def test_what_identifies_no_job_is_said_without_patterns(run: Run, job_id: str) -> None:
    for words in (["show", job_id], ["rename", job_id, "name"], ["wait", job_id]):
        refused = run("job", *words)
        assert (refused.status, refused.out) == (1, "")
        assert re.search(
            r"There is no job|is no identifier of a job|is the identifier of a model", refused.err
        )
        assert not re.search(r"pattern|parameter|job_id", refused.err)


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_a_stream_that_never_ends_is_refused(home: Path, locale: str) -> None:
    for variables in ({"LC_ALL": locale}, {"LC_ALL": locale, "PYTHONUTF8": "0"}):
        refused = run_process(
            home,
            "job",
            "wait",
            "-",
            shell_end="</dev/urandom",
            PYTHONCOERCECLOCALE="0",
            **variables,
        )
        assert (refused.status, refused.out) == (1, "")
        assert refused.err.startswith("qai-hub: Standard input has no identifier in line ")


def test_logs(run: Run, compiled: CompileJob, tmp_path: Path) -> None:
    logs = run("job", "logs", compiled.job_id)
    assert (logs.status, logs.err) == (0, "")
    assert "Attempt started: compile" in logs.out
    written = run("job", "logs", compiled.job_id, "-o", "logs")
    (path,) = written.lines
    assert (tmp_path / path).read_text() == logs.out


def test_each_line_of_the_logs_is_printed_once(
    run: Run, inferred: InferenceJob, tmp_path: Path
) -> None:
    """The log of the hub has what that of the runtime has."""
    logs = run("job", "logs", inferred.job_id)
    assert (logs.status, logs.err) == (0, "")
    assert logs.out.count("Step: opening the model") == 1
    assert logs.out.count("Attempt started") == 1
    written = run("job", "logs", inferred.job_id, "-o", "logs").out.split()
    runtime, hub = sorted(written, key=lambda path: path.endswith("_hub.log"))
    assert runtime.endswith("_runtime.log")
    assert set((tmp_path / runtime).read_text().splitlines()) < set(logs.out.splitlines())
    assert (tmp_path / hub).read_text() == logs.out


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["job", "show", "mlp.onnx"], "'mlp.onnx' is no identifier of a job, which starts with j"),
        (["job", "cancel", "nope"], "`qai-hub job list` shows those."),
        (["model", "show", "nope"], "'nope' is no identifier of a model, which starts with m"),
        (["dataset", "show", "../x"], "'../x' is no identifier of a dataset, which starts with d"),
        (["job", "list", "--project", "foo"], "'foo' is no identifier of a project"),
        (["job", "share", "JOB", "--add", "me"], "'me' is not an e-mail address"),
    ],
)
def test_words_that_name_nothing_are_refused_in_words_of_the_shell(
    run: Run, compiled: CompileJob, typed: list[str], told: str
) -> None:
    refused = run(*(compiled.job_id if word == "JOB" else word for word in typed))
    assert (refused.status, refused.out) == (1, "")
    assert told in refused.err
    for word in ("pattern", "parameter", "job_id", "add_emails"):
        assert word not in refused.err


def test_logs_on_github_are_no_commands(tmp_path: Path) -> None:
    """Where a runner reads them. A file gets each byte, as other pipes do."""
    log = b"::error::from a model\n\tno \x1b[31mcommand\n"

    def answer(request: Request) -> Step | None:
        if "/artifact_list/" in request.path:
            artifact = {"url": f"{hub.server.url}/file", "filename": "a.log", "name": "log"}
            return json_reply({"artifacts": [artifact]})
        if request.path == "/file":
            return Reply(200, log)
        job = compile_job("jabcdefg1", FAILED)
        return json_reply(job | {"available_artifacts": ["JOB_ARTIFACT_TYPE_HUB_LOG"]})

    with JobHub() as hub:
        hub.override = answer
        save_config(ClientConfig("token", hub.server.url, hub.server.url, False), home=tmp_path)
        call = ["job", "logs", "jabcdefg1"]
        piped = run_process(tmp_path, *call, GITHUB_ACTIONS="true")
        assert run_process(tmp_path, *call, GITHUB_ACTIONS="false").out.encode() == log
        written = run_process(tmp_path, *call, shell_end="> written", GITHUB_ACTIONS="true")
    assert (piped.status, piped.err, written.status) == (0, "", 0)
    assert piped.out == ": :error::from a model\n        no �[31mcommand\n"
    assert (tmp_path / "written").read_bytes() == log


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
    nobody = (0, "", "It is shared with nobody.\n")
    assert run("job", "share", failed.job_id, "--remove", COLLEAGUE) == nobody
    assert run("job", "share", failed.job_id) == nobody
    assert run("job", "show", failed.job_id, "--profile", "colleague").status == 1
    assert run("job", "share", failed.job_id, "--off") == nobody


def test_cancel_says_what_has_become_of_them(
    run: Run, client: Client, compiled: CompileJob, failed: CompileJob
) -> None:
    ended = run("job", "cancel", "-", stdin=compiled.job_id)
    told = f"{compiled.job_id} had ended already: SUCCESS.\n"
    assert ended == (0, f"{compiled.job_id}\n", told)
    endless = client.submit_inference_job(endless_model(), compiled.device)
    assert isinstance(endless, InferenceJob)
    for _ in range(2):
        cancelled = run("job", "cancel", endless.job_id)
        told = f"{endless.job_id} is cancelled.\n"
        assert cancelled == (0, f"{endless.job_id}\n", told)
    listed = run("job", "list", "--state", "cancelled", "-q").lines
    assert endless.job_id in listed
    assert failed.job_id not in listed
    assert endless.job_id in run("job", "list", "--state", "failed", "-q").lines
    chosen = ["--fields", "id,failure_type,reason", "--format", "tsv"]
    assert (
        f"{endless.job_id}\tCANCELLED\tCancelled by {ME}."
        in run("job", "list", "--state", "cancelled", *chosen).lines
    )


def test_a_list_tells_why_jobs_have_failed(
    run: Run, compiled: CompileJob, failed: CompileJob
) -> None:
    lines = run("job", "list", "--all", "--format", "jsonl").lines
    jobs = {told["id"]: told for told in map(json.loads, lines)}
    assert jobs[failed.job_id]["reason"].startswith("The file is not an ONNX model")
    assert jobs[failed.job_id]["failure_type"] == "MODEL_CORRUPT"
    assert jobs[compiled.job_id]["reason"] is None
    assert jobs[compiled.job_id]["device"] == compiled.device.name
    # As the summaries tell it, where nothing else is asked for.
    named = ["id", "state", "created", "device", "name", "owner", "queued", "url"]
    for line in run("job", "list", "--all", "--format", "jsonl", "--fields", ",".join(named)).lines:
        told = json.loads(line)
        assert told == {name: jobs[told["id"]][name] for name in named}


def test_profile_jobs_are_told_from_inference_jobs(
    run: Run, profiled: InferenceJob, inferred: InferenceJob, compiled: CompileJob
) -> None:
    ids = {"profile": profiled.job_id, "inference": inferred.job_id}
    for kind, job_id in ids.items():
        listed = run("job", "list", "--all", "-q", "--type", kind).lines
        assert [each for each in ids.values() if each in listed] == [job_id]
        assert compiled.job_id not in listed
        assert run("job", "show", job_id, "--format", "tsv", "--fields", "type").lines == [kind]
        row = next(line for line in run("job", "list", "--all").lines if job_id in line)
        assert row.split("\t")[1] == kind
    assert len(run("job", "list", "-n", "1", "-q", "--type", "inference").lines) == 1


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
