"""The code blocks of the documentation, for tests that run or parse them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def blocks(page: str, language: str) -> list[str]:
    """The content of the blocks of one language, in order; fails if there is none."""
    text = (ROOT / page).read_text("utf-8")
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert found, f"{page} has no block of {language}"
    return found


def commands_folder(folder: Path, python: str) -> Path:
    """Makes a folder for `PATH` in which `qai-hub` and `python` are those of an interpreter."""
    folder.mkdir()
    for name, arguments in (("qai-hub", " -m qai_hub"), ("python", "")):
        command = folder / name
        command.write_text(f'#!/bin/sh\nexec {python}{arguments} "$@"\n')
        command.chmod(0o755)
    return folder
