"""A hub of several processes that are killed while it works: a short run of `make team`."""

import os

from team.__main__ import MUST_BE_NONE
from team.kills import survive_kills

JOBS = int(os.environ.get("FAULT_TEAM_JOBS", "40"))
KILLS = int(os.environ.get("FAULT_TEAM_KILLS", "4"))


def test_nothing_is_lost_while_any_process_is_killed() -> None:
    found = survive_kills(JOBS, KILLS)
    assert {name: found[name] for name in MUST_BE_NONE} == dict.fromkeys(MUST_BE_NONE, 0)
    assert found["done"] + found["failed"] == found["submitted"] == JOBS
    assert found["kills"] == KILLS
