"""The report on ranges of a quantize job: what is read from the service, and how it looks."""

import re
import sys
from typing import Any

import pytest
from qai_hub_api.models import TensorRangeReport as ApiReport
from support.range_payloads import ACTIVATION

import qai_hub as hub

WEIGHT = {
    **ACTIVATION,
    "tensor": "w",
    "kind": "QUANTIZED_TENSOR_KIND_WEIGHT",
    "dtype": "int8",
    "channels": 8,
    "min_scale": 0.001,
}
del WEIGHT["zero_point"], WEIGHT["saturation"], WEIGHT["used"]


def report(*tensors: Any, **fields: object) -> hub.TensorRangeReport:
    payload = {"tensors": list(tensors), "total": len(tensors), "samples": 4, **fields}
    return hub.TensorRangeReport._from_api(ApiReport.from_dict(payload))


def test_what_a_report_holds() -> None:
    found = report(ACTIVATION, WEIGHT, reason="Time ran out.")

    a, w = found.tensors
    assert (a.kind, a.dtype, a.channels, a.zero_point) == ("activation", "uint8", 1, 128)
    assert (a.seen_min, a.seen_max, a.range_min, a.range_max) == (-20, 0, -12.8, 12.7)
    assert a.saturation == 0.031
    assert a.used == 0.502
    assert (w.kind, w.zero_point, w.saturation, w.used) == ("weight", None, None, None)
    assert (found.total, found.samples, found.reason) == (2, 4, "Time ran out.")
    assert found.find_saturated() == [a]
    assert found.find_saturated(0.04) == []


def test_kinds_that_a_newer_server_has() -> None:
    found = report({**ACTIVATION, "kind": "QUANTIZED_TENSOR_KIND_STATE"})
    assert found.tensors[0].kind == "state"


def test_how_a_report_is_printed() -> None:
    title, head, *rows, reason = str(
        report(ACTIVATION, WEIGHT, reason="Time ran out.")
    ).splitlines()
    assert title == "Ranges of 2 tensors, on 4 samples"
    assert head.split() == ["saturated", "used", "dtype", "kind", "seen", "range", "tensor"]
    cells = [re.split(r"  +", row.strip()) for row in rows]
    assert cells == [
        ["3.10 %", "50 %", "uint8", "activation", "-20 to 0", "-12.8 to 12.7", "a"],
        ["-", "-", "int8", "weight", "-20 to 0", "-12.8 to 12.7", "w"],
    ]
    assert {row.index("-20") for row in rows} == {head.index("seen")}
    assert reason == "  Time ran out."


def test_names_cannot_forge_lines_or_tags_and_long_reports_are_cut() -> None:
    rows = [{**ACTIVATION, "tensor": f"t{i}\n<b>fake"} for i in range(100)]
    found = report(*rows)
    lines = str(found).splitlines()
    assert len(lines) == 63
    assert lines[-1] == "  and 40 more: see tensors or to_pandas()"
    html = found._repr_html_()
    assert "<b>fake" not in html
    assert "and 40 more" in html


def test_the_table_of_pandas() -> None:
    pytest.importorskip("pandas")
    table = report(ACTIVATION, WEIGHT).to_pandas()
    assert list(table["tensor"]) == ["a", "w"]
    assert list(table["saturation"].isna()) == [False, True]
    assert list(table["zero_point"].isna()) == [False, True]
    assert list(table["used"].isna()) == [False, True]


def test_without_pandas_there_is_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install 'qai-hub-openapi\\[pandas\\]'"):
        report().to_pandas()
