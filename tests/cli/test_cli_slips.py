"""Command lines with common slips, and what to write instead."""

import re
from pathlib import Path

import pytest
from support.command import Run, run_process
from support.users import COLLEAGUE, ME

from qai_hub.client import Client, CompileJob, InferenceJob, Model
from qai_hub.local import LocalHub

PHONES = ("Samsung Galaxy S23", "Samsung Galaxy S24")
PHONE = ["--device", PHONES[0]]
COMPILE = ["submit", "compile", "x.onnx"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([*COMPILE, "--options", "--wait"], "--options needs a value, and --wait is an option"),
        (["job", "list", "--creator", "--all"], "--creator needs a value, and --all is an option"),
        (
            ["submit-compile-job", "--model", "x.onnx", "--name", "--wait"],
            "--name needs a value, and --wait is an option",
        ),
        (
            [*COMPILE, *PHONE, "--target_runtime", "onnx"],
            'an option of the job, not of this command: write --options "--target_runtime onnx".',
        ),
        ([*COMPILE, "--target_runtime=onnx"], 'write --options "--target_runtime=onnx".'),
        ([*COMPILE, "--quantize_io", *PHONE], 'write --options "--quantize_io".'),
        (
            ["submit-compile-job", "--model", "x.onnx", "--target_runtime", "onnx"],
            'write --compile_options "--target_runtime onnx".',
        ),
        (
            [*COMPILE, "--options", "--target_runtime", "onnx", *PHONE],
            '--options takes one value. Put a value with blanks in quotes: --options "--target_',
        ),
        ([*COMPILE, "--devise", "x"], "No such option '--devise'. (Did you mean"),
        (
            [*COMPILE, "--device", "Samsung", "Galaxy", "S24", "--wait"],
            "'Galaxy', 'S24'. Put a value with blanks in quotes: --device \"Samsung Galaxy S24\".",
        ),
        (
            ["submit", "compile", "a.onnx", "b.onnx", *PHONE],
            "Too many arguments: 'b.onnx'. qai-hub submit compile takes one MODEL.",
        ),
        (["job", "logs", "j1", "j2"], "Too many arguments: 'j2'. qai-hub job logs takes one"),
        (["job", "rename", "j1", "a", "b"], 'in quotes: qai-hub job rename ... "a b".'),
        (["job", "list", "failed"], "qai-hub job list takes options alone."),
        (
            [*COMPILE, "--target-runtime", "onnx"],
            'write --options "--target_runtime onnx".',
        ),
        (["compile", "affine.onnx"], "Write `qai-hub submit compile`."),
        (["job", "ls"], "Write `qai-hub job list`."),
        (["model", "rm", "x"], "Write `qai-hub model delete`."),
        (
            ["job", "show", "--json", "jabcdefgh"],
            "If it is the JOB of the command, write it before",
        ),
        (["lock", "show", "--json", "t.lock"], "If it is the LOCK of the command, write it before"),
        (["lock", "show", "--json", "input"], "There is no field 'input'. The fields are id,"),
        (["job", "list", "--json", "t.lock"], "There is no field 't.lock'. The fields are id,"),
        ([*COMPILE, "--name", "a", "--name", "b"], "--name is given twice"),
        ([*COMPILE, "--options=a", "--options", "b"], "--options is given twice"),
    ],
)
def test_what_to_write_instead(run: Run, arguments: list[str], told: str) -> None:
    ended = run(*arguments)
    assert (ended.status, ended.out) == (2, "")
    assert told in ended.err


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (["job", "list", "--state", "SUCCES"], "Did you mean 'success'?"),
        (["job", "list", "--type", "compil"], "Did you mean 'compile'?"),
        (["job", "list", "--format", "jsn"], "Did you mean 'json'?"),
        (["submit", "quantize", "x.onnx", "--weights", "int88"], "Did you mean 'int8'?"),
        (["serve", "--log-level", "warn"], "Did you mean 'warning'?"),
    ],
)
def test_the_closest_word_of_a_choice(run: Run, arguments: list[str], near: str) -> None:
    ended = run(*arguments)
    assert (ended.status, ended.out) == (2, "")
    assert near in ended.err


def test_case_does_not_count_in_choices(run: Run, failed: CompileJob) -> None:
    command = ["job", "list", "--all", "--fields", "id"]
    shouted = run(*command, "--state", "FAILED", "--type", "Compile", "--format", "TSV")
    assert failed.job_id in shouted.lines
    assert shouted == run(*command, "--state", "failed", "--type", "compile", "--format", "tsv")


