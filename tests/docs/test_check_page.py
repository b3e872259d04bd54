"""The page about checks shows what a check prints."""

import re
from pathlib import Path
from typing import Any

import pytest

import qai_hub as hub
from qai_hub.cli.main import main

PAGE = (Path(__file__).parents[2] / "docs" / "check.md").read_text("utf-8")
BINARY = "--target_runtime qnn_context_binary"


@pytest.mark.usefixtures("reader")
def test_the_table_on_the_page(names: dict[str, Any]) -> None:
    check = hub.check_model("model.onnx", names["device"], options=BINARY)
    (shown,) = re.findall(r"```text\n(.*?)\n```", PAGE, re.DOTALL)
    assert str(check) == shown


@pytest.mark.usefixtures("reader")
def test_the_command_on_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "model.onnx", "--device", "RB3 Gen 2 (Proxy)", "--options", BINARY]) == 1
    (shown,) = re.findall(r"\$ qai-hub check [^\n]*\n(.*?)\n```", PAGE, re.DOTALL)
    assert capsys.readouterr().out.startswith(f"{shown}\n")
