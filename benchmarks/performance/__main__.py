"""Measures each row of the table, with its contenders in turns.

    make bench [ARGS='--rows get_job --write']

Prints the table, and with `--write` puts it into `docs/performance.md`, beside the figures as JSON
and a drawing of them.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from pages import DOCS, update_page

from performance.report import Result, draw, format_results
from performance.rows import ON_REQUEST, ROWS, Row
from performance.setup import Setup


def measure(row: Row, setup: Setup) -> Result:
    """Measures a row: each round asks each contender for a figure."""
    with row.contenders(setup) as contenders:
        figures: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(max(1, round(row.rounds * min(1.0, setup.scale * 2)))):
            for name, contender in contenders.items():
                figures[name].append(contender())
    return Result(row, figures)


def write(results: list[Result]) -> None:
    """Puts the results into the documentation."""
    drawing = "![The rows beside their targets](performance.svg)"
    figures = {"rows": [result.to_json() for result in results]}
    update_page("performance", format_results(results), drawing, figures=figures)
    (DOCS / "performance.svg").write_text(draw(results), "utf-8")


def main() -> None:
    """Measures, and prints the results."""
    parser = argparse.ArgumentParser(prog="make bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--official-python", required=True, help="with the official client")
    parser.add_argument("--rows", default="", metavar="TEXT", help="only rows with this text")
    parser.add_argument("--scale", type=float, default=1.0, help="less for a smoke run (1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file")
    parser.add_argument("--write", action="store_true", help="update docs/performance.md")
    options = parser.parse_args()
    offered = (*ROWS, *ON_REQUEST) if options.rows else ROWS
    rows = [row for row in offered if options.rows in row.name]
    if not rows:
        parser.error(f"no row has the text {options.rows!r}")
    if options.write and rows != list(ROWS):
        parser.error("--write needs all rows, from one run")
    results = []
    with tempfile.TemporaryDirectory() as folder:
        setup = Setup(options.official_python, Path(folder), options.scale)
        for row in rows:
            began = time.monotonic()
            results.append(measure(row, setup))
            cells = results[-1].to_cells()
            print(" | ".join(cells), f"[{time.monotonic() - began:.0f} s]", file=sys.stderr)
    print(format_results(results))
    if options.json:
        figures = [result.to_json() for result in results]
        options.json.write_text(json.dumps(figures, indent=1), "utf-8")
    if options.write:
        write(results)


if __name__ == "__main__":
    main()