@pytest.mark.parametrize(
    "arguments", [["job", "show", "j1", "--fields", "name", "-q"], ["job", "show", "j1", "j2"]]
)
def test_no_advice_that_cannot_help(run: Run, arguments: list[str]) -> None:
    assert "quotes" not in run(*arguments).err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["job", "list", "-n", "abc"], "'abc' is not a whole number."),
        (["job", "list", "-n", "0"], "0 is not in the range"),
        (["job", "wait", "j1", "--timeout", "soon"], "'soon' is not a number of seconds."),
        (
            ["submit", "compile", "https://example.com/a.onnx", *PHONE],
            "A URL is no file of this machine: download it first.",
        ),
        (["submit", "compile", "dabc1234d", *PHONE], "is that of a dataset, not of a model"),
        (
            ["submit", "inference", "x", "--inputs", "mabc1234d", *PHONE],
            "of a model, not of a dataset",
        ),
        (["submit", "compile", "absent/a.onnx", *PHONE], "Nor is there a folder absent."),
    ],
)
def test_values_that_cannot_be(run: Run, arguments: list[str], told: str) -> None:
    ended = run(*arguments)
    assert ended.status in (1, 2)
    assert told in ended.err


def test_a_device_by_a_part_of_its_name_is_told_once(home: Path, lh: LocalHub) -> None:
    # In a process of its own, warnings of the client are on standard error.
    shown = run_process(home, "device", "show", "S24")
    assert (shown.status, shown.out) == (1, "")
    assert "Did you mean 'Samsung Galaxy S24'" in shown.err
    assert len(shown.err.splitlines()) == 1


def test_a_job_of_another_type_is_not_cloned(run: Run, profiled: InferenceJob) -> None:
    refused = run("submit", "compile", "--clone", profiled.job_id, *PHONE)
    assert f"{profiled.job_id} is a job of the type profile: it cannot be cloned" in refused.err


def test_who_was_not_shared_with_is_told(run: Run, target: Model) -> None:
    model = ["model", "share", target.model_id]
    run(*model, "--add", COLLEAGUE)
    ended = run(*model, "--remove", "nobody@example.com", "--remove", COLLEAGUE)
    assert ended.status == 0
    assert ended.err == ("It was not shared with nobody@example.com.\nIt is shared with nobody.\n")


def test_a_token_that_a_server_on_this_machine_refuses(
    run: Run, lh: LocalHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("QAIHUB_CLIENT_INI", str(tmp_path / "x.ini"))
    save = ["configure", "--api_url", lh.url, "--api_token"]
    refused = run(*save, "of-nobody")
    assert (refused.status, refused.out) == (0, f"Saved to {tmp_path / 'x.ini'}.\n")
    assert f"The server at {lh.url} does not know this token." in refused.err
    assert "does not know" not in run(*save, lh.config(ME).api_token).err


def test_a_value_may_look_like_an_option(run: Run, target: Model) -> None:
    for options in (["--options", "--quantize_io", target.model_id], ["--options=--wait"]):
        ended = run("submit", "compile", *options, "--device", "Nokia 3310")
        assert "needs a value" not in ended.err
        assert "takes one value" not in ended.err


def test_a_device_is_given_several_times(run: Run, client: Client, target: Model) -> None:
    both = [each for phone in PHONES for each in ("--device", phone)]
    submitted = run("submit", "profile", target.model_id, *both, *PHONE, "-q")
    jobs = [client.get_job(line) for line in submitted.lines]
    assert [job.device.name for job in jobs if isinstance(job, InferenceJob)] == [*PHONES]
    waited = run("submit", "compile", target.model_id, *both, "--wait", "--format", "tsv")
    assert waited.status == 0
    compiled = [client.get_job(line.split("\t")[0]) for line in waited.lines]
    assert [job.device.name for job in compiled if isinstance(job, CompileJob)] == [*PHONES]


def test_the_device_that_the_service_has_chosen(run: Run, client: Client, target: Model) -> None:
    verb = ["submit-compile-job", "--model", target.model_id]
    chosen = run(*verb)
    job = client.get_job(chosen.out.split()[0])
    assert isinstance(job, CompileJob)
    told = re.search(r"the service has chosen (.+)\. To choose one, give --device", chosen.err)
    assert told is not None
    assert told[1] == job.device.name
    assert chosen.lines == [f"{job.job_id} {job.url}"]
    assert "has chosen" not in run(*verb, *PHONE).err
    assert "has chosen" not in run("submit-compile-job", "--clone", job.job_id).err
