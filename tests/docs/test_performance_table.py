"""The rows of `make bench` can be measured, and the page has what the last run measured."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# A package that a folder of the repository holds, as `make bench` finds it.
sys.path.insert(0, str(ROOT / "benchmarks"))

from performance.report import Result, draw, format_results  # noqa: E402
from performance.rows import ON_REQUEST, ROWS, Row  # noqa: E402
from performance.setup import Setup  # noqa: E402

# Rows that differ only in what they keep of a measurement, or in an argument, are measured once.
_SAME = {
    "`get_job`, protobuf",
    "`get_job_summaries(limit=1000)`",
    "`get_job_summaries(limit=1000)`, protobuf",
    "submit, the model is there",
    "`wait()` returns after the end of a job of 0.5 s",
    "the same: requests, with submitting",
    "the same, a job of 5 s",
    "upload of 1 GiB, memory",
    "download of 1 GiB, memory",
    "the same, far down the list",
    "the same, jobs that failed",
    "the same, jobs under way, of which there are none",
    "the same, link jobs that failed",
}


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Setup:
    return Setup(sys.executable, tmp_path_factory.mktemp("bench"), scale=0.01)


@pytest.mark.parametrize(
    "row", [r for r in (*ROWS, *ON_REQUEST) if r.name not in _SAME], ids=lambda r: r.name
)
def test_our_figure_of_a_row_can_be_measured(row: Row, setup: Setup) -> None:
    with row.contenders(setup) as contenders:
        assert row.ours in contenders
        assert row.base in {"", *contenders}
        assert contenders[row.ours]() > -100


def test_the_page_has_all_rows_of_one_run() -> None:
    stored = json.loads((ROOT / "docs" / "performance.json").read_text("utf-8"))
    results = [
        Result(row, found["figures"]) for row, found in zip(ROWS, stored["rows"], strict=True)
    ]

    assert [result.row.name for result in results] == [found["name"] for found in stored["rows"]]
    page = (ROOT / "docs" / "performance.md").read_text("utf-8")
    assert format_results(results) in page
    assert stored["measured"] in page
    assert (ROOT / "docs" / "performance.svg").read_text("utf-8") == draw(results)


def test_a_missed_target_is_shown_as_missed() -> None:
    row = ROWS[0]
    figures = {"official": [100.0, 100.0], "ours": [row.limit * 200, row.limit * 200]}

    result = Result(row, figures)

    assert not result.is_met
    assert "**missed**" in format_results([result])
