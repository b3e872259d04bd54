"""Integers of converted models, where tools that the conversion uses get them wrong by themselves.

Each output of one model shows another of these cases.
"""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from support.compiled_models import PHONE
from support.execution_models import FLOAT, build_model
from support.real_engines import use_engine

import qai_hub as hub
from qai_hub.client import Client, Device
from qai_hub.local import LocalHub
from qai_hub.local.engine.onnx.session import Session

pytestmark = pytest.mark.small_hub("processes of a team look for engines when they start")
DEVICE = Device(PHONE)
SIZE, STEPS, HIDDEN = 8, 12, 16
Arrays = dict[str, np.ndarray]


def build() -> onnx.ModelProto:
    random = np.random.default_rng(5)

    def normal(*shape: int) -> np.ndarray:
        return random.standard_normal(shape).astype(np.float32)

    constants = {
        "first": normal(3, 3, 1, 1),
        "bias": np.array([3, -4, 5], np.float32),
        "rare": np.concatenate([normal(1, 3, 1, 1) * 1e-9, normal(1, 3, 1, 1)]),
        "rare_bias": np.array([-9, 1], np.float32),
        "low": np.full((1, 1, 1, 1), -0.4, np.float32),
        "three": np.float32(3),
        "six": np.float32(6),
        "none": np.float32(0),
        "factor": np.array([0.4], np.float32),
        "w": normal(1, 3 * HIDDEN, 5),
        "r": normal(1, 3 * HIDDEN, HIDDEN) / 2,
        "table": normal(12, 4),
        "slopes": np.array([0.1, -0.5, 0.3], np.float32).reshape(3, 1, 1),
        "second": normal(3, 3, 3, 3) / 4,
        "flat": np.array([3, SIZE * SIZE]),
    }
    nodes = [
        helper.make_node("Conv", ["x", "first", "bias"], ["once"]),
        helper.make_node("Conv", ["x", "rare", "rare_bias"], ["rare_channel"]),
        helper.make_node("Max", ["once", "low"], ["maximum"]),
        helper.make_node("Min", ["once", "factor"], ["minimum"]),
        helper.make_node("ReduceMax", ["once"], ["largest"], axes=[2, 3]),
        helper.make_node("Add", ["once", "three"], ["sum"]),
        helper.make_node("Clip", ["sum", "none", "six"], ["clip"]),
        helper.make_node("Min", ["once", "clip"], ["smaller"]),
        helper.make_node("Mul", ["once", "clip"], ["product"]),
        helper.make_node("Div", ["product", "six"], ["hard_swish"]),
        helper.make_node("Mul", ["hard_swish", "factor"], ["scaled"]),
        helper.make_node("Add", ["scaled", "factor"], ["fused_division"]),
        helper.make_node("GRU", ["steps", "w", "r"], ["", "remembered"], hidden_size=HIDDEN),
        helper.make_node("PRelu", ["sum", "slopes"], ["active"]),
        helper.make_node("Conv", ["active", "second"], ["inner"], pads=[1] * 4),
        helper.make_node("PRelu", ["inner", "slopes"], ["inner_active"]),
        helper.make_node("Conv", ["inner_active", "second"], ["deep"], pads=[1] * 4),
        helper.make_node("Add", ["deep", "active"], ["residual"]),
        helper.make_node("LeakyRelu", ["once"], ["leaky"], alpha=0.2),
        helper.make_node("Neg", ["once"], ["negated"]),
        helper.make_node("Elu", ["once"], ["elu"], alpha=0.5),
        helper.make_node("Reshape", ["once", "flat"], ["rows"]),
        helper.make_node("Split", ["rows"], ["half", "other_half"], axis=1),
        helper.make_node("Cast", ["codes"], ["indices"], to=onnx.TensorProto.INT64),
        helper.make_node("Gather", ["table", "indices"], ["chosen"], axis=0),
    ]
    image = (FLOAT, [1, 3, SIZE, SIZE])
    inputs = {"x": image, "steps": (FLOAT, [STEPS, 1, 5]), "codes": (FLOAT, [6])}
    outputs = {
        "rare_channel": (FLOAT, [1, 2, SIZE, SIZE]),
        "maximum": image,
        "minimum": image,
        "smaller": image,
        "largest": (FLOAT, [1, 3, 1, 1]),
        "fused_division": image,
        "residual": image,
        "leaky": image,
        "negated": image,
        "elu": image,
        "half": (FLOAT, [3, SIZE * SIZE // 2]),
        "remembered": (FLOAT, [1, 1, HIDDEN]),
        "chosen": (FLOAT, [6, 4]),
    }
    return build_model(nodes, inputs, outputs, constants)


def draw(seed: int) -> Arrays:
    random = np.random.default_rng(seed)
    return {
        "x": random.standard_normal((1, 3, SIZE, SIZE)).astype(np.float32),
        "steps": random.standard_normal((STEPS, 1, 5)).astype(np.float32),
        "codes": random.integers(0, 12, 6).astype(np.float32),
    }


@pytest.fixture(scope="module")
def ratios(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """The PSNR of each output on samples that are no calibration data."""
    samples = [draw(seed) for seed in range(12)]
    calibration = {name: [each[name] for each in samples[:8]] for name in samples[0]}
    run = {name: [each[name] for each in samples[8:]] for name in samples[0]}
    path = tmp_path_factory.mktemp("float") / "model.onnx"
    onnx.save(build(), path)
    int8 = hub.QuantizeDtype.INT8
    with pytest.MonkeyPatch.context() as patch:
        use_engine("tflite", patch)
        with LocalHub(analyze_layers=False, check_targets=False) as local_hub:
            client = local_hub.client()
            given = run_quantized(client, path, calibration, run, int8)
    session = Session(path)
    expected = [
        dict(zip(session.output_names, session.run(each, "a sample"), strict=True))
        for each in samples[8:]
    ]
    return {
        name: psnr(np.stack([each[name] for each in expected]), np.stack(values))
        for name, values in given.items()
    }


def run_quantized(
    client: Client,
    path: Path,
    calibration: dict[str, list[np.ndarray]],
    run: dict[str, list[np.ndarray]],
    dtype: hub.QuantizeDtype,
) -> dict[str, list[np.ndarray]]:
    quantizing = client.submit_quantize_job(str(path), calibration, dtype, dtype)
    options = "--target_runtime tflite --quantize_io"
    job = client.submit_compile_job(quantizing.get_target_model(), DEVICE, options=options)
    assert job.wait(120).success, job.get_status().message
    told = "\n".join(notice.message for notice in job.notices)
    assert "'codes' stays a float" in told
    # Even without a check, it is known what the model was calibrated on.
    assert "measured on random inputs" not in told
    assert "REDUCE_MAX" not in told
    assert "MINIMUM" not in told
    assert "MAXIMUM" not in told
    assert "RELU" not in told
    assert "NEG" not in told
    data = client.submit_inference_job(job.get_target_model(), DEVICE, run, profile=False)
    values = data.download_output_data()
    assert values is not None, data.get_status().message
    return {name: [np.asarray(each) for each in found] for name, found in values.items()}


def psnr(expected: np.ndarray, found: np.ndarray) -> float:
    error = np.mean(np.square(expected.astype(np.float64) - found))
    return float(10 * np.log10(np.max(np.abs(expected)) ** 2 / error))


@pytest.mark.parametrize(
    ("output", "least"),
    [
        ("rare_channel", 30),
        ("maximum", 30),
        ("minimum", 30),
        ("smaller", 30),
        ("largest", 30),
        ("fused_division", 30),
        ("residual", 30),
        ("leaky", 30),
        ("negated", 30),
        ("elu", 30),
        ("half", 30),
        ("remembered", 30),
        ("chosen", 40),
    ],
)
def test_integers_are_close(ratios: dict[str, float], output: str, least: float) -> None:
    assert ratios[output] > least
