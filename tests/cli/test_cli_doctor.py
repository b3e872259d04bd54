"""The command `qai-hub doctor`."""

import json
import socket
import ssl
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from support.routed_hub import RoutedHub
from support.scripted_server import Reply, ScriptedServer, json_reply

from qai_hub._version import OFFICIAL_RELEASE
from qai_hub.cli.diagnosis import network
from qai_hub.cli.diagnosis.installation import EXTRAS
from qai_hub.cli.main import main
from qai_hub.config import ClientConfig, save_config
from qai_hub.local import LocalHub

ADA = "ada@example.com"
TOKEN, PASSWORD = "s3cr3t-token", "pass-w0rd"
HEALTHY = {"GET /healthz": json_reply({"status": "ok"})}
OFTEN_SET = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")

Findings = dict[tuple[str, str], dict[str, str]]
Examine = Callable[..., tuple[int, Findings]]


@pytest.fixture(scope="module")
def lh() -> Iterator[LocalHub]:
    with LocalHub(users={ADA: TOKEN}) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("QAIHUB_CLIENT_INI", "QAI_HUB_API_TOKEN", "QAI_HUB_API_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in OFTEN_SET:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return tmp_path


@pytest.fixture
def examine(home: Path, capsys: pytest.CaptureFixture[str]) -> Examine:
    def run(*arguments: str) -> tuple[int, Findings]:
        status = main(["doctor", "--format", "json", *arguments])
        output = capsys.readouterr()
        answer: dict[str, Any] = json.loads(output.out)
        findings = {(each["topic"], each["name"]): each for each in answer["findings"]}
        problems = [each for each in answer["findings"] if each["state"] == "PROBLEM"]
        assert status == bool(problems)
        assert answer["problems"] == len(problems)
        assert all(each["remedy"] for each in problems)
        return status, findings

    return run


def states(findings: Findings, topic: str) -> dict[str, str]:
    return {name: each["state"] for (about, name), each in findings.items() if about == topic}


def test_where_all_is_well(
    examine: Examine, lh: LocalHub, capsys: pytest.CaptureFixture[str]
) -> None:
    save_config(lh.config(ADA))
    status, findings = examine()
    assert status == 0, findings
    assert states(findings, "server") == {
        "proxy": "OK",
        "name": "OK",
        "connection": "OK",
        "certificate": "SKIPPED",
        "health": "OK",
        "clock": "OK",
        "token": "OK",
    }
    assert findings["server", "token"]["text"] == f"accepted: it belongs to {ADA}"
    assert findings["configuration", "profiles"]["text"].startswith("client (127.0.0.1:")
    assert "client.ini, the default" in findings["configuration", "source"]["text"]
    assert main(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert "\n  OK       token: accepted" in shown
    assert shown.endswith("\nNo problem was found.\n")
    assert TOKEN not in shown


def test_no_secret_is_shown(
    examine: Examine,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    user = {"id": 1, "first_name": "", "last_name": "", "email": TOKEN, "org_id": 1}
    hostile: dict[str, Reply | list[Reply]] = {
        **HEALTHY,
        "GET /api/v1/users/auth/user/": json_reply(user),
    }
    folder = home / ".qai_hub"
    with RoutedHub(hostile) as hub:
        save_config(ClientConfig(TOKEN, hub.url, hub.url))
        proxy = hub.url.replace("http://", f"http://me:{PASSWORD}@")
        for name, url in (("a", f"https://me:{PASSWORD}@x.y"), ("b", f"https:/me:{PASSWORD}@x.y")):
            (folder / f"{name}.ini").write_text(f"[api]\napi_token={TOKEN}\napi_url={url}\n")
        variables: tuple[dict[str, str], ...] = (
            {},
            {"QAI_HUB_API_TOKEN": TOKEN},
            {"QAI_HUB_API_URL": f"https://me:{PASSWORD}@x.y"},
            {"HTTP_PROXY": proxy},
            {"HTTP_PROXY": f"gopher://me:{PASSWORD}@x.y"},
        )
        for given in variables:
            with monkeypatch.context() as patched:
                for name, value in given.items():
                    patched.setenv(name, value)
                main(["doctor"])
        for arguments in ((), ("--profile", "a"), ("--profile", "b"), ("--format", "json")):
            main(["doctor", *arguments])
    output = capsys.readouterr()
    assert "accepted: it belongs to ***" in output.out
    assert hub.url.removeprefix("http://") in output.out
    for secret in (TOKEN, PASSWORD):
        assert secret not in output.out + output.err


def test_what_is_wrong_with_the_way_to_the_server(
    examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}"
    save_config(ClientConfig(TOKEN, closed, closed))
    _, findings = examine()
    assert states(findings, "server")["connection"] == "PROBLEM"
    assert states(findings, "server")["token"] == "SKIPPED"
    assert "qai-hub serve" in findings["server", "connection"]["remedy"]
    monkeypatch.setenv("QAI_HUB_API_URL", "http://no-such-host.invalid")
    _, findings = examine()
    assert states(findings, "server")["name"] == "PROBLEM"
    # It is not encrypted either.
    assert states(findings, "configuration")["server"] == "PROBLEM"
    assert "QAI_HUB_API_URL replaces" in findings["configuration", "source"]["text"]


def test_a_wrong_clock_and_a_wrong_token(examine: Examine) -> None:
    early = Reply(200, b'{"status": "ok"}', {"Date": "Thu, 01 Jan 2026 00:00:00 GMT"})
    refusal = json_reply({"detail": f"no user has {TOKEN}"}, 401)
    with RoutedHub({"GET /healthz": early, "GET /api/v1/users/auth/user/": refusal}) as hub:
        save_config(ClientConfig(TOKEN, hub.url, hub.url))
        _, findings = examine()
    assert "ahead of the server" in findings["server", "clock"]["text"]
    assert findings["server", "token"]["state"] == "PROBLEM"
    assert "`qai-hub serve --port " in findings["server", "token"]["remedy"]
    assert TOKEN not in str(findings)


def test_a_certificate_that_nobody_trusts(
    examine: Examine, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    with ScriptedServer(lambda _: Reply(404), tls=tls) as server:
        url = server.url.replace("http:", "https:")
        save_config(ClientConfig(TOKEN, url, url))
        _, findings = examine()
        assert states(findings, "server")["certificate"] == "PROBLEM"
        assert "SSL_CERT_FILE" in findings["server", "certificate"]["remedy"]
        authority.cert_pem.write_to_path(home / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(home / "ca.pem"))
        _, findings = examine()
    assert findings["server", "certificate"]["text"].startswith("trusted, valid until ")
    assert findings["server", "health"]["text"] == "it answers, and has no health check"


def test_a_server_that_never_answers_takes_bounded_time(
    examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "_REQUEST_SECONDS", 0.3)
    with RoutedHub({"GET /healthz": Reply(200, b"{}", delay=30)}) as hub:
        save_config(ClientConfig(TOKEN, hub.url, hub.url))
        begun = time.monotonic()
        _, findings = examine()
    assert time.monotonic() - begun < 20
    assert findings["server", "health"]["state"] == "PROBLEM"


def test_files_that_others_can_read(examine: Examine, home: Path, lh: LocalHub) -> None:
    save_config(lh.config(ADA))
    other = save_config(lh.config(ADA), "other")
    other.chmod(0o644)
    _, findings = examine()
    assert findings["configuration", "permissions"]["remedy"].startswith(f"Run `chmod 600 {other}`")


@pytest.mark.parametrize("variable", [None, "QAIHUB_CLIENT_INI"])
def test_no_configuration(
    examine: Examine, home: Path, monkeypatch: pytest.MonkeyPatch, variable: str | None
) -> None:
    if variable:
        monkeypatch.setenv(variable, str(home / "elsewhere.ini"))
    _, findings = examine()
    assert findings["configuration", "content"]["state"] == "PROBLEM"
    source = findings["configuration", "source"]["text"]
    assert "which does not exist" in source
    assert (variable or "the default") in source
    assert states(findings, "server") == {"all": "SKIPPED"}


def test_the_official_client_beside_this_one(
    examine: Examine, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = home / "site" / "qai_hub-0.56.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: qai-hub\nVersion: 0.56.0\n")
    monkeypatch.syspath_prepend(str(home / "site"))
    _, findings = examine()
    found = findings["installation", "qai-hub"]
    assert (found["state"], "is installed, 0.56.0 in" in found["text"]) == ("PROBLEM", True)
    assert "pip uninstall qai-hub qai-hub-openapi" in found["remedy"]


@pytest.mark.parametrize(
    ("version", "state", "text"),
    [
        (f"{OFFICIAL_RELEASE}+openapi", "OK", "the shim, "),
        ("0.55.0+openapi", "PROBLEM", "The shim is that of another release"),
    ],
)
def test_a_shim(
    examine: Examine,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    state: str,
    text: str,
) -> None:
    about = home / "site" / f"qai_hub-{version}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: qai-hub\nVersion: {version}\n")
    monkeypatch.syspath_prepend(str(home / "site"))
    _, findings = examine()
    found = findings["installation", "qai-hub"]
    assert (found["state"], found["text"].startswith(text)) == (state, True)


def test_another_package_of_that_name(
    examine: Examine, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = home / "scripts" / "qai_hub"
    other.mkdir(parents=True)
    (other / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(home / "scripts"))
    _, findings = examine()
    found = findings["installation", "qai_hub"]
    assert (found["state"], str(other) in found["text"]) == ("PROBLEM", True)


def test_extras_are_those_of_the_package() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8")
    extras = tomllib.loads(text)["project"]["optional-dependencies"]
    assert set(EXTRAS) == set(extras) - {"codegen", "dev", "docs"}
