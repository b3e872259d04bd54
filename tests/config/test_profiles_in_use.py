"""Which profile the advice of an error is about: the one in use, and never another's."""

import copy
import pickle
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.clean_environment import plain_environment
from support.routed_hub import RoutedHub
from support.scripted_server import Reply, Request, json_reply

import qai_hub as hub
from qai_hub.client import Client, ClientConfig
from qai_hub.config import load_config, profile_path, save_config

__all__ = ["plain_environment"]

pytestmark = pytest.mark.usefixtures("plain_environment")
REFUSAL: dict[str, Reply | list[Reply]] = {
    "GET /api/v1/devices/": json_reply({"detail": "unknown"}, 401)
}


@pytest.fixture
def home(plain_environment: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home folder without profiles, for a user without any configuration."""
    for variable in ("QAIHUB_CLIENT_INI", "QAI_HUB_API_TOKEN", "QAI_HUB_API_URL"):
        plain_environment.delenv(variable, raising=False)
    for variable in ("HOME", "USERPROFILE"):
        plain_environment.setenv(variable, str(tmp_path))
    return tmp_path


@pytest.fixture
def url() -> str:
    """An address at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def save(name: str, url: str, token: str = "token-of-all") -> Path:
    return save_config(ClientConfig(token, url, url), name)


def message(client: Client) -> str:
    with pytest.raises(hub.Error) as caught:
        client.get_devices()
    return str(caught.value)


@pytest.mark.parametrize("way", ["profile", "variable", "config"])
def test_the_profile_in_use_is_named(
    way: str, home: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save("alice", url)
    path = save("mine", url)
    save("zoe", url)
    if way == "variable":
        monkeypatch.setenv("QAIHUB_CLIENT_INI", str(path))
    config = copy.copy(load_config("mine")) if way == "config" else None
    client = Client(config, "mine" if way == "profile" else None)
    text = message(client)
    assert "to which the profile 'mine' points" in text
    assert "--profile mine`" in text
    assert "alice" not in text


def test_a_configuration_in_code_is_of_the_profile_with_its_token(home: Path, url: str) -> None:
    save("alice", url, "token-of-alice")
    save("mine", url, "token-of-mine")
    assert "--profile mine`" in message(Client(ClientConfig("token-of-mine", url, url)))


def test_no_other_profile_is_written_for_a_configuration_in_code(home: Path, url: str) -> None:
    save("alice", url, "token-of-alice")
    save("local", "http://127.0.0.1:9")
    port = url.rpartition(":")[2]
    text = message(Client(ClientConfig("in-code", url, url)))
    assert f"`qai-hub serve --port {port} --profile local-{port}`" in text
    assert "points" not in text


def test_the_profile_of_a_further_user_is_not_made_that_of_the_first(home: Path, url: str) -> None:
    save("team", url, "token-of-first")
    save("team-bob@example.com", url, "token-of-bob")
    text = message(Client(profile="team-bob@example.com"))
    assert "--profile team` and the --user options that it had" in text


def test_a_file_elsewhere_is_no_profile(
    home: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = save("mine", url).rename(home / "mine.ini")
    save("mine", "http://127.0.0.1:9", "another-token")
    monkeypatch.setenv("QAIHUB_CLIENT_INI", str(elsewhere))
    text = message(Client())
    assert "`qai-hub serve --port" in text
    assert "mine" not in text


def test_a_refused_token_of_the_profile_in_use_is_renewed_there(home: Path) -> None:
    with RoutedHub(REFUSAL) as server:
        save("alice", server.url, "token-of-alice")
        save("mine", server.url, "token-of-mine")
        text = message(Client(profile="mine"))
    assert "--profile mine` writes a valid one to the profile 'mine'" in text
    assert "The profile 'alice' is for this hub as well" in text


def test_a_refused_token_of_the_environment_is_unset(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RoutedHub(REFUSAL) as server:
        path = save("mine", server.url, "token-of-mine")
        monkeypatch.setenv("QAIHUB_CLIENT_INI", str(path))
        monkeypatch.setenv("QAI_HUB_API_TOKEN", "outdated-token")
        text = message(Client())
        assert "from QAI_HUB_API_TOKEN: unset it, and choose the profile 'mine'" in text
        path.unlink()
        alone = message(Client(ClientConfig("outdated-token", server.url, server.url)))
    assert "set it to a valid one" in alone
    assert "outdated-token" not in text + alone


@pytest.fixture
def refusing() -> Iterator[RoutedHub]:
    """A hub that knows the tokens which do not begin with "bad"."""

    class Hub(RoutedHub):
        def _answer(self, request: Request) -> Reply:
            if request.headers["authorization"].startswith("token bad"):
                return json_reply({"detail": "unknown"}, 401)
            return super()._answer(request)

    with Hub({}) as server:
        yield server


def test_the_profile_that_works_is_proposed(
    home: Path, url: str, refusing: RoutedHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    save("absent", url)
    save("bad", refusing.url, "bad-token")
    save("guest", refusing.url, "token-of-guest")
    save("local", refusing.url, "token-of-mine")
    with pytest.raises(hub.Error, match=r"There are the profiles 'local' for .*=\"local\""):
        load_config()
    assert "or choose the profile 'local', whose server" in message(Client(profile="absent"))
    with monkeypatch.context() as environment:
        environment.setenv("QAIHUB_CLIENT_INI", str(profile_path("bad")))
        environment.setenv("QAI_HUB_API_TOKEN", "bad-variable")
        assert "unset it, and choose the profile 'local'" in message(Client())
    assert "The profile 'local' is for this hub as well" in message(Client(profile="bad"))


def test_no_profile_is_proposed_that_is_refused_as_well(home: Path, refusing: RoutedHub) -> None:
    save("bad", refusing.url, "bad-token")
    save("worse", refusing.url, "bad-as-well")
    assert "worse" not in message(Client(profile="bad"))


def test_where_a_configuration_is_from_is_no_part_of_it(home: Path, url: str) -> None:
    path = save("mine", url)
    read = load_config("mine")
    assert read == ClientConfig("token-of-all", url, url)
    assert str(home) not in repr(read)
    assert str(home).encode() not in pickle.dumps(read)
    again = pickle.loads(pickle.dumps(read))
    assert again.origin.url == again.origin.token == path
    assert "--profile mine`" in message(Client(again))
