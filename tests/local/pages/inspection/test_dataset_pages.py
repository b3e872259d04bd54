"""The pages of datasets, and the outputs of jobs on the pages of these."""

import re

import numpy as np
import pytest
from support.dataset_bytes import dataset_bytes
from support.fake_worker import FakeWorker
from support.hub_http import DEVICE, Api
from support.page_browser import PageBrowser

HOSTILE = "<img src=x onerror=alert(1)>"
SAMPLES = {
    "photo": [np.linspace(0, 1, 3 * 9 * 10, dtype=np.float32).reshape(9, 10, 3)] * 6,
    HOSTILE: [np.array([1.5, np.nan, -np.inf, 2.5, 4, 8], np.float32)] * 2,
    "scores": [np.arange(1000, dtype=np.float32)[np.newaxis]] * 2,
    "words": [np.array([b"no number"])],
}


@pytest.fixture(scope="module")
def dataset(ada: Api) -> str:
    return ada.upload_dataset(dataset_bytes(SAMPLES), name=HOSTILE)


def test_a_dataset_is_shown_with_what_is_in_it(dataset: str, browser: PageBrowser) -> None:
    page = browser.get(f"/datasets/{dataset}/")
    html, text = page.source, page.text
    assert HOSTILE not in html
    assert "photo float32 9 x 10 x 3 6 0 1 0.5" in text
    assert f"{HOSTILE} float32 6 2 1.5 8 4 2.475 2 2" in text
    assert "Every 5th of 1000 values" in text
    assert "Largest, by index: 999: 999 998: 998" in text
    assert "words bytes72 1 1 No numbers" in text
    pictures = re.findall(r'<img src="(data:image/png;base64,[^"]+)" width="10" height="9"', html)
    # Not one of each of the six samples.
    assert len(pictures) == 4
    assert html.count('<svg class="chart columns"') >= 4


@pytest.mark.parametrize("content", [b"not HDF5 at all", b""])
def test_a_damaged_dataset_says_so(content: bytes, ada: Api, browser: PageBrowser) -> None:
    text = browser.get(f"/datasets/{ada.upload_dataset(content or b' ')}/").text
    assert "The dataset cannot be shown." in text
    assert "not an HDF5 file, or it is damaged" in text
    assert "/tmp" not in text


def test_lists_tell_when_datasets_expire(ada: Api, browser: PageBrowser) -> None:
    kept = ada.upload_dataset(dataset_bytes({"x": [np.zeros(3)]}), permanent=True, name="kept")
    listed = browser.get("/datasets/").text
    assert re.search(rf"kept {kept} [0-9.]+ KiB [0-9: -]+ UTC Never ada@example.com", listed)
    assert "Expires Never" in browser.get(f"/datasets/{kept}/").text


def test_a_dataset_is_managed_like_a_model(
    ada: Api, browser: PageBrowser, other_browser: PageBrowser
) -> None:
    key = ada.upload_dataset(dataset_bytes({"x": [np.zeros(3)]}))
    for path in ("", "file", "delete/"):
        assert other_browser.http.get(f"/datasets/{key}/{path}").status_code == 404
    browser.post(f"/datasets/{key}/", do="rename", name="other")
    browser.post(f"/datasets/{key}/", do="share", emails="bob@example.com")
    assert "other" in other_browser.get(f"/datasets/{key}/").text
    assert other_browser.post(f"/datasets/{key}/delete/").status_code == 403
    assert browser.http.get(f"/datasets/{key}/file").headers["Location"].startswith("http")
    assert browser.post(f"/datasets/{key}/delete/").status_code == 303
    assert browser.http.get(f"/datasets/{key}/").status_code == 404


