"""The page on scale has what the last run of `make team --write` measured."""

import json
from pathlib import Path

from team.__main__ import find_wrong
from team.kills import MUST_BE_NONE
from team.report import format_costs, format_setups

DOCS = Path(__file__).parents[2] / "docs"
RATES = {"a second": 70.0, "transactions a job": 1.6, "statements a job": 11.0}
JOBS = {
    "jobs a second": 40.0,
    "ideal": 8.0,
    "processor ms a job": {"web": 0.01, "worker": 36.0, "database": 12.0},
    "transactions a job": 14.0,
    "statements a job": 28.0,
    "requests a job": 4.0,
    "memory, MiB": {"web": 75.0, "worker": 71.0},
}
KILLS = {
    "seconds": 600.0,
    "retries": 1_000,
    "kills": {"worker": 2, "web": 3},
    "bytes a job in the database": 3_200.0,
    "submitted": 10_000,
    "attempts beyond the first": 7,
    "failed after three losses": 0,
    **dict.fromkeys(MUST_BE_NONE, 0),
}
FOUND = {
    "submissions": {
        webs: {**RATES, "processor ms a job": {"web": 5.0, "database": 1.5}} for webs in "12"
    },
    "claims a second": 55.0,
    "jobs of nothing": dict.fromkeys("124", JOBS),
    "jobs of 0.5 s": dict.fromkeys("124", JOBS),
    "long polls": {
        "polls": 1_000,
        "in turns": {"median": 30.0, "p99": 40.0, "most": 50.0},
        "at once": {"median": 300.0, "p99": 400.0, "most": 500.0},
    },
    "under kills": KILLS,
}


def test_the_page_has_all_figures_of_one_run() -> None:
    page = (DOCS / "scale.md").read_text("utf-8")
    stored = DOCS / "scale.json"
    if not stored.exists():
        assert "<!-- table: begin -->\n<!-- table: end -->" in page
        return
    found = json.loads(stored.read_text("utf-8"))
    assert found["measured"] in page
    assert format_setups(found["setups"]) in page
    assert format_costs(found["setups"]) in page


def test_figures_are_in_the_tables() -> None:
    rows = format_setups({"objects": FOUND, "dask": FOUND}).splitlines()
    assert "| claims a second, 2 workers | 55 | 55 |" in rows
    assert "| who was killed | web 3, worker 2 | web 3, worker 2 |" in rows
    assert "| lost | 0 | 0 |" in rows
    costs = format_costs({"objects": FOUND}).splitlines()
    # 36 ms of each of 10^8 jobs, and 3,200 bytes.
    assert "| workers, beside the jobs themselves | 1,000 core-hours |" in costs
    assert "| rows and their indexes | 320 GB |" in costs
    assert "| all of them by one hub, at the most jobs of nothing a second | 28.9 days |" in costs


def test_what_is_lost_is_told() -> None:
    lost = {**FOUND, "under kills": {**KILLS, "lost": 1}}
    assert find_wrong({"objects": FOUND, "dask": lost}) == {"dask": {"lost": 1}}
