"""The graphs of models: Netron's files for a frame, and the model for the page around it."""

import sys
from collections.abc import Iterator

import pytest
from support.fake_worker import FakeWorker
from support.hub_http import Api
from support.page_browser import PageBrowser

from qai_hub.local import LocalHub

ADA, BOB = "ada@example.com", "bob@example.com"
PAGE = '<html><script type="text/javascript" src="index.js"></script></html>'


@pytest.fixture(scope="module")
def with_netron(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHub]:
    """A hub beside a package that is called like Netron, and has such a page."""
    folder = tmp_path_factory.mktemp("packages") / "netron"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise RuntimeError('nobody imports it')")
    (folder / "index.html").write_text(PAGE)
    (folder / "view.js").write_text("export class View {}")
    (folder.parent / "secret.js").write_text("secret")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder.parent)
        with LocalHub(users=[ADA, BOB], run_attempt=FakeWorker()) as hub:
            yield hub


def visit(hub: LocalHub, email: str) -> Iterator[PageBrowser]:
    visitor = PageBrowser(hub, email)
    yield visitor
    visitor.close()


@pytest.fixture(scope="module")
def viewer(with_netron: LocalHub) -> Iterator[PageBrowser]:
    yield from visit(with_netron, ADA)


@pytest.fixture(scope="module")
def stranger(with_netron: LocalHub) -> Iterator[PageBrowser]:
    yield from visit(with_netron, BOB)


@pytest.fixture(scope="module")
def drawn(with_netron: LocalHub) -> str:
    api = Api(with_netron, ADA)
    key = api.upload_model(b"a model", name="net <b>")
    api.close()
    return key


def test_the_frame_is_isolated(viewer: PageBrowser) -> None:
    frame = viewer.http.get("/netron/")
    policy = frame.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts allow-downloads; default-src 'none'; ")
    assert "allow-same-origin" not in policy
    assert "connect-src 'self'" in policy
    assert "index.js" not in frame.text
    assert '<script type="module" src="graph-frame.js">' in frame.text
    for name in ("graph-frame.js", "view.js"):
        script = viewer.http.get(f"/netron/{name}")
        assert script.headers["Access-Control-Allow-Origin"] == "*"
        assert script.headers["Content-Type"].startswith("text/javascript")


def test_only_files_of_pages_are_served(viewer: PageBrowser) -> None:
    names = ("__init__.py", "..%2Fsecret.js", "%2E%2E/secret.js", "none.js", "a/view.js", "%00.js")
    for name in names:
        assert viewer.http.get(f"/netron/{name}").status_code == 404, name
    assert viewer.http.post("/netron/").status_code == 405


def test_the_page_hands_the_model_over(
    drawn: str, viewer: PageBrowser, stranger: PageBrowser
) -> None:
    html = viewer.get(f"/models/{drawn}/graph/").source
    assert 'sandbox="allow-scripts allow-downloads"' in html
    assert f'data-file="/models/{drawn}/content"' in html
    assert 'data-name="net_b.onnx"' in html
    assert viewer.http.get(f"/models/{drawn}/content").content == b"a model"
    for path in ("graph/", "content"):
        assert stranger.http.get(f"/models/{drawn}/{path}").status_code == 404


def test_a_model_without_a_file_has_no_graph(with_netron: LocalHub, viewer: PageBrowser) -> None:
    api = Api(with_netron, ADA)
    key = api.create_model()
    api.close()
    assert "<iframe" not in viewer.get(f"/models/{key}/graph/").source
    assert viewer.http.get(f"/models/{key}/content").status_code == 409


def test_without_netron_the_page_tells_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "netron", None)
    with LocalHub(users=[ADA], run_attempt=FakeWorker()) as hub:
        api, visitor = Api(hub, ADA), PageBrowser(hub, ADA)
        key = api.upload_model()
        assert "pip install 'qai-hub-openapi[netron]'" in visitor.get(f"/models/{key}/graph/").text
        assert visitor.http.get("/netron/").status_code == 404
        api.close()
        visitor.close()
