"""The report on layers of a quantize job: what is read from the service, and how it looks."""

import sys

import pytest
from qai_hub_api.models import LayerAccuracyReport as ApiReport

import qai_hub as hub

LAYERS = [
    {"tensor": "x", "node": "", "operator": "", "psnr": 53.4, "simulated_psnr": 71.6},
    {"tensor": "n", "node": "norm", "operator": "BatchNormalization", "psnr": 53.2},
    {"tensor": "y", "node": "last", "operator": "Relu"},
]
PROPOSAL = {
    "layers": [{"tensor": "n", "node": "norm", "operator": "BatchNormalization", "psnr": 20.5}],
    "psnr_before": 20.1,
    "psnr_after": 45.2,
    "options": "--int16_activations n",
}


def report(**fields: object) -> hub.LayerAccuracyReport:
    payload = {"layers": LAYERS, "samples": 4, **fields}
    return hub.LayerAccuracyReport._from_api(ApiReport.from_dict(payload))


def test_what_a_report_holds() -> None:
    found = report(first_bad_layer="n", simulated_on="a-chip", mixed_precision=PROPOSAL)

    assert found.layers[0] == hub.LayerAccuracy("x", "", "", 53.4, 71.6)
    assert found.first_bad_layer is found.layers[1]
    assert (found.samples, found.simulated_on, found.reason) == (4, "a-chip", None)
    proposal = found.mixed_precision
    assert proposal is not None
    assert proposal.options == "--int16_activations n"
    assert proposal.gain == pytest.approx(25.1)
    assert [layer.psnr for layer in proposal.layers] == [20.5]


def test_a_report_without_what_is_optional() -> None:
    found = report(first_bad_layer="not-among-the-layers")

    assert found.first_bad_layer is None
    assert found.mixed_precision is None
    assert found.simulated_on is None
    assert found.layers[2].psnr is None


def test_how_a_report_is_printed() -> None:
    found = report(
        first_bad_layer="n",
        simulated_on="a-chip",
        reason="The simulation of layers took longer than 5 s.",
        mixed_precision=PROPOSAL,
    )
    assert str(found).splitlines() == [
        "Accuracy of layers, on 4 samples, simulated on a-chip",
        "      CPU  simulated  operator           tensor",
        "     53.4       71.6  (input)            x",
        "     53.2          -  BatchNormalizati…  n  <- first bad layer",
        "        -          -  Relu               y",
        "  first bad layer: n",
        "  with 1 at 16 bits: 45.2 dB instead of 20.1 dB",
        "  The simulation of layers took longer than 5 s.",
    ]


def test_names_cannot_forge_lines_and_long_reports_are_cut() -> None:
    rows = [{"tensor": f"t{i}\nfake", "node": "", "operator": "Add"} for i in range(100)]
    lines = str(report(layers=rows)).splitlines()
    assert len(lines) == 63
    assert lines[-1] == "  and 40 more: see layers or to_pandas()"


def test_the_table_of_pandas() -> None:
    pytest.importorskip("pandas")
    table = report().to_pandas()
    assert list(table["tensor"]) == ["x", "n", "y"]
    assert table["psnr"].dtype == "Float64"
    assert list(table["simulated_psnr"].isna()) == [False, True, True]


def test_without_pandas_there_is_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install 'qai-hub-openapi\\[pandas\\]'"):
        report().to_pandas()
