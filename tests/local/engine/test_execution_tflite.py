import importlib
import random
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from support import tflite_models
from support.execution_models import (
    attempt,
    compile_request,
    dataset,
    execute,
    get_failure,
    linear_model,
    read_dataset,
    run_request,
    samples,
    saved,
)

from qai_hub.local.engine.attempt import AttemptRequest, InputModel
from qai_hub.local.engine.failures import FailureType
from qai_hub.local.engine.protocol import Report
from qai_hub.local.engine.runners.tflite import LiteRtModel


def tflite_request(
    model: Path, data: Path | None = None, *, profile: bool = False, options: str = ""
) -> AttemptRequest:
    given = InputModel(path=model, model_type="MODEL_TYPE_TFLITE")
    return AttemptRequest(
        kind="run", inputs=(given,), options=options, dataset=data, profile=profile
    )


def outputs_of(report: Report, folder: Path) -> dict[str, list[Any]]:
    return read_dataset(folder / report.files["output_data"])


def messages(report: Report) -> list[str]:
    return [notice["message"] for notice in report.result["notices"]]


def test_outputs_are_those_of_the_model(tmp_path: Path) -> None:
    inputs = samples(3, 1, 4)
    request = tflite_request(
        tflite_models.linear(tmp_path / "m"), dataset(tmp_path / "d", {"x": inputs})
    )

    report = execute(request, tmp_path / "a")

    outputs = outputs_of(report, tmp_path / "a")
    assert list(outputs) == ["y"]
    for x, y in zip(inputs, outputs["y"], strict=True):
        assert y.dtype == np.float32
        np.testing.assert_allclose(y, x @ tflite_models.WEIGHT.T, rtol=1e-5)
    assert "LiteRT" in [tool["name"] for tool in report.result["tool_versions"]]


def test_without_a_signature_tensors_have_their_own_names(tmp_path: Path) -> None:
    model = tflite_models.linear(tmp_path / "m", named=False)
    data = dataset(tmp_path / "d", {"serving_default_x:0": samples(1, 1, 4)})

    report = execute(tflite_request(model, data), tmp_path / "a")

    assert list(outputs_of(report, tmp_path / "a")) == ["PartitionedCall:0"]


def test_names_of_a_signature_keep_the_order_of_the_model(tmp_path: Path) -> None:
    model = tflite_models.negated(tmp_path / "m")
    a, z = np.array([1, 2], np.float32), np.array([3, 4], np.float32)
    data = dataset(tmp_path / "d", {"a": [a], "z": [z]})

    assert [port.name for port in LiteRtModel(model, threads=1).inputs] == [
        "z",
        "a",
    ]
    outputs = outputs_of(execute(tflite_request(model, data), tmp_path / "a"), tmp_path / "a")
    assert list(outputs) == ["n", "m"]
    np.testing.assert_array_equal(outputs["m"], [-a])
    np.testing.assert_array_equal(outputs["n"], [-z])


def test_dynamic_dimensions_follow_each_sample(tmp_path: Path) -> None:
    inputs = [np.full((n, 4), n, np.float32) for n in (1, 5, 5, 2)]
    model = tflite_models.linear(tmp_path / "m", batch=-1)

    request = tflite_request(model, dataset(tmp_path / "d", {"x": inputs}))
    outputs = outputs_of(execute(request, tmp_path / "a"), tmp_path / "a")

    for x, y in zip(inputs, outputs["y"], strict=True):
        np.testing.assert_allclose(y, x @ tflite_models.WEIGHT.T, rtol=1e-5)
    failure = get_failure(tflite_request(model, profile=True), tmp_path / "b")
    assert failure.failure_type is FailureType.INVALID_INPUTS
    assert "Dimension 0 ('?') of the input 'x'" in failure.reason


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("", np.float32),
        ("--dequantize_outputs false", np.int8),
        ("--dequantize_outputs", np.float32),
    ],
)
def test_quantized_outputs_are_floats_unless_integers_are_asked_for(
    tmp_path: Path, option: str, expected: type
) -> None:
    x = np.array([[-128, 0, 1], [2, 3, 127]], np.int8)
    data = dataset(tmp_path / "d", {"x": [x]})
    request = tflite_request(tflite_models.quantizing(tmp_path / "m"), data, options=option)

    report = execute(request, tmp_path / "a")

    (y,) = outputs_of(report, tmp_path / "a")["y"]
    assert y.dtype == expected
    wide = x.T.astype(np.float32)
    np.testing.assert_array_equal(y, (wide + 3) / 2 if expected is np.float32 else x.T)


