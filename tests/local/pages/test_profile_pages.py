"""Profiles on pages: long ones in parts, and no number that was not measured."""

import csv
import io
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
from support.fake_worker import FakeWorker
from support.hub_http import Api, Json
from support.page_browser import PageBrowser
from support.page_document import Document
from support.profile_payloads import detail, layer

from qai_hub.local.pages.long_table import MAX_ROWS

NONE = "-"
COUNT = 2 * MAX_ROWS + 7
HOSTILE = "\"><script>alert(1)</script>&sort='--"
CPU = {"host CPU": "a CPU"}
SIMULATED = {"host CPU": "a CPU", "HTP simulation": "Hexagon v75"}
Submit = Callable[..., str]


@pytest.fixture
def profiled(ada: Api, model: str, worker: FakeWorker) -> Submit:
    """Runs a profile job whose measurements a test chooses."""
    return partial(run_profile, ada, model, worker)


@pytest.fixture(scope="module")
def long_job(ada: Api, model: str, shared_worker: FakeWorker) -> str:
    """A profile job of a model with layers for three pages."""
    key = run_profile(ada, model, shared_worker, long_model())
    shared_worker.extra_results.clear()
    return key


def run_profile(
    ada: Api,
    model: str,
    worker: FakeWorker,
    layers: Sequence[Json],
    measured: dict[str, str] = CPU,
    **values: Any,
) -> str:
    conditions = [{"key": key, "value": value} for key, value in measured.items()]
    config = [{"name": "Measured on", "properties": conditions}]
    worker.extra_results["profile"] = detail(
        **{"execution_time": 1000, **values}, layer_details=layers, runtime_config=config
    )
    key = ada.submit("inference_job", model, is_profiling_on=True)
    ada.wait(key)
    return key


def long_model(*, faster: int = 0) -> list[Json]:
    """Layers that are too many for two pages; the later one is, the slower."""
    return [
        layer(f"block {at}", "COMPUTE_UNIT_CPU", "Conv" if at % 2 else "Relu", execution_time=time)
        for at in range(COUNT)
        for time in (at + 1 - (faster if at == COUNT - 1 else 0),)
    ]


def look(browser: PageBrowser, path: str) -> Document:
    answer = browser.http.get(path)
    assert answer.status_code == 200, answer.text
    return Document(answer.text)


def names(page: Document) -> list[str]:
    """The names of the layers that a page shows."""
    return [cell for row in page.rows for cell in row if cell.startswith("block ")]


