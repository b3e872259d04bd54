"""The README's comparison with the official client has the figures of the benchmarks' page."""

import json
import re
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# A package that a folder of the repository holds, as `make bench` finds it.
sys.path.insert(0, str(ROOT / "benchmarks"))

from pages import format_number  # noqa: E402
from performance.setup import OFFICIAL, OURS  # noqa: E402


def rows(page: str, first_cell: str) -> dict[str, list[str]]:
    """The rows of the tables whose first header cells match: their other cells by the first."""
    tables = re.split(r"\n\n", (ROOT / page).read_text("utf-8"))
    found: dict[str, list[str]] = {}
    for table in tables:
        lines = table.strip().splitlines()
        if re.match(first_cell, lines[0] if lines else ""):
            for line in lines[2:]:
                name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
                found[name] = cells
    return found


def test_figures_are_those_that_were_measured() -> None:
    shown = rows("README.md", r"\| \| official 0\.56\.0 ")
    starts = rows("benchmarks/README.md", r"\| \| CPU ms ")
    stored = json.loads((ROOT / "docs" / "performance.json").read_text("utf-8"))["rows"]
    measured = {
        row["name"]: [
            f"{format_number(statistics.median(row['figures'][client]))} {row['unit']}"
            for client in (OFFICIAL, OURS)
        ]
        for row in stored
        if OFFICIAL in row["figures"]
    }
    official, ours = starts["official `--help`"][0], starts["`--help`"][0]
    measured["`qai-hub --help`"] = [f"{official} ms CPU", f"{ours} ms CPU"]
    assert len(shown) == 7
    assert {name: cells[:2] for name, cells in shown.items()} == {
        name: measured[name] for name in shown
    }


def test_what_measured_them_exists() -> None:
    commands = {cells[2].strip("`") for cells in rows("README.md", r"\| \| official 0").values()}
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for command in commands:
        target = re.fullmatch(r"make (\w+)", command)
        assert f"\n{target[1]}:" in makefile if target else (ROOT / command).exists(), command
