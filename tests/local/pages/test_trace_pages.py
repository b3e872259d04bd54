"""Traces of profiles on pages, and the viewer that comes along."""

import hashlib
import re
from importlib.resources import files

import pytest
from support.fake_worker import FakeWorker
from support.hub_http import Api
from support.page_browser import PageBrowser
from support.profile_payloads import detail

TRACE = b'[{"name": "kernel", "ph": "X", "ts": 1, "dur": 2}]'


@pytest.fixture
def traced(ada: Api, model: str, worker: FakeWorker) -> str:
    worker.extra_files["profile_trace"] = TRACE
    config = [{"name": "Measured on", "properties": [{"key": "host CPU", "value": "a CPU"}]}]
    worker.extra_results["profile"] = detail(execution_time=12, runtime_config=config)
    key = ada.submit("inference_job", model, is_profiling_on=True, name="<b>net</b>")
    ada.wait(key)
    return key


def test_a_trace_is_shown_to_those_who_may_see_its_job(
    traced: str, browser: PageBrowser, other_browser: PageBrowser
) -> None:
    links = browser.get(f"/jobs/{traced}/").links
    assert links[f"/jobs/{traced}/trace/"] == "Look at it"
    download = f"/jobs/{traced}/files/profile-trace/"
    assert browser.http.get(download, follow_redirects=True).content == TRACE
    page = browser.get(f"/jobs/{traced}/trace/")
    assert "Measured on the CPU of this hub's host (a CPU), not on a device." in page.text
    assert download in page.links
    content = browser.http.get(f"/jobs/{traced}/trace/content")
    assert content.content == TRACE
    assert content.headers["Content-Type"] == "application/json"
    for path in ("", "content"):
        assert other_browser.http.get(f"/jobs/{traced}/trace/{path}").status_code == 404


def test_a_job_without_a_trace_says_so(ada: Api, model: str, browser: PageBrowser) -> None:
    key = ada.submit("compile_job", model)
    ada.wait(key)
    for path in ("", "content"):
        answer = browser.http.get(f"/jobs/{key}/trace/{path}")
        assert answer.status_code == 404
        assert f"The job {key} has no trace." in answer.text
    assert f"/jobs/{key}/trace/" not in browser.get(f"/jobs/{key}/").links


def test_only_the_page_of_a_trace_may_talk_to_what_it_opens(
    traced: str, browser: PageBrowser
) -> None:
    opener = {
        path: browser.http.get(path).headers["Cross-Origin-Opener-Policy"]
        for path in (f"/jobs/{traced}/", f"/jobs/{traced}/trace/", "/jobs/")
    }
    assert [*opener.values()] == ["same-origin", "same-origin-allow-popups", "same-origin"]
    policies = {browser.http.get(path).headers["Content-Security-Policy"] for path in opener}
    assert len(policies) == 1
    assert "perfetto" not in policies.pop()


def test_the_frame_is_isolated(browser: PageBrowser) -> None:
    frame = browser.http.get("/speedscope/")
    policy = frame.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts allow-downloads; default-src 'none'; ")
    assert "allow-same-origin" not in policy
    assert "connect-src 'self' blob:;" in policy
    assert "'unsafe-eval'" not in policy
    names = set(re.findall(r'(?:src|href)="([^"]+)"', frame.text)) | {"speedscope.js"}
    for name in names:
        answer = browser.http.get(f"/speedscope/{name}")
        assert answer.status_code == 200, name
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    for name in ("README.md", "LICENSE", "..%2Fprofile.py", "../static/hub.js", "none.js"):
        assert browser.http.get(f"/speedscope/{name}").status_code == 404, name
    assert browser.http.post("/speedscope/").status_code == 405


def test_the_viewer_is_the_one_that_is_written_down() -> None:
    folder = files("qai_hub.local.pages") / "speedscope"
    table = (folder / "README.md").read_text(encoding="utf-8")
    written = dict(re.findall(r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", table, re.MULTILINE))
    found = {
        each.name: hashlib.sha256(each.read_bytes()).hexdigest()
        for each in folder.iterdir()
        if each.name != "README.md"
    }
    assert found == written
