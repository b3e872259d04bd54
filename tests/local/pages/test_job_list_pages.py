"""The list of jobs in a browser: its filters, what is chosen in it, and the comparison of jobs."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from support.fake_worker import FakeWorker
from support.hub_http import Api, problem
from support.page_browser import PageBrowser
from support.page_document import Document

from qai_hub.local import LocalHub
from qai_hub.local.store.job_lists import page_of_jobs

NONE = "-"
HOSTILE = "<script>alert(1)</script> \"'&\u202e😀"


@pytest.fixture(scope="module")
def worker() -> FakeWorker:
    return FakeWorker()


@pytest.fixture(scope="module")
def hub(worker: FakeWorker) -> Iterator[LocalHub]:
    people = ["ada@example.com", "bob@example.com"]
    with LocalHub(
        users=people, validate_responses=True, cache=False, run_attempt=worker, max_parallel_jobs=4
    ) as running:
        yield running


@pytest.fixture(scope="module")
def api(hub: LocalHub) -> Iterator[Api]:
    made = Api(hub, "ada@example.com")
    yield made
    made.close()


@pytest.fixture(scope="module")
def ada(hub: LocalHub) -> Iterator[PageBrowser]:
    pages = PageBrowser(hub, "ada@example.com")
    yield pages
    pages.close()


@pytest.fixture(scope="module")
def bob(hub: LocalHub) -> Iterator[PageBrowser]:
    pages = PageBrowser(hub, "bob@example.com")
    yield pages
    pages.close()


@pytest.fixture(scope="module")
def model(api: Api, ada: PageBrowser) -> str:
    return api.upload_model(name="a source")


@pytest.fixture(scope="module")
def made(api: Api, ada: PageBrowser, model: str) -> dict[str, str]:
    """Jobs by their names."""
    other = api.upload_model(b"another")
    keys = {
        "Alpha net": api.submit("compile_job", model, name="Alpha net"),
        "beta NET": api.submit("compile_job", other, name="beta NET"),
        HOSTILE: api.submit("compile_job", model, name=HOSTILE),
    }
    for key in keys.values():
        api.wait(key)
    return keys


def names(pages: PageBrowser, **query: str) -> set[str]:
    rows = pages.get("/jobs/", **query).rows
    return {
        row[1].rpartition(" ")[0]
        for row in rows
        if len(row) > 2 and row[0] == "" and row[1] != "Job"
    }


def test_jobs_are_found_by_each_filter(ada: PageBrowser, made: dict[str, str], model: str) -> None:
    shown = " ".join(HOSTILE.split())
    every = {"Alpha net", "beta NET", shown}
    assert names(ada) >= every
    assert names(ada, name="NeT") & every == {"Alpha net", "beta NET"}
    assert names(ada, name=made["Alpha net"].upper()) == {"Alpha net"}
    assert names(ada, name="<script>") == {shown}
    assert names(ada, device="galaxy s24", name="alpha") == {"Alpha net"}
    assert names(ada, device="pixel") == set()
    assert names(ada, model=model) & every == {"Alpha net", shown}
    assert names(ada, after="2020-01-01", before="2999-12-31") >= every
    assert names(ada, before="2020-01-01") == set()
    assert names(ada, after="2999-01-01T00:00:00Z") == set()


def test_a_search_is_kept_in_the_form_and_in_its_links(
    ada: PageBrowser, made: dict[str, str]
) -> None:
    query = {"name": HOSTILE, "after": "2020-01-02", "before": "2999-01-02T03:04:05Z"}
    page = ada.get("/jobs/", **query)
    assert query.items() <= page.fields().items()
    assert page.link("Clear") == "/jobs/"
    assert ("details", {"class": "more", "open": ""}) in page.tags
    assert not any(tag == "script" and "src" not in attributes for tag, attributes in page.tags)


@pytest.mark.parametrize(
    "query",
    [
        {"after": "yesterday"},
        {"before": "2026-02-30"},
        {"after": "2025-02-29"},
        {"model": "../x"},
        {"name": "x" * 201},
        {"name": "\0"},
        {"cursor": "-1"},
    ],
)
def test_a_search_that_cannot_be_made_says_why_in_place(
    ada: PageBrowser, query: dict[str, str]
) -> None:
    page = ada.get("/jobs/", 400, **query)
    assert "This search cannot be made" in page.text
    assert ("button", {}) in page.tags


def test_the_oldest_jobs_may_come_first(api: Api, ada: PageBrowser, made: dict[str, str]) -> None:
    newest = [row[1] for row in ada.get("/jobs/", name="net").rows[1:]]
    oldest = [row[1] for row in ada.get("/jobs/", name="net", order="oldest").rows[1:]]
    assert oldest == newest[::-1]
    assert len(oldest) > 1
    key = api.get("job_summaries/", order="oldest", limit=1)["job_summaries"][0]
    assert key["compile_job_summary"]["job_id"] == made["Alpha net"]


def test_a_long_search_goes_on_where_it_ended(
    api: Api, ada: PageBrowser, made: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = partial(page_of_jobs, searched=1)
    monkeypatch.setattr("qai_hub.local.api.lists.page_of_jobs", few)
    first = made["Alpha net"]
    created = api.job(first)["creation_time"]
    query, found = {"name": first}, list[str]()
    while True:
        reply = api.http.get("job_summaries/", params=query)
        body = reply.json()
        found += [each["compile_job_summary"]["job_id"] for each in body["job_summaries"]]
        if "next" not in reply.links:
            break
        assert body["total_query_count"] >= 1
        assert body["searched_to"] >= created
        query = dict(parse_qsl(urlsplit(reply.links["next"]["url"]).query))
    assert found == [first]

    page, path = ada.get("/jobs/", name=first), ""
    assert "No job is here that fits, of those that were looked at" in page.text
    for _ in range(100):
        further = [link for link, text in page.links.items() if text.startswith("Look further")]
        if not further:
            break
        (path,) = further
        page = ada.get(path)
    assert "Newest" in page.links.values()
    assert page.rows == []
    refused = api.http.get("job_summaries/", params={"name": "x", "offset": 1})
    assert "offset cannot be combined" in problem(refused, 400)


def test_empty_lists_say_what_to_do(ada: PageBrowser, bob: PageBrowser) -> None:
    page = ada.get("/jobs/", name="no job has this")
    assert "No job is here that fits" in page.text
    assert page.link("Clear the filters") == "/jobs/"
    assert "qai-hub submit" in bob.get("/jobs/").text


def test_only_ones_own_jobs_under_way_are_cancelled(
    api: Api,
    ada: PageBrowser,
    bob: PageBrowser,
    model: str,
    worker: FakeWorker,
    made: dict[str, str],
) -> None:
    done = made["Alpha net"]
    worker.may_finish.clear()
    try:
        keys = [api.submit("compile_job", model, name="to cancel") for _ in range(3)]
        chosen: dict[str, Any] = {"do": "cancel", "job": [keys[0], keys[1], done]}
        assert bob.post("/jobs/change/", **chosen).status_code == 404
        api.patch(f"jobs/{keys[0]}/shared_access/", {"add_email": ["bob@example.com"]})
        assert bob.post("/jobs/change/", do="cancel", job=[keys[0]]).status_code == 409
        assert {api.job(key)["job_state"] for key in keys} - {"JOB_STATE_FAILED"}
        asked = ada.get("/jobs/change/", **chosen)
        assert "Cancel these 2 jobs?" in asked.text
        assert "It has ended." in asked.text.partition("Left as they are")[2]
        assert api.job(keys[0])["job_state"] != "JOB_STATE_FAILED"
        answer = ada.post("/jobs/change/", to="/jobs/?name=to+cancel&cursor=999", **chosen)
        assert answer.headers["Location"] == "/jobs/?name=to+cancel&cursor=999"
        for key in keys[:2]:
            assert api.job(key)["job_state"] == "JOB_STATE_FAILED"
        assert api.job(keys[2])["job_state"] != "JOB_STATE_FAILED"
        assert api.job(done)["job_state"] == "JOB_STATE_DONE"
        assert ada.post("/jobs/change/", do="cancel", job=[done]).status_code == 409
        assert ada.post("/jobs/change/", do="cancel").status_code == 400
        assert ada.post("/jobs/change/", job=[keys[2]]).status_code == 400
    finally:
        worker.may_finish.set()


def test_chosen_jobs_are_renamed_and_shared(
    api: Api, ada: PageBrowser, bob: PageBrowser, model: str
) -> None:
    keys = [api.submit("compile_job", model, name=f"to change {n}") for n in range(2)]
    assert bob.http.get("/jobs/change/", params={"do": "share", "job": keys}).status_code == 404
    asked = ada.get("/jobs/change/", do="rename", job=keys)
    assert "Rename these 2 jobs" in asked.text
    inputs = [given for tag, given in asked.tags if tag == "input" and given["name"] == "name"]
    assert [each["value"] for each in inputs] == ["to change 0", "to change 1"]
    assert ada.post("/jobs/change/", do="rename", job=keys, name=["alone"]).status_code == 400
    ada.post("/jobs/change/", do="rename", job=keys, name=[" first ", HOSTILE])
    assert [api.job(key)["name"] for key in keys] == ["first", HOSTILE]

    mistaken = ada.post("/jobs/change/", do="share", job=keys, emails="bob@example.com, nobody")
    assert mistaken.status_code == 400
    assert "nobody&#39; is not an e-mail address, such as" in mistaken.text
    assert not {f"/jobs/{key}/" for key in keys} & set(bob.get("/jobs/").links)
    answer = ada.post(
        "/jobs/change/", do="share", job=keys, emails="bob@example.com", to="//evil.example/"
    )
    assert answer.headers["Location"] == "/"
    assert bob.get("/jobs/").link("first") == f"/jobs/{keys[0]}/"
    assert "It is ada@example.com's." in bob.get("/jobs/change/", do="share", job=keys).text
    assert bob.post("/jobs/change/", do="rename", job=keys, name=["a", "b"]).status_code == 409


def test_buttons_are_for_jobs_that_they_change(
    api: Api, ada: PageBrowser, bob: PageBrowser, model: str, worker: FakeWorker
) -> None:
    done = api.submit("compile_job", model, name="to choose")
    api.wait(done)
    worker.may_finish.clear()
    try:
        running = api.submit("compile_job", model, name="to choose")
        for key in (done, running):
            api.patch(f"jobs/{key}/shared_access/", {"add_email": ["bob@example.com"]})
        hers, his = (
            {
                given["value"]: given.get("class", "").split()
                for tag, given in pages.get("/jobs/", name="to choose").tags
                if tag == "input" and given.get("name") == "job"
            }
            for pages in (ada, bob)
        )
    finally:
        worker.may_finish.set()
    api.wait(running)
    assert hers == {done: ["own"], running: ["own", "open"]}
    assert his == {done: [], running: []}


def look_with(pages: PageBrowser, cookie: str) -> str:
    """What the list says to a browser that sends a cookie of its own as well."""
    session = next(
        f"{each.name}={each.value}" for each in pages.http.cookies.jar if each.path == "/"
    )
    answer = pages.http.get("/jobs/", headers={"Cookie": f"{session}; {cookie}"})
    assert answer.status_code == 200
    return Document(answer.text).text


def test_the_list_says_once_what_was_done_to_jobs(
    api: Api, ada: PageBrowser, bob: PageBrowser, model: str
) -> None:
    keys = [api.submit("compile_job", model, name=f"to tell {n}") for n in range(2)]
    emails = "bob@example.com;c@example.com d@example.com, e@example.com"
    answer = ada.post("/jobs/change/", do="share", job=keys, emails=emails)
    told = "Shared 2 jobs with bob@example.com, c@example.com, d@example.com and 1 more."
    note = answer.headers["Set-Cookie"].partition(";")[0]
    # Nobody else is told, whatever their browser sends.
    assert told not in look_with(bob, note)
    assert "forged" not in look_with(ada, f"{note.partition('=')[0]}=forged")
    assert told in look_with(ada, note)
    assert told not in ada.get("/jobs/").text
    for key in keys:
        api.wait(key)


def test_jobs_that_were_changed_stay_so_if_another_cannot_be(
    api: Api, ada: PageBrowser, model: str
) -> None:
    keys = [api.submit("compile_job", model, name="before") for _ in range(3)]
    answer = ada.post("/jobs/change/", do="rename", job=keys, name=["a", "x" * 10_000, "c"])
    assert [api.job(key)["name"] for key in keys] == ["a", "before", "c"]
    told = ada.get(answer.headers["Location"]).text
    assert "Renamed 2 jobs. 1 left as it was: " in told
    answer = ada.post("/jobs/change/", do="rename", job=keys[:1], name=["x" * 10_000])
    assert answer.status_code == 409
    assert "None of these jobs is changed. 1 left as it was: " in answer.text
    for key in keys:
        api.wait(key)


def profile(
    time: int, layers: dict[str, tuple[str, int | None]], measured: dict[str, str]
) -> dict[str, Any]:
    """Return a profile of a worker's report; layers have an operator and a time."""
    return {
        "execution_time": time,
        "warm_load_time": 2 * time,
        "execution_memory": {"peak": {"lower": 1 << 20, "upper": 1 << 20}},
        "layer_details": [
            {
                "name": name,
                "compute_unit": "COMPUTE_UNIT_CPU",
                "layer_type_name": operator,
                "id": str(at),
                **({} if spent is None else {"execution_time": spent}),
            }
            for at, (name, (operator, spent)) in enumerate(layers.items())
        ],
        "runtime_config": [
            {
                "name": "Measured on",
                "properties": [{"key": key, "value": value} for key, value in measured.items()],
            }
        ],
    }


