"""`qai-hub admin`: upgrades, copies, backups, restores and cleans hubs of both kinds."""

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from support.command import Outcome
from support.fake_worker import FakeWorker
from support.hub_http import Api
from support.page_blocks import ROOT
from support.postgresql_server import PostgresqlServer
from support.pty_terminal import pty_terminal
from support.store_builders import NOON, add_job

import qai_hub as hub_api
from qai_hub.cli.main import main
from qai_hub.local import LocalHub
from qai_hub.local.admin.garbage import collect_garbage
from qai_hub.local.clock import now
from qai_hub.local.config import HubConfig
from qai_hub.local.core import kinds as states
from qai_hub.local.core.heartbeat import Heartbeat
from qai_hub.local.core.lifecycle import Lifecycle
from qai_hub.local.files.folder import FolderStore
from qai_hub.local.files.work import WorkFolders
from qai_hub.local.store import DataFolderError, Store
from qai_hub.local.store.nodes import Node, add_node, read_clock
from qai_hub.local.store.opening import open_hub
from qai_hub.local.store.people import ensure_user
from qai_hub.local.store.portable import TABLES, read_counters, read_rows
from qai_hub.local.store.postgresql import PostgresqlStore
from qai_hub.local.store.schema import SCHEMA_VERSION, files, jobs, settings
from qai_hub.local.store.sqlite import SqliteStore

