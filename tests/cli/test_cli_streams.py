"""The command as a process: pipes, terminals, closed streams, and Ctrl+C."""

import json
import os
import pty
import re
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from rich.cells import cell_len
from support.command import COMMAND, make_environment, run_process
from support.job_hub import FAILED, RUNNING, JobHub, compile_job
from support.pty_terminal import pty_terminal
from support.scripted_server import Reply, Request, Step, json_reply

from qai_hub.client import Client, ClientConfig, CompileJob, Device, Model
from qai_hub.config import save_config

PHONE = "Samsung Galaxy S24"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def show(home: Path, *arguments: str, columns: int = 100, **more: str) -> tuple[int, str]:
    """Runs the command on a terminal, and returns its exit status and what is shown."""
    terminal, end = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        env=make_environment(home, COLUMNS=str(columns), **more),
        cwd=home,
        stdin=end,
        stdout=end,
        stderr=end,
    )
    os.close(end)
    shown = b""
    try:
        while block := os.read(terminal, 4096):
            shown += block
    except OSError:
        # The last process that had the terminal has ended.
        pass
    os.close(terminal)
    return process.wait(60), shown.decode().replace("\r\n", "\n")


def test_identifiers_alone_are_on_stdout(home: Path) -> None:
    """As in GitHub Actions: `ID=$(qai-hub submit ... -q)`."""
    variables = {"CI": "true", "GITHUB_ACTIONS": "true"}
    given = ["submit", "compile", "open.onnx", "--device", PHONE, "--input-specs", "{'x': (1, 4)}"]
    submitted = run_process(home, *given, "-q", "--wait", **variables)
    assert (submitted.status, submitted.err) == (0, "")
    assert re.fullmatch(r"j\w+\n", submitted.out)
    broken = ["submit", "compile", "broken.onnx", "--device", PHONE]
    submitted = run_process(home, *broken, "-q", "--wait", **variables)
    assert submitted.status == 1
    assert re.fullmatch(r"j\w+\n", submitted.out)
    assert submitted.err.startswith(f"qai-hub: {submitted.out.strip()} has failed: ")
    refused = run_process(home, *broken, "--project", "pzzzzzzzz", "-q", **variables)
    assert (refused.status, refused.out, len(refused.err.splitlines())) == (1, "", 1)


@pytest.mark.parametrize("form", ["jsonl", "human", "quiet"])
def test_a_reader_that_is_gone(home: Path, form: str) -> None:
    listed = run_process(home, "device", "list", "--format", form, shell_end="| true")
    assert (listed.status, listed.err) == (141, "")


def test_a_reader_of_logs_that_is_gone(home: Path, compiled: CompileJob) -> None:
    printed = run_process(home, "job", "logs", compiled.job_id, shell_end="| true")
    assert (printed.status, printed.err) == (141, "")


@pytest.mark.parametrize("shell_end", [">&-", ">&- 2>&- <&-"])
def test_closed_streams(home: Path, compiled: CompileJob, shell_end: str) -> None:
    for verb in (
        ["job", "list", "--format", "json"],
        ["job", "list", "--format", "human"],
        ["job", "show", compiled.job_id],
        ["job", "logs", compiled.job_id],
    ):
        ended = run_process(home, *verb, shell_end=shell_end)
        assert (ended.status, ended.err) == (0, "")


def test_an_encoding_that_lacks_characters(home: Path, compiled: CompileJob) -> None:
    given = ["--format", "human", "--fields", "id,name"]
    run_process(home, "job", "rename", compiled.job_id, "Größe 大")
    listed = run_process(home, "job", "list", "--all", *given, PYTHONIOENCODING="ascii:strict")
    run_process(home, "job", "rename", compiled.job_id, "compiled")
    assert (listed.status, listed.err) == (0, "")
    assert "Gr\\xf6\\xdfe \\u5927" in listed.out


def test_colours(home: Path, failed: CompileJob) -> None:
    given = ["job", "list", "--state", "failed", "-n", "1"]
    assert "\x1b[31mFAILED" in show(home, *given)[1]
    assert not re.search(r"\x1b\[3", show(home, *given, NO_COLOR="1")[1])
    assert "\x1b" not in show(home, *given, TERM="dumb")[1]
    human = [*given, "--format", "human"]
    assert "\x1b" not in run_process(home, *human).out
    assert "\x1b[31mFAILED" in run_process(home, *human, FORCE_COLOR="1").out
    assert "\x1b" not in run_process(home, *given, FORCE_COLOR="1").out


@pytest.fixture
def latest(client: Client, compiled: CompileJob) -> CompileJob:
    """The latest job, whose device and name are long."""
    job = client.submit_compile_job(
        compiled.model, Device(f"{PHONE} Ultra"), "-".join(["long-name"] * 6)
    )
    assert job.wait(60).finished
    return job


