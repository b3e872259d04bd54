"""Runs a hub of several processes under load and under kills.

    make team [ARGS='--jobs 1000 --kills 20']

It starts a PostgreSQL server, two processes that answer requests and some that run jobs, on this
machine, and prints what it counted and measured. Jobs do nothing for a while, so that the hub
itself is measured.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from team.kills import survive_kills
from team.polls import measure_long_polls
from team.rates import measure_submissions, measure_throughput

MUST_BE_NONE = (
    "acknowledged twice",
    "lost",
    "duplicates",
    "done without a file",
    "published twice",
    "counted wrongly",
)


def main() -> int:
    """Measures, and prints the results as JSON; 1 if something was lost."""
    parser = argparse.ArgumentParser(prog="make team", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--jobs", type=int, default=10_000, help="under kills (10000)")
    parser.add_argument("--kills", type=int, default=200, help="of any process but the database's")
    parser.add_argument("--polls", type=int, default=1_000, help="long polls at once (1000)")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement of a rate")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file")
    options = parser.parse_args()
    found: dict[str, Any] = {}

    def tell(name: str, value: Any) -> None:  # noqa: ANN401 - of any kind
        found[name] = value
        print(f"{name}: {json.dumps(value)}", file=sys.stderr, flush=True)

    tell("submissions a second, one process", measure_submissions(options.seconds, webs=1))
    tell("submissions a second, two processes", measure_submissions(options.seconds, webs=2))
    for workers in (1, 2, 4):
        count = int(options.seconds * 80)
        name = f"jobs of nothing, {workers} workers"
        tell(name, measure_throughput(count, workers, seconds=0, slots=4))
    for workers in (1, 2, 4):
        count = int(options.seconds * 8 * workers)
        name = f"jobs of 0.5 s, {workers} workers with 4 slots"
        tell(name, measure_throughput(count, workers, seconds=0.5, slots=4))
    tell("long polls, ms late", measure_long_polls(options.polls))
    tell("under kills", survive_kills(options.jobs, options.kills))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    wrong = {name: found["under kills"][name] for name in MUST_BE_NONE}
    if any(wrong.values()):
        print(f"Something was lost: {json.dumps(wrong)}", file=sys.stderr)
        return 1
    print("Nothing was lost.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
