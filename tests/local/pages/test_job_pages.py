"""The pages of jobs: what they tell, to whom, and what their forms do."""

import re
from urllib.parse import quote

import pytest
from support.fake_worker import FakeWorker
from support.hub_http import DEVICE, Api, Json
from support.page_browser import PageBrowser
from support.polling import wait_until
from support.recorded_statements import recorded_statements

from qai_hub.cli.parameters import InputSpecsType
from qai_hub.local import LocalHub

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE jobs; --",
    "{{ 7 * 7 }}",
    "\u202eright to left\u202c and \U0001f600",
    "x" * 255,
]


def test_the_list_shows_own_jobs_alone(
    ada: Api, model: str, browser: PageBrowser, other_browser: PageBrowser
) -> None:
    key = ada.submit("compile_job", model, name="a job of Ada's")
    assert browser.get("/jobs/").links[f"/jobs/{key}/"] == "a job of Ada's"
    assert f"/jobs/{key}/" not in other_browser.get("/jobs/").links


def test_the_list_is_filtered_and_goes_on(ada: Api, model: str, browser: PageBrowser) -> None:
    keys = [ada.submit("compile_job", model, name=f"number {n}") for n in range(52)]
    for key in keys:
        ada.wait(key)
    first = browser.get("/jobs/", type="compile", state="done")
    (older,) = (link for link, text in first.links.items() if text == "Older")
    assert "type=compile" in older
    assert "state=done" in older
    shown = [link for link in first.links if re.fullmatch("/jobs/j[a-z0-9]+/", link)]
    assert shown == [f"/jobs/{key}/" for key in keys[:1:-1]]
    second = browser.get(older)
    assert f"/jobs/{keys[1]}/" in second.links
    assert f"/jobs/{keys[2]}/" not in second.links
    assert "Newest" in second.links.values()
    assert "No job is here" in browser.get("/jobs/", type="link", state="failed").text


def test_a_job_is_followed_from_the_queue_to_its_end(
    ada: Api, model: str, browser: PageBrowser, worker: FakeWorker
) -> None:
    worker.may_finish.clear()
    key, target = ada.compile(model, name="to follow", options="--target_runtime onnx")
    wait_until(lambda: ada.job(key)["job_state"] != "JOB_STATE_CREATED")
    page = browser.get(f"/jobs/{key}/")
    assert "Optimizing model" in page.text
    assert "Cancel the job" in page.text
    assert any(attributes.get("data-poll") for _, attributes in page.tags)
    worker.may_finish.set()
    ada.wait(key)
    page = browser.get(f"/jobs/{key}/")
    assert "Done" in page.text
    assert "Cancel the job" not in page.text
    assert page.links[f"/devices/{quote(DEVICE['name'])}/"] == DEVICE["name"]
    assert f"/devices/{quote(DEVICE['name'])}/" in browser.get("/jobs/").links
    assert not any(attributes.get("data-poll") for _, attributes in page.tags)
    assert "what happened" in page.text
    assert "Note on the model hm" in page.text
    assert "tool 1" in page.text
    assert "--target_runtime onnx" in page.text
    answer = browser.http.get(f"/jobs/{key}/target/", follow_redirects=True)
    assert answer.content == b"made from model"
    answer = browser.http.get(f"/jobs/{key}/files/hub-log/", follow_redirects=True)
    assert answer.text == "what happened"
    used = ada.submit("inference_job", target, is_profiling_on=True, name="a profile of it")
    assert browser.get(f"/jobs/{key}/").links[f"/jobs/{used}/"].split() == [
        *["Profile", "a", "profile", "of", "it"]
    ]
    assert f"/jobs/{key}/" in browser.get(f"/jobs/{used}/").links


def test_lineage_has_only_what_the_viewer_may_see(
    ada: Api, hub: LocalHub, browser: PageBrowser, other_browser: PageBrowser
) -> None:
    key, target = ada.compile(ada.upload_model(), name="to be shared")
    ada.wait(key)
    used = ada.submit("inference_job", target, is_profiling_on=True, name="a profile of Ada's")
    ada.patch(f"jobs/{key}/shared_access/", {"add_email": ["bob@example.com"]})
    bob = Api(hub, "bob@example.com")
    others = [bob.submit("inference_job", target, is_profiling_on=True) for _ in range(9)]
    bob.close()
    seen = browser.get(f"/jobs/{key}/")
    assert f"/jobs/{used}/" in seen.links
    assert "and more" not in seen.text
    assert not seen.links.keys() & {f"/jobs/{each}/" for each in others}
    seen_by_bob = other_browser.get(f"/jobs/{key}/")
    assert f"/jobs/{used}/" not in seen_by_bob.links
    assert "and more" in seen_by_bob.text
    for each in others[:0:-1]:
        assert f"/jobs/{each}/" in seen_by_bob.links


