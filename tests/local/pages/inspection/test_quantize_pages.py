"""The accuracy of a quantized model, on the page of its job."""

from support.fake_worker import FakeWorker
from support.hub_http import Api
from support.page_browser import PageBrowser

LAYERS = [
    {"tensor": "a", "node": "/a", "operator": "Conv", "psnr": 51.25, "simulated_psnr": 50.0},
    {"tensor": "<i>b</i>", "node": "", "operator": "Relu", "psnr": 48.0, "simulated_psnr": 12.5},
    {"tensor": "c", "node": "/c", "operator": ""},
]
PROPOSAL = {
    "layers": [{"tensor": "a", "node": "/a", "operator": "Conv", "psnr": 20.0}],
    "psnr_before": 51.5,
    "psnr_after": 60.0,
    "options": "--mixed_precision 1",
}


def quantize(ada: Api) -> str:
    fields = {"weights_dtype": "QUANTIZE_DTYPE_INT8", "activations_dtype": "QUANTIZE_DTYPE_INT16"}
    data = ada.upload_dataset(b"data")
    job = ada.submit(
        "quantize_job", ada.upload_model(), calibration_dataset={"dataset_id": data}, **fields
    )
    assert ada.wait(job)["job_state"] == "JOB_STATE_DONE"
    return job


def test_the_worst_layers_come_first(ada: Api, browser: PageBrowser, worker: FakeWorker) -> None:
    worker.extra_results["layer_accuracy"] = {
        "layers": LAYERS,
        "samples": 3,
        "first_bad_layer": "<i>b</i>",
        "simulated_on": "a chip",
        "mixed_precision": PROPOSAL,
    }
    page = browser.get(f"/jobs/{quantize(ada)}/")
    html, text = page.source, page.text
    assert "<i>" not in html
    assert "51.5 dB PSNR of the output Measured on the CPU of this hub's host" in text
    assert "int8 weights, int16 activations" in text
    assert "in HTP simulation of a chip" in text
    assert "1 <i>b</i> first bad layer - Relu 48.0 dB 12.5 dB 0 a /a Conv 51.2 dB 50.0 dB" in text
    assert "from 51.5 to 60.0 dB" in text
    assert "--mixed_precision 1" in text
    assert 'class="poor"' in html
    bars = {given["href"] for tag, given in page.tags if tag == "a" and "data-bar" in given}
    assert bars == {f"#{given['id']}" for tag, given in page.tags if tag == "tr" and "id" in given}
    assert page.link("<i>b</i>") == "#layer-1"


def test_a_job_without_layers_shows_its_outputs(
    ada: Api, browser: PageBrowser, worker: FakeWorker
) -> None:
    worker.extra_results["layer_accuracy"] = {"layers": [], "samples": 0, "reason": "Too large."}
    text = browser.get(f"/jobs/{quantize(ada)}/").text
    assert "51.5 dB" in text
    assert "Too large." in text
    assert "Simulated" not in text
    worker.extra_results.clear()
    assert "51.5 dB" in browser.get(f"/jobs/{quantize(ada)}/").text


def test_very_many_layers_are_shown_in_parts(
    ada: Api, browser: PageBrowser, worker: FakeWorker
) -> None:
    layers = [
        {"tensor": f"t{n}", "node": "", "operator": "Conv", "psnr": 100 - n / 50}
        for n in range(4000)
    ]
    worker.extra_results["layer_accuracy"] = {
        "layers": layers,
        "samples": 3,
        "first_bad_layer": "t7",
    }
    job = quantize(ada)
    page = browser.get(f"/jobs/{job}/")
    assert "1 to 500 of 4,000 layers, the worst first." in page.text
    assert page.row("3999")[0] == "t3999"
    assert "PSNR on the CPU of the worst of 8 tensors at a time" in page.text
    assert "Tensors 0 to 7: 99.9 dB at worst" in page.source
    there = browser.get(f"/jobs/{job}/{page.link('t7')}")
    assert next(row for row in there.rows if "t7 first bad layer" in row)
