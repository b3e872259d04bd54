"""The README's comparison with the official client has the figures of the benchmarks' page."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


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
    calls = rows("benchmarks/README.md", r"\| \| official \| ours, JSON")
    starts = rows("benchmarks/README.md", r"\| \| CPU ms ")
    # The page writes the second row of a pair as "the same".
    calls["`get_job_summaries(limit=1000)` with TLS"] = calls.pop("the same with TLS")
    measured = {
        name: [official, *(cell.split(",")[0] for cell in ours)]
        for name, (official, *ours) in calls.items()
    }
    official, ours = starts["official `--help`"][0], starts["`--help`"][0]
    measured["`qai-hub --help`, processor time"] = [f"{official} ms", f"{ours} ms", ""]
    assert len(shown) == 5
    assert {name: cells[:3] for name, cells in shown.items()} == {
        name: measured[name] for name in shown
    }


def test_what_measured_them_exists() -> None:
    commands = {cells[3].strip("`") for cells in rows("README.md", r"\| \| official 0").values()}
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for command in commands:
        target = re.fullmatch(r"make (\w+)", command)
        assert f"\n{target[1]}:" in makefile if target else (ROOT / command).exists(), command
