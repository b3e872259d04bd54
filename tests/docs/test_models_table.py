"""The table of `make models`: what it reads, and what it shows."""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType

import pytest
from models.cells import Cell, Claims, Outcome, Results, order_cells, read_claims
from models.output import read_output
from models.own_tests import read_counts
from models.page import write_page

_DASH = "\N{EN DASH}"
_EXPORTED = """\
Uploaded two_parts.pt2: 47.7 MB in 0:01 (30.9 MB/s)
Submitted compile job jone1 "two_parts_encoder": http://127.0.0.1:8642/jobs/jone1/
Submitted profile job jtwo2 "two_parts_encoder": http://127.0.0.1:8642/jobs/jtwo2/
Profile job jtwo2 "two_parts_encoder": SUCCESS (queued 0:39, ran 0:24)
- WARNING: The HTP computes with float16.
- INFO: Measured on the CPU of this hub's host, not on a device.
Estimated inference time (ms)   : 108.5
Estimated inference time (ms)   : <0.1
- WARNING: The HTP computes with float16.

Comparing on-device vs. local-cpu inference for Two_Parts_Encoder.
+---------------+-----------+--------+
| output_name   | shape     |   psnr |
+===============+===========+========+
| logits        | (1, 1000) |  127.3 |
+---------------+-----------+--------+
| states        | (1, 2)    |    inf |
+---------------+-----------+--------+

- psnr: Peak Signal-to-Noise Ratio (PSNR). >30 dB is typically considered good.

Comparing on-device vs. local-cpu inference for Two_Parts_Decoder.
+---------------+----------+--------+-------+
| output_name   | shape    |   psnr |   mse |
+===============+==========+========+=======+
| logits        | (1, 2)   |     41 |   0.1 |
+---------------+----------+--------+-------+
| empty         | (1, 0)   |    nan |   nan |
+---------------+----------+--------+-------+

| Device | cpu |
"""


def test_the_output_of_an_export_tells_jobs_decibels_times_and_warnings() -> None:
    printed = read_output(_EXPORTED)
    assert printed.jobs == ("jone1", "jtwo2")
    assert printed.psnr == {
        "Two_Parts_Encoder/logits": 127.3,
        "Two_Parts_Encoder/states": "inf",
        "Two_Parts_Decoder/logits": 41.0,
        "Two_Parts_Decoder/empty": None,
    }
    assert printed.milliseconds == pytest.approx(108.6)
    assert printed.notices == ("The HTP computes with float16.",)
    assert printed.error == ""


def test_of_an_export_that_fails_the_last_exception_is_known() -> None:
    text = (
        "ValueError: the first\n\nDuring this:\nqai_hub.errors.UserError: No device 'S99'.\nbye\n"
    )
    printed = read_output(text)
    assert printed.error == "qai_hub.errors.UserError: No device 'S99'."
    assert printed.psnr == {}
    assert printed.milliseconds is None


def test_claims_are_of_the_runtimes_and_precisions_of_the_table() -> None:
    rows = [
        ["tflite", "float", None],
        ["tflite", "w8a8", "it times out"],
        ["genie", "float", None],
        ["onnx", "w8a16_mixed_int16", None],
    ]
    claims = read_claims(json.dumps({"resnet18": rows}))
    assert claims.works == (Cell("resnet18", "tflite", "float"),)
    assert claims.fails == {Cell("resnet18", "tflite", "w8a8"): "it times out"}


def test_an_early_end_has_seen_each_model_and_runtime() -> None:
    cells = [
        Cell(model, runtime, precision)
        for model in ("a", "b", "c", "d", "e")
        for runtime in ("tflite", "onnx", "precompiled_qnn_onnx", "qnn_dlc", "qnn_context_binary")
        for precision in ("float", "w8a8")
    ]
    ordered = order_cells(cells)
    assert sorted(ordered) == sorted(cells)
    first = ordered[:5]
    assert {cell.model for cell in first} == {"a", "b", "c", "d", "e"}
    assert len({cell.runtime for cell in first}) >= 3
    assert {cell.precision for cell in first} == {"float", "w8a8"}


def test_results_are_kept_and_those_of_other_versions_run_again(tmp_path: Path) -> None:
    path, cell, other = (
        tmp_path / "results.jsonl",
        Cell("a", "onnx", "float"),
        Cell("b", "onnx", "float"),
    )
    Results(path).add(Outcome(cell, psnr={"y": "inf"}, versions={"qai_hub": "1"}))
    kept = Results(path)
    assert kept.get(cell) == Outcome(cell, psnr={"y": "inf"}, versions={"qai_hub": "1"})
    assert kept.list_missing([cell, other], "ours", {"qai_hub": "1"}) == [other]
    assert kept.list_missing([cell, other], "ours", {"qai_hub": "2"}) == [cell, other]
    assert kept.list_missing([cell], "official", {"qai_hub": "1"}) == [cell]