DUMP = Path(__file__).parents[1] / "data" / "hub_v4.sql"
DAY = timedelta(days=1)
Command = Callable[..., Outcome]
Content = dict[str, list[list[object]]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: str | Path) -> Outcome:
        status = main(["admin", *map(str, arguments)])
        output = capsys.readouterr()
        return Outcome(status, output.out, output.err)

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The data folder of a hub of one process, with a database of an older release."""
    data = tmp_path / "small"
    data.mkdir()
    with closing(sqlite3.connect(data / "hub.db")) as db:
        db.executescript(DUMP.read_text())
        sizes = db.execute("SELECT id, size FROM files").fetchall()
    (data / "files").mkdir()
    for name, size in sizes:
        (data / "files" / name).write_bytes(b"x" * size)
    return data


@pytest.fixture
def empty_url(postgresql: PostgresqlServer) -> Iterator[str]:
    url = postgresql.create_database()
    yield url
    postgresql.drop_database(url)


def content(database: str | None, folder: Path) -> Content:
    """All rows of a hub, and the numbers that it goes on with."""
    with open_hub(database, folder, write=False) as db:
        found = {table.name: list(read_rows(db, table)) for table in TABLES}
        return found | {"counters": [[*each] for each in read_counters(db).items()]}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def record(outcome: Outcome) -> dict[str, object]:
    assert outcome.status == 0, outcome.err
    found: dict[str, object] = json.loads(outcome.out)
    return found


def test_an_older_database_is_upgraded(command: Command, folder: Path, postgresql_url: str) -> None:
    done = record(command("migrate", "--data-dir", folder, "--format", "json"))
    assert done == {"before": 4, "after": SCHEMA_VERSION}
    done = record(command("migrate", "--database", postgresql_url, "--format", "json"))
    assert done == {"before": SCHEMA_VERSION, "after": SCHEMA_VERSION}


def test_no_database_is_upgraded_under_processes_that_use_it(
    command: Command, folder: Path, postgresql_url: str
) -> None:
    store = PostgresqlStore(postgresql_url)
    node = Node("n1", "elsewhere:1", "worker", "0.1", 2, NOON)
    with store.write() as db:
        older = update(settings).where(settings.c.name == "schema_version")
        db.execute(older.values(value=str(SCHEMA_VERSION - 1)))
        add_node(db, node, read_clock(db))
    store.close()
    status, _, err = command("migrate", "--database", postgresql_url)
    assert (status, err.count("\n")) == (1, 1)
    assert "1 process is running (elsewhere:1) with the older release: stop all of them" in err
    # As the guide quotes it.
    refused = command("nodes", "--database", postgresql_url)
    assert refused.status == 1
    assert refused.err in (ROOT / "docs" / "team.md").read_text("utf-8")
    with LocalHub(folder):
        assert command("migrate", "--data-dir", folder).status == 1


def test_a_hub_is_copied_for_several_processes(
    command: Command, folder: Path, empty_url: str, tmp_path: Path
) -> None:
    SqliteStore(folder).close()
    before = content(None, folder)
    new = tmp_path / "new"
    to = ("--database", empty_url, "--data-dir", new)
    done = record(command("migrate", "--from-data-dir", folder, *to, "--format", "json"))
    assert done["files"] == len(before["files"])
    assert done["missing"] == 0
    assert content(empty_url, new) == content(None, folder) == before
    assert names(new / "files") == names(folder / "files")
    # Rows that come later have later numbers.
    config = HubConfig(database=empty_url, data_dir=new, users=(), max_parallel_jobs=0)
    with LocalHub.from_config(config) as hub:
        assert "ada@example.com" in [user.email for user in hub.users()]
    with open_hub(empty_url, new) as db:
        job = add_job(db, ensure_user(db, "new@example.com"))
        largest = max(db.execute(select(jobs.c.seq).where(jobs.c.id != job)).scalars())
        assert db.execute(select(jobs.c.seq).where(jobs.c.id == job)).scalar_one() == largest + 1
    # It is not copied over anything.
    status, _, err = command("migrate", "--from-data-dir", folder, *to)
    assert (status, err.count("\n")) == (1, 1)
    assert "has the tables of a hub already" in err
    # And the small one is as it was.
    with LocalHub(folder, keep_users=True) as small:
        assert small.quarantined.count == 0


def test_a_running_hub_is_not_copied(
    command: Command, folder: Path, empty_url: str, tmp_path: Path
) -> None:
    to = ("--database", empty_url, "--data-dir", tmp_path / "new")
    with LocalHub(folder):
        outcome = command("migrate", "--from-data-dir", folder, *to)
    assert outcome.status == 1
    assert "Another hub is using" in outcome.err
    assert not (tmp_path / "new").exists()


def test_a_copy_that_fails_leaves_the_database_empty_and_can_be_repeated(
    command: Command, folder: Path, empty_url: str, tmp_path: Path
) -> None:
    SqliteStore(folder).close()
    with closing(sqlite3.connect(folder / "hub.db")) as db, db:
        # PostgreSQL takes no text with this sign.
        db.execute("UPDATE models SET name = 'a' || char(0) WHERE seq = 1")
    to = ("--database", empty_url, "--data-dir", tmp_path / "new")
    outcome = command("migrate", "--from-data-dir", folder, *to)
    assert (outcome.status, outcome.err.count("\n")) == (1, 1)
    with closing(sqlite3.connect(folder / "hub.db")) as db, db:
        db.execute("UPDATE models SET name = 'a' WHERE seq = 1")
    assert command("migrate", "--from-data-dir", folder, *to).status == 0


@pytest.mark.parametrize("source", ["sqlite", "postgresql"])
@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_a_backup_is_restored_to_either_database(
    command: Command,
    folder: Path,
    empty_url: str,
    postgresql: PostgresqlServer,
    tmp_path: Path,
    source: str,
    target: str,
) -> None:
    SqliteStore(folder).close()
    data: tuple[str | None, Path] = (None, folder)
    if source == "postgresql":
        data = (empty_url, tmp_path / "team")
        to = ("--database", empty_url, "--data-dir", data[1])
        assert command("migrate", "--from-data-dir", folder, *to).status == 0
    backup, new = tmp_path / "backup", tmp_path / "restored"
    made = record(command("backup", backup, *options(*data), "--format", "json"))
    assert made["missing"] == 0
    # It is whole without the hub.
    before = content(*data)
    if source == "sqlite":
        shutil.rmtree(folder)
    url = postgresql.create_database() if target == "postgresql" else None
    done = record(command("restore", backup, *options(url, new), "--format", "json"))
    assert {name: done[name] for name in ("rows", "files")} == {
        name: made[name] for name in ("rows", "files")
    }
    assert content(url, new) == before
    assert names(new / "files") == names(backup / "files")
    assert command("restore", backup, *options(url, new)).status == 1
    if url is None:
        with LocalHub(new, keep_users=True) as hub:
            assert hub.quarantined.count == 0
    else:
        postgresql.drop_database(url)


def options(database: str | None, folder: Path) -> list[str]:
    named = [] if database is None else ["--database", database]
    return ["--data-dir", str(folder), *named]


def test_a_backup_is_made_while_the_hub_runs_and_only_you_can_read_it(
    command: Command, folder: Path, tmp_path: Path
) -> None:
    with LocalHub(folder, keep_users=True) as hub:
        assert command("backup", tmp_path / "copy", "--data-dir", folder).status == 0
        hub.add_user("new@example.com")
    for path in (tmp_path / "copy").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0 or path.parent.name == "files", path
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("kind", ["a row", "a byte", "no manifest", "another release"])
def test_a_damaged_backup_is_refused(
    command: Command, folder: Path, tmp_path: Path, kind: str
) -> None:
    SqliteStore(folder).close()
    backup = tmp_path / "backup"
    assert command("backup", backup, "--data-dir", folder).status == 0
    rows, manifest = backup / "tables" / "jobs.jsonl", backup / "backup.json"
    if kind == "a row":
        rows.write_text("".join(rows.read_text().splitlines(keepends=True)[1:]))
    elif kind == "a byte":
        rows.write_text(rows.read_text().replace("second", "secund"))
    elif kind == "no manifest":
        manifest.unlink()
    else:
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"schema": 4}))
    new = tmp_path / "restored"
    status, _, err = command("restore", backup, "--data-dir", new)
    assert (status, err.count("\n")) == (1, 1)
    assert not (new / "hub.db").exists()


def test_jobs_that_were_running_run_again(
    command: Command, folder: Path, empty_url: str, tmp_path: Path
) -> None:
    with closing(SqliteStore(folder)) as store, store.write() as db:
        job = add_job(db, ensure_user(db, "ada@example.com"), state="JOB_STATE_OPTIMIZING_MODEL")
    new = tmp_path / "new"
    to = ("--database", empty_url, "--data-dir", new)
    assert command("migrate", "--from-data-dir", folder, *to).status == 0
    with closing(PostgresqlStore(empty_url)) as team:
        lifecycle = Lifecycle(FolderStore(new), WorkFolders(new), now)
        Heartbeat(team, lifecycle, Node("n1", "here:1", "web", "1", 0, NOON)).beat()
        with team.read() as db:
            state = db.execute(select(jobs.c.state).where(jobs.c.id == job)).scalar_one()
    assert state == states.CREATED


class TeamFolder:
    """A folder of a database, with files that nobody knows."""

    def __init__(self, url: str, folder: Path) -> None:
        config = HubConfig(database=url, data_dir=folder, users=(), max_parallel_jobs=0)
        with LocalHub.from_config(config):
            pass
        self.url, self.folder = url, folder
        self.store: Store = PostgresqlStore(url)

    def write(self, name: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"12345")
        return path

    def collect(self, age: timedelta = timedelta(0), *, dry_run: bool = False) -> list[int]:
        found = collect_garbage(self.url, self.folder, age, dry_run=dry_run)
        return [found.files, found.uploads, found.folders, found.size, found.restored]


@pytest.fixture
def team(postgresql_url: str, tmp_path: Path) -> Iterator[TeamFolder]:
    made = TeamFolder(postgresql_url, tmp_path / "team")
    yield made
    made.store.close()


def know(team: TeamFolder, name: str) -> None:
    with team.store.write() as db:
        db.execute(files.insert().values(id=name, size=5))


def test_what_nobody_knows_is_quarantined_when_it_is_old(team: TeamFolder) -> None:
    known, unknown = team.write("files/f1"), team.write("files/f2")
    upload, gone = team.write("uploads/u1.form"), team.write("nodes/n1/work/j1-1/model")
    know(team, "f1")
    assert team.collect(DAY) == [0, 0, 0, 0, 0]
    assert team.collect(dry_run=True) == [1, 1, 1, 15, 0]
    assert unknown.exists()
    assert gone.exists()
    assert team.collect() == [1, 1, 1, 15, 0]
    assert known.exists()
    assert not any(path.exists() for path in (unknown, upload, gone))
    assert sorted(path.name for path in team.folder.glob("quarantine/*/*/*")) == ["f2", "u1.form"]
    # The database is one of before, after all.
    know(team, "f2")
    assert team.collect() == [0, 0, 0, 0, 1]
    assert unknown.read_bytes() == b"12345"


def test_folders_of_processes_that_live_are_kept(team: TeamFolder) -> None:
    kept = team.write("nodes/n1/work/j1-1/model")
    with team.store.write() as db:
        add_node(db, Node("n1", "here:1", "worker", "1", 2, NOON), read_clock(db))
    assert team.collect() == [0, 0, 0, 0, 0]
    assert kept.exists()


def test_the_quarantine_is_emptied_after_a_week_by_a_clock_that_two_agree_on(
    team: TeamFolder,
) -> None:
    team.write("files/f1")
    moments = iter([now() + timedelta(days=days) for days in (0, 0, 1, 1, 9, 9, 10, 10, 11, 11)])
    left = []
    for _ in range(5):
        collect_garbage(team.url, team.folder, timedelta(0), clock=lambda: next(moments))
        left.append(len(list(team.folder.glob("quarantine/*/files/f1"))))
    assert left == [1, 1, 1, 0, 0]


def test_a_folder_of_another_database_is_left_alone(
    team: TeamFolder, empty_url: str, tmp_path: Path
) -> None:
    file = team.write("files/f1")
    PostgresqlStore(empty_url).close()
    for url, folder in ((empty_url, team.folder), (team.url, tmp_path / "elsewhere")):
        with pytest.raises(DataFolderError):
            collect_garbage(url, folder, timedelta(0))
    assert file.exists()


def test_a_process_whose_folder_is_gone_goes_on(tmp_path: Path) -> None:
    work = WorkFolders(tmp_path)
    shutil.rmtree(work.folder)
    assert work.create("j1", 1).is_dir()
    shutil.rmtree(work.folder)
    assert work.write_text("log").read_text() == "log"


def test_what_is_collected_is_told(command: Command, team: TeamFolder) -> None:
    team.write("files/f1")
    arguments = ("gc", "--database", team.url, "--data-dir", team.folder, "--dry-run")
    done = record(command(*arguments, "--format", "json"))
    assert done == {"files": 0, "uploads": 0, "folders": 0, "size": 0, "restored": 0}
    assert command("gc", "--data-dir", team.folder).status == 2


def test_processes_are_listed(command: Command, team: TeamFolder) -> None:
    node = Node("n1", "here:1", "worker", "1.2", 2, NOON)
    with team.store.write() as db:
        clock = read_clock(db)
        add_node(db, node, clock)
        add_node(db, replace(node, id="n2", name="there:2", role="web"), clock - 90_000_000)
        add_node(db, replace(node, id="n3", name="third:3", draining=True), clock)
        job = add_job(db, ensure_user(db, "ada@example.com"), state="JOB_STATE_OPTIMIZING_MODEL")
        db.execute(update(jobs).where(jobs.c.id == job).values(node_id="n1", lease=clock))
    fields = "--fields", "name,role,state,version,slots,running"
    done = command("nodes", "--database", team.url, *fields)
    assert done.out.splitlines() == [
        "here:1\tworker\trunning\t1.2\t2\t1",
        "there:2\tweb\tsilent\t1.2\t2\t0",
        "third:3\tworker\tdraining\t1.2\t2\t0",
    ]
    assert command("nodes").status == 2


@pytest.mark.skipif(os.name != "posix", reason="there are no such terminals")
def test_times_of_processes_fit_a_terminal(
    team: TeamFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with team.store.write() as db:
        clock = read_clock(db)
        add_node(db, Node("n1", "here:12345", "worker", "0.56.1.dev0", 2, NOON), clock)
    monkeypatch.setenv("COLUMNS", "80")
    with pty_terminal(80) as terminal:
        monkeypatch.setattr("sys.stdout", terminal.stream)
        assert main(["admin", "nodes", "--database", team.url]) == 0
        terminal.wait_for(r"here.*\d\d-\d\d \d\d:\d\d\n")
        assert all(len(line) <= 80 for line in terminal.screen())


@pytest.mark.parametrize("kind", ["small", "several"])
def test_old_jobs_are_pruned_while_the_hub_runs(
    command: Command, tmp_path: Path, postgresql_url: str, kind: str
) -> None:
    data, named = tmp_path / "data", ["--data-dir", str(tmp_path / "data")]
    users = (("ada@example.com", None), ("bob@example.com", None))
    config = HubConfig(data_dir=data, users=users, max_parallel_jobs=1)
    if kind == "several":
        named += ["--database", postgresql_url]
        config = replace(config, database=postgresql_url)
    with LocalHub.from_config(config, run_attempt=FakeWorker()) as hub:
        api = Api(hub, "ada@example.com")
        source = api.upload_model()
        job, target = api.compile(source)
        api.wait(job)
        pruned = ["prune", "--format", "json", *named]
        assert record(command(*pruned, "--older-than", "1"))["jobs"] == 0
        other = ["--older-than", "0", "--user", "bob@example.com"]
        assert record(command(*pruned, *other)) == {
            "jobs": 0,
            "models": 0,
            "datasets": 0,
            "files": 0,
        }
        assert record(command(*pruned, "--older-than", "0", "--dry-run"))["jobs"] == 1
        assert len(list((data / "files").iterdir())) > 1
        done = record(command(*pruned, "--older-than", "0"))
        assert (done["jobs"], done["models"]) == (1, 2)
        assert list((data / "files").iterdir()) == []
        for path in (f"jobs/{job}/", f"models/{target}/", f"models/{source}/"):
            assert api.http.get(path).status_code == 404
        assert api.get("job_summaries/")["total_query_count"] == 0
        with pytest.raises(hub_api.UserError, match=f"There is no job {job}"):
            hub.client("ada@example.com").get_job(job)
        api.close()
    assert "is not a user of this hub" in command(*pruned[:1], *named, *other[:3], "x@y").err
