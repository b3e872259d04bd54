"""Which folders a hub takes for its data, and that it leaves all others as they are."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qai_hub.local import LocalHub
from qai_hub.local.store import DataFolderError
from qai_hub.local.store.data_folder import MARKER
from qai_hub.local.store.sqlite import SqliteStore, open_folder

THESIS = {"files/thesis.txt": "thesis", "uploads/a.jpg": "photo", "work/sub/report.txt": "report"}
OLD = Path(__file__).parents[2] / "data" / "hub_v1.sql"


def fill(folder: Path, things: dict[str, str]) -> Path:
    for name, text in things.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def picture(folder: Path) -> dict[str, Any]:
    """Tell all about what is in and around a folder."""
    return {
        str(path): (path.lstat().st_mode, path.lstat().st_mtime_ns, path.lstat().st_ino)
        for path in (folder.parent, *folder.parent.rglob("*"))
    }


def database(path: Path, script: str = "") -> None:
    with sqlite3.connect(path) as db:
        db.executescript(script)
    db.close()


def foreign_database(folder: Path) -> None:
    database(folder / "hub.db", "CREATE TABLE settings (name, value); CREATE TABLE users (id);")


def not_a_database(folder: Path) -> None:
    (folder / "hub.db").write_bytes(b"nonsense" * 1000)


def foreign_database_in_use(folder: Path) -> None:
    foreign_database(folder)
    (folder / "hub.db-wal").write_bytes(b"nonsense" * 1000)


def mark_is_a_folder(folder: Path) -> None:
    (folder / MARKER).mkdir()


def mark_is_a_link(folder: Path) -> None:
    (folder / MARKER).symlink_to("/etc/hostname")


def marked_with_a_foreign_database(folder: Path) -> None:
    (folder / MARKER).touch()
    foreign_database(folder)


def found_beside_other_things(folder: Path) -> None:
    (folder / "lost+found").mkdir()
    (folder / "a").touch()


def found_as_a_file(folder: Path) -> None:
    (folder / "lost+found").touch()


FOREIGN = [
    lambda folder: fill(folder, THESIS),
    lambda folder: (folder / ".hidden").touch(),
    lambda folder: (folder / "link").symlink_to("nowhere"),
    lambda folder: (folder / "hub.db").touch(),
    lambda folder: (folder / "hub.db").mkdir(),
    foreign_database,
    foreign_database_in_use,
    not_a_database,
    mark_is_a_folder,
    mark_is_a_link,
    marked_with_a_foreign_database,
    found_beside_other_things,
    found_as_a_file,
]


@pytest.mark.parametrize("make", FOREIGN)
def test_the_folder_of_somebody_else_is_refused_and_left_as_it_is(
    tmp_path: Path, make: Any
) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    make(folder)
    before = picture(folder)
    with pytest.raises(DataFolderError) as caught:
        LocalHub(folder).start()
    assert str(folder) in str(caught.value)
    assert picture(folder) == before


def test_a_refusal_names_the_first_few_things(tmp_path: Path) -> None:
    folder = fill(tmp_path / "theirs", dict.fromkeys(["c", "a/x", "b", "d"], "text"))
    with pytest.raises(
        DataFolderError, match=r"not empty: it contains a, b, c and more, but"
    ) as caught:
        SqliteStore(folder)
    assert "Use an empty or a new folder." in str(caught.value)


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    before = picture(tmp_path / "file")
    for name, words in (("file", "is not a folder"), ("dangling", "is a broken link")):
        with pytest.raises(DataFolderError, match=words):
            SqliteStore(tmp_path / name)
    assert picture(tmp_path / "file") == before
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("name", ["files", "uploads", "work"])
def test_what_takes_the_place_of_a_folder_of_the_hub_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "data"
    LocalHub(folder).start().stop()
    (folder / name).rmdir()
    (folder / name).write_text("text")
    with pytest.raises(DataFolderError, match=f"{folder / name} must be a folder: move that file"):
        LocalHub(folder).start()
    (folder / name).unlink()
    LocalHub(folder).start().stop()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE settings SET value = 'x' WHERE name = 'schema_version'",
        "UPDATE settings SET value = 'x' WHERE name = 'secret'",
        "DELETE FROM settings WHERE name = 'secret'",
    ],
)
def test_settings_that_cannot_be_read_are_damage(tmp_path: Path, damage: str) -> None:
    SqliteStore(tmp_path).close()
    database(tmp_path / "hub.db", damage)
    with pytest.raises(DataFolderError, match="damaged: the hub's settings in it cannot be read"):
        SqliteStore(tmp_path)
    if "'schema_version'" in damage:
        with (
            pytest.raises(DataFolderError, match="settings in it cannot be read"),
            open_folder(tmp_path),
        ):
            pass


def test_a_lock_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    SqliteStore(tmp_path).close()
    (tmp_path / "lock.db").unlink()
    (tmp_path / "lock.db").mkdir()
    with pytest.raises(DataFolderError, match=r"lock\.db cannot be locked: unable to open"):
        SqliteStore(tmp_path)


@pytest.mark.parametrize(
    "users",
    [
        ["ada"],
        {"ada@example.com": "two words"},
        {"ada@example.com": "secret", "bob@example.com": "secret"},
    ],
)
def test_users_that_are_refused_leave_no_folder_behind(tmp_path: Path, users: Any) -> None:
    hub = LocalHub(tmp_path / "data", users=users)
    with pytest.raises(ValueError, match=r"ada|bob") as caught:
        hub.start()
    assert "secret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into any folder")
def test_a_folder_that_cannot_be_looked_into_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o300)
    with pytest.raises(DataFolderError, match="cannot be read"):
        SqliteStore(tmp_path)
    tmp_path.chmod(0o700)


def test_an_empty_folder_is_taken_and_known_again(tmp_path: Path) -> None:
    for folder in (tmp_path / "new" / "deep", tmp_path / "empty", tmp_path / "disk"):
        if folder.name != "deep":
            folder.mkdir()
        if folder.name == "disk":
            (folder / "lost+found").mkdir()
        for _ in range(2):
            SqliteStore(folder).close()
        assert "data folder of a local hub" in (folder / MARKER).read_text()
        # The mark is what counts, whatever else is there, and is not.
        (folder / "hub.db").unlink()
        (folder / "notes.txt").write_text("notes")
        SqliteStore(folder).close()
        assert (folder / "notes.txt").read_text() == "notes"


def test_a_folder_behind_a_link_is_taken(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "data").symlink_to("disk")
    SqliteStore(tmp_path / "data").close()
    assert (tmp_path / "disk" / MARKER).exists()


def test_the_folder_of_an_earlier_release_is_adopted(tmp_path: Path) -> None:
    fill(tmp_path, {"notes.txt": "notes"})
    database(tmp_path / "hub.db", OLD.read_text())
    SqliteStore(tmp_path).close()
    assert (tmp_path / MARKER).exists()
    assert (tmp_path / "notes.txt").read_text() == "notes"


def test_a_database_whose_tables_are_in_its_journal_is_a_hubs(tmp_path: Path) -> None:
    """It was killed: nothing has come from the journal to the database yet."""
    store = SqliteStore(tmp_path / "first")
    shutil.copytree(tmp_path / "first", tmp_path / "killed")
    store.close()
    (tmp_path / "killed" / MARKER).unlink()
    assert b"CREATE TABLE" not in (tmp_path / "killed" / "hub.db").read_bytes()
    again = SqliteStore(tmp_path / "killed")
    assert again.secret == store.secret
    again.close()


def test_a_journal_without_its_database_is_not_given_away(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "first")
    shutil.copytree(tmp_path / "first", tmp_path / "killed")
    store.close()
    folder = tmp_path / "killed"
    content = (folder / "hub.db").read_bytes()
    for spoil in (Path.unlink, Path.touch):
        spoil(folder / "hub.db")
        before = picture(folder)
        with pytest.raises(DataFolderError, match="Restore the database"):
            SqliteStore(folder)
        assert picture(folder) == before
    (folder / "hub.db").write_bytes(content)
    again = SqliteStore(folder)
    assert again.secret == store.secret
    again.close()


DIES = """
import os, pathlib, sys
left = int(sys.argv[2])
def die(event, args):
    global left
    if event in ("open", "os.mkdir", "sqlite3.connect") and sys.argv[1] in str(args[0]):
        left -= 1
        if left < 0:
            os._exit(9)
from qai_hub.local import LocalHub
sys.addaudithook(die)
LocalHub(sys.argv[1]).start().stop()
"""


def test_a_start_that_is_killed_at_any_step_can_be_repeated(tmp_path: Path) -> None:
    # Each step in a process of its own takes a second: some from all over the start.
    for step in (0, 1, 2, 3, 4, 5, 7, 9, 1000):
        folder = tmp_path / str(step) / "data"
        command = [sys.executable, "-c", DIES, str(folder), str(step)]
        status = subprocess.run(command, check=False, timeout=60).returncode
        assert status == (0 if step == 1000 else 9)
        LocalHub(folder).start().stop()
        assert (folder / MARKER).exists()