CPU = {"host CPU": "a CPU"}
SIMULATED = {"host CPU": "a CPU", "HTP simulation": "Hexagon v75"}


@pytest.fixture
def profiled(
    api: Api, ada: PageBrowser, model: str, worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    """Runs a profile job whose measurements a test chooses."""

    def run(name: str, measured: dict[str, Any], **fields: Any) -> str:
        monkeypatch.setattr("support.fake_worker.PROFILE", measured)
        key = api.submit("inference_job", model, name=name, is_profiling_on=True, **fields)
        api.wait(key)
        return key

    return run


def test_jobs_are_compared_row_by_row(ada: PageBrowser, profiled: Callable[..., str]) -> None:
    first = profiled(
        "first",
        profile(1000, {"a": ("Conv", 100), "b": ("Relu", 50), "x_1": ("Add", 10)}, CPU),
        options="--max_profiler_iterations 5",
    )
    second = profiled(
        "second",
        profile(1500, {"b": ("Relu", 25), "x_2": ("Add", 10), "new": ("Mul", 1)}, CPU),
        options="--max_profiler_iterations 9",
    )
    page = ada.get(f"/compare/?job={first}&job={second}")
    assert page.row("Inference ≠ differs") == ["1 ms", "1.5 ms +50 %"]
    assert page.row("--max_profiler_iterations ≠ differs") == ["5", "9"]
    assert page.row("Type") == ["Profile", "Profile"]
    assert page.row("a") == ["Conv", "100 µs", NONE, NONE]
    assert page.row("b") == ["Relu", "50 µs", "25 µs", "\N{MINUS SIGN}50 %"]
    # The same operator in the same place, under another name.
    assert page.row("x_1") == ["Add", "10 µs", "10 µs", "0 %"]
    assert page.row("new") == ["Mul", NONE, "1 µs", NONE]
    assert "Measured on the CPU of this hub's host (a CPU), not on a device" in page.text
    assert "cannot all be compared" not in page.text


def test_what_was_measured_on_different_things_is_not_compared(
    ada: PageBrowser, profiled: Callable[..., str]
) -> None:
    first = profiled("first", profile(1000, {"a": ("Conv", 100)}, CPU))
    second = profiled("second", profile(1500, {"a": ("Conv", None)}, SIMULATED))
    page = ada.get(f"/compare/?job={first}&job={second}")
    assert "The times and memory of these profiles cannot all be compared" in page.text
    assert page.text.count("no difference, as it is the only one") == 2
    assert page.row("Inference ≠ differs") == ["1 ms", "1.5 ms"]
    assert page.row("a") == ["Conv", "100 µs", "CPU"]
    assert "%" not in " ".join(page.row("Inference ≠ differs"))


def test_what_was_measured_on_the_same_is_compared_beside_what_was_not(
    ada: PageBrowser, profiled: Callable[..., str]
) -> None:
    simulated = profiled("simulated", profile(900, {"a": ("Conv", None)}, SIMULATED))
    first = profiled("first", profile(1000, {"a": ("Conv", 100)}, CPU))
    second = profiled("second", profile(1500, {"a": ("Conv", 150)}, CPU))
    page = ada.get(f"/compare/?job={first}&job={simulated}&job={second}")
    assert page.row("Inference ≠ differs") == ["1 ms", "900 µs", "1.5 ms +50 %"]
    assert page.row("a") == ["Conv", "100 µs", "CPU", "150 µs", "+50 %"]
    assert "no difference, as it is the only one" in page.text
    # Not from the first of all, which was measured on something else.
    page = ada.get(f"/compare/?job={simulated}&job={first}&job={second}")
    assert page.row("Inference ≠ differs") == ["900 µs", "1 ms", "1.5 ms +50 %"]
    assert page.row("a") == ["Conv", "CPU", "100 µs", "150 µs", "+50 %"]
    assert f"(a CPU), not on a device; differences from {first}" in page.text
    sort = page.link(f"Difference from {first}")
    assert ada.get(f"/compare/{sort}").row("a")[4] == "+50 %"


def test_a_job_that_the_viewer_may_not_see_is_missing_in_place(
    api: Api, ada: PageBrowser, bob: PageBrowser, made: dict[str, str]
) -> None:
    seen, unseen = made["Alpha net"], made["beta NET"]
    api.patch(f"jobs/{seen}/shared_access/", {"add_email": ["bob@example.com"]})
    page = bob.get(f"/compare/?job={seen}&job={unseen}&job=nonsense")
    assert "Alpha net" in page.text
    assert "beta NET" not in page.text
    assert f"There is no job {unseen} that you may see" in page.text
    assert "no identifier of a job" in page.text
    assert page.link("Leave it out").count("job=") == 2
    assert bob.http.get(f"/compare/?job={unseen}").status_code == 200
    assert ada.http.get(f"/compare/?job={quote(HOSTILE)}").status_code == 200


def test_jobs_of_all_types_and_states_are_compared(
    api: Api, ada: PageBrowser, model: str, made: dict[str, str], worker: FakeWorker
) -> None:
    data = api.upload_dataset()
    types = {"weights_dtype": "QUANTIZE_DTYPE_INT8", "activations_dtype": "QUANTIZE_DTYPE_INT16"}
    quantized = api.submit("quantize_job", model, calibration_dataset={"dataset_id": data}, **types)
    worker.failures["--fail"] = HOSTILE
    failed = api.submit("compile_job", model, options="--fail", name=HOSTILE)
    api.wait(quantized)
    api.wait(failed)
    del worker.failures["--fail"]
    keys = [made["Alpha net"], quantized, failed, made[HOSTILE]]
    page = ada.get("/compare/", job=keys)
    assert page.row("Type ≠ differs") == ["Compile", "Quantize", "Compile", "Compile"]
    assert page.row("Precision ≠ differs")[1] == "weights INT8, activations INT16"
    assert page.row("y ≠ differs") == [NONE, "51.5 dB", NONE, NONE]
    assert page.row("tool ≠ differs") == ["1", "1", NONE, "1"]
    assert not any(tag == "script" and "src" not in attributes for tag, attributes in page.tags)


@pytest.mark.parametrize("query", ["", "?job=", "?job=%20&job="])
def test_a_comparison_begins_with_a_form(ada: PageBrowser, query: str) -> None:
    page = ada.get(f"/compare/{query}")
    assert (
        "input",
        {"name": "job", "required": "", "maxlength": "32", "placeholder": "jabc12345"},
    ) in page.tags


def test_of_more_jobs_than_fit_people_say_which(
    api: Api, ada: PageBrowser, bob: PageBrowser, model: str
) -> None:
    keys = [api.submit("compile_job", model, name=f"of many {n}") for n in range(5)]
    page = ada.get("/compare/", job=keys)
    assert "5 jobs are chosen, and up to 4 fit beside each other." in page.text
    boxes = [given for tag, given in page.tags if tag == "input"]
    assert [each["value"] for each in boxes] == keys
    assert [each["value"] for each in boxes if "checked" in each] == keys[:4]
    api.patch(f"jobs/{keys[0]}/shared_access/", {"add_email": ["bob@example.com"]})
    seen = bob.get("/compare/", job=keys)
    assert "Those that you may see are listed" in seen.text
    assert [given["value"] for tag, given in seen.tags if tag == "input"] == keys[:1]
    for key in keys:
        api.wait(key)


def test_one_job_alone_is_not_compared(ada: PageBrowser, made: dict[str, str]) -> None:
    page = ada.get("/compare/", job=made["Alpha net"])
    assert "One job has nothing beside it to compare it with." in page.text
    assert page.link("list of jobs") == "/jobs/"


def test_a_job_beside_itself_is_one(ada: PageBrowser, made: dict[str, str]) -> None:
    key = made["Alpha net"]
    page = ada.get(f"/compare/?job={key}&job={key}")
    assert "≠" not in page.text
