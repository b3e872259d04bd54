"""Pages that tell of a hub itself: its devices, its health, and the reference of its API."""

import html
import re
from collections.abc import Iterator

import httpx
import pytest
from support.fake_worker import FakeWorker
from support.hub_http import Api
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


def signed_in(hub: LocalHub, email: str) -> Iterator[httpx.Client]:
    """A browser that somebody has signed in."""
    token = {"Authorization": f"token {hub.token(email)}"}
    with httpx.Client(base_url=hub.url, headers={"Origin": hub.url}) as browser:
        link = browser.post("/api/v1/users/auth/browser/", headers=token).json()["url"]
        form = {"code": httpx.URL(link).params["code"], "to": "/"}
        assert browser.post("/sign-in/", data=form).status_code == 303
        yield browser


@pytest.fixture(scope="module")
def ada(hub: LocalHub) -> Iterator[httpx.Client]:
    yield from signed_in(hub, ADA)


@pytest.fixture(scope="module")
def bob(hub: LocalHub) -> Iterator[httpx.Client]:
    yield from signed_in(hub, BOB)


def read(browser: httpx.Client, path: str, **params: str) -> str:
    """The text of a page."""
    response = browser.get(path, params=params)
    assert response.status_code == 200, response.text
    return text_of(response)


def text_of(response: httpx.Response) -> str:
    main = response.text.partition("<main")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", main)).split())


def links(browser: httpx.Client, path: str) -> list[str]:
    """Where a page leads."""
    return [html.unescape(each) for each in re.findall(r'href="(/[^"#]*)"', browser.get(path).text)]


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
    ada: httpx.Client, params: dict[str, str], found: str, missing: str
) -> None:
    text = read(ada, "/devices/", **params)
    assert found in text
    assert missing not in text


def test_device_tells_what_a_hub_does_for_it(ada: httpx.Client) -> None:
    text = read(ada, "/devices/Samsung Galaxy S24 (Family)/")
    assert "a job that names it is for Samsung Galaxy S24 with Android 14." in text
    without = read(ada, "/devices/Google Pixel 4/")
    assert "precompiled_qnn_onnx Nothing: its chip has no HTP" in without
    assert "tflite Nothing: not for its operating system." in read(
        ada, "/devices/Snapdragon X Elite CRD/"
    )


def test_code_of_a_device_names_it(ada: httpx.Client) -> None:
    for path in links(ada, "/devices/?htp=v75"):
        if not path.startswith("/devices/") or path == "/devices/":
            continue
        page = ada.get(path).text
        code = html.unescape(re.findall(r"<code>(import [^<]*)</code>", page)[0])
        namespace: dict[str, object] = {}
        exec(code.partition("\n#")[0], namespace)
        device = namespace["device"]
        assert isinstance(device, Device)
        assert f"<h1>{html.escape(device.name)}</h1>" in page


def test_unknown_device_is_not_found(ada: httpx.Client) -> None:
    assert ada.get("/devices/<script>/").status_code == 404


def test_health_tells_of_a_queue_but_not_whose_it_is(
    ada: httpx.Client, bob: httpx.Client, api: Api, worker: FakeWorker
) -> None:
    assert "Queued 0" in read(bob, "/health/")
    model = api.upload_model()
    worker.may_finish.clear()
    try:
        keys = [
            api.submit("compile_job", model, name="of Ada's", options=f"--target_runtime {each}")
            for each in ("onnx", "qnn_dlc", "qnn_context_binary")
        ]
        wait_until(lambda: "Running 1, 1 of them yours" in read(ada, "/health/"))
        mine, others = read(ada, "/health/"), read(bob, "/health/")
    finally:
        worker.may_finish.set()
    for key in keys:
        api.wait(key)
    assert "Queued 2" in mine
    assert "Your turn 1 of 1 user with jobs that could start" in mine
    assert "qnn 2" in mine
    assert "Running 1, 0 of them yours" in others
    assert "Your turn You have no job that could start" in others
    assert not [each for each in ("Ada", ADA, *keys) if each in others]
    assert "Queued 0" in read(ada, "/health/")