def test_a_model_that_a_job_of_another_needs_is_kept_without_naming_it(
    ada: Api, hub: LocalHub, browser: PageBrowser, worker: FakeWorker
) -> None:
    worker.may_finish.clear()
    key = ada.upload_model()
    ada.patch(f"models/{key}/shared_access/", {"add_email": ["bob@example.com"]})
    bob = Api(hub, "bob@example.com")
    used = bob.submit("compile_job", key)
    answer = browser.post(f"/models/{key}/delete/")
    assert answer.status_code == 409
    assert f"A job of somebody with whom it is shared needs the model {key}" in answer.text
    assert used not in answer.text
    bob.close()


def test_neighbours_of_a_job_are_read_at_once(
    ada: Api, browser: PageBrowser, worker: FakeWorker
) -> None:
    worker.may_finish.clear()
    key, target = ada.compile(ada.upload_model(), name="with few, then many")
    ada.submit("inference_job", target, is_profiling_on=True)
    with recorded_statements() as few:
        browser.get(f"/jobs/{key}/")
    for _ in range(6):
        ada.submit("inference_job", target, is_profiling_on=True)
    with recorded_statements() as many:
        browser.get(f"/jobs/{key}/")
    assert len(many) < len(few) + 6


def test_a_failure_is_told_up_front(
    ada: Api, model: str, browser: PageBrowser, worker: FakeWorker
) -> None:
    worker.failures["--fail"] = "The model has <no> outputs."
    key = ada.submit("compile_job", model, options="--fail")
    ada.wait(key)
    text = browser.get(f"/jobs/{key}/").text
    assert "The model has <no> outputs." in text
    assert text.index("The model has <no> outputs.") < text.index("Submitted")


def test_a_profile_says_what_it_was_measured_on(
    ada: Api, model: str, browser: PageBrowser, worker: FakeWorker
) -> None:
    layers: list[Json] = [
        {
            "name": f"layer {number}",
            "compute_unit": "COMPUTE_UNIT_CPU",
            "layer_type_name": "Conv" if number % 2 else "=Relu",
            "id": str(number),
            "delegate_name": "",
            "delegate_extra_info": "",
            "delegate_reported_ops": [],
            "segment_id": "0",
            "execution_time": 10 * number,
        }
        for number in range(4)
    ]
    conditions = [{"key": "host CPU", "value": "a <CPU>"}]
    worker.extra_results["profile"] = {
        "execution_time": 1234,
        "all_execution_times": [2000, 1234, 1300],
        "layer_details": layers,
        "runtime_config": [{"name": "Measured on", "properties": conditions}],
    }
    key = ada.submit("inference_job", model, is_profiling_on=True)
    ada.wait(key)
    page = browser.get(f"/jobs/{key}/")
    assert "1.23 ms" in page.text
    assert "Measured on the CPU of this hub's host (a <CPU>), not on a device." in page.text
    assert {f"#layer-{number}" for number in range(4)} <= page.links.keys()
    csv = browser.http.get(f"/jobs/{key}/profile.csv")
    assert csv.headers["Content-Type"].startswith("text/csv")
    assert csv.text.splitlines()[0] == "number,name,operator,compute_unit,execution_time"
    # A spreadsheet would take it for a formula.
    assert csv.text.splitlines()[1] == "0,layer 0,'=Relu,CPU,0"
    profile = browser.http.get(f"/jobs/{key}/profile.json").json()
    assert profile["layer_details"] == layers


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_texts(ada: Api, model: str, browser: PageBrowser, name: str) -> None:
    key = ada.submit("compile_job", model, name=name, options=name)
    for path in ("/jobs/", f"/jobs/{key}/"):
        page = browser.get(path)
        assert name in page.text
        assert not any(
            attribute.startswith("on") or attribute == "style"
            for _, attributes in page.tags
            for attribute in attributes
        )
        assert [given.get("src") for tag, given in page.tags if tag == "script"] == [
            next(given["src"] for tag, given in page.tags if tag == "script")
        ]


def test_forms_rename_share_and_cancel(
    ada: Api, model: str, browser: PageBrowser, other_browser: PageBrowser, worker: FakeWorker
) -> None:
    worker.may_finish.clear()
    key = ada.submit("compile_job", model, name="before")
    path = f"/jobs/{key}/"
    assert browser.post(path, do="rename", name=" after ").headers["Location"] == path
    assert ada.job(key)["name"] == "after"
    assert other_browser.http.get(path).status_code == 404
    assert browser.post(path, do="share", emails="bob@example.com; Eve@example.com,").is_redirect
    assert ada.get(f"jobs/{key}/shared_access/")["email"] == ["bob@example.com", "eve@example.com"]
    seen = other_browser.get(path)
    assert "after" in seen.text
    assert "Rename" not in seen.text
    assert "eve@example.com" not in seen.text
    assert other_browser.post(path, do="cancel").status_code == 403
    assert browser.post(path, do="unshare", email="bob@example.com").is_redirect
    assert other_browser.http.get(path).status_code == 404
    assert browser.post(path, do="cancel").is_redirect
    assert "Cancelled by ada@example.com." in browser.get(path).text


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 400),
        ({"do": "explode"}, 400),
        ({"do": "share", "emails": "nobody"}, 400),
        ({"do": "rename", "name": "x" * 10_000}, 400),
    ],
)
def test_forms_that_make_no_sense_change_nothing(
    ada: Api, model: str, browser: PageBrowser, fields: dict[str, str], status: int
) -> None:
    key = ada.submit("compile_job", model, name="as it was")
    answer = browser.post(f"/jobs/{key}/", **fields)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert ada.job(key)["name"] == "as it was"


