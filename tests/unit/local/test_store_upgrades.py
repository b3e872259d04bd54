"""A data folder of an older release is brought up to date, and nothing in it is lost."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from qai_hub.local.store import DataFolderError, Store
from qai_hub.local.store.tables import SCHEMA_VERSION

DATA = Path(__file__).parents[2] / "data"
VERSIONS = range(1, SCHEMA_VERSION)


def old_database(folder: Path, version: int) -> Path:
    folder.mkdir()
    with sqlite3.connect(folder / "hub.db") as db:
        db.executescript((DATA / f"hub_v{version}.sql").read_text())
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


@pytest.mark.parametrize("version", VERSIONS)
def test_an_upgraded_database_is_laid_out_as_a_new_one(tmp_path: Path, version: int) -> None:
    Store(tmp_path / "new").close()
    old = old_database(tmp_path / "old", version)
    assert layout(old) != layout(tmp_path / "new")
    Store(old).close()
    assert layout(old) == layout(tmp_path / "new")
    # Doing it again changes nothing.
    Store(old).close()
    assert layout(old) == layout(tmp_path / "new")


@pytest.mark.parametrize("version", VERSIONS)
def test_an_upgrade_loses_nothing(tmp_path: Path, version: int) -> None:
    folder = old_database(tmp_path / "old", version)
    before = rows(folder)
    store = Store(folder)
    assert store.secret == bytes(32)
    store.close()
    after = rows(folder)
    for table, old in before.items():
        kept = [
            {name: row[name] for name in had} for had, row in zip(old, after[table], strict=True)
        ]
        assert kept == old, table


def test_an_upgrade_that_is_cut_short_leaves_the_old_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = old_database(tmp_path / "old", 1)
    before = layout(folder)
    steps = {1: ("ALTER TABLE models ADD COLUMN extra JSON", "nonsense")}
    with monkeypatch.context() as patch:
        patch.setattr("qai_hub.local.store.upgrades._STEPS", steps)
        with pytest.raises(DataFolderError, match="syntax error"):
            Store(folder)
    assert layout(folder) == before
    Store(folder).close()
