"""How the command prints: each format, names that would harm it, long lists, and typing errors."""

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.command import COMMAND, Run, make_environment
from support.routed_hub import RoutedHub
from support.scripted_server import Request, ScriptedServer, Step, json_reply
from support.tiny_models import affine

from qai_hub.client import ClientConfig
from qai_hub.config import save_config

MODELS = "GET /api/v1/models/"
MODEL = "GET /api/v1/models/mabcdefg1/"
# What a terminal obeys: moving the cursor, colours, titles, bells, and right-to-left overrides.
HARMFUL = "\x1b[2J\x1b]0;title\x07\t\r\n\\\x00\x9b31m\u202e\u2028"


def model_json(model_id: str, name: str) -> dict[str, Any]:
    return {
        "model_id": model_id,
        "name": name,
        "creation_time": "2026-01-02T03:04:05Z",
        "file_upload_complete": True,
        "model_type": "MODEL_TYPE_ONNX",
    }


@pytest.fixture
def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RoutedHub]:
    """A server whose only model has the name that a test gives it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with RoutedHub({}) as hub:
        save_config(ClientConfig("token", hub.url, hub.url, False), home=tmp_path)
        yield hub


def give_name(hub: RoutedHub, name: str) -> None:
    model = model_json("mabcdefg1", name)
    hub.routes[MODEL] = json_reply(model)
    hub.routes[MODELS] = json_reply({"models": [model], "total_query_count": 1})


def unescape(cell: str) -> str:
    """Reads a cell of TSV, as the documentation of the command says."""
    signs = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}
    numbered = r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))"
    return re.sub(
        numbered,
        lambda found: (
            signs[found[4]] if found[4] else chr(int("".join(filter(None, found.groups())), 16))
        ),
        cell,
    )


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(min_size=1, max_size=30)
    | st.text(HARMFUL, min_size=1, max_size=30)
    | st.text("#[: \\xu0\ta", min_size=1, max_size=8)
)
@example("::error::x")
@example(" ::error::##[group]\\x23")
@example("\\\x1b##vso[\U000e0001\xa0\u3000é☃")
def test_no_name_harms_a_terminal_or_a_script(named: RoutedHub, command: Run, name: str) -> None:
    give_name(named, name)
    for verb in (["list"], ["show", "mabcdefg1"]):
        for form in ("human", "json", "jsonl", "tsv", "quiet"):
            fields = [] if form == "quiet" else ["--fields", "id,name,url"]
            printed = command("model", *verb, "--format", form, *fields)
            assert (printed.status, printed.err) == (0, "")
            kept = printed.out.replace("\n", "").replace("\t", "" if form == "tsv" else "\t")
            assert kept.isprintable()
            if form == "quiet":
                assert printed.out == "mabcdefg1\n"
            elif form == "tsv":
                (row,) = printed.out.splitlines()
                model_id, cell, _ = row.split("\t")
                assert (model_id, unescape(cell)) == ("mabcdefg1", name)
            elif form == "human":
                assert printed.out.count("\n") == (2 if verb == ["list"] else 3)
            else:
                told = json.loads(printed.out)
                assert (told[0] if isinstance(told, list) else told)["name"] == name
                if form == "jsonl":
                    assert printed.out.count("\n") == 1


def test_no_name_commands_a_runner(named: RoutedHub, command: Run) -> None:
    """As GitHub's and Azure's read the output of commands."""
    name = "::error::x ##[group]y ##vso[task.complete]\n::stop-commands::z"
    give_name(named, name)
    for form in ("human", "json", "jsonl", "tsv"):
        printed = command("model", "list", "--format", form, "--fields", "name")
        assert printed.status == 0
        assert not re.search(r"^\s*::|##\w*\[", printed.out, re.MULTILINE)
        if "json" in form:
            told = json.loads(printed.out)
            assert (told[0] if isinstance(told, list) else told)["name"] == name
        elif form == "tsv":
            assert unescape(printed.out.removesuffix("\n")) == name
    # A value may follow empty ones.
    printed = command("model", "list", "--format", "tsv", "--fields", "producer,name")
    assert not re.search(r"^\s*::", printed.out, re.MULTILINE)
    named.routes[MODEL] = json_reply({"detail": name}, 400)
    refused = command("model", "show", "mabcdefg1")
    assert refused.status == 1
    assert not re.search(r"^\s*::|##\w*\[", refused.err, re.MULTILINE)


def test_no_error_of_a_server_harms_a_terminal(named: RoutedHub, command: Run) -> None:
    named.routes[MODEL] = json_reply({"detail": f"{HARMFUL} is wrong"}, 400)
    shown = command("model", "show", "mabcdefg1")
    assert (shown.status, shown.out) == (1, "")
    assert shown.err.replace("\n", "").isprintable()
    assert "is wrong" in shown.err


@pytest.mark.parametrize("name", ["../../out.onnx", "\x1b[2J.onnx", "a/b\\c.onnx", "..", "x" * 400])
def test_a_download_stays_in_its_folder(
    named: RoutedHub, command: Run, tmp_path: Path, name: str
) -> None:
    give_name(named, name)
    named.routes["GET /api/v1/models/mabcdefg1/download/"] = json_reply(
        {"url": {"url": f"{named.url}/file", "filename": name}}
    )
    named.routes["GET /file"] = json_reply(affine().SerializeToString())
    (tmp_path / "inner").mkdir()
    downloaded = command("model", "download", "mabcdefg1", "-o", "inner")
    assert (downloaded.status, downloaded.err) == (0, "")
    assert downloaded.out.rstrip("\n").isprintable()
    (written,) = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".ini"]
    assert written.parent == tmp_path / "inner"
    assert tmp_path / downloaded.out.rstrip("\n") == written


@pytest.mark.parametrize(
    ("form", "first"),
    [
        ("quiet", "maaaaaa000"),
        ("tsv", "maaaaaa000\tonnx"),
        ("jsonl", '{"id": "maaaaaa000", "type": "onnx"'),
        ("json", '[ {"id": "maaaaaa000"'),
        ("human", "ID          TYPE"),
    ],
)
def test_long_lists_are_printed_as_they_arrive(tmp_path: Path, form: str, first: str) -> None:
    fields = [] if form == "quiet" else ["--fields", "id,type"]
    seen = threading.Event()
    asked = threading.Event()

    def answer(request: Request) -> Step:
        if "cursor=more" not in request.target:
            page = [model_json(f"maaaaaa{number:03}", f"{number}") for number in range(100)]
            more = {"Link": '</api/v1/models/?cursor=more>; rel="next"'}
            return json_reply({"models": page, "total_query_count": 101}, headers=more)
        asked.set()
        # The test has read the first line by then, or fails.
        assert seen.wait(30)
        last = [model_json("mlast0000", "the last")]
        return json_reply({"models": last, "total_query_count": 101})

    with ScriptedServer(answer) as server:
        save_config(ClientConfig("token", server.url, server.url, False), home=tmp_path)
        with subprocess.Popen(
            [*COMMAND, "model", "list", "--all", "--format", form, *fields],
            env=make_environment(tmp_path),
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(first)
            assert asked.wait(30)
            seen.set()
            rest = process.stdout.read()
    assert process.returncode == 0
    assert "mlast0000" in rest
    assert rest.count("maaaaaa") == (100 if form == "human" else 99)


def test_json_arrays(named: RoutedHub, command: Run) -> None:
    models = [model_json(f"maaaaaa{number}", f"{number}") for number in range(3)]
    named.routes[MODELS] = json_reply({"models": models, "total_query_count": 3})
    listed = command("model", "list", "--format", "json", "--fields", "name")
    assert json.loads(listed.out) == [{"name": "0"}, {"name": "1"}, {"name": "2"}]


@pytest.mark.parametrize(
    ("words", "meant"),
    [(["help"], ["--help"]), (["help", "job", "list"], ["job", "list", "--help"])],
)
def test_help_is_a_word(command: Run, words: list[str], meant: list[str]) -> None:
    told = command(*words)
    assert told == command(*meant)
    assert told.out.startswith("Usage: qai-hub")


def test_the_version_in_short(command: Run) -> None:
    assert command("-V") == command("--version")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["jbo"], "Did you mean 'job'?"),
        (["submit-quantize-job"], "Write `qai-hub submit quantize`."),
        (["job", "list", "--json", "id", "--format", "tsv"], "--json is a format"),
        (["job", "list", "--json", "nome"], "There is no field 'nome'. The fields are id,"),
        (["submit_compile_job"], "Did you mean 'submit-compile-job'"),
        (["job", "lst"], "Did you mean 'list'"),
        (["job", "shwo", "jabcdefg1"], "Did you mean 'show'?"),
        (["submit", "compil"], "Did you mean 'compile'?"),
        (["job", "list", "--sate", "failed"], "--state"),
        (["job", "list", "--state", "faild"], "'running', 'success', 'failed'"),
        (["submit", "compile", "--devise", "x"], "--device"),
        (["submit-compile-job", "--modell", "x"], "--model"),
        (["list-devices", "--format", "detail"], "'table', 'details'"),
        (["frobnicate"], "There is no command 'frobnicate'."),
    ],
)
def test_typing_errors(command: Run, typed: list[str], told: str) -> None:
    refused = command(*typed)
    assert (refused.status, refused.out) == (2, "")
    assert told in refused.err
    assert refused.err.splitlines()[0].startswith("Usage: qai-hub")
