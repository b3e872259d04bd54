"""Pages that tell of a hub itself: its devices, its health, and the reference of its API."""

import html
import re
from collections.abc import Iterator

import httpx
import pytest
from support.fake_worker import FakeWorker
from support.hub_http import Api
from support.page_browser import PageBrowser
from support.page_document import Document
from support.polling import wait_until

from qai_hub.client import Device
from qai_hub.local import LocalHub

ADA, BOB = "ada@example.com", "bob@example.com"


@pytest.fixture(scope="module")
def worker() -> FakeWorker:
    return FakeWorker()


@pytest.fixture(scope="module")
def hub(worker: FakeWorker) -> Iterator[LocalHub]:
    with LocalHub(users=[ADA, BOB], max_parallel_jobs=1, run_attempt=worker) as running:
        yield running


@pytest.fixture(scope="module")
def api(hub: LocalHub) -> Iterator[Api]:
    made = Api(hub, ADA)
    yield made
    made.close()


@pytest.fixture(scope="module")
def ada(hub: LocalHub) -> Iterator[PageBrowser]:
    browser = PageBrowser(hub, ADA)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def bob(hub: LocalHub) -> Iterator[PageBrowser]:
    browser = PageBrowser(hub, BOB)
    yield browser
    browser.close()


def operation_links(browser: PageBrowser, path: str) -> set[str]:
    """Where a page of the API's reference leads in it."""
    links = (link.partition("#")[0] for link in browser.get(path).links)
    return {link for link in links if link.startswith("/docs/")}


def said(response: httpx.Response) -> str:
    """The text of a page that answers a form."""
    return Document(response.text).text


@pytest.mark.parametrize(
    ("params", "found", "missing"),
    [
        ({"name": "galaxy s24"}, "Samsung Galaxy S24 Ultra", "Samsung Galaxy S23"),
        ({"name": "8GEN3"}, "Samsung Galaxy S24", "Samsung Galaxy S23"),
        ({"chipset": "qualcomm-snapdragon-8gen2"}, "Samsung Galaxy S23", "Samsung Galaxy S24"),
        ({"htp": "v79"}, "Samsung Galaxy S25", "Samsung Galaxy S24"),
        ({"os": "Windows"}, "Snapdragon X Elite CRD", "Samsung Galaxy S24"),
        ({"fp16": "on"}, "Samsung Galaxy S24", "Samsung Galaxy S21 Ultra"),
        ({"sharing": "on"}, "Samsung Galaxy S24", "Samsung Galaxy S22 5G"),
        ({}, "Google Pixel 3", "No device fits"),
        ({"htp": "v1"}, "No device fits the filter.", "Google Pixel 3"),
    ],
)
def test_devices_are_filtered(
    ada: PageBrowser, params: dict[str, str], found: str, missing: str
) -> None:
    text = ada.get("/devices/", **params).text
    assert found in text
    assert missing not in text


def test_device_tells_what_a_hub_does_for_it(ada: PageBrowser) -> None:
    text = ada.get("/devices/Samsung Galaxy S24 (Family)/").text
    assert "a job that names it is for Samsung Galaxy S24 with Android 14." in text
    without = ada.get("/devices/Google Pixel 4/").text
    assert "precompiled_qnn_onnx Nothing: its chip has no HTP" in without
    assert (
        "tflite Nothing: not for its operating system."
        in ada.get("/devices/Snapdragon X Elite CRD/").text
    )


def test_code_of_a_device_names_it(ada: PageBrowser) -> None:
    for path in ada.get("/devices/?htp=v75").links:
        if not path.startswith("/devices/") or path == "/devices/":
            continue
        page = ada.get(path).source
        code = html.unescape(re.findall(r"<code>(import [^<]*)</code>", page)[0])
        namespace: dict[str, object] = {}
        exec(code.partition("\n#")[0], namespace)
        device = namespace["device"]
        assert isinstance(device, Device)
        assert f"<h1>{html.escape(device.name)}</h1>" in page