def test_health_tells_which_engines_there_are(ada: httpx.Client) -> None:
    assert "Engines None" in read(ada, "/health/")
    assert "tflite as a target Nothing: needs qai-hub engine install tflite." in read(
        ada, "/health/"
    )


def test_health_counts_stored_files(ada: httpx.Client, hub: LocalHub) -> None:
    text = read(ada, "/health/")
    assert re.search(r"On a disk with [0-9.]+ [KMGT]iB free of [0-9.]+ [KMGT]iB", text)
    assert re.search(r"Stored by all users [0-9]+ files?, [0-9.]+ (B|KiB)", text)
    assert "SQLite" in text or "PostgreSQL" in text


def test_reference_has_a_page_for_each_operation_and_schema(ada: httpx.Client) -> None:
    seen = {path for path in links(ada, "/docs/") if path.startswith("/docs/")}
    document = ada.get("/openapi.json").json()
    operations = {
        f"/docs/{operation['operationId']}/"
        for item in document["paths"].values()
        for name, operation in item.items()
        if name != "parameters"
    }
    schemas = {f"/docs/schemas/{name}/" for name in document["components"]["schemas"]}
    assert seen == {"/docs/", *operations, *schemas}
    leads = {each for path in seen for each in links(ada, path) if each.startswith("/docs/")}
    assert leads == seen
    assert ada.get("/docs/noOperation/").status_code == 404
    assert ada.get("/docs/schemas/NoSchema/").status_code == 404


def test_operations_are_tried_as_the_viewer(ada: httpx.Client, bob: httpx.Client, api: Api) -> None:
    key = api.upload_model(name="before")
    assert f'"email": "{BOB}"' in text_of(bob.post("/docs/getUser/", data={"body": ""}))
    form = {"in.model_id": key, "body": '{"name": "<b>after</b>"}'}
    assert "404 Not Found" in text_of(bob.post("/docs/updateModel/", data=form))
    assert "200 OK" in text_of(ada.post("/docs/updateModel/", data=form))
    shown = ada.post("/docs/getModel/", data={"in.model_id": key})
    assert '"name": "<b>after</b>"' in text_of(shown)
    assert "<b>" not in shown.text
    listed = ada.post("/docs/listModels/", data={"in.limit": "1", "in.offset": ""})
    assert text_of(listed).count('"model_id"') == 1
    devices = {"in.attributes": "chipset:qualcomm-snapdragon-8gen3 os:android", "in.select": "true"}
    assert '"Samsung Galaxy S24"' in text_of(ada.post("/docs/listDevices/", data=devices))


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
    ada: httpx.Client, operation: str, form: dict[str, str], status: str
) -> None:
    assert status in text_of(ada.post(f"/docs/{operation}/", data=form))


@pytest.mark.parametrize("operation", ["createSignInLink", "logIn", "downloadFile"])
def test_what_would_outlive_a_session_is_not_tried(ada: httpx.Client, operation: str) -> None:
    assert "Not from here." in read(ada, f"/docs/{operation}/")
    assert ada.post(f"/docs/{operation}/", data={"body": "{}"}).status_code == 403


def test_session_opens_pages_only(ada: httpx.Client, api: Api) -> None:
    key = api.create_model("kept")
    # As a page of another site would have the browser send it.
    for site in ("same-origin", "same-site", "cross-site"):
        headers = {"Sec-Fetch-Site": site}
        assert ada.get("/api/v1/users/auth/user/", headers=headers).status_code == 401
        assert ada.delete(f"/api/v1/models/{key}/", headers=headers).status_code == 401
    for headers in ({"Origin": "http://127.0.0.1:1"}, {"Sec-Fetch-Site": "same-site"}):
        forged = ada.post("/docs/deleteModel/", data={"in.model_id": key}, headers=headers)
        assert forged.status_code == 403
    assert api.get(f"models/{key}/")["name"] == "kept"


def test_pages_are_for_those_who_are_signed_in(hub: LocalHub) -> None:
    for path in ("/devices/", "/health/", "/docs/", "/docs/getUser/", "/docs/schemas/Job/"):
        response = httpx.get(f"{hub.url}{path}")
        assert (response.status_code, response.headers["Location"]) == (303, f"/sign-in/?to={path}")
