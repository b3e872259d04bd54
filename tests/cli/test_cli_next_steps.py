"""The next steps that messages name: commands on the command line, functions in scripts."""

from pathlib import Path

import pytest
from support.command import Run
from support.job_hub import RUNNING, JobHub

from qai_hub.client import Client, ClientConfig, Device, Model
from qai_hub.config import save_config
from qai_hub.errors import UserError


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["job", "show", "MODEL"],
            "is the identifier of a model, not of a job: use `qai-hub model",
        ),
        (
            ["submit", "compile", "affine.onnx", "--device", "Nokia 3310"],
            "`qai-hub device list` lists all devices.",
        ),
        (
            ["submit", "compile", "affine.onnx", "--device-attr", "qnn"],
            "`qai-hub device list --fields attributes` lists all attributes.",
        ),
        (
            ["submit", "compile", "affine.onnx", "--device-attr", "frame:xyzzy"],
            "`qai-hub device list --fields attributes` lists all attributes.",
        ),
        (
            ["submit", "compile", "affine.onnx", "--device", "x", "--input-specs", "{'x': 1.5}"],
            "--input_specs: the shape of 'x' must be",
        ),
        (
            ["submit", "inference", "MODEL", "--device", "x", "--no-profiling"],
            "give --inputs or --profiling.",
        ),
        (["submit", "compile", "afine.onnx", "--device", "x"], "Did you mean 'affine.onnx'?"),
        (["submit", "compile", "absent/x.onnx", "--device", "x"], "a folder absent."),
        (
            ["submit", "compile", "affine.onnx", "--device", "Samsung", "Galaxy", "S24"],
            'Put a value with blanks in quotes: --device "Samsung Galaxy S24".',
        ),
        (
            ["dataset", "upload", "."],
            "a folder can be a dataset if it holds nothing but .npz files",
        ),
        (["--profile", "colleage", "job", "list"], "Did you mean 'colleague'?"),
    ],
)
def test_messages_name_commands(
    run: Run,
    target: Model,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    told: str,
) -> None:
    monkeypatch.chdir(home)
    ended = run(*(target.model_id if each == "MODEL" else each for each in arguments))
    assert ended.status in (1, 2)
    assert told in ended.err
    assert "()" not in ended.err
    assert "hub." not in ended.err


def test_the_profiles_are_chosen_by_an_option(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QAIHUB_CLIENT_INI", str(home / "absent.ini"))
    refused = run("job", "list")
    assert "choose one with `--profile client` or QAIHUB_CLIENT_INI=" in refused.err
    assert "hub.Client" not in refused.err


def test_a_wait_that_ran_out(command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    with JobHub(RUNNING) as hub:
        save_config(ClientConfig("token", hub.server.url, hub.server.url), home=tmp_path)
        one = command("job", "wait", "jabcdefg1", "--timeout", "0")
        many = command("job", "wait", "jabcdefg1", "jabcdefg2", "--timeout", "0")
    assert "or wait again with `qai-hub job wait jabcdefg1`." in one.err
    assert "or see each with `qai-hub job show JOB`." in many.err
    assert (one.status, many.status) == (124, 124)


def test_a_script_is_told_functions(run: Run, client: Client, target: Model) -> None:
    run("job", "show", target.model_id)
    with pytest.raises(UserError, match=r"not of a job: use get_model\(\)\.$"):
        client.get_job(target.model_id)
    with pytest.raises(UserError, match=r"get_devices\(\) lists all devices\.$"):
        client.submit_compile_job(target, Device("Nokia 3310"))
