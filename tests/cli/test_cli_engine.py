"""The command `qai-hub engine`, and what else tells of engines."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.tiny_engines import THIS_PYTHON, TinyEngines, listed, tiny_engines

from qai_hub.cli.main import main
from qai_hub.local.engines.catalog import ENGINES, Engine
from qai_hub.local.engines.install import Tell, install, remove
from qai_hub.local.engines.places import Installation
from qai_hub.local.frameworks import describe_engines, installed_frameworks

PACKAGE = {"tiny_module": "VALUE = 1"}


@pytest.fixture
def engines(tmp_path: Path) -> Iterator[TinyEngines]:
    with tiny_engines(tmp_path) as made, listed(made.make(PACKAGE)):
        yield made


def test_an_engine_is_installed_listed_and_removed(
    engines: TinyEngines, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["engine", "install", "tiny", "--json"]) == 0
    said = capsys.readouterr()
    record = json.loads(said.out)
    assert record["state"] == "installed"
    assert record["packages"] == {"tiny-package": "1.0"}
    assert Path(record["folder"]).parent == engines.folder
    assert "tiny: Installing 1 packages" in said.err

    assert main(["engine", "list", "--json", "name,state"]) == 0
    states = {each["name"]: each["state"] for each in json.loads(capsys.readouterr().out)}
    assert states.pop("tiny") == "installed"
    assert set(states.values()) <= {"not installed", "not for this machine"}

    assert main(["engine", "remove", "tiny"]) == 0
    assert "tiny is removed." in capsys.readouterr().err
    assert main(["engine", "remove", "tiny"]) == 0
    assert "tiny was not installed." in capsys.readouterr().err
    assert main(["engine", "list", "-q"]) == 0
    assert capsys.readouterr().out.split() == list(ENGINES)


def test_what_is_broken_is_told_with_the_reason(
    engines: TinyEngines, capsys: pytest.CaptureFixture[str]
) -> None:
    with listed(engines.make(PACKAGE, pythons=(THIS_PYTHON,))):
        made = install(ENGINES["tiny"], lambda _: None)
        python = made.get_interpreter(ENGINES["tiny"])
        python.unlink()
        python.symlink_to("x" * 300)
        assert main(["engine", "list", "--json", "state,fault"]) == 0
        said = capsys.readouterr()
        tiny = json.loads(said.out)[-1]
        assert tiny["state"] == "broken"
        assert tiny["fault"].startswith("its Python cannot be found at ")
        assert (
            said.err == f"tiny is broken, as {tiny['fault']}: run `qai-hub engine install tiny`.\n"
        )
        assert examine(capsys)["engine tiny"]["text"] == f"It is broken, as {tiny['fault']}."
        told = f"tiny (broken, as {tiny['fault']}: run `qai-hub engine install tiny`)"
        assert describe_engines() == told


def test_one_that_is_removed_at_once_was_installed_nevertheless(
    engines: TinyEngines, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def install_and_remove(engine: Engine, tell: Tell) -> Installation:
        made = install(engine, tell)
        remove(engine)
        return made

    monkeypatch.setattr("qai_hub.local.engines.install.install", install_and_remove)
    assert main(["engine", "install", "tiny"]) == 0
    assert f"tiny: It is installed in {engines.folder}/" in capsys.readouterr().err


def test_quietly_it_tells_nothing(engines: TinyEngines, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["engine", "install", "tiny", "-q"]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("tiny\n", "")


def test_what_fails_is_told_with_the_last_lines(
    engines: TinyEngines, capsys: pytest.CaptureFixture[str]
) -> None:
    with listed(engines.make(PACKAGE, version="9.0", has_wheel=False)):
        assert main(["engine", "install", "tiny"]) == 1
    said = capsys.readouterr().err
    assert "has failed, with exit status" in said
    assert "tiny-package==9.0" in said


def test_the_closest_name_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["engine", "install", "tflit"]) == 2
    assert "There is no engine 'tflit'. Did you mean 'tflite'?" in capsys.readouterr().err


def test_the_doctor_tells_of_each_engine(
    engines: TinyEngines, capsys: pytest.CaptureFixture[str]
) -> None:
    install(ENGINES["tiny"], lambda _: None)
    findings = examine(capsys)
    assert findings["engine tiny"]["state"] == "OK"
    assert "run `qai-hub engine install tflite`" in findings["engine tflite"]["remedy"]

    with listed(engines.make(PACKAGE, version="2.0")):
        findings = examine(capsys)
        assert describe_engines() == "tiny (outdated: run `qai-hub engine install tiny`)"
    assert findings["engine tiny"]["state"] == "PROBLEM"
    assert findings["engine tiny"]["remedy"] == "Run `qai-hub engine install tiny`."


def examine(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, str]]:
    main(["doctor", "--format", "json"])
    findings = json.loads(capsys.readouterr().out)["findings"]
    return {each["name"]: each for each in findings}


def test_frameworks_have_the_versions_of_engines(engines: TinyEngines) -> None:
    """Whether the hub's own environment has QNN or not."""
    engine = replace(engines.make({"tiny": ""}, name="qnn-2.99"), qairt_sdk="2.99.1")
    with listed(engine):
        before = [each["full_version"] for each in installed_frameworks()]
        install(engine, lambda _: None)
        (added,) = [each for each in installed_frameworks() if each["full_version"] not in before]
        assert "qnn-2.99" in describe_engines()
    assert added == {
        "name": "QAIRT",
        "api_version": "2.99",
        "api_tags": [],
        "full_version": "2.99.1",
    }
