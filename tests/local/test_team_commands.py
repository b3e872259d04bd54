"""Commands that are given a database on PostgreSQL, and what they refuse."""

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from support.command import Outcome
from support.object_storage import ENVIRONMENT
from support.postgresql_server import PostgresqlServer

from qai_hub.cli.hub_process import DATABASE_VARIABLE
from qai_hub.cli.main import main
from qai_hub.local import LocalHub
from qai_hub.local.config import HubConfig
from qai_hub.local.store import DataFolderError
from qai_hub.local.store.postgresql import PostgresqlStore
from qai_hub.local.worker import HubWorker

ADA, BOB = "ada@example.com", "bob@example.com"
SECRET = "s3cr3t"
VERBS = (["serve", "--port", "0"], ["worker"], ["users", "list"])
Command = Callable[..., Outcome]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """Runs a command with the data folder of the test."""

    def run(*arguments: str) -> Outcome:
        status = main([*arguments, "--data-dir", str(tmp_path / "data")])
        output = capsys.readouterr()
        return Outcome(status, output.out, output.err)

    return run


def team_hub(url: str, folder: Path, *users: str) -> LocalHub:
    """One of the processes that answer requests."""
    config = HubConfig(
        database=url,
        data_dir=folder,
        users=tuple((email, None) for email in users),
        max_parallel_jobs=0,
    )
    return LocalHub.from_config(config)


def active(hub: LocalHub) -> list[str]:
    return [user.email for user in hub.users() if user.active]


def test_each_start_adds_the_users_that_it_names(postgresql_url: str, tmp_path: Path) -> None:
    with team_hub(postgresql_url, tmp_path) as first:
        assert first.emails == ["user@localhost"]
        with team_hub(postgresql_url, tmp_path, ADA) as second:
            assert second.emails == [ADA]
            assert active(first) == ["user@localhost", ADA]
        with team_hub(postgresql_url, tmp_path) as third:
            assert third.emails == []
            assert active(third) == ["user@localhost", ADA]
            with pytest.raises(ValueError, match="named no users"):
                third.token()
            assert third.is_token_of(third.token(ADA), ADA)


def test_users_of_a_database_are_managed(
    command: Command, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, out, err = command("users", "add", ADA, "--database", postgresql_url)
    assert (status, out.count("\n")) == (0, 1)
    assert err == f"{ADA} has access until it is revoked.\n"
    monkeypatch.setenv(DATABASE_VARIABLE, postgresql_url)
    assert command("users", "list") == (0, f"{ADA}\tactive\tadded\t1\t0\t0\t\t0\t\t\n", "")
    # No child of the command has it.
    assert DATABASE_VARIABLE not in os.environ
    assert command("users", "revoke", ADA, "--database", postgresql_url).status == 0
    assert command("users", "list", "--database", postgresql_url).out.startswith(f"{ADA}\tinactive")


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("url", "told"),
    [
        (f"mysql://hub:{SECRET}@db.example.com/hub", "must be given as a URL of PostgreSQL"),
        (f"postgresql://hub:{SECRET}@db.example.com:port/hub", "must be given as a URL"),
        (SECRET, "must be given as a URL of PostgreSQL"),
        (f"postgresql://hub:{SECRET}@127.0.0.1:1/hub?password={SECRET}", "cannot be used: "),
    ],
)
def test_a_database_that_cannot_be_used_is_told_in_one_line(
    command: Command, tmp_path: Path, verb: list[str], url: str, told: str
) -> None:
    status, out, err = command(*verb, "--database", url)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert told in err
    assert SECRET not in err
    # Nothing is made where nothing can be.
    assert not (tmp_path / "data").exists()


def test_a_missing_driver_is_told(
    command: Command, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        "qai_hub.local.store.opening.find_spec",
        lambda name: None if name == "psycopg" else find_spec(name),
    )
    for verb in VERBS:
        status, _, err = command(*verb, "--database", postgresql_url)
        assert status == 1
        assert err.endswith("run `pip install 'qai-hub-openapi[team]'`.\n")


def test_an_older_database_is_told(command: Command, postgresql_url: str) -> None:
    store = PostgresqlStore(postgresql_url)
    with store.write() as db:
        db.execute(text("UPDATE settings SET value = '4' WHERE name = 'schema_version'"))
    store.close()
    for verb in VERBS:
        status, _, err = command(*verb, "--database", postgresql_url)
        assert (status, err.count("\n")) == (1, 1)
        assert "run `qai-hub admin migrate`" in err


def test_a_database_of_nothing_has_no_users(command: Command, postgresql: PostgresqlServer) -> None:
    url = postgresql.create_database()
    status, _, err = command("users", "list", "--database", url)
    postgresql.drop_database(url)
    assert status == 1
    assert "has no tables of a hub" in err


def test_processes_of_a_database_have_one_folder(
    command: Command, postgresql: PostgresqlServer, postgresql_url: str, tmp_path: Path
) -> None:
    with team_hub(postgresql_url, tmp_path / "shared"):
        pass
    # A machine that does not share it.
    status, _, err = command("worker", "--database", postgresql_url)
    assert (status, err.count("\n")) == (1, 1)
    assert "does not have the files of this database" in err
    # Another database must not get at its files, nor a hub of one process.
    other = postgresql.create_database()
    worker = HubWorker(HubConfig(database=other, data_dir=tmp_path / "shared"))
    with pytest.raises(DataFolderError, match="has the files of another database"):
        worker.start()
    postgresql.drop_database(other)
    with pytest.raises(DataFolderError, match="name that by --database"):
        LocalHub(tmp_path / "shared").start()


def test_the_folder_of_a_hub_of_one_process_is_not_shared(
    command: Command, postgresql_url: str, tmp_path: Path
) -> None:
    with LocalHub(tmp_path / "data"):
        pass
    status, _, err = command("worker", "--database", postgresql_url)
    assert status == 1
    assert "has a database of its own" in err
    with LocalHub(tmp_path / "data") as again:
        assert again.quarantined.count == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["serve", "--workers", "0"], "name --database"),
        (["worker"], "Name the hub's database by --database or QAI_HUB_DATABASE"),
        (["worker", "--slots", "0", "--database", "postgresql:///hub"], "1 or more"),
    ],
)
def test_wrong_usage_is_told(command: Command, arguments: list[str], told: str) -> None:
    status, _, err = command(*arguments)
    assert status == 2
    assert told in err


def test_a_storage_that_cannot_be_reached_is_told(
    command: Command, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    files = "s3://hub/team?endpoint=http://127.0.0.1:9&region=us-east-1"
    for verb in (["serve", "--port", "0"], ["worker"]):
        status, _, err = command(*verb, "--database", postgresql_url, "--files", files)
        assert (status, err.count("\n")) == (1, 1)
        assert "s3://hub/team/ cannot be reached: EndpointConnectionError" in err
        assert ENVIRONMENT["AWS_SECRET_ACCESS_KEY"] not in err