def test_slowest_layers_of_many_come_first_and_the_others_on_further_pages(
    long_job: str, browser: PageBrowser
) -> None:
    slowest_first = [f"block {at}" for at in reversed(range(COUNT))]
    page = look(browser, f"/jobs/{long_job}/")
    seen = names(page)
    assert seen == slowest_first[:MAX_ROWS]
    assert f"1 to {MAX_ROWS} of {COUNT:,} layers, the slowest first. CSV and JSON have" in page.text
    while "Next" in page.links.values():
        page = look(browser, f"/jobs/{long_job}/{page.link('Next')}")
        seen += names(page)
    assert seen == slowest_first
    assert "Previous" in page.links.values()
    # Totals are those of all layers, on each page.
    assert page.row("Relu")[0] == str((COUNT + 1) // 2)
    assert f"{COUNT:,} layers, 100 % of the time" in page.text
    saved = csv.reader(io.StringIO(browser.http.get(f"/jobs/{long_job}/profile.csv").text))
    assert len([*saved]) == COUNT + 1
    assert len(browser.http.get(f"/jobs/{long_job}/profile.json").json()["layer_details"]) == COUNT


def test_all_layers_are_searched_and_sorted_by_the_server(
    long_job: str, browser: PageBrowser
) -> None:
    page = look(browser, f"/jobs/{long_job}/?layer=BLOCK+10+relu&against=j1")
    assert names(page) == [
        "block 10",
        *(f"block {at}" for at in range(100, COUNT, 2) if "10" in str(at)),
    ]
    assert page.fields() | {"layer": "BLOCK 10 relu", "against": "j1"} == page.fields()
    assert "against=j1" in page.link("Time")
    # Of times, people look for the longest.
    turned = look(browser, f"/jobs/{long_job}/{page.link('Time')}")
    assert names(turned) == names(page)[::-1]
    again = look(browser, f"/jobs/{long_job}/{turned.link('Time')}")
    assert names(again) == names(page)
    assert "sort=number" in again.link("#")
    assert ("th", {"scope": "col", "class": "number", "aria-sort": "descending"}) in turned.tags
    by_operator = look(browser, f"/jobs/{long_job}/?sort=operator")
    assert {row[2] for row in by_operator.rows if len(row) == 6 and row[0].isdigit()} == {"Conv"}
    nothing = look(browser, f"/jobs/{long_job}/?layer=nothing")
    assert f"None of the {COUNT:,} layers fits" in nothing.text
    assert names(nothing) == []


@pytest.mark.parametrize(
    "query",
    [
        f"layer={quote(HOSTILE)}",
        f"sort={quote(HOSTILE)}&from=x",
        "sort=-&from=-1",
        f"from={'9' * 50}",
        f"from={COUNT}&{quote(HOSTILE)}={quote(HOSTILE)}",
        "from=\N{SUPERSCRIPT TWO}",
    ],
)
def test_addresses_that_make_no_sense_are_harmless(
    long_job: str, browser: PageBrowser, query: str
) -> None:
    for path in (f"/jobs/{long_job}/?{query}", f"/compare/?job={long_job}&job={long_job}x&{query}"):
        page = look(browser, path)
        assert all(set(given) <= {"type", "src"} for tag, given in page.tags if tag == "script")
    assert names(look(browser, f"/jobs/{long_job}/?{query.partition('layer')[0]}"))


def test_an_address_makes_no_page_long(long_job: str, browser: PageBrowser) -> None:
    plain = browser.http.get(f"/jobs/{long_job}/").text
    for query in (
        "&".join(["a="] * 4000),
        f"against={'%26' * 4000}",
        "&".join(["job=j"] * 3000),
        f"layer={'n+' * 8000}",
    ):
        page = browser.http.get(f"/jobs/{long_job}/?{query}")
        assert page.status_code == 200
        # Eight parameters of jobs, of a few characters, are in each of some hundred addresses.
        assert len(page.text) < len(plain) + 50 * MAX_ROWS + 20_000


def test_bars_lead_to_the_layers_that_they_stand_for(long_job: str, browser: PageBrowser) -> None:
    page = look(browser, f"/jobs/{long_job}/")
    bars = {
        given["data-bar"]: given["href"]
        for tag, given in page.tags
        if tag == "a" and "data-bar" in given
    }
    assert len(bars) <= MAX_ROWS
    rows = {
        given["id"]: given["data-bar"] for tag, given in page.tags if tag == "tr" and "id" in given
    }
    there = look(browser, f"/jobs/{long_job}/{bars['7']}")
    shown = [given for tag, given in there.tags if tag == "tr" and "data-bar" in given]
    assert shown[0]["data-bar"] == "7"
    assert rows[f"layer-{COUNT - 1}"] == max(bars, key=int)


def test_compared_layers_are_shown_in_parts(
    long_job: str, profiled: Submit, browser: PageBrowser
) -> None:
    one, other = long_job, profiled(long_model(faster=COUNT - 1))
    address = f"/compare/?job={one}&job={other}"
    page = look(browser, address)
    assert names(page)[:2] == [f"block {COUNT - 1}", f"block {COUNT - 2}"]
    assert len(names(page)) == MAX_ROWS
    assert f"of {COUNT:,} layers, the slowest first" in page.text
    further = look(browser, f"/compare/{page.link('Next')}")
    assert names(further)[0] == f"block {COUNT - 1 - MAX_ROWS}"
    slower_first = look(browser, f"/compare/{page.link('Difference')}")
    by_change = look(browser, f"/compare/{slower_first.link('Difference')}")
    assert names(by_change)[0] == f"block {COUNT - 1}"
    found = look(browser, f"{address}&layer={quote(f'block {COUNT - 1}')}")
    assert found.row(f"block {COUNT - 1}")[:3] == [
        "Conv" if (COUNT - 1) % 2 else "Relu",
        "1.01 ms",
        "1 µs",
    ]


def test_times_of_units_that_run_as_a_whole_are_those_of_their_segments(
    profiled: Submit, browser: PageBrowser
) -> None:
    layers = [
        layer("htp 1", kind="Conv"),
        layer("htp 2", kind="Relu"),
        layer("host", "COMPUTE_UNIT_CPU", "Relu", execution_time=25),
    ]
    segments = [
        {"id": "0", "compute_unit": "COMPUTE_UNIT_NPU", "execution_time": 75},
        {"id": "1", "compute_unit": "COMPUTE_UNIT_CPU", "execution_time": 25},
    ]
    key = profiled(layers, SIMULATED, segment_details=segments)
    page = look(browser, f"/jobs/{key}/")
    assert "2 layers, 75 % of the time of the simulation" in page.text
    assert "1 layer, 25 % of the time of the simulation" in page.text
    # One of two was not measured by itself.
    assert page.row("Relu") == ["2", NONE, NONE]
    times = {row[1]: row[4:] for row in page.rows if len(row) == 6 and row[0].isdigit()}
    assert times == {"htp 1": [NONE, NONE], "htp 2": [NONE, NONE], "host": ["25 µs", ""]}
    assert "htp 1 (Conv): no time of its own" in page.text
    unknown = look(browser, f"/jobs/{profiled(layers, SIMULATED)}/")
    assert "% of the time" not in unknown.text
    assert "by time" not in unknown.text


def test_what_was_not_measured_has_no_number(profiled: Submit, browser: PageBrowser) -> None:
    page = look(browser, f"/jobs/{profiled([], all_execution_times=[1000])}/")
    for what in ("Peak memory", "First load", "Later loads"):
        assert f"{what} {NONE}" in page.text
    assert "Median" not in page.text
    assert "shortest" not in page.text
    assert "Table of layers" not in str(page.tags)
    measured = {"peak_memory_usage": 3 << 20, "cold_load_time": 5000, "warm_load_time": 2000}
    page = look(
        browser, f"/jobs/{profiled([], **measured, all_execution_times=[1000, 2000, 9000])}/"
    )
    assert "1 ms per inference, the shortest of 3" in page.text
    assert "Peak memory 3 MiB" in page.text
    assert "First load 5 ms" in page.text
    assert "Later loads 2 ms" in page.text
    assert "Median inference 2 ms" in page.text
    assert "3 inferences: 1 ms to 9 ms" in page.text


def test_a_failed_job_has_no_profile(
    ada: Api, model: str, browser: PageBrowser, worker: FakeWorker
) -> None:
    worker.failures["--fail"] = "It cannot be run."
    key = ada.submit("inference_job", model, is_profiling_on=True, options="--fail")
    ada.wait(key)
    page = look(browser, f"/jobs/{key}/")
    assert "It cannot be run." in page.text
    assert "per inference" not in page.text
    for suffix in ("csv", "json"):
        assert browser.http.get(f"/jobs/{key}/profile.{suffix}").status_code == 409
