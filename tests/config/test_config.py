"""Configurations in files and the environment: which one wins, and how they are kept."""

import configparser
import os
import pydoc
import shlex
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qai_hub.config import (
    OFFICIAL_URL,
    ClientConfig,
    load_config,
    profile_path,
    save_config,
)
from qai_hub.errors import UserError


@pytest.fixture(autouse=True)
def no_ambient_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QAI_HUB_API_TOKEN", "QAI_HUB_API_URL", "QAIHUB_CLIENT_INI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def write(path: Path, **keys: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["[api]", *(f"{key} = {value}" for key, value in keys.items())]))
    return path


# The precedence of sources: what is given, and whose token and address come out.
@pytest.mark.parametrize("named_file", [False, True])
@pytest.mark.parametrize("default_file", [False, True])
@pytest.mark.parametrize("env_token", [False, True])
@pytest.mark.parametrize("env_url", [False, True])
@pytest.mark.parametrize("profile", [None, "p"])
def test_precedence(
    tmp_path: Path,
    *,
    named_file: bool,
    default_file: bool,
    env_token: bool,
    env_url: bool,
    profile: str | None,
) -> None:
    folder = tmp_path / ".qai_hub"
    write(folder / "p.ini", api_token="of-p", api_url="https://p", web_url="https://p-web")
    environ = {}
    if default_file:
        write(folder / "client.ini", api_token="of-default", api_url="https://default")
    if named_file:
        named = write(tmp_path / "named.ini", api_token="of-named", api_url="https://named")
        environ["QAIHUB_CLIENT_INI"] = str(named)
    if env_token:
        environ["QAI_HUB_API_TOKEN"] = "of-env"
    if env_url:
        environ["QAI_HUB_API_URL"] = "https://env"

    file = "p" if profile else "named" if named_file else "default" if default_file else None
    token = "env" if env_token and not profile else file
    url = "env" if env_url and not profile else file
    if token is None:
        with pytest.raises(UserError, match="qai-hub configure --api_token"):
            load_config(profile, environ=environ, home=tmp_path)
        return
    config = load_config(profile, environ=environ, home=tmp_path)
    assert config.api_token == f"of-{token}"
    assert config.api_url == (f"https://{url}" if url else OFFICIAL_URL)
    assert config.web_url == ("https://p-web" if profile else config.api_url)


def test_environment_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QAI_HUB_API_TOKEN", " t1 ")
    monkeypatch.setenv("QAI_HUB_API_URL", "http://127.0.0.1:8642/")
    config = load_config()
    assert (config.api_token, config.api_url) == ("t1", "http://127.0.0.1:8642")
    assert config.web_url == "http://127.0.0.1:8642"
    assert config.verbose is True


def test_an_url_of_the_environment_is_the_web_url_too(tmp_path: Path) -> None:
    write(tmp_path / ".qai_hub/client.ini", api_token="t", api_url="https://a", web_url="https://w")
    config = load_config(environ={"QAI_HUB_API_URL": "https://env"}, home=tmp_path)
    assert (config.api_url, config.web_url) == ("https://env", "https://env")


def test_empty_variables_count_as_absent(tmp_path: Path) -> None:
    write(tmp_path / ".qai_hub/client.ini", api_token="t", api_url="https://a")
    environ = dict.fromkeys(("QAI_HUB_API_TOKEN", "QAI_HUB_API_URL", "QAIHUB_CLIENT_INI"), "")
    assert load_config(environ=environ, home=tmp_path).api_token == "t"


def test_all_keys(tmp_path: Path) -> None:
    write(
        tmp_path / ".qai_hub/client.ini",
        api_token="t",
        api_url="https://a/",
        web_url="https://w//",
        verbose="off",
        default_project="p123",
        wire="json",
    )
    assert load_config(home=tmp_path, environ={}) == ClientConfig(
        "t", "https://a", "https://w", verbose=False, default_project="p123", wire="json"
    )