def test_unknown_device_is_not_found(ada: PageBrowser) -> None:
    ada.get("/devices/<script>/", 404)


def test_health_tells_of_a_queue_but_not_whose_it_is(
    ada: PageBrowser, bob: PageBrowser, api: Api, worker: FakeWorker
) -> None:
    assert "Queued None" in bob.get("/health/").text
    model = api.upload_model()
    worker.may_finish.clear()
    try:
        keys = [
            api.submit("compile_job", model, name="of Ada's", options=f"--target_runtime {each}")
            for each in ("onnx", "qnn_dlc", "qnn_context_binary")
        ]
        wait_until(lambda: "Running 1, 1 of them yours" in ada.get("/health/").text)
        mine, others = ada.get("/health/").text, bob.get("/health/").text
    finally:
        worker.may_finish.set()
    for key in keys:
        api.wait(key)
    assert "Queued 2" in mine
    assert "Your turn 1 of 1 user with jobs that could start" in mine
    assert "qnn 2" in mine
    assert "Running 1, none of them yours" in others
    assert "Your turn You have no job that could start" in others
    assert not [each for each in ("Ada", ADA, *keys) if each in others]
    assert "Queued None" in ada.get("/health/").text


def test_health_tells_which_engines_there_are(ada: PageBrowser) -> None:
    text = ada.get("/health/").text
    assert "Engines None" in text
    assert "tflite as a target Nothing: needs qai-hub engine install tflite." in text


def test_health_counts_stored_files(ada: PageBrowser, hub: LocalHub) -> None:
    text = ada.get("/health/").text
    assert re.search(r"On a disk with [0-9.]+ [KMGT]iB free of [0-9.]+ [KMGT]iB", text)
    assert re.search(r"Stored by all users [0-9]+ files?, [0-9.]+ (B|KiB)", text)
    assert "SQLite" in text or "PostgreSQL" in text


def test_reference_has_a_page_for_each_operation_and_schema(ada: PageBrowser) -> None:
    seen = operation_links(ada, "/docs/")
    document = ada.http.get("/openapi.json").json()
    operations = {
        f"/docs/{operation['operationId']}/"
        for item in document["paths"].values()
        for name, operation in item.items()
        if name != "parameters"
    }
    schemas = {f"/docs/schemas/{name}/" for name in document["components"]["schemas"]}
    assert seen == {"/docs/", *operations, *schemas}
    leads = {each for path in seen for each in operation_links(ada, path)}
    assert leads == seen
    ada.get("/docs/noOperation/", 404)
    ada.get("/docs/schemas/NoSchema/", 404)


def test_operations_are_tried_as_the_viewer(ada: PageBrowser, bob: PageBrowser, api: Api) -> None:
    key = api.upload_model(name="before")
    assert f'"email": "{BOB}"' in said(bob.post("/docs/getUser/", body=""))
    form = {"in.model_id": key, "body": '{"name": "<b>after</b>"}'}
    assert "404 Not Found" in said(bob.post("/docs/updateModel/", **form))
    assert "200 OK" in said(ada.post("/docs/updateModel/", **form))
    shown = ada.post("/docs/getModel/", **{"in.model_id": key})
    assert '"name": "<b>after</b>"' in said(shown)
    assert "<b>" not in shown.text
    listed = ada.post("/docs/listModels/", **{"in.limit": "1", "in.offset": ""})
    assert said(listed).count('"model_id"') == 1
    devices = {"in.attributes": "chipset:qualcomm-snapdragon-8gen3 os:android", "in.select": "true"}
    assert '"Samsung Galaxy S24"' in said(ada.post("/docs/listDevices/", **devices))