JOB_COLUMNS = ["ID", "TYPE", "STATE", "CREATED", "DEVICE", "NAME"]
JOB_COLUMNS_WITHOUT_TIME = ["ID", "TYPE", "STATE", "DEVICE", "NAME"]


@pytest.mark.parametrize(
    ("columns", "shown_columns", "time"),
    [
        (30, JOB_COLUMNS_WITHOUT_TIME, None),
        (60, JOB_COLUMNS_WITHOUT_TIME, None),
        # Unknown, as the size of this terminal is.
        (0, JOB_COLUMNS, r"  \d\d-\d\d \d\d:\d\d  "),
        (80, JOB_COLUMNS, r"  \d\d-\d\d \d\d:\d\d  "),
        (200, JOB_COLUMNS, r"  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d  "),
    ],
)
def test_tables_fit_the_terminal(
    home: Path, latest: CompileJob, columns: int, shown_columns: list[str], time: str | None
) -> None:
    status, shown = show(home, "job", "list", "--limit", "1", columns=columns)
    columns = columns or 80
    header, row = COLOUR.sub("", shown).splitlines()
    assert status == 0
    # What is never shortened takes 29 columns, and two more columns of 8 at least.
    assert len(row) <= max(columns, 49)
    assert header.split() == shown_columns
    assert row.startswith(f"{latest.job_id}  compile  ")
    assert bool(re.search(r"\d\d:\d\d", row)) == (time is not None)
    assert time is None or re.search(time, row)
    assert (PHONE in row) == (columns >= 80)
    assert (latest.name in row) == (columns >= 200)


@pytest.mark.parametrize("columns", ["0", "1", "-3", "x"])
def test_a_table_in_a_pipe_is_whole_whatever_the_width(
    home: Path, latest: CompileJob, columns: str
) -> None:
    listed = run_process(
        home, "job", "list", "--limit", "1", "--format", "human", COLUMNS=columns, LINES=columns
    )
    header, row = listed.lines
    assert (listed.status, header.split()) == (0, JOB_COLUMNS)
    assert row.endswith(f"  {PHONE} Ultra  {latest.name}")


DEVICE_COLUMNS = ["NAME", "OS", "VENDOR", "FORMAT", "CHIPSET", "HEXAGON", "FRAMEWORK"]


@pytest.mark.parametrize(
    ("columns", "left_out"),
    [
        (60, {"VENDOR", "FORMAT", "CHIPSET", "HEXAGON", "FRAMEWORK"}),
        (80, {"VENDOR", "FORMAT", "HEXAGON", "FRAMEWORK"}),
        (120, {"FRAMEWORK"}),
        (200, set()),
    ],
)
def test_columns_that_count_less_give_way(home: Path, columns: int, left_out: set[str]) -> None:
    status, shown = show(home, "device", "list", columns=columns)
    header, *rows = COLOUR.sub("", shown).splitlines()
    (row,) = (each for each in rows if each.startswith(f"{PHONE}  "))
    assert status == 0
    assert header.split() == [each for each in DEVICE_COLUMNS if each not in left_out]
    assert re.search("  android 14( |$)", row)
    assert max(map(len, rows)) <= columns


def test_columns_that_are_named_stay(home: Path) -> None:
    given = ["device", "list", "--name", PHONE, "--fields", "name,framework,chipset,os"]
    status, shown = show(home, *given, columns=50)
    header, row = COLOUR.sub("", shown).splitlines()[:2]
    assert (status, header.split()) == (0, ["NAME", "FRAMEWO…", "CHIPSET", "OS"])
    assert row.startswith(PHONE)
    assert row.endswith("android 14")
    assert len(row) <= 50


def test_wide_characters_take_two_columns(home: Path, client: Client) -> None:
    model = client.upload_model(str(home / "affine.onnx"), "日本語🚀" * 20)
    status, shown = show(home, "model", "list", "--limit", "1", columns=60)
    model.delete()
    row = COLOUR.sub("", shown).splitlines()[1]
    assert (status, row.split()[0]) == (0, model.model_id)
    assert "日本語🚀" in row
    assert "…" in row
    assert cell_len(row) <= 60


def test_a_record_on_a_terminal(home: Path, target: Model) -> None:
    status, shown = show(home, "model", "show", target.model_id)
    assert (status, shown.splitlines()[0]) == (0, f"id        {target.model_id}")


@pytest.mark.parametrize(
    ("browser", "told"), [("false %s", "open this address yourself"), ("true %s", "")]
)
def test_a_page_is_opened_on_a_terminal(
    home: Path, compiled: CompileJob, browser: str, told: str
) -> None:
    browsers = {"PATH": "/nowhere", "DISPLAY": "", "BROWSER": f"/bin/{browser}"}
    status, shown = show(home, "job", "open", compiled.job_id, columns=100, **browsers)
    assert (status, shown.splitlines()[0]) == (0, compiled.url)
    assert told in shown
    assert len(shown.splitlines()) == (2 if told else 1)