@pytest.mark.parametrize("text", ["true", "True", "YES", "on", "1", "t", "Y"])
def test_true_words(tmp_path: Path, text: str) -> None:
    write(tmp_path / ".qai_hub/client.ini", api_token="t", verbose=text)
    assert load_config(home=tmp_path, environ={}).verbose is True


@pytest.mark.parametrize("text", ["false", "False", "NO", "off", "0", "f", "n"])
def test_false_words(tmp_path: Path, text: str) -> None:
    write(tmp_path / ".qai_hub/client.ini", api_token="t", verbose=text)
    assert load_config(home=tmp_path, environ={}).verbose is False


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf[api]\napi_token = a%b%(c)s\n",
        b"[api]\r\napi_token = a%b%(c)s\r\nverbose = true\r\n",
        b"; hand-written\n[other]\nx=1\n[api]\n# token\nAPI_TOKEN : a%b%(c)s\nfuture_key = 1\n",
        b"[DEFAULT]\napi_token=a%b%(c)s\n[api]\n",
        b"[api]\n  api_token   =   a%b%(c)s   \n\n\n",
    ],
)
def test_what_people_write(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "my.ini"
    path.write_bytes(content)
    config = load_config(environ={"QAIHUB_CLIENT_INI": str(path)}, home=tmp_path)
    assert config.api_token == "a%b%(c)s"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", ["[api]", "none"]),
        (b"[API]\napi_token = t\n", ["[api]", "API"]),
        (b"[api]\n", ["[api]", "api_token", "qai-hub configure"]),
        (b"[api]\napi_token =\n", ["[api]", "api_token"]),
        (b"[api]\napi_token = t\nverbose = maybe\n", ["[api]", "verbose", "'maybe'", "yes"]),
        (b"[api]\napi_token = t\nverbose =\n", ["[api]", "verbose", "''"]),
        (b"[api]\napi_token = t\napi_url = ftp://x\n", ["[api]", "api_url"]),
        (b"[api]\napi_token = t\nwire = xml\n", ["[api]", "wire", "'xml'", "protobuf"]),
        (b"[api]\napi_token = a b\n", ["[api]", "api_token"]),
        (b"[api]\napi_token = t  ; of work\n", ["[api]", "api_token"]),
        (b"[api]\napi_token = t\nverbose = on # or off\n", ["verbose", "'on # or off'"]),
        (b"[api]\napi_token = t\n  more\n", ["[api]", "api_token"]),
        ("[api]\napi_token = t\n".encode("utf-16"), ["UTF-8"]),
        (b"api_token = t\n", ["INI", "line 1"]),
        (b"[api]\napi_token t\n", ["INI", "line 2"]),
        (b"[api]\napi_token = t\napi_token = u\n", ["INI", "line 3"]),
        (b"[api]\n[api]\n", ["INI", "line 2"]),
        (b"[api]\napi_token = \xff\xfe\n", ["UTF-8"]),
        (b"\x00\x01\x02", ["INI"]),
    ],
)
def test_broken_files_are_told_with_their_place(
    tmp_path: Path, content: bytes, told: list[str]
) -> None:
    path = tmp_path / "broken.ini"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        load_config(environ={"QAIHUB_CLIENT_INI": str(path)}, home=tmp_path)
    for part in [str(path), *told]:
        assert part in str(caught.value)


PIECES = ["[api]", "[DEFAULT]", "api_token", "api_url", "verbose", "=", ":", "%", "t", "on", "#"]
PIECES += ["https://h", ";", "\n", "\r", "\t", " ", "\0", "\ufeff"]


@given(st.binary(max_size=60) | st.lists(st.sampled_from(PIECES)).map("".join).map(str.encode))
def test_any_file_gives_a_configuration_or_an_error_for_its_user(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("home") / "any.ini"
    path.write_bytes(content)
    try:
        config = load_config(environ={"QAIHUB_CLIENT_INI": str(path)})
    except UserError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error)
    else:
        assert config.api_token


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        load_config(environ={"QAIHUB_CLIENT_INI": str(tmp_path)}, home=tmp_path)