def test_floats_are_taken_where_the_model_has_quantized_inputs(tmp_path: Path) -> None:
    steps = np.array([[-128, 0, 1], [2, 3, 127]], np.float32)
    x = (steps + 3) / 2
    data = dataset(tmp_path / "d", {"x": [x]})
    request = tflite_request(tflite_models.quantizing(tmp_path / "m"), data)

    report = execute(request, tmp_path / "a")

    np.testing.assert_array_equal(outputs_of(report, tmp_path / "a")["y"][0], x.T)


def test_a_profile_has_totals_and_says_so(tmp_path: Path) -> None:
    request = tflite_request(
        tflite_models.linear(tmp_path / "m"),
        profile=True,
        options="--max_profiler_iterations 5 --tflite_options number_of_threads=2",
    )

    report = execute(request, tmp_path / "a")

    profile = report.result["profile"]
    assert len(profile["all_execution_times"]) == 5
    assert profile["execution_time"] >= 1
    assert profile["cold_load_time"] >= 1
    assert profile["after_execution_peak_memory"] > 2**20
    assert profile["layer_details"] == []
    (segment,) = profile["segment_details"]
    assert (segment["compute_unit"], segment["delegate_name"]) == ("COMPUTE_UNIT_CPU", "LiteRT")
    properties = {p["key"]: p["value"] for p in profile["runtime_config"][0]["properties"]}
    assert (properties["runtime"], properties["threads of an operator"]) == ("LiteRT", "2")
    assert "host CPU" in properties
    assert any("not on a device" in message for message in messages(report))
    assert any("no layers" in message for message in messages(report))
    assert "profile_trace" not in report.files


def test_options_for_tflite_are_noticed_where_the_model_is_another(tmp_path: Path) -> None:
    options = "--dequantize_outputs --tflite_options number_of_threads=2"
    request = run_request(saved(linear_model(), tmp_path), profile=True, options=options)

    told = messages(execute(request, tmp_path / "a"))

    for flag, reason in (
        ("--dequantize_outputs", "no output of the model is quantized"),
        ("--tflite_options", "it applies to TensorFlow Lite models only"),
    ):
        assert f"The option {flag} was ignored: {reason}." in told


def test_settings_that_mean_nothing_here_are_noticed(tmp_path: Path) -> None:
    options = "--tflite_options 'number_of_threads=2;force_opengl=true' --tflite_delegates qnn"
    data = dataset(tmp_path / "d", {"x": samples(1, 1, 4)})
    request = tflite_request(tflite_models.linear(tmp_path / "m"), data, options=options)

    told = " ".join(messages(execute(request, tmp_path / "a")))

    assert "'force_opengl' was ignored" in told
    assert "--tflite_delegates was ignored" in told
    assert "'number_of_threads'" not in told


@pytest.mark.parametrize("threads", ["0", "257", "many"])
def test_threads_that_cannot_be(tmp_path: Path, threads: str) -> None:
    options = f"--tflite_options number_of_threads={threads}"
    request = tflite_request(tmp_path / "none", profile=True, options=options)

    assert get_failure(request, tmp_path / "a").failure_type is FailureType.INVALID_ARGUMENT


def test_a_tflite_model_is_not_compiled(tmp_path: Path) -> None:
    model = InputModel(path=tflite_models.linear(tmp_path / "m"), model_type="MODEL_TYPE_TFLITE")
    request = AttemptRequest(kind="compile", inputs=(model,), options="")

    failure = get_failure(request, tmp_path / "a")

    assert failure.failure_type is FailureType.UNSUPPORTED
    assert "profile and inference jobs ONNX, TFLite" in failure.reason


