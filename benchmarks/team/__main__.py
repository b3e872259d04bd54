"""Runs a hub of several processes under load and under kills.

    make team [ARGS='--setup dask --jobs 1000 --kills 20']

On this machine, it starts a PostgreSQL server, two processes that answer requests and some that run
jobs, in two setups: with files on an object storage, and with jobs on a Dask cluster. Jobs do
nothing for a while, so that the hub itself is measured. It prints a table of what it counted and
measured, and with `--write` puts it into `docs/scale.md`, beside the figures as JSON.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from pages import update_page

from team.kills import MUST_BE_NONE, survive_kills
from team.polls import measure_long_polls
from team.rates import measure_claims, measure_submissions, measure_throughput
from team.report import format_costs, format_setups
from team.setups import SETUPS, Setup

_WORKERS = (1, 2, 4)
_SLOTS = 4


def main() -> int:
    """Measures, and prints the results; 1 if something was lost."""
    parser = argparse.ArgumentParser(prog="make team", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--setup", choices=SETUPS, help="one of the setups; both if absent")
    parser.add_argument("--jobs", type=int, default=10_000, help="under kills (10000)")
    parser.add_argument("--kills", type=int, default=200, help="of any process but the database's")
    parser.add_argument("--polls", type=int, default=1_000, help="long polls at once (1000)")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement of a rate")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file")
    parser.add_argument("--write", action="store_true", help="update docs/scale.md")
    options = parser.parse_args()
    if options.write and options.setup:
        parser.error("--write needs both setups, from one run")
    chosen = [options.setup] if options.setup else list(SETUPS)
    setups = {name: measure(name, SETUPS[name], options) for name in chosen}
    print(format_setups(setups))
    if options.json:
        options.json.write_text(json.dumps(setups, indent=1) + "\n", "utf-8")
    if options.write:
        tables = (format_setups(setups), format_costs(setups))
        update_page("scale", *tables, figures={"setups": setups})
    wrong = find_wrong(setups)
    if wrong:
        print(f"Something was lost: {json.dumps(wrong)}", file=sys.stderr)
        return 1
    print("Nothing was lost.")
    return 0


def measure(name: str, setup: Setup, options: argparse.Namespace) -> dict[str, Any]:
    """Measures in one setup, and tells each figure as soon as it is there."""
    found: dict[str, Any] = {}
    began = time.monotonic()

    def tell(what: str, value: Any) -> None:  # noqa: ANN401 - of any kind
        found[what] = value
        spent = time.monotonic() - began
        print(f"{name}, {what}: {json.dumps(value)} [{spent:.0f} s]", file=sys.stderr, flush=True)

    def run_idle_jobs(seconds: float, jobs_a_worker: float) -> dict[str, Any]:
        return {
            str(workers): measure_throughput(
                setup, int(jobs_a_worker * workers), workers, seconds=seconds, slots=_SLOTS
            )
            for workers in _WORKERS
        }

    tell(
        "submissions",
        {str(webs): measure_submissions(setup, options.seconds, webs) for webs in (1, 2)},
    )
    tell("claims a second", measure_claims(setup, int(options.seconds * 40), workers=2))
    tell("jobs of nothing", run_idle_jobs(0, options.seconds * 60))
    tell("jobs of 0.5 s", run_idle_jobs(0.5, options.seconds * 8))
    tell("long polls", measure_long_polls(setup, options.polls))
    tell("under kills", survive_kills(setup, options.jobs, options.kills))
    return found


def find_wrong(setups: dict[str, dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Returns what was counted and must not be, by setup."""
    counted = {
        name: {what: found["under kills"][what] for what in MUST_BE_NONE}
        for name, found in setups.items()
    }
    wrong = {
        name: {what: count for what, count in counts.items() if count}
        for name, counts in counted.items()
    }
    return {name: counts for name, counts in wrong.items() if counts}


if __name__ == "__main__":
    sys.exit(main())
