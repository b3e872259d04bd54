"""Who may enter a hub, over its starts and while it runs."""

import threading
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from support.fake_worker import FakeWorker
from support.hub_http import Api, problem
from support.polling import wait_until

from qai_hub.cli.main import main
from qai_hub.local import LocalHub

ADA, BOB = "ada@example.com", "bob@example.com"


def status(hub: LocalHub, token: str) -> int:
    headers = {"Authorization": f"token {token}"}
    return httpx.get(f"{hub.url}/api/v1/users/auth/user/", headers=headers).status_code


def is_refused(hub: LocalHub, token: str) -> bool:
    """Return whether a token is refused, by both processes if there are two."""
    return [status(hub, token) for _ in range(2)] == [401, 401]


@pytest.mark.small_hub("no start of a team takes access away")
def test_each_start_says_who_may_enter_and_by_what(tmp_path: Path) -> None:
    def answers(users: Mapping[str, str | None], *, keep: bool = False) -> dict[str, int]:
        with LocalHub(tmp_path, users=users, keep_users=keep) as hub:
            return {token: status(hub, token) for token in ("a1", "a2", "b1")}

    assert answers({ADA: "a1", BOB: "b1"}) == {"a1": 200, "a2": 401, "b1": 200}
    assert answers({ADA: "a2"}) == {"a1": 401, "a2": 200, "b1": 401}
    assert answers({"Ada@Example.COM": None, BOB: None}) == {"a1": 401, "a2": 200, "b1": 200}
    assert answers({BOB: None}, keep=True) == {"a1": 401, "a2": 200, "b1": 200}
    assert answers({}) == {"a1": 401, "a2": 401, "b1": 401}


@pytest.mark.small_hub("no start of a team takes access away")
def test_nobody_named_is_a_user_of_its_own(tmp_path: Path) -> None:
    with LocalHub(tmp_path) as hub:
        assert hub.emails == ["user@localhost"]
        token = hub.token()
    with LocalHub(tmp_path, users={ADA: "a"}) as hub:
        assert (status(hub, token), status(hub, "a")) == (401, 200)
    with LocalHub(tmp_path) as hub:
        assert (status(hub, token), status(hub, "a")) == (200, 401)


def test_what_somebody_made_stays_when_they_may_not_enter_any_more(tmp_path: Path) -> None:
    with LocalHub(tmp_path, users=[ADA, BOB]) as hub:
        bob = Api(hub, BOB)
        model = bob.upload_model(name="Bob's net")
        bob.patch(f"models/{model}/shared_access/", {"add_email": [ADA]})
        bob.close()
    with LocalHub(tmp_path, users=[ADA]) as hub:
        ada = Api(hub, ADA)
        shown = ada.get(f"models/{model}/")
        assert (shown["name"], shown["owner"]["email"]) == ("Bob's net", BOB)
        url = ada.get(f"models/{model}/download/")["url"]["url"]
        assert httpx.get(url).content == b"model"
        ada.close()
    with LocalHub(tmp_path, users=[ADA, BOB]) as hub:
        bob = Api(hub, BOB)
        assert bob.get(f"models/{model}/")["read_only"] is False
        bob.close()


def test_users_come_and_go_while_it_runs(tmp_path: Path) -> None:
    with LocalHub(tmp_path, users={ADA: "a"}) as hub:
        token = hub.add_user(BOB)
        assert status(hub, token) == 200
        new = hub.renew_token(BOB)
        wait_until(lambda: is_refused(hub, token))
        assert status(hub, new) == 200
        assert hub.client(BOB).get_models() == []
    # Nobody needs to name whom somebody has added.
    with LocalHub(tmp_path, users={ADA: "a"}) as hub:
        assert status(hub, new) == 200
        assert [(user.email, user.origin) for user in hub.users()] == [
            (ADA, "start"),
            (BOB, "added"),
        ]
        hub.revoke_user(BOB)
        wait_until(lambda: is_refused(hub, new))
    with LocalHub(tmp_path, users={ADA: "a"}, keep_users=True) as hub:
        assert status(hub, new) == 401
        assert [user.email for user in hub.users() if user.active] == [ADA]


@pytest.mark.small_hub("it changes the database in the folder")
def test_the_command_changes_a_hub_that_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = ["--data-dir", str(tmp_path)]

    def command(*arguments: str) -> str:
        assert main(["users", *arguments, *folder]) == 0
        return capsys.readouterr().out.strip()

    with LocalHub(tmp_path, users={ADA: "a"}) as hub:
        token = command("add", BOB)
        wait_until(lambda: status(hub, token) == 200)
        new = command("renew", BOB)
        wait_until(lambda: status(hub, token) == 401)
        assert status(hub, new) == 200
        command("revoke", BOB)
        wait_until(lambda: status(hub, new) == 401)
        # It works with its own folder on.
        assert status(hub, hub.add_user("eve@example.com")) == 200
        assert command("list").splitlines() == [
            f"{ADA}\tactive\tstart\t1\t0\t0\t\t0\t\t",
            f"{BOB}\tinactive\tadded\t0\t0\t0\t\t0\t\t",
            "eve@example.com\tactive\tadded\t1\t0\t0\t\t0",
        ]


def test_a_request_that_waits_ends_as_one_of_a_stranger_once_its_token_is_taken_away() -> None:
    worker = FakeWorker()
    worker.may_finish.clear()
    with LocalHub(users=[ADA, BOB], run_attempt=worker) as hub:
        ada = Api(hub, ADA)
        job, _ = ada.compile(ada.upload_model())
        answers: list[httpx.Response] = []

        def wait() -> None:
            answers.append(ada.http.get(f"jobs/{job}/", headers={"Prefer": "wait=30"}))

        waiting = threading.Thread(target=wait)
        waiting.start()
        wait_until(lambda: hub.waiting == 1)
        token = hub.token(ADA)
        hub.revoke_user(ADA)
        wait_until(lambda: is_refused(hub, token))
        worker.may_finish.set()
        waiting.join()
        assert "does not know the API token" in problem(answers[0], 401)
        ada.close()


def test_urls_of_files_outlive_the_token_that_they_were_given_for() -> None:
    with LocalHub(users=[ADA]) as hub:
        ada = Api(hub)
        url = ada.get(f"models/{ada.upload_model()}/download/")["url"]["url"]
        token = hub.token()
        hub.revoke_user(ADA)
        wait_until(lambda: is_refused(hub, token))
        assert httpx.get(url).content == b"model"
        ada.close()
