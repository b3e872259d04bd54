"""A hub of several processes that are killed while it works: a short run of `make team`."""

import os
import random
from pathlib import Path

import pytest
from team.files import RecordedFile, check_files
from team.kills import MUST_BE_NONE, survive_kills
from team.setups import SETUPS

from qai_hub.local.files.folder import FolderStore

JOBS = int(os.environ.get("FAULT_TEAM_JOBS", "30"))
# Of each setup: one of each kind, at least.
KILLS = int(os.environ.get("FAULT_TEAM_KILLS", "5"))


@pytest.mark.parametrize("setup", SETUPS)
def test_nothing_is_lost_while_any_process_is_killed(setup: str) -> None:
    found = survive_kills(SETUPS[setup], JOBS, KILLS)

    assert {name: found[name] for name in MUST_BE_NONE} == dict.fromkeys(MUST_BE_NONE, 0)
    assert found["done"] + found["failed after three losses"] == found["submitted"] == JOBS
    assert sum(found["kills"].values()) == KILLS
    # The models that jobs made, their logs, and the model that was uploaded.
    assert found["files"] == found["files that were read"] > found["done"] * 2


def test_a_file_that_is_not_as_recorded_is_found(tmp_path: Path) -> None:
    store = FolderStore(tmp_path, durable=False)
    for name in ("whole", "short", "damaged"):
        store.file_path(name).write_bytes(b"content")
    sha256 = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"
    recorded = [
        RecordedFile("whole", 7, sha256),
        RecordedFile("short", 8, None),
        RecordedFile("damaged", 7, sha256.replace("e", "f")),
        RecordedFile("absent", 7, None),
    ]

    found = check_files(recorded, store, random.Random(1))

    assert found["files that are not there"] == 1
    assert found["files of another size"] == 1
    assert found["files of another content"] == 2
    assert found["files that were read"] == 3
