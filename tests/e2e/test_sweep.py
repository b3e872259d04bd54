"""A small part of the sweep of real models, which `make sweep` runs as a whole."""

import math
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from sweep.jobs import VARIANTS, Outcome, Variant, compute_psnr, run_variants
from sweep.models import OperatorTest, SweptModel, collect_operator_tests, read_models
from sweep.page import write_page

from qai_hub.client import Client

MODELS = read_models()
TEXT_DIRECTION = "rapidocr: ch_ppocr_mobile_v2.0_cls_mobile"
BINARY = Variant("fp16", "qnn_context_binary")
QUANTIZED = Variant("w8a16", "onnx")


def outcomes_of(
    client: Client, model: bytes, data: dict[str, list[np.ndarray]], *variants: Variant
) -> dict[Variant, Outcome]:
    found: dict[Variant, Outcome] = {}
    run_variants(client, model, data, variants, found.__setitem__)
    return found


def test_a_real_model(quick_client: Client, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime_qnn")
    (model,) = (each for each in MODELS if each.name == TEXT_DIRECTION)
    installed = replace(model, installed=True)

    content, data = installed.fetch(tmp_path), model.make_data()
    found = outcomes_of(quick_client, content, data, BINARY, QUANTIZED)

    assert list(found) == [BINARY, QUANTIZED]
    # Measured: 43 and 39 dB, on noise.
    assert (found[BINARY].psnr or 0) > 38
    assert (found[QUANTIZED].psnr or 0) > 34


@pytest.fixture(scope="module")
def operators() -> dict[str, OperatorTest]:
    return {test.operator: test for test in collect_operator_tests()}


def test_operators(client: Client, operators: dict[str, OperatorTest]) -> None:
    pytest.importorskip("onnxruntime_qnn")
    assert len(operators) > 150
    least = {"Softmax": 50, "MaxPool": 50}
    for operator, decibels in least.items():
        test = operators[operator]
        found = outcomes_of(client, test.model.SerializeToString(), test.data, BINARY)[BINARY]
        assert (found.psnr or 0) > decibels, (operator, found)


def test_what_fails_has_a_reason(client: Client, operators: dict[str, OperatorTest]) -> None:
    pytest.importorskip("onnxruntime_qnn")
    test = operators["Det"]
    found = outcomes_of(client, test.model.SerializeToString(), test.data, BINARY)[BINARY]
    assert found.psnr is None
    assert found.reason.startswith("compile: ")
    assert "Det" in found.reason


def test_the_table_of_models() -> None:
    assert len(MODELS) >= 40
    assert len({model.name for model in MODELS}) == len(MODELS)
    for model in MODELS:
        assert model.version[:1].isdigit()
        assert model.licence
        for tensors in model.make_data().values():
            assert len({tensor.shape for tensor in tensors}) == 1


def test_data_is_the_same_each_time() -> None:
    first, second = (MODELS[0].make_data() for _ in range(2))
    for name, tensors in first.items():
        np.testing.assert_array_equal(tensors, second[name])


def test_how_close_arrays_are() -> None:
    ones = np.ones(4, np.float32)
    assert compute_psnr(ones, ones) == math.inf
    assert compute_psnr(ones, ones + np.float32(0.1)) == pytest.approx(20, abs=1e-4)
    assert compute_psnr(ones, np.ones(3, np.float32)) == -math.inf
    assert compute_psnr(ones, ones * np.nan) == -math.inf
    masked = np.array([1, -np.inf], np.float32)
    assert compute_psnr(masked, masked) == math.inf


def test_the_page(tmp_path: Path) -> None:
    model = SweptModel("a: net", "a", "1.0", "MIT", "a/net.onnx", {})
    values = [Outcome(45.26), Outcome(math.inf), Outcome(12.3), Outcome(reason="run: no 'x' | 5")]
    found = {("a: net", each.key): value for each, value in zip(VARIANTS, values, strict=False)}
    lacking = "compile: QNN does not support these operators of the model: Erf ('a'), Erf ('b')."
    found |= {("operator: Add", BINARY.key): Outcome(reason="run: no 'y' | 7")}
    found |= {("operator: Erf", BINARY.key): Outcome(reason=lacking)}
    found |= {("a: net", VARIANTS[4].key): Outcome(reason=lacking)}

    write_page(tmp_path / "p.md", [model], found, {"onnx": "1.0"}, date(2026, 1, 2))

    text = (tmp_path / "p.md").read_text("utf-8")
    assert "run on 2026-01-02, with onnx 1.0" in text
    assert f"| a: net | 45 | = | **12** | [1] | [2] |{'  |' * 6}" in text
    assert "| Add | [1] | Erf | \N{EN DASH} |" in text
    assert "| 2 | 1 | compile: QNN does not support these operators of the model: Erf. |" in text
    assert "| 1 | 2 | run: no 'x' \\| 5 |" in text
    assert "| a | 1.0 | MIT | 1 |" in text
