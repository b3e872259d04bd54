"""The tables of `docs/configuration.md`, row by row and in all combinations."""

import dataclasses
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.scripted_server import Reply, ScriptedServer

import qai_hub as hub
from qai_hub.config import OFFICIAL_URL

ARGUMENT, PROFILE, VARIABLES, NAMED, DEFAULT = range(1, 6)
SOURCES = {
    ARGUMENT: "hub.Client(config=ClientConfig(...))",
    PROFILE: 'hub.Client(profile="name")',
    VARIABLES: "QAI_HUB_API_TOKEN`, `QAI_HUB_API_URL",
    NAMED: "QAIHUB_CLIENT_INI",
    DEFAULT: "~/.qai_hub/client.ini",
}
PROJECTS = [
    "project=` of the call",
    "hub.Client(default_project_id=...)",
    "default_project` of the configuration",
]
DOCS = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_tables_are_those_of_the_docs() -> None:
    rows = [line for line in DOCS.read_text("utf-8").splitlines() if line.startswith("| ")]
    numbered = [row for row in rows if row.split("|")[1].strip().isdigit()]
    assert len(numbered) == len(SOURCES) + len(PROJECTS)
    for row, source in zip(numbered, [*SOURCES.values(), *PROJECTS], strict=True):
        assert source in row


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("QAI_HUB_API_TOKEN", "QAI_HUB_API_URL", "QAIHUB_CLIENT_INI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".qai_hub").mkdir()
    return tmp_path


def write(path: Path, name: str, **more: str) -> Path:
    values = {
        "api_token": f"token-of-{name}",
        "api_url": f"https://{name}.example",
        "web_url": f"https://web.{name}.example",
        **more,
    }
    path.write_text("\n".join(["[api]", *(f"{key} = {value}" for key, value in values.items())]))
    return path


@dataclasses.dataclass(frozen=True)
class Given:
    """What is there to be read."""

    argument: bool
    profile: str | None
    env_token: bool
    env_url: bool
    named_file: str | None
    default_file: bool

    def expected(self) -> tuple[str | None, str | None, str | None]:
        """Whose token, address and address of pages the table says are used."""
        if self.argument:
            return "argument", "argument", None
        if self.profile:
            return "profile", "profile", "profile"
        file = "default" if self.default_file else None
        if self.named_file:
            file = "named" if self.named_file == "there" else None
        address = "env" if self.env_url else file
        return "env" if self.env_token else file, address, address


BOTH = (False, True)
ALL = [
    Given(*combination)
    for combination in itertools.product(
        BOTH, (None, "there", "missing"), BOTH, BOTH, (None, "there", "missing"), BOTH
    )
]


@pytest.fixture
def prepared(home: Path, monkeypatch: pytest.MonkeyPatch, given: Given) -> Given:
    write(home / ".qai_hub" / "there.ini", "profile")
    if given.env_token:
        monkeypatch.setenv("QAI_HUB_API_TOKEN", "token-of-env")
    if given.env_url:
        monkeypatch.setenv("QAI_HUB_API_URL", "https://env.example")
    if given.named_file is not None:
        monkeypatch.setenv("QAIHUB_CLIENT_INI", str(home / f"{given.named_file}.ini"))
        write(home / "there.ini", "named")
    if given.default_file:
        write(home / ".qai_hub" / "client.ini", "default")
    return given


@pytest.mark.parametrize("given", ALL)
def test_which_token_and_address_are_used(prepared: Given) -> None:
    config = hub.ClientConfig("token-of-argument", "https://argument.example")
    arguments = (config if prepared.argument else None, prepared.profile)
    if all(arguments):
        with pytest.raises(hub.UserError, match="config or profile"):
            hub.Client(*arguments)
        return
    if prepared.profile == "missing":
        with pytest.raises(FileNotFoundError, match=r"missing\.ini"):
            hub.Client(*arguments)
        return
    client = hub.Client(*arguments)
    token, address, pages = prepared.expected()
    if token is None:
        with pytest.raises(hub.UserError, match="qai-hub configure --api_token TOKEN"):
            _ = client.config
        return
    assert client.config.api_token == f"token-of-{token}"
    assert client.config.api_url == (f"https://{address}.example" if address else OFFICIAL_URL)
    web = {"env": "https://env.example", None: OFFICIAL_URL}
    assert client.config.web_url == web.get(pages, f"https://web.{pages}.example")


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    refusal = json.dumps({"title": "No", "status": 403}).encode()
    with ScriptedServer([Reply(403, refusal, {"Content-Type": "application/json"})]) as made:
        yield made


@pytest.mark.parametrize("source", [ARGUMENT, PROFILE, VARIABLES, NAMED, DEFAULT])
def test_which_project_is_used(
    home: Path, monkeypatch: pytest.MonkeyPatch, server: ScriptedServer, source: int
) -> None:
    more = {"api_url": server.url, "verbose": "off"}
    for of_config, of_client, of_call in itertools.product([False, True], repeat=3):
        if of_config:
            more["default_project"] = "pconfig"
        config, profile = None, None
        if source == ARGUMENT:
            project = "pconfig" if of_config else None
            config = hub.ClientConfig("t", server.url, default_project=project)
        elif source == PROFILE:
            profile = "mine"
            write(home / ".qai_hub" / "mine.ini", "mine", **more)
        elif source == NAMED:
            monkeypatch.setenv("QAIHUB_CLIENT_INI", str(write(home / "n.ini", "n", **more)))
        else:
            write(home / ".qai_hub" / "client.ini", "default", **more)
        if source == VARIABLES:
            monkeypatch.setenv("QAI_HUB_API_TOKEN", "token-of-env")
        client = hub.Client(config, profile, "pclient" if of_client else None)
        expected = "pcall" if of_call else "pclient" if of_client else "pconfig"
        anything = of_call or of_client or of_config
        projects: list[str | hub.Project | None] = [None]
        if of_call:
            projects = ["pcall", hub.Project(client, "pcall", "of the call")]
        for project_argument in projects:
            with client, pytest.raises(hub.UserError) as caught:
                client.upload_dataset({"x": [np.zeros(1, "float32")]}, project=project_argument)
            assert caught.value.status_code == 403
            asked = server.requests[-1]
            where = f"projects/{expected}/datasets/" if anything else "datasets/"
            assert (asked.method, asked.path) == ("POST", f"/api/v1/{where}")


def test_what_is_given_is_not_changed() -> None:
    config = hub.ClientConfig("token", "https://a.example", default_project="pconfig")
    before = vars(config).copy()
    client = hub.Client(config, default_project_id="pclient", client_mode="cli")
    client.set_verbose()
    assert client.config.verbose is True
    assert vars(config) == before