def test_logs_that_are_no_text(tmp_path: Path) -> None:
    """A terminal is spared them; a pipe and a file get each byte."""
    content = b"PK\x03\x04\0\x1b[2J"

    def answer(request: Request) -> Step | None:
        if "/artifact_list/" in request.path:
            artifact = {"url": f"{hub.server.url}/file", "filename": "logs.zip", "name": "logs"}
            return json_reply({"artifacts": [artifact]})
        if request.path == "/file":
            return Reply(200, content)
        job = compile_job("jabcdefg1", FAILED) | {
            "available_artifacts": ["JOB_ARTIFACT_TYPE_HUB_LOG"]
        }
        return json_reply(job)

    with JobHub() as hub:
        hub.override = answer
        save_config(ClientConfig("token", hub.server.url, hub.server.url, False), home=tmp_path)
        status, shown = show(tmp_path, "job", "logs", "jabcdefg1")
        piped = run_process(tmp_path, "job", "logs", "jabcdefg1", shell_end="| od -An -tx1")
    assert (status, "\x1b" in shown) == (1, False)
    assert "logs.zip is no text: give -o FOLDER" in shown
    assert bytes.fromhex(piped.out) == content


@pytest.mark.parametrize("jobs", [["jabcdefg1"], ["jabcdefg1", "jabcdefg2"]])
def test_ctrl_c_ends_a_wait(tmp_path: Path, jobs: list[str]) -> None:
    waiting = threading.Event()

    def note(request: Request) -> None:
        if "wait" in request.headers.get("prefer", ""):
            waiting.set()

    with JobHub(RUNNING) as hub:
        hub.override = note
        save_config(ClientConfig("token", hub.server.url, hub.server.url, False), home=tmp_path)
        with subprocess.Popen(
            [*COMMAND, "job", "wait", *jobs],
            env=make_environment(tmp_path),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert waiting.wait(30)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    named = " ".join(jobs)
    goes_on = "goes on" if len(jobs) == 1 else "go on"
    assert (
        f"qai-hub: {', '.join(jobs)} {goes_on}: wait again with `qai-hub job wait {named}`" in err
    )
    assert f"`qai-hub job cancel {named}`." in err
    assert len(err.split("\n")) == 3


def test_a_signal_leaves_a_clean_terminal(tmp_path: Path) -> None:
    """What -v logs meanwhile is above the line that shows the wait."""
    with JobHub(RUNNING) as hub, pty_terminal(200) as terminal:
        save_config(ClientConfig("token", hub.server.url, hub.server.url, True), home=tmp_path)
        with subprocess.Popen(
            [*COMMAND, "job", "wait", "jabcdefg1", "-v"],
            env=make_environment(tmp_path, NO_COLOR="1"),
            stderr=terminal.descriptor,
        ) as process:
            terminal.wait_for(r"(?s)OPTIMIZING_MODEL.*DEBUG.*DEBUG.*OPTIMIZING_MODEL")
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 128 + signal.SIGTERM
        lines = terminal.screen()
    logged = re.compile(r"[\d-]+ [\d:,]+ DEBUG qai_hub\.transport: GET http\S+: 200 \(\d+ ms\)")
    assert lines
    assert all(logged.fullmatch(line) for line in lines)


@pytest.mark.parametrize("shell_end", ["2>/dev/full", "2>&1 | true"])
def test_a_status_is_told_where_errors_cannot_be(tmp_path: Path, shell_end: str) -> None:
    ended = run_process(tmp_path, "no-such-command", shell_end=shell_end)
    assert (ended.status, ended.err) == (2, "")


def test_no_server(tmp_path: Path) -> None:
    save_config(ClientConfig("token", "http://127.0.0.1:9", "http://127.0.0.1:9"), home=tmp_path)
    listed = run_process(tmp_path, "job", "list", "--format", "json")
    assert (listed.status, listed.out) == (1, "")
    assert listed.err.startswith("qai-hub: ")
    assert len(listed.err.splitlines()) == 1
    assert "httpx.ConnectError" in run_process(tmp_path, "--debug", "job", "list").err


def test_nothing_is_configured(tmp_path: Path) -> None:
    listed = run_process(tmp_path, "job", "list")
    assert (listed.status, listed.out, len(listed.err.splitlines())) == (1, "", 1)
    assert "configure" in listed.err
    assert "Traceback" in run_process(tmp_path, "--debug", "job", "list").err


def test_requests_are_logged_on_stderr(home: Path, compiled: CompileJob) -> None:
    for before, after in (["-v"], []), ([], ["--verbose"]):
        told = run_process(
            home, *before, "job", "show", compiled.job_id, "--format", "json", *after
        )
        assert json.loads(told.out)["id"] == compiled.job_id
        assert "DEBUG qai_hub" in told.err
        assert "Traceback" not in told.err