def run(ada: Api, worker: FakeWorker, outputs: dict[str, list[np.ndarray]], data: str = "") -> str:
    """Carry out an inference job with the given outputs."""
    worker.extra_files["output_data"] = dataset_bytes(outputs)
    data = data or ada.upload_dataset(dataset_bytes({"x": [np.zeros(3)]}))
    job = ada.submit("inference_job", ada.upload_model(), dataset={"dataset_id": data})
    assert ada.wait(job)["job_state"] == "JOB_STATE_DONE"
    return job


def test_outputs_are_shown_and_compared(
    ada: Api, browser: PageBrowser, other_browser: PageBrowser, worker: FakeWorker
) -> None:
    assert DEVICE
    y = np.arange(20, dtype=np.float32)
    one = run(ada, worker, {"y": [y], "same": [y], "shape": [y], "extra": [y]})
    two = run(ada, worker, {"y": [y + 0.5], "same": [y], "shape": [y[:5]], "more": [y]})
    shown = browser.get(f"/jobs/{one}/").text
    assert "Outputs" in shown
    assert "y float32 20 1 0 19 9.5" in shown
    compared = browser.get(f"/jobs/{one}/?against={two}").text
    # The peak is 19.5, and each value is 0.5 off.
    assert f"y {20 * np.log10(19.5 / 0.5):.1f} dB 0.5 19.5 1 0" in compared
    assert "same equal 0 19 1 0" in compared
    assert "Its shape is 20, and that of the other is 5." in compared
    assert "extra The other job has no output of this name." in compared
    assert "Only the other job has more." in compared
    for other in ("j00000000", "<b>", ada.submit("compile_job", ada.upload_model())):
        refused = browser.get(f"/jobs/{one}/?against={other}").source
        assert "notice warning" in refused
        assert "<b>" not in refused.partition("Compare")[2].partition("figure")[0].replace(
            "&lt;b&gt;", ""
        )
    browser.post(f"/jobs/{one}/", do="share", emails="bob@example.com")
    assert "y float32" in other_browser.get(f"/jobs/{one}/").text
    # What is compared must be visible, too.
    assert "There is no job" in other_browser.get(f"/jobs/{one}/?against={two}").text


def test_different_inputs_of_compared_outputs_are_told(
    ada: Api, browser: PageBrowser, worker: FakeWorker
) -> None:
    y = {"y": [np.arange(3, dtype=np.float32)]}
    data = ada.upload_dataset(dataset_bytes({"x": [np.ones(3)]}))
    one, two, other = run(ada, worker, y, data), run(ada, worker, y, data), run(ada, worker, y)
    assert "different inputs" not in browser.get(f"/jobs/{one}/?against={two}").text
    told = browser.get(f"/jobs/{one}/?against={other}")
    assert f"different inputs: this one the dataset {data} , the other one" in told.text
    compiled = ada.submit("compile_job", ada.upload_model())
    ada.wait(compiled)
    refused = browser.get(f"/jobs/{one}/?against={compiled}").text
    assert f"The job {compiled} has no outputs." in refused


def test_outputs_that_were_deleted_say_so(
    ada: Api, browser: PageBrowser, worker: FakeWorker
) -> None:
    job = run(ada, worker, {"y": [np.zeros(4)]})
    result = ada.get(f"jobs/{job}/result/")["inference_job_result"]
    assert ada.http.delete(f"datasets/{result['output_dataset_id']}/").is_success
    assert "There is no dataset" in browser.get(f"/jobs/{job}/").text


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_several_people_are_named_at_once(ada: Api, browser: PageBrowser, kind: str) -> None:
    key = ada.upload_model() if kind == "model" else ada.upload_dataset(b"data")
    path = f"/{kind}s/{key}/"
    browser.post(path, do="share", emails="bob@example.com; Eve@example.com carol@example.com,")
    page = browser.get(path)
    for name in ("bob", "eve", "carol"):
        assert f"{name}@example.com may see it." in page.text
    # As a field of addresses alone, it would take commas only.
    (field,) = (given for _, given in page.tags if given.get("name") == "emails")
    assert "type" not in field
