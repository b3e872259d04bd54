"""The command `qai-hub check`: what it prints, and its exit status."""

import json
from pathlib import Path

import onnx
import pytest
from support.tiny_models import affine, averaging

from qai_hub.cli.main import main

S24 = "Samsung Galaxy S24"


@pytest.fixture
def model(tmp_path: Path) -> str:
    onnx.save(averaging(), tmp_path / "m.onnx")
    return str(tmp_path / "m.onnx")


@pytest.fixture
def open_model(tmp_path: Path) -> str:
    onnx.save(affine(batch="n"), tmp_path / "open.onnx")
    return str(tmp_path / "open.onnx")


def test_json(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", model, "--device", S24, "--format", "json"]) == 0

    told = json.loads(capsys.readouterr().out)

    assert told["ok"] is True
    assert told["refusal"] == ""
    assert (told["device"], told["hexagon"], told["float16"]) == (S24, 75, True)
    assert told["runtime"] == "onnx"
    assert told["opsets"] == {"": 17}
    assert told["ir_version"] == 9
    assert told["inputs"] == ["x: float32[1, 3, 48, 192]"]
    assert [(node["op"], node["unit"]) for node in told["nodes"]] == [("GlobalAveragePool", "HTP")]


def test_a_refused_option_says_nothing_of_the_model(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", model, "--device", S24, "--options", "--nix 1"]) == 1
    titles = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert titles == ["result", "device"]


def test_a_refusal_is_status_1(open_model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", open_model, "--device", S24]) == 1
    output = capsys.readouterr()
    assert output.out.startswith("result    refused: Dimension 0 ('n') of the input")
    assert not output.err


@pytest.mark.parametrize("specs", ['{"x": (2, 4)}', '{"x": [[2, 4], "float32"]}'])
def test_input_specs(open_model: str, specs: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", open_model, "--device", S24, "--input-specs", specs]) == 0
    assert "input     x: float32[2, 4]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["--device", S24, "--input-specs", "x=3"], 2, "'x=3' is not a dictionary"),
        (["--device", S24, "--input-specs", "[1]"], 2, "'[1]' is not a dictionary"),
        (["--device", "Samsung Galaxy S94"], 1, "Did you mean 'Samsung Galaxy S24'"),
        (
            ["--device", "?"],
            1,
            "qai-hub: No device matches '?'. `qai-hub device list` lists all devices.\n",
        ),
        ([], 2, "--device"),
    ],
)
def test_wrong_usage(
    model: str, arguments: list[str], status: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        ended = main(["check", model, *arguments])
    except SystemExit as error:
        ended = int(str(error.code))
    assert ended == status
    assert told in capsys.readouterr().err


def test_no_such_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "nix.onnx", "--device", S24]) == 1
    assert "There is no model at nix.onnx." in capsys.readouterr().err