def test_the_page_counts_what_works_and_tells_reasons(tmp_path: Path) -> None:
    cells = [Cell("a", runtime, "float") for runtime in ("tflite", "onnx", "qnn_dlc")]
    cells += [Cell("b", runtime, "float") for runtime in ("tflite", "onnx", "qnn_dlc")]
    outcomes = [
        Outcome(cells[0], psnr={"y": 124.7, "z": "inf"}, milliseconds=12.3, size=46_750_376),
        Outcome(cells[1], psnr={"y": 7.0}, milliseconds=0.5, size=1_200_000),
        Outcome(cells[2], reason="compile: QNN has no Foo ('Foo_1')."),
        Outcome(cells[3], reason="compile: QNN has no Foo ('Foo_2')."),
        Outcome(cells[4], reason="make models has no stand-in for words.zip"),
        Outcome(cells[0], "official", psnr={"y": 124.7}, size=46_750_376),
    ]
    text = _write(tmp_path, cells, outcomes)
    assert "| all | 6 | 1 |  | 1 |  | 2 | 2 |" in text
    assert "| a | float | y | onnx 7.0 | **not known** |" in text
    assert "4 cells of 2 models were run: 1 of them (25.0 %) work" in text
    ran = "125 dB, 47 MB, 12 ms | **7 dB**, 1.2 MB, 0.5 ms"
    assert f"| a | classification | {ran} | {_DASH} | [1] | {_DASH} |" in text
    assert f"| b | text | [1] | [2] | {_DASH} | . | {_DASH} |" in text
    assert "| 1 | 2 | compile: QNN has no Foo ('Foo\\_1'). | **a fault" in text
    assert "| a | tflite | float | 124.7 dB, 46750376 | 124.7 dB, 46750376 |" in text
    assert "| ours | 52 | 0 |" in text


def test_outputs_that_are_far_off_by_nature_are_explained(tmp_path: Path) -> None:
    cells = [Cell("gear_guard_net", each, "float") for each in ("onnx", "qnn_dlc")]
    outcomes = [
        Outcome(cells[0], psnr={"part/scores": 69.2, "part/class_idx": 29.7}),
        Outcome(cells[1], psnr={"part/scores": 9.2, "part/class_idx": 29.7}),
    ]
    text = _write(tmp_path, cells, outcomes, {"gear_guard_net": "detection"})
    assert "| all | 2 |  | 1 | 1 |  |  |  |" in text
    assert "1 of them (50.0 %) work or have a true reason" in text
    index = "| gear\\_guard\\_net | float | class\\_idx | onnx 29.7, dlc 29.7 | the number of the"
    assert index in text
    assert "| float | scores | dlc 9.2 | **not known** |" in text


def test_large_models_are_counted_apart(tmp_path: Path) -> None:
    cells = [Cell("a", "onnx", "float"), Cell("b", "onnx", "float"), Cell("b", "qnn_dlc", "float")]
    outcomes = [Outcome(cell, psnr={"y": 80.0}) for cell in cells[:2]]
    text = _write(tmp_path, cells, outcomes, large=("b",))
    assert "1 models of 1 kinds claim 1 cells" in text
    assert "counted apart: b. The manifests of 1 models of 1 kinds claim 2 cells" in text
    assert "| all | 1 | 1 |  |  |  |  |  |" in text


def _write(
    folder: Path,
    cells: Iterable[Cell],
    outcomes: Iterable[Outcome],
    kinds: Mapping[str, str] = MappingProxyType({"a": "classification", "b": "text"}),
    large: tuple[str, ...] = (),
) -> str:
    results = Results(folder / "results.jsonl")
    for each in outcomes:
        results.add(each)
    path = folder / "models.md"
    own_tests = {"ours": {"passed": 52}, "official": {"passed": 51, "failed": 1}}
    claims = Claims(tuple(cells), {})
    write_page(path, "0.65.0", kinds, large, claims, results, own_tests, date(2026, 11, 30))
    return path.read_text("utf-8")


def test_counts_of_tests_are_those_of_pytest(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("FAILED x.py::y\n== 1 failed, 52 passed, 2 errors in 7.01s ==\n", "utf-8")
    assert read_counts(log) == {"failed": 1, "passed": 52, "error": 2}
    log.write_text("ImportError\n", "utf-8")
    with pytest.raises(ValueError, match="counted nothing"):
        read_counts(log)
