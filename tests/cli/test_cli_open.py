"""The command `qai-hub open`."""

import json
import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest
from support.compiled_models import PHONE
from support.page_document import Document
from support.polling import wait_until
from support.routed_hub import RoutedHub
from support.scripted_server import Reply, json_reply
from support.tiny_models import affine

from qai_hub.cli import web
from qai_hub.cli.main import main
from qai_hub.client import Device
from qai_hub.config import ClientConfig, save_config
from qai_hub.local import LocalHub

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("QAIHUB_CLIENT_INI", "QAI_HUB_API_TOKEN", "QAI_HUB_API_URL"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments)
        output = capsys.readouterr()
        return status, output.out, output.err

    return run


@pytest.fixture(scope="module")
def items(lh: LocalHub) -> dict[str, str]:
    """The identifiers of a job, a model and a dataset."""
    client = lh.client()
    model = client.upload_model(affine(), "opened")
    dataset = client.upload_dataset({"x": [np.zeros((1, 4), np.float32)]}, "opened")
    job = client.submit_compile_job(model, Device(PHONE))
    return {"JOB": job.job_id, "MODEL": model.model_id, "DATASET": dataset.dataset_id}


@pytest.mark.parametrize(
    ("arguments", "to"),
    [
        ([], "/"),
        (["JOB"], "/jobs/JOB/"),
        (["MODEL"], "/models/MODEL/"),
        (["DATASET"], "/datasets/DATASET/"),
        (["/jobs/JOB/?tab=log"], "/jobs/JOB/?tab=log"),
        (["models"], "/models/"),
        (["/jobs/?state=done"], "/jobs/?state=done"),
    ],
)
def test_a_link_signs_in_and_leads_to_a_page(
    run: Run, lh: LocalHub, items: dict[str, str], arguments: list[str], to: str
) -> None:
    save_config(lh.config())
    for name, identifier in items.items():
        arguments, to = (
            [each.replace(name, identifier) for each in arguments],
            to.replace(name, identifier),
        )
    status, said, _ = run("open", *arguments)
    assert status == 0
    link = httpx.URL(said.strip())
    assert (link.path, link.params.get("to", "/")) == ("/sign-in/", to)
    assert link.copy_with(query=None) == f"{lh.url}/sign-in/"
    with httpx.Client(base_url=lh.url, headers={"Accept": "text/html"}) as browser:
        form = {"code": link.params["code"], "to": to}
        answer = browser.post("/sign-in/", data=form, headers={"Origin": lh.url})
        assert (answer.status_code, answer.headers["Location"]) == (303, to)


BROWSER = """
import json, os, sys
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

address, told = sys.argv[1:]
path = Path(url2pathname(urlsplit(address).path))
seen = {"address": address, "page": path.read_text(), "path": str(path)}
seen["modes"] = [each.stat().st_mode & 0o777 for each in (path, path.parent)]
Path(told).write_text(json.dumps(seen))
"""


def test_no_other_user_sees_the_link_that_a_browser_is_given(
    run: Run, lh: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told.json"
    script = tmp_path / "browser.py"
    script.write_text(BROWSER)
    browser = webbrowser.GenericBrowser([sys.executable, str(script), "%s", str(told)])
    monkeypatch.setattr(webbrowser, "open", browser.open)
    monkeypatch.setattr(web, "is_terminal", lambda: True)
    monkeypatch.setattr(web, "_START_SECONDS", 0.1)
    save_config(lh.config())
    status, said, _ = run("open", "/jobs/?state=done&type=link")
    assert status == 0
    seen = json.loads(told.read_text())
    page = Document(f"<html>{seen['page']}</html>")
    assert [*page.links] == [said.strip()]
    (refresh,) = (given for _, given in page.tags if given.get("http-equiv") == "refresh")
    assert refresh["content"] == f"0; url={said.strip()}"
    code = httpx.URL(said.strip()).params["code"]
    assert code not in seen["address"]
    assert seen["modes"] == [0o600, 0o700]
    folder = Path(seen["path"]).parent
    assert folder.parent == tmp_path
    wait_until(lambda: not folder.exists())


def test_where_no_browser_can_be_told_the_link_is_printed(
    run: Run, lh: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "is_terminal", lambda: True)
    monkeypatch.setenv("QAIHUB_CLIENT_INI", str(save_config(lh.config())))
    monkeypatch.setenv("HOME", str(tmp_path / "missing"))
    status, said, told = run("open")
    assert (status, said.count("/sign-in/?code=")) == (0, 1)
    assert "open this address yourself" in told


def test_a_server_without_such_links_is_opened_all_the_same(run: Run) -> None:
    with RoutedHub({}) as hub:
        hub.routes["POST /api/v1/users/auth/browser/"] = Reply(404)
        hub.routes["GET /api/v1/models/mabc12345/"] = json_reply({"model_id": "mabc12345"})
        save_config(ClientConfig("token", api_url=hub.url, web_url="https://web.example"))
        status, said, told = run("open", "mabc12345")
    assert (status, said) == (0, "https://web.example/models/mabc12345/\n")
    assert "sign in on its page" in told


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("jabc12345", "There is no job jabc12345 that you may see"),
        ("mabc12345", "There is no model mabc12345 that you may see"),
        ("dabc12345", "There is no dataset dabc12345 that you may see"),
        ("/jobs/jabc12345/trace/?x=y", "There is no job jabc12345 that you may see"),
    ],
)
def test_no_page_of_nothing_is_opened(run: Run, lh: LocalHub, page: str, told: str) -> None:
    save_config(lh.config())
    status, said, errors = run("open", page)
    assert (status, said) == (1, "")
    assert told in errors


@pytest.mark.parametrize("page", ["", "x", "j/../x", "https://elsewhere.example"])
def test_what_is_no_page_is_refused(run: Run, lh: LocalHub, page: str) -> None:
    save_config(lh.config())
    status, said, told = run("open", page)
    assert (status, said) == (2, "")
    assert "neither the identifier" in told
