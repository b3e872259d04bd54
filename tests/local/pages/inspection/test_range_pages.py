"""The ranges of quantized tensors, on the page of their job and as CSV."""

import csv
import io
import re
from typing import Any

import pytest
from support.fake_worker import FakeWorker
from support.hub_http import Api
from support.page_browser import PageBrowser
from support.range_payloads import ACTIVATION

from qai_hub.local import LocalHub

HOSTILE = {**ACTIVATION, "tensor": "<i>a</i>"}
WEIGHT: dict[str, Any] = {
    "tensor": "=w",
    "kind": "QUANTIZED_TENSOR_KIND_WEIGHT",
    "dtype": "int8",
    "channels": 8,
    "min_scale": 0.001,
    "max_scale": 0.5,
    "seen_min": -1.0,
    "seen_max": 2.0,
    "range_min": -64.0,
    "range_max": 63.5,
}


@pytest.fixture
def quantized(ada: Api, worker: FakeWorker) -> Any:
    """Returns a job whose report has tensors."""

    def submit(tensors: list[dict[str, Any]], **more: Any) -> str:
        report = {"tensors": tensors, "total": len(tensors), "samples": 3, **more}
        worker.extra_results["tensor_ranges"] = report
        fields = {
            "weights_dtype": "QUANTIZE_DTYPE_INT8",
            "activations_dtype": "QUANTIZE_DTYPE_INT8",
            "calibration_dataset": {"dataset_id": ada.upload_dataset(b"data")},
        }
        job = ada.submit("quantize_job", ada.upload_model(), **fields)
        assert ada.wait(job)["job_state"] == "JOB_STATE_DONE"
        return job

    return submit


def read_csv(browser: PageBrowser, job: str) -> list[dict[str, str]]:
    answer = browser.http.get(f"/jobs/{job}/ranges.csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{job}_ranges.csv"'
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_what_a_tensor_has_beside_what_it_can_represent(
    quantized: Any, browser: PageBrowser
) -> None:
    page = browser.get(f"/jobs/{quantized([HOSTILE, WEIGHT], reason='Time <ran> out.')}/")
    text = page.text
    assert "<i>" not in page.source
    assert "over 3 samples of the calibration data" in text
    assert "1 of 2 tensors have values outside their range. Of 1, those outside were not" in text
    assert "Time <ran> out." in text
    row = "<i>a</i> activation uint8 3.10 % 50 % -20 to 0 -12.8 to 12.7 0.1 128"
    assert row in text
    assert "=w weight int8 - - -1 to 2 -64 to 63.5 0.001 to 0.5 8 channels -" in text
    assert "are known" not in text


def test_where_values_lie_in_the_range_is_drawn(quantized: Any, browser: PageBrowser) -> None:
    html = browser.get(f"/jobs/{quantized([HOSTILE])}/").source
    (cell,) = re.findall(r'<svg class="cell".*?</svg>', html)
    drawn = re.findall(r'class="(\w+)" x="([\d.]+)" y="\d" width="([\d.]+)"', cell)
    # Of -20 to 12.7, which are 32.7 units.
    expected = {
        "frame": (7.2 / 32.7, 25.5 / 32.7),
        "plain": (7.2 / 32.7, 12.8 / 32.7),
        "poor": (0, 7.2 / 32.7),
    }
    found = {kind: (float(x) / 100, float(width) / 100) for kind, x, width in drawn}
    assert found.keys() == expected.keys()
    for kind, place in expected.items():
        assert found[kind] == pytest.approx(place, abs=1e-3)


def test_numbers_at_the_ends_of_floats_are_drawn_too(quantized: Any, browser: PageBrowser) -> None:
    """What a broken model computes must not break the page."""
    far = {**HOSTILE, "seen_min": -1.7e308, "seen_max": 1.7e308}
    point = {**HOSTILE, "seen_min": 0, "seen_max": 0, "range_min": 0, "range_max": 0}
    text = browser.get(f"/jobs/{quantized([far, point])}/").text
    assert "-1.7e+308 to 1.7e+308" in text


def test_the_table_as_csv(quantized: Any, browser: PageBrowser) -> None:
    first, second = read_csv(browser, quantized([HOSTILE, WEIGHT]))
    assert first == {
        **{name: str(value) for name, value in HOSTILE.items()},
        "kind": "activation",
    }
    # A spreadsheet would take it for a formula.
    assert second["tensor"] == "'=w"
    assert second["zero_point"] == second["saturation"] == ""


def test_very_many_tensors_are_shown_in_parts_and_searched_by_the_server(
    quantized: Any, browser: PageBrowser
) -> None:
    tensors = [{**HOSTILE, "tensor": f"t{n}", "used": n / 5000} for n in range(5000)]
    job = quantized(tensors, total=50_000)
    page = browser.get(f"/jobs/{job}/")
    assert page.source.count('<svg class="cell"') == 500
    assert "The worst 5,000 of 50,000 tensors are known." in page.text
    assert "1 to 500 of 5,000 tensors, the worst first. CSV has all." in page.text
    assert len(page.source) < 1_000_000
    assert len(read_csv(browser, job)) == 5000
    further = browser.get(f"/jobs/{job}/{page.link('Next')}")
    assert further.row("t500")
    found = browser.get(f"/jobs/{job}/?tensor=UINT8+t499&layer=x")
    assert "1 to 11 of 11 tensors that fit, of 5,000 in all, the worst first." in found.text
    emptiest = browser.get(f"/jobs/{job}/{found.link('Used')}")
    names = [row[0] for row in emptiest.rows if row and row[0].startswith("t499")]
    assert names == ["t499", *(f"t{n}" for n in range(4990, 5000))]
    # The search of the other table is kept.
    assert found.fields()["layer"] == "x"
    assert "layer=x" in found.link("Used")


def test_a_job_without_ranges(quantized: Any, browser: PageBrowser) -> None:
    text = browser.get(f"/jobs/{quantized([], reason='The ranges were not measured.')}/").text
    assert "The ranges were not measured." in text
    assert "Zero point" not in text
    job = quantized([])
    assert "Ranges" not in browser.get(f"/jobs/{job}/").text


def test_others_get_no_csv(quantized: Any, ada: Api, hub: LocalHub, browser: PageBrowser) -> None:
    job = quantized([HOSTILE])
    stranger = PageBrowser(hub, "bob@example.com")
    assert stranger.http.get(f"/jobs/{job}/ranges.csv").status_code == 404
    stranger.close()
    compiled = ada.submit("compile_job", ada.upload_model())
    ada.wait(compiled)
    assert browser.http.get(f"/jobs/{compiled}/ranges.csv").status_code == 404