def test_a_wrong_variable_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"QAI_HUB_API_URL: api_url must be"):
        load_config(
            environ={"QAI_HUB_API_TOKEN": "t", "QAI_HUB_API_URL": "nonsense"}, home=tmp_path
        )


def test_no_error_shows_the_token(tmp_path: Path) -> None:
    write(tmp_path / ".qai_hub/client.ini", api_token="s3cret tok\u00e9n", verbose="maybe")
    with pytest.raises(UserError) as caught:
        load_config(home=tmp_path, environ={})
    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_an_absent_profile_is_a_file_not_found(tmp_path: Path) -> None:
    write(tmp_path / ".qai_hub/work.ini", api_token="t")
    with pytest.raises(FileNotFoundError) as caught:
        load_config("home", environ={"QAI_HUB_API_TOKEN": "t"}, home=tmp_path)
    for part in ("'home'", "home.ini", "work", "qai-hub --profile home configure"):
        assert part in str(caught.value)


def test_advice_can_be_copied_whatever_the_name(tmp_path: Path) -> None:
    name = "my $(date)'s"
    with pytest.raises(FileNotFoundError) as caught:
        load_config(name, environ={}, home=tmp_path)
    assert f"`qai-hub --profile {shlex.quote(name)} configure" in str(caught.value)
    save_config(ClientConfig("t"), name, home=tmp_path)
    with pytest.raises(UserError) as missing:
        load_config(environ={}, home=tmp_path)
    assert f"`qai-hub --profile {shlex.quote(name)}`" in str(missing.value)
    path = profile_path(name, home=tmp_path)
    assert f"QAIHUB_CLIENT_INI={shlex.quote(str(path))}" in str(missing.value)


@pytest.mark.parametrize(
    "name", ["", " ", ".", "..", "../x", "a/b", "/etc/x", "a\\b", "c:x", "a\0b", "a\nb", "\x1b[1m"]
)
def test_hostile_profile_names(tmp_path: Path, name: str) -> None:
    for use in (
        lambda: load_config(name, environ={}, home=tmp_path),
        lambda: save_config(ClientConfig("t"), name, environ={}, home=tmp_path),
    ):
        with pytest.raises(UserError, match="not a valid profile name"):
            use()
    assert list(tmp_path.iterdir()) == []


def test_a_profile_name_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        load_config("x" * 5000, environ={}, home=tmp_path)


@given(st.text(min_size=1, max_size=12))
def test_no_profile_name_leaves_the_folder(name: str) -> None:
    home = Path("/nowhere")
    try:
        path = profile_path(name, environ={}, home=home)
    except UserError:
        return
    assert path.parent == home / ".qai_hub"
    assert os.path.normpath(path) == str(path)
    assert path.name == f"{name}.ini"


def test_a_named_profile_wins_over_the_named_file(tmp_path: Path) -> None:
    environ = {"QAIHUB_CLIENT_INI": "/other.ini"}
    assert profile_path("p", environ=environ, home=tmp_path) == tmp_path / ".qai_hub/p.ini"
    assert profile_path(environ=environ, home=tmp_path) == Path("/other.ini")
    assert profile_path(environ={"QAIHUB_CLIENT_INI": "~/c.ini"}) == tmp_path / "c.ini"
    assert profile_path(environ={}) == tmp_path / ".qai_hub/client.ini"


tokens = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)


