"""The page on inputs, from its first block to its last: what Python writes, the shell reads."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.page_blocks import ROOT, commands_folder
from sybil import Document
from sybil.parsers.markdown import CodeBlockParser

PAGE = ROOT / "docs" / "make-inputs.md"


@pytest.mark.usefixtures("reader")
def test_the_page_runs_in_order(tmp_path: Path) -> None:
    path = commands_folder(tmp_path / "bin", sys.executable)
    environment = os.environ | {"PATH": f"{path}:{os.environ['PATH']}"}
    names: dict[str, Any] = {}
    ran = []

    def run_python(block: Any) -> None:
        exec(block.parsed, names)
        ran.append("python")

    def run_shell(block: Any) -> None:
        subprocess.run(["sh", "-e", "-c", block.parsed], env=environment, check=True)
        ran.append("sh")

    parsers = (CodeBlockParser("python", run_python), CodeBlockParser("sh", run_shell))
    for block in Document.parse(str(PAGE), *parsers).examples():
        block.evaluate()
    assert ran == ["python", "python", "python", "sh", "python"]
    shown = names["outputs"]["y"][0]
    assert np.load("outputs.npz")["y"] == pytest.approx(shown)
