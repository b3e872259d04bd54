"""A data folder of an older release is brought up to date, and nothing in it is lost."""

import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from qai_hub.local.core.kinds import FINISHED_STATES
from qai_hub.local.engine.failures import FailureType
from qai_hub.local.store import DataFolderError, migrations
from qai_hub.local.store.schema import SCHEMA_VERSION, metadata
from qai_hub.local.store.sqlite import SqliteStore

DATA = Path(__file__).parents[2] / "data"
DUMPS = [path.name for path in sorted(DATA.glob("hub_v*.sql"))]


def old_database(folder: Path, dump: str) -> Path:
    folder.mkdir()
    with sqlite3.connect(folder / "hub.db") as db:
        db.executescript((DATA / dump).read_text())
    db.close()
    return folder


def layout(folder: Path) -> dict[str, Any]:
    """Tell the columns, foreign keys and indexes of all tables, in no order."""
    with sqlite3.connect(folder / "hub.db") as db:
        tables = [
            name
            for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not name.startswith("sqlite_")
        ]
        found = {}
        for table in tables:
            columns = {row[1:] for row in db.execute(f"PRAGMA table_info({table})")}
            keys = {row[2:] for row in db.execute(f"PRAGMA foreign_key_list({table})")}
            indexes = {
                (name, tuple(row[2] for row in db.execute(f"PRAGMA index_info({name})")))
                for _, name, *_ in db.execute(f"PRAGMA index_list({table})")
            }
            found[table] = (columns, keys, indexes)
    db.close()
    return found