def test_no_model_is_compiled_to_tflite_without_the_engine(tmp_path: Path) -> None:
    request = compile_request(tmp_path / "none", options="--target_runtime tflite")

    # It does not even look for the model.
    failure = get_failure(request, tmp_path / "a")

    assert failure.failure_type is FailureType.UNSUPPORTED
    assert failure.lacks == "engine-tflite"
    assert "run `qai-hub engine install tflite` where the hub runs" in failure.reason


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"not a model", None])
def test_damaged_files(tmp_path: Path, content: bytes | None) -> None:
    path = tflite_models.linear(tmp_path / "m")
    path.write_bytes(path.read_bytes()[:300] if content is None else content)

    failure = get_failure(tflite_request(path, profile=True), tmp_path / "a")

    assert failure.failure_type is FailureType.MODEL_CORRUPT
    assert "LiteRT cannot load the model" in failure.reason


def test_a_model_with_flipped_bytes_ends_in_an_outcome(tmp_path: Path) -> None:
    path = tflite_models.linear(tmp_path / "m")
    whole = path.read_bytes()
    dice = random.Random(5)
    for number in range(6):
        spoilt = bytearray(whole)
        for _ in range(3):
            spoilt[dice.randrange(len(spoilt))] = dice.randrange(256)
        path.write_bytes(spoilt)

        outcome = attempt(tflite_request(path, profile=True), tmp_path / f"a{number}")

        assert outcome.succeeded == (outcome.failure_type == FailureType.SUCCESS)
        assert outcome.succeeded or outcome.reason


def test_memory_that_runs_out_is_told(tmp_path: Path) -> None:
    model = tflite_models.linear(tmp_path / "m", batch=10**7)

    outcome = attempt(tflite_request(model, profile=True), tmp_path / "a", memory_limit=700 * 2**20)

    assert outcome.failure_type == FailureType.OUT_OF_MEMORY
    assert "the limit of this hub is 700 MiB" in outcome.reason


def test_an_operator_that_nobody_has_is_named(tmp_path: Path) -> None:
    request = tflite_request(tflite_models.custom(tmp_path / "m"), profile=True)

    failure = get_failure(request, tmp_path / "a")

    assert failure.failure_type is FailureType.UNSUPPORTED
    assert "NobodysOperator" in failure.reason


def test_inputs_of_the_same_name_cannot_be_told_apart(tmp_path: Path) -> None:
    model = tflite_models.negated(tmp_path / "m", names=("x", "x"))

    failure = get_failure(tflite_request(model, profile=True), tmp_path / "a")

    assert failure.failure_type is FailureType.MODEL_INVALID
    assert "inputs of the same name" in failure.reason


def test_element_types_that_the_api_does_not_have(tmp_path: Path) -> None:
    model = tflite_models.negated(tmp_path / "m", dtype="float64")

    failure = get_failure(tflite_request(model, profile=True), tmp_path / "a")

    assert failure.failure_type is FailureType.UNSUPPORTED
    assert "'z' has the unsupported type float64" in failure.reason


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imported = importlib.import_module

    def without(name: str) -> ModuleType:
        if name.startswith("ai_edge_litert"):
            raise ModuleNotFoundError(f"No module named {name!r}")
        return imported(name)

    monkeypatch.setattr(importlib, "import_module", without)
    request = tflite_request(tflite_models.linear(tmp_path / "m"), profile=True)

    failure = get_failure(request, tmp_path / "a")

    assert failure.failure_type is FailureType.UNSUPPORTED
    assert "pip install 'qai-hub-openapi[tflite]'" in failure.reason


def test_memory_that_runs_out_is_no_missing_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tflite_models.linear(tmp_path / "m")

    def without_memory(_: str) -> ModuleType:
        raise ImportError("libX.so: failed to map segment from shared object")

    monkeypatch.setattr(importlib, "import_module", without_memory)

    with pytest.raises(ImportError, match="failed to map"):
        LiteRtModel(model, threads=1)