@pytest.mark.parametrize(
    ("operation", "form", "status"),
    [
        ("createJob", {"body": "{"}, "400 Bad Request"),
        ("createJob", {"body": ""}, "400 Bad Request"),
        ("listJobs", {"in.limit": "many"}, "400 Bad Request"),
        ("getModel", {"in.model_id": ""}, "404 Not Found"),
        ("getModel", {"in.model_id": "../../users/auth/user"}, "404 Not Found"),
        ("getModel", {"in.model_id": "x/download/?a=b#c"}, "404 Not Found"),
    ],
)
def test_mistakes_are_answered_as_by_the_api(
    ada: PageBrowser, operation: str, form: dict[str, str], status: str
) -> None:
    assert status in said(ada.post(f"/docs/{operation}/", **form))


@pytest.mark.parametrize("operation", ["createSignInLink", "logIn", "downloadFile"])
def test_what_would_outlive_a_session_is_not_tried(ada: PageBrowser, operation: str) -> None:
    assert "Not from here." in ada.get(f"/docs/{operation}/").text
    assert ada.post(f"/docs/{operation}/", data={"body": "{}"}).status_code == 403


def test_session_opens_pages_only(ada: PageBrowser, api: Api) -> None:
    key = api.create_model("kept")
    # As a page of another site would have the browser send it.
    for site in ("same-origin", "same-site", "cross-site"):
        headers = {"Origin": ada.origin, "Sec-Fetch-Site": site}
        assert ada.http.get("/api/v1/users/auth/user/", headers=headers).status_code == 401
        assert ada.http.delete(f"/api/v1/models/{key}/", headers=headers).status_code == 401
    for forgery in ({"Origin": "http://127.0.0.1:1"}, {"Sec-Fetch-Site": "same-site"}):
        headers = {"Origin": ada.origin, **forgery}
        forged = ada.http.post("/docs/deleteModel/", data={"in.model_id": key}, headers=headers)
        assert forged.status_code == 403
    assert api.get(f"models/{key}/")["name"] == "kept"


def test_pages_are_for_those_who_are_signed_in(hub: LocalHub) -> None:
    for path in ("/devices/", "/health/", "/docs/", "/docs/getUser/", "/docs/schemas/Job/"):
        response = httpx.get(f"{hub.url}{path}")
        assert (response.status_code, response.headers["Location"]) == (303, f"/sign-in/?to={path}")


@pytest.mark.parametrize(
    ("path", "list_of"),
    [
        ("/models/m12345678/", "models"),
        ("/datasets/d12345678/delete/", "datasets"),
        ("/devices/nothing/", "devices"),
        ("/jobs/j12345678/trace/", "jobs"),
        ("/docs/nothing/", "operations of the API"),
        ("/nothing/", "jobs"),
        ("/jobs/j12345678", "jobs"),
    ],
)
def test_a_page_that_is_missing_leads_on(ada: PageBrowser, path: str, list_of: str) -> None:
    page = ada.get(path, 404)
    assert ada.get(page.link(f"To the {list_of}")).link("Jobs") == "/jobs/"
    assert f"You are signed in as {ADA} . If somebody else may see it" in page.text
    assert page.link("sign in as them") == f"/sign-in/?to={path}"
    assert f"qai-hub open {path}" in ada.get(page.link("sign in as them")).text


def test_a_form_that_is_refused_leads_back_to_its_page(ada: PageBrowser, api: Api) -> None:
    path = f"/models/{api.upload_model()}/"
    ada.http.headers["Referer"] = f"{ada.origin}{path}?layer=x"
    try:
        answer = ada.post(path, do="share", emails="nobody")
        assert answer.status_code == 400
        assert Document(answer.text).link("Back to the form") == f"{path}?layer=x"
        ada.http.headers["Referer"] = "http://elsewhere.example/"
        assert "Back to the form" not in ada.post(path, do="share", emails="nobody").text
    finally:
        del ada.http.headers["Referer"]


def test_programs_are_told_of_a_missing_path_in_json(ada: PageBrowser) -> None:
    for path, accept in (("/nothing/", "*/*"), ("/api/v1/nothing/", "text/html")):
        answer = ada.http.get(path, headers={"Accept": accept})
        assert answer.status_code == 404
        assert answer.json()["status"] == 404