def rows(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of all tables but the settings."""
    with sqlite3.connect(folder / "hub.db") as db:
        db.row_factory = sqlite3.Row
        found = {
            table: [dict(row) for row in db.execute(f"SELECT * FROM {table}")]
            for table in layout(folder)
            if table != "settings"
        }
    db.close()
    return found


def test_there_is_a_database_of_each_version() -> None:
    versions = {int(re.findall(r"[0-9]+", name)[0]) for name in DUMPS}
    assert versions == set(range(1, SCHEMA_VERSION))


@pytest.mark.parametrize("dump", DUMPS)
def test_an_upgraded_database_is_laid_out_as_a_new_one(tmp_path: Path, dump: str) -> None:
    SqliteStore(tmp_path / "new").close()
    old = old_database(tmp_path / "old", dump)
    assert layout(old) != layout(tmp_path / "new")
    SqliteStore(old).close()
    assert layout(old) == layout(tmp_path / "new")
    # Doing it again changes nothing.
    SqliteStore(old).close()
    assert layout(old) == layout(tmp_path / "new")


@pytest.mark.parametrize("dump", DUMPS)
def test_an_upgrade_loses_nothing(tmp_path: Path, dump: str) -> None:
    folder = old_database(tmp_path / "old", dump)
    before = rows(folder)
    store = SqliteStore(folder)
    assert store.secret == bytes(32)
    store.close()
    after = rows(folder)
    # What is told of other jobs is another matter: see below.
    behind = [job["id"] for job in before["jobs"] if job["failure_type"] == FailureType.DEPENDENCY]
    before["artifacts"] = [row for row in before["artifacts"] if row["job_id"] not in behind]
    for job in (*before["jobs"], *after["jobs"]):
        if job["id"] in behind:
            job["failure_reason"] = None
    owners = {job["id"]: job["owner_id"] for job in before["jobs"]}
    if "cache" in before:
        before["makers"] = [
            row | {"owner_id": owners[row["job_id"]]} for row in before.pop("cache")
        ]
    for table, old in before.items():
        kept = [
            {name: row[name] for name in had} for had, row in zip(old, after[table], strict=True)
        ]
        assert kept == old, table


def test_reasons_of_other_jobs_are_told_from_these_jobs_after_an_upgrade(tmp_path: Path) -> None:
    folder = old_database(tmp_path / "old", "hub_v2_people.sql")
    before = rows(folder)
    SqliteStore(folder).close()
    jobs = {job["name"]: job for job in rows(folder)["jobs"]}
    bad = jobs["bad"]["id"]
    assert jobs["bad"]["failure_reason"] == "Ada's secret reason."
    assert jobs["bad"]["cause_id"] is None
    for name in ("second", "third", "Bob's run"):
        old = next(job for job in before["jobs"] if job["name"] == name)
        assert "secret" in old["failure_reason"]
        reason = f"A model that this job needs was not made: the job {bad} failed."
        assert (jobs[name]["failure_reason"], jobs[name]["cause_id"]) == (reason, bad)
    left = {row["job_id"] for row in rows(folder)["artifacts"]}
    assert left == {jobs[name]["id"] for name in ("done", "served", "bad")}


@pytest.mark.parametrize("dump", DUMPS)
def test_jobs_that_have_ended_are_counted_by_an_upgrade(tmp_path: Path, dump: str) -> None:
    folder = old_database(tmp_path / "old", dump)
    SqliteStore(folder).close()
    after = rows(folder)
    names = ("owner_id", "kind", "state")
    ended = Counter(
        tuple(job[name] for name in names)
        for job in after["jobs"]
        if job["state"] in FINISHED_STATES
    )
    assert ended
    counted = {tuple(row[name] for name in names): row["number"] for row in after["ended_jobs"]}
    assert counted == ended


@pytest.mark.parametrize("dump", DUMPS)
def test_what_users_store_is_counted_by_an_upgrade(tmp_path: Path, dump: str) -> None:
    folder = old_database(tmp_path / "old", dump)
    SqliteStore(folder).close()
    after, sums = rows(folder), Counter[int | None]()
    for file in after["files"]:
        sums[file["owner_id"]] += file["size"]
    owners = {job["id"]: job["owner_id"] for job in after["jobs"]}
    has = {(row["file_id"], row["owner_id"]) for row in (*after["models"], *after["datasets"])}
    has |= {(row["source_id"], row["owner_id"]) for row in after["models"] if "source_id" in row}
    has |= {(row["file_id"], owners[row["job_id"]]) for row in after["artifacts"]}
    needed = {file_id for file_id, _ in has}
    for file in after["files"]:
        assert (file["id"], file["owner_id"]) in has or file["id"] not in needed
    assert sums
    assert {user["id"]: user["stored"] for user in after["users"]} == {
        user["id"]: sums[user["id"]] for user in after["users"]
    }


@pytest.mark.parametrize("dump", DUMPS)
def test_uses_have_the_place_and_the_owner_of_their_job_after_an_upgrade(
    tmp_path: Path, dump: str
) -> None:
    folder = old_database(tmp_path / "old", dump)
    SqliteStore(folder).close()
    after = rows(folder)
    jobs = {job["id"]: (job["seq"], job["owner_id"]) for job in after["jobs"]}
    assert after["uses"]
    for use in after["uses"]:
        assert (use["seq"], use["owner_id"]) == jobs[use["job_id"]]


def test_an_upgrade_that_is_cut_short_leaves_the_old_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = old_database(tmp_path / "old", "hub_v1.sql")
    before = layout(folder)
    broken = with_last_step(tmp_path / "broken", 'op.execute("nonsense")')
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "_FOLDER", broken)
        with pytest.raises(DataFolderError, match="syntax error"):
            SqliteStore(folder)
    assert layout(folder) == before
    SqliteStore(folder).close()


def test_an_upgrade_during_which_the_hub_is_killed_leaves_the_old_database(tmp_path: Path) -> None:
    folder = old_database(tmp_path / "old", "hub_v1.sql")
    before = layout(folder)
    step = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    code = (
        "import pathlib, sys\n"
        "from qai_hub.local.store import migrations\n"
        "from qai_hub.local.store.sqlite import SqliteStore\n"
        "migrations._FOLDER = pathlib.Path(sys.argv[1])\n"
        "SqliteStore(pathlib.Path(sys.argv[2]))\n"
    )
    broken = with_last_step(tmp_path / "broken", step)
    done = subprocess.run([sys.executable, "-c", code, broken, folder], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert layout(folder) == before
    SqliteStore(folder).close()
    SqliteStore(tmp_path / "new").close()
    assert layout(folder) == layout(tmp_path / "new")


@pytest.mark.parametrize("dump", DUMPS)
def test_alembic_finds_no_difference_between_an_upgraded_database_and_the_tables(
    tmp_path: Path, dump: str
) -> None:
    folder = old_database(tmp_path / "old", dump)
    SqliteStore(folder).close()
    engine = create_engine(f"sqlite:///{folder / 'hub.db'}")
    with engine.connect() as db:
        assert compare_metadata(MigrationContext.configure(db), metadata) == []
    engine.dispose()


def test_alembic_is_loaded_for_upgrades_alone(tmp_path: Path) -> None:
    old_database(tmp_path / "old", "hub_v1.sql")
    code = (
        "import pathlib, sys\n"
        "from qai_hub.local.store.sqlite import SqliteStore\n"
        "for name in ('new', 'new', 'old'):\n"
        "    SqliteStore(pathlib.Path(sys.argv[1], name)).close()\n"
        "    print('alembic' in sys.modules)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["False", "False", "True"]


def with_last_step(folder: Path, step: str) -> Path:
    """Make a folder of revisions of which the last ends by a step of another kind."""
    shutil.copytree(Path(migrations.__file__).parent, folder)
    last = folder / "versions" / "v3_people.py"
    upgrade = last.read_text().replace("    _add_ready()\n", f"    {step}\n")
    assert step in upgrade
    last.write_text(upgrade)
    return folder
