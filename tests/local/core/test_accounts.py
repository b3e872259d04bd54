"""The accounts in memory follow the database, whichever process changes it."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.store_builders import add_job

from qai_hub.local.core.account_changes import add_account, replace_tokens, revoke_account
from qai_hub.local.core.accounts import REFRESH_SECONDS, Accounts
from qai_hub.local.core.kinds import CREATED
from qai_hub.local.store import DataFolderError, Store
from qai_hub.local.store.people import read_accounts, token_digest, write_accounts
from qai_hub.local.store.records import Account
from qai_hub.local.store.relations import first_ready_jobs
from qai_hub.local.store.sqlite import SqliteStore, open_folder

ADA, BOB = "ada@example.com", "bob@example.com"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def who(accounts: Accounts, token: str) -> str | None:
    user = accounts.authenticate(token)
    return None if user is None else user.email


def beside(folder: Path, step: object) -> None:
    with open_folder(folder) as db:
        assert callable(step)
        write_accounts(db, step(read_accounts(db)))


def test_what_this_process_changes_counts_at_once(store: Store) -> None:
    accounts = Accounts(store, [(ADA, "a-token")], monotonic=lambda: 0.0)
    assert who(accounts, "a-token") == ADA
    token = accounts.add(" Bob@Example.com")
    assert who(accounts, token) == BOB
    assert accounts.get_token(BOB) == token
    renewed = accounts.renew(BOB)
    assert (who(accounts, token), who(accounts, renewed)) == (None, BOB)
    assert accounts.renew(ADA, "given") == "given"
    assert (who(accounts, "a-token"), who(accounts, "given")) == (None, ADA)
    accounts.revoke(BOB)
    assert who(accounts, renewed) is None
    with pytest.raises(ValueError, match="not a user of this hub"):
        accounts.get_token(BOB)
    assert [
        (user.email, user.active, user.origin, user.tokens) for user in accounts.list_users()
    ] == [
        (ADA, True, "start", 1),
        (BOB, False, "added", 0),
    ]


def test_what_another_process_changes_counts_within_a_moment(store: Store, tmp_path: Path) -> None:
    clock = Clock()
    accounts = Accounts(store, [(ADA, "old")], monotonic=clock)
    folder = tmp_path / "data"
    beside(folder, lambda known: replace_tokens(known, ADA, token_digest("new")))
    beside(folder, lambda known: add_account(known, BOB, token_digest("bob")))
    clock.seconds += REFRESH_SECONDS / 2
    assert who(accounts, "old") == ADA
    clock.seconds += REFRESH_SECONDS
    assert (who(accounts, "old"), who(accounts, "new"), who(accounts, "bob")) == (None, ADA, BOB)
    # A token that was made elsewhere is known as a hash alone: this process makes its own.
    assert who(accounts, accounts.get_token(ADA)) == ADA
    assert who(accounts, "new") == ADA
    beside(folder, lambda known: revoke_account(known, ADA))
    clock.seconds += REFRESH_SECONDS
    assert who(accounts, "new") is None
    user = accounts.find_by_email(ADA)
    assert user is not None
    # What they have made shows whose it is.
    assert accounts.get_user(user.id) == user


def test_whom_another_process_has_added_is_known_at_once(store: Store) -> None:
    here, there = (Accounts(store, [(ADA, "a")], monotonic=lambda: 0.0) for _ in range(2))
    there.add(BOB, "b")
    bob = here.authenticate("b")
    assert bob is not None
    there.add("eve@example.com")
    eve = here.find_by_email("Eve@example.com")
    assert eve is not None
    there.add("dan@example.com")
    assert here.get_user(eve.id + 1).email == "dan@example.com"
    there.add("joe@example.com")
    assert here.admit("joe@example.com", create=False) is not None
    assert (who(here, "c"), here.find_by_email("c@example.com")) == (None, None)


def test_tokens_are_kept_as_hashes_only(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "data")
    accounts = Accounts(store, [(ADA, "very-secret-token"), (BOB, None)])
    made = [accounts.get_token(BOB), accounts.add("eve@example.com"), accounts.renew(BOB)]
    store.close()
    data = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
    assert b"ada@example.com" in data
    for token in ("very-secret-token", *made):
        assert token.encode() not in data


def test_a_token_is_made_once_however_many_ask(store: Store) -> None:
    accounts = Accounts(store, [(ADA, None)])
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(accounts.get_token(ADA))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert accounts.list_users()[0].tokens == 1


def test_who_may_not_enter_any_more_is_told(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    Accounts(store, [(ADA, "a"), (BOB, "b")])
    assert not caplog.records
    Accounts(store, [(ADA, None)])
    (record,) = caplog.records
    assert record.getMessage().startswith(f"{BOB} no longer has access")
    caplog.clear()
    Accounts(store, [(ADA, None)])
    assert not caplog.records


def test_folders_that_are_no_hubs_are_left_alone(tmp_path: Path) -> None:
    for content in (None, b"", b"no database", b"SQLite format 3\0"):
        if content is not None:
            (tmp_path / "hub.db").write_bytes(content)
        with (
            pytest.raises(DataFolderError, match="data folder: start a hub"),
            open_folder(tmp_path),
        ):
            pass
        assert [path.read_bytes() for path in tmp_path.iterdir()] == [content][
            : content is not None
        ]
    with pytest.raises(DataFolderError), open_folder(tmp_path / "missing"):
        pass
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize(("version", "words"), [("2", "older release"), ("999", "newer release")])
def test_folders_of_other_releases_are_left_alone(tmp_path: Path, version: str, words: str) -> None:
    store = SqliteStore(tmp_path)
    with store.write() as db:
        db.exec_driver_sql(
            "UPDATE settings SET value = ? WHERE name = 'schema_version'", (version,)
        )
    store.close()
    with pytest.raises(DataFolderError, match=words), open_folder(tmp_path):
        pass


def test_a_step_that_is_refused_changes_nothing(store: Store, tmp_path: Path) -> None:
    Accounts(store, [(ADA, "a")])
    with pytest.raises(ValueError, match="already a user"):
        beside(tmp_path / "data", lambda known: add_account(known, ADA, token_digest("x")))
    with store.read() as db:
        tokens = frozenset({token_digest("a")})
        assert read_accounts(db) == {ADA: Account(ADA, tokens=tokens)}


def test_many_processes_change_accounts_at_once(store: Store, tmp_path: Path) -> None:
    code = (
        "import sys; from qai_hub.cli.main import main; "
        "sys.exit(any(main(['users', 'add', f'{sys.argv[2]}{n}@example.com', '--data-dir',"
        " sys.argv[1]]) for n in range(5)))"
    )
    folder = str(tmp_path / "data")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, folder, name],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("a", "b")
    ]
    accounts = Accounts(store, [(ADA, "t")])
    for number in range(5):
        accounts.add(f"mine{number}@example.com")
    tokens = []
    for process in processes:
        out, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        tokens += out.split()
    assert len({user.email for user in accounts.list_users() if user.active}) == 16
    assert {who(accounts, token) for token in tokens} == {
        f"{name}{number}@example.com" for name in "ab" for number in range(5)
    }


def test_a_priority_stays_with_its_user(store: Store) -> None:
    accounts = Accounts(store, [(ADA, "a-token"), (BOB, None)])
    accounts.set_priority(ADA, 5)
    accounts.renew(ADA)
    # Named again by a start, without access for a while, and added again.
    again = Accounts(store, [(ADA, "a-token")])
    accounts.set_priority(ADA, 6)
    accounts.revoke(ADA)
    accounts.add(ADA)
    shown = {user.email: user.priority for user in again.list_users()}
    assert shown == {ADA: 6, BOB: 0}
    with store.write() as db:
        add_job(db, again.get_user(1))
        assert [each.priority for each in first_ready_jobs(db, CREATED, [""])] == [6]
    for priority in (1001, -1001):
        with pytest.raises(ValueError, match="a priority must be between -1000 and 1000"):
            accounts.set_priority(ADA, priority)
    with pytest.raises(ValueError, match="not a user of this hub"):
        accounts.set_priority("eve@example.com", 1)