def test_a_job_with_inputs_is_an_inference_job_though_it_profiles(
    ada: Api, model: str, browser: PageBrowser, worker: FakeWorker
) -> None:
    dataset = {"dataset_id": ada.upload_dataset()}
    kinds = {
        ada.submit("inference_job", model, dataset=dataset, is_profiling_on=True): "Inference",
        ada.submit("inference_job", model, dataset=dataset, is_profiling_on=False): "Inference",
        ada.submit("inference_job", model, is_profiling_on=True): "Profile",
    }
    for key, kind in kinds.items():
        ada.wait(key)
        page = browser.get(f"/jobs/{key}/")
        assert f"Jobs / {kind} " in page.text
        for path in (f"/jobs/?name={key}", f"/models/{model}/"):
            (told,) = re.findall(rf"{key}\s*(?:Done\s*)?(\w+)", browser.get(path).text)
            assert told.startswith(kind)
    first, second, _ = kinds
    assert "--no-profiling" not in browser.get(f"/jobs/{first}/").text
    assert "--no-profiling" in browser.get(f"/jobs/{second}/").text


@pytest.mark.parametrize("key", ["jzzzzzzzz", "x", "j%3Cscript%3E", "m12345678"])
def test_what_does_not_exist_is_a_page_that_says_so(browser: PageBrowser, key: str) -> None:
    answer = browser.http.get(f"/jobs/{key}/")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<script>" not in answer.text


def test_the_same_again_does_the_same(ada: Api, model: str, browser: PageBrowser) -> None:
    data = ada.upload_dataset()
    key = ada.submit("compile_job", model, name="it's", options="--target_runtime onnx")
    text = browser.get(f"/jobs/{key}/").text
    assert f"model=hub.get_model('{model}')" in text
    assert f"device=hub.Device('{DEVICE['name']}'" in text
    assert 'name="it\'s"' in text
    assert f"qai-hub submit compile {model} --device 'Samsung Galaxy S24'" in text
    key = ada.submit("inference_job", model, dataset={"dataset_id": data}, is_profiling_on=False)
    text = browser.get(f"/jobs/{key}/").text
    assert f"inputs=hub.get_dataset('{data}')" in text
    assert "profile=False" in text
    assert f"--inputs {data} --no-profiling" in text


def test_input_specs_are_quoted_for_a_shell(ada: Api, model: str, browser: PageBrowser) -> None:
    types = [
        {"name": name, "tensor_type": {"shape": [1, 3], "dtype": "TENSOR_DTYPE_UINT8"}}
        for name in ("x", "\U0001f600 y")
    ]
    key = ada.submit("compile_job", model, tensor_type_list={"types": types})
    text = browser.get(f"/jobs/{key}/").text
    quoted = '{"x": [[1, 3], "uint8"], "\U0001f600 y": [[1, 3], "uint8"]}'
    assert f"--input-specs '{quoted}'" in text
    # As the command reads it.
    assert InputSpecsType().convert(quoted, None, None) == {
        "x": ((1, 3), "uint8"),
        "\U0001f600 y": ((1, 3), "uint8"),
    }


def test_pages_run_nothing_from_elsewhere(browser: PageBrowser) -> None:
    answer = browser.http.get("/jobs/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy
    assert answer.headers["Cache-Control"] == "no-store"
    page = browser.get("/jobs/")
    loaded = [given[name] for _, given in page.tags for name in ("src",) if name in given]
    assert all(path.startswith("/static/") for path in loaded)
    for path in loaded:
        file = browser.http.get(path)
        assert file.status_code == 200
        assert "immutable" in file.headers["Cache-Control"]
    assert browser.http.get("/static/000000000000/hub.js").status_code == 404
    assert browser.http.get("/static/x/..%2Fsite.py").status_code == 404


def test_pages_at_other_ports_get_nothing(model: str, browser: PageBrowser) -> None:
    for path in ("/jobs/", f"/models/{model}/content", "/live/"):
        with browser.http.stream("GET", path) as answer:
            assert answer.status_code == 200
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert answer.headers["Cache-Control"] == "no-store"
