"""A configuration in memory: its checks, and where its token never appears."""

import copy
import dataclasses
import logging
import pickle
from pathlib import Path

import pytest

from qai_hub.client import Client
from qai_hub.config import (
    OFFICIAL_URL,
    ClientConfig,
    load_config,
    require_token,
    save_config,
)
from qai_hub.errors import UserError

SECRET = "tok-3n%(en)s#;"


@pytest.fixture(autouse=True)
def no_ambient_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QAI_HUB_API_TOKEN", "QAI_HUB_API_URL", "QAIHUB_CLIENT_INI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def write(path: Path, **keys: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["[api]", *(f"{key} = {value}" for key, value in keys.items())]))
    return path


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://host", "https://host"),
        (" https://host/ ", "https://host"),
        ("http://127.0.0.1:8642//", "http://127.0.0.1:8642"),
        ("HTTPS://Host/prefix/", "HTTPS://Host/prefix"),
        ("http://[::1]:8642", "http://[::1]:8642"),
    ],
)
def test_addresses_are_trimmed(url: str, kept: str) -> None:
    config = ClientConfig("t", url, url)
    assert (config.api_url, config.web_url) == (kept, kept)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "host",
        "localhost:8642",
        "//host",
        "ftp://host",
        "https://",
        "https://:80",
        "https://host:port",
        "https://host:99999",
        "http://[::1",
        "https://ho st",
        "https://host\nX: y",
        "https://host\\@evil",
        "https://user:s3cret@host",
        "https://host?token=s3cret",
        "https://host#s3cret",
        "https:/user:s3cret@host",
        "https://user:s3/s3cret@host",
        "user:s3cret@host",
        "s3cret",
    ],
)
def test_addresses_that_no_request_could_go_to(url: str) -> None:
    with pytest.raises(UserError, match="api_url must be a URL like https://") as caught:
        ClientConfig("t", url)
    assert "s3cret" not in str(caught.value)
    with pytest.raises(UserError, match="web_url must be"):
        ClientConfig("t", OFFICIAL_URL, url)


@pytest.mark.parametrize("token", [None, 3, b"t"])
def test_tokens_are_text(token: object) -> None:
    with pytest.raises(UserError, match="api_token must be text"):
        ClientConfig(token)  # type: ignore[arg-type]


@pytest.mark.parametrize("token", ["a b", "a\nb", "tok\u00e9n", "a\x7f"])
def test_tokens_fit_into_a_header(token: str) -> None:
    with pytest.raises(UserError, match="copy only the token") as caught:
        ClientConfig(token)
    assert token not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://hub.example.com", True),
        ("HTTP://10.0.0.5:8642", True),
        ("http://localhost.example.com", True),
        ("https://hub.example.com", False),
        ("http://127.0.0.1:8642", False),
        ("http://127.5.5.5", False),
        ("http://[::1]", False),
        ("http://localhost:1", False),
        ("http://hub.localhost", False),
    ],
)
def test_a_token_in_clear_is_warned_about(
    url: str, *, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "qai_hub"):
        ClientConfig("s3cret", url)
    assert bool(caplog.records) is warned
    assert "s3cret" not in caplog.text


def test_api_url_and_token_can_be_written() -> None:
    config = ClientConfig("t")
    config.api_url = "https://else"
    config.api_token = "u"
    assert (config.api_url, require_token(config)) == ("https://else", "u")
    config.api_token = ""
    with pytest.raises(UserError, match="QAI_HUB_API_TOKEN"):
        require_token(config)


def test_no_repr_shows_the_token() -> None:
    config = ClientConfig(SECRET, wire="json")
    for text in (repr(config), str(config), f"{[config]}"):
        assert SECRET not in text
        assert "api_token='***'" in text
        assert "wire='json'" in text
    assert "api_token=''" in repr(ClientConfig(""))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_no_pickle_holds_the_token(protocol: int) -> None:
    config = ClientConfig("s3cret", "https://hub", "https://web", default_project="p")
    data = pickle.dumps(config, protocol)
    assert b"s3cret" not in data
    twin = pickle.loads(data)
    assert twin == dataclasses.replace(config, api_token="")
    with pytest.raises(UserError, match="api_token is missing"):
        require_token(twin)


def test_an_unpickled_configuration_finds_its_token_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_config(ClientConfig("s3cret", "https://hub", "https://hub"), "p", home=tmp_path)
    config = load_config("p")
    data = pickle.dumps(config)
    assert pickle.loads(data) == config
    write(tmp_path / ".qai_hub/p.ini", api_token="s3cret", api_url="https://else")
    assert pickle.loads(data).api_token == ""

    monkeypatch.setenv("QAI_HUB_API_TOKEN", "of-env")
    assert pickle.loads(pickle.dumps(ClientConfig("x"))).api_token == "of-env"
    elsewhere = ClientConfig("x", "https://else")
    assert pickle.loads(pickle.dumps(elsewhere)).api_token == ""


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, dataclasses.replace])
def test_copies_keep_the_token(duplicate: object) -> None:
    config = ClientConfig(SECRET)
    assert callable(duplicate)
    twin = duplicate(config)
    assert twin == config
    twin.api_url = "https://else"
    assert config.api_url == OFFICIAL_URL


@pytest.mark.filterwarnings("ignore:set_session_token:DeprecationWarning")
def test_a_session_token_is_pickled_no_more_than_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_config(ClientConfig("of-file", "https://hub", "https://hub"), "p", home=tmp_path)
    client = Client(profile="p")
    before = client.config
    client.set_session_token(SECRET)
    assert (client.config.api_token, before.api_token) == (SECRET, "of-file")
    data = pickle.dumps(client)
    assert SECRET.encode() not in data
    assert pickle.loads(data).config.api_token == "of-file"
    with pytest.raises(UserError, match="api_token"):
        client.set_session_token("two words")


def test_a_token_for_a_session_needs_no_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("QAI_HUB_API_TOKEN", "QAI_HUB_API_URL", "QAIHUB_CLIENT_INI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    client = Client()
    with pytest.warns(DeprecationWarning, match="set_session_token"):
        client.set_session_token("abc")
    assert (client.config.api_token, client.config.verbose) == ("abc", False)
    assert client.config.api_url == client.config.web_url == OFFICIAL_URL
    with pytest.warns(DeprecationWarning, match="deprecated"), pytest.raises(UserError):
        client.set_session_token("two words")
    # What is configured is kept.
    monkeypatch.setenv("QAI_HUB_API_URL", "https://hub.example.com")
    other = Client()
    with pytest.warns(DeprecationWarning, match="deprecated"):
        other.set_session_token("abc")
    assert other.config.api_url == "https://hub.example.com"