@given(
    token=tokens,
    verbose=st.booleans(),
    project=st.none() | st.from_regex(r"[a-z0-9%=#;:\[\] ]{0,10}[a-z0-9]", fullmatch=True),
)
def test_what_is_saved_is_loaded(
    tmp_path_factory: pytest.TempPathFactory, *, token: str, verbose: bool, project: str | None
) -> None:
    home = tmp_path_factory.mktemp("home")
    config = ClientConfig(
        token, "http://127.0.0.1:1", "https://w", verbose, default_project=project, wire="protobuf"
    )
    if project is not None and project != project.strip():
        with pytest.raises(UserError, match="default_project"):
            save_config(config, environ={}, home=home)
        return
    path = save_config(config, environ={}, home=home)
    assert path == home / ".qai_hub/client.ini"
    assert load_config(environ={}, home=home) == config


def test_the_file_is_the_official_format(tmp_path: Path) -> None:
    path = save_config(ClientConfig("t", verbose=True), "p", environ={}, home=tmp_path)
    parser = configparser.ConfigParser()
    parser.read(path)
    assert {section: dict(parser[section]) for section in parser.sections()} == {
        "api": {
            "api_token": "t",
            "api_url": OFFICIAL_URL,
            "web_url": OFFICIAL_URL,
            "verbose": "true",
        }
    }


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_only_the_owner_can_read_it(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        path = save_config(ClientConfig("t"), environ={}, home=tmp_path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_an_open_file_is_closed_to_others(tmp_path: Path) -> None:
    path = write(tmp_path / ".qai_hub/client.ini", api_token="old")
    path.chmod(0o644)
    save_config(ClientConfig("new"), environ={}, home=tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_config(environ={}, home=tmp_path).api_token == "new"
    assert [file.name for file in path.parent.iterdir()] == ["client.ini"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target = write(tmp_path / "dotfiles/hub.ini", api_token="old")
    link = tmp_path / ".qai_hub/client.ini"
    link.parent.mkdir()
    link.symlink_to(target)
    save_config(ClientConfig("new"), environ={}, home=tmp_path)
    assert link.is_symlink()
    assert "new" in target.read_text()


def test_a_failed_save_keeps_the_old_file(tmp_path: Path) -> None:
    path = write(tmp_path / ".qai_hub/client.ini", api_token="old")
    config = ClientConfig("new")
    config.default_project = "lone surrogate \ud800"
    with pytest.raises(UserError, match="default_project cannot be saved"):
        save_config(config, environ={}, home=tmp_path)
    config.default_project = "a\napi_url = https://evil"
    with pytest.raises(UserError, match="default_project cannot be saved"):
        save_config(config, environ={}, home=tmp_path)
    path.unlink()
    path.mkdir()
    with pytest.raises(UserError, match=r"client\.ini is a folder, which no file replaces"):
        save_config(ClientConfig("new"), environ={}, home=tmp_path)
    assert [file.name for file in path.parent.iterdir()] == ["client.ini"]


@pytest.mark.parametrize("config", [ClientConfig(""), ClientConfig("t")])
def test_nothing_is_printed(
    tmp_path: Path, config: ClientConfig, capfd: pytest.CaptureFixture[str]
) -> None:
    if config.api_token:
        save_config(config, environ={}, home=tmp_path)
    else:
        with pytest.raises(UserError, match="api_token is missing"):
            save_config(config, environ={}, home=tmp_path)
    assert capfd.readouterr() == ("", "")


def test_an_unknown_home_folder_needs_no_file() -> None:
    code = (
        "import os\nfrom qai_hub.config import load_config\n"
        "os.setuid(54321)\n"
        "print(load_config().api_token)"
    )
    if os.getuid() != 0:
        pytest.skip("only root can become a user without a home folder")
    environ = {key: value for key, value in os.environ.items() if key != "HOME"}
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**environ, "QAI_HUB_API_TOKEN": "t"},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert run.stdout == "t\n"


@pytest.mark.parametrize("function", [load_config, profile_path, save_config])
def test_help_does_not_print_the_environment(
    function: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QAI_HUB_API_TOKEN", "secret-token")
    assert "secret-token" not in pydoc.render_doc(function)
