"""What tests of QNN's targets share: jobs on chips, and the CPU to compare them with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from onnx import helper
from support.execution_models import FLOAT, build_model
from support.real_models import psnr

from qai_hub.client import Client, CompileJob, Device, InferenceJob, Model

BINARY, PRECOMPILED, DLC = RUNTIMES = ("qnn_context_binary", "precompiled_qnn_onnx", "qnn_dlc")

Devices = Device | list[Device]

GEN_3 = Device("Samsung Galaxy S24")  # Snapdragon 8 Gen 3, SoC model 57, Hexagon v75
GEN_2 = Device("Samsung Galaxy S23")  # Snapdragon 8 Gen 2, SoC model 43, Hexagon v73
GEN_1 = Device("Samsung Galaxy S22 5G")  # Snapdragon 8 Gen 1, v69: graphs share no weights
INTEGERS = Device("Samsung Galaxy S21")  # Snapdragon 888, v68: computes with integers only
WITHOUT_HTP = Device("Google Pixel 5")  # Snapdragon 765G, v66


def compiled(
    client: Client, model: Any, runtime: str, device: Devices = GEN_3, *, more: str = "", **how: Any
) -> CompileJob:
    """A compile job that has succeeded."""
    options = f"--target_runtime {runtime} {more}"
    job: CompileJob = client.submit_compile_job(model, device, options=options, **how)
    assert job.wait(240).success, job.get_status().message
    return job


def other_notices(job: CompileJob) -> list[str]:
    """The messages of a compile job's notices, except for those of the target check and the cache.

    Whether the cache serves a job depends on what other tests have compiled before.
    """
    messages = [each.message for each in job.notices if "in simulation" not in each.message]
    return [each for each in messages if not each.startswith("Served from the cache")]


def refused(
    client: Client, model: Any, runtime: str, device: Devices = GEN_3, **how: Any
) -> tuple[str | None, str]:
    """Why a compile job failed: the class of the cause, and the reason."""
    job = client.submit_compile_job(model, device, options=f"--target_runtime {runtime}", **how)
    status = job.wait(240)
    assert status.failure
    return job.failure_type, status.message or ""


def target_of(job: Any) -> Model:
    """The target model of a job."""
    model: Model | None = job.get_target_model()
    assert model is not None
    return model


def simulated(
    client: Client, model: Any, inputs: Mapping[str, Any], device: Device = GEN_3, options: str = ""
) -> tuple[InferenceJob, Mapping[str, list[Any]]]:
    """An inference job that has succeeded, and what it gave."""
    job = client.submit_inference_job(model, device, inputs, options=options, profile=False)
    assert job.wait(240).success, job.get_status().message
    outputs = job.download_output_data()
    assert outputs is not None
    return job, outputs


def on_cpu(model: str | Path | bytes, inputs: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What ONNX Runtime gives on the CPU for the same samples."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    samples = [
        dict(zip(inputs, sample, strict=True)) for sample in zip(*inputs.values(), strict=True)
    ]
    given = [session.run(names, sample) for sample in samples]
    return {
        name: list(values) for name, values in zip(names, zip(*given, strict=True), strict=True)
    }


def agreement(
    expected: Mapping[str, list[Any]], actual: Mapping[str, list[Any]]
) -> dict[str, float]:
    """The peak signal-to-noise ratio of each output in decibels, for a peak of 1 or more."""
    assert list(actual) == list(expected)
    return {
        name: psnr(np.stack(values), np.stack(actual[name]), least_peak=1)
        for name, values in expected.items()
    }


def with_operator(op: str, *, out: tuple[int, ...] = (1, 8, 8)) -> Any:
    """y = relu(OP(x @ w)) of x[1, 8, 8]."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"], name="before"),
        helper.make_node(op, ["a"], ["b"], name="odd"),
        helper.make_node("Relu", ["b"], ["y"], name="after"),
    ]
    weight = np.random.default_rng(5).standard_normal((8, 8)).astype(np.float32)
    model = build_model(nodes, {"x": (FLOAT, [1, 8, 8])}, {"y": (FLOAT, out)}, {"w": weight})
    model.opset_import[0].version = 18
    return model
