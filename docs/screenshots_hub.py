"""The hub whose pages the guides show: jobs of two people that have ended, at a set time."""

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import qai_hub as hub
from qai_hub.local import LocalHub
from qai_hub.local.config import HubConfig, Retention

if TYPE_CHECKING:
    from qai_hub.client import Job, Model

YOU, COLLEAGUE = "you@example.com", "colleague@example.com"
_BEGINNING = datetime(2026, 6, 1, 9, 30, tzinfo=UTC)

# The client goes by the machine's own clock, by which datasets must not have expired.
_RETENTION = Retention(datasets=timedelta(days=3650))


class Clock:
    """A clock that begins at a set time: of two pictures, only what was measured differs."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def __call__(self) -> datetime:
        """Return the time."""
        return _BEGINNING + timedelta(seconds=time.monotonic() - self._started)


@contextmanager
def hub_with_jobs() -> Iterator[tuple[LocalHub, Mapping[str, str]]]:
    """Run the hub, and yield it with the ids of what its pages are about."""
    config = HubConfig(users=((YOU, None), (COLLEAGUE, None)), port=0, retention=_RETENTION)
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalHub.from_config(config, clock=Clock()) as running,
    ):
        file = Path(folder) / "classifier.onnx"
        onnx.save(classifier(), file)
        yield running, _submit(running, file)


def _submit(running: LocalHub, file: Path) -> dict[str, str]:
    """Submit jobs of each type, and wait until they have ended."""
    client = running.client(YOU)
    (phone,) = client.get_devices("Samsung Galaxy S24")
    model = client.upload_model(str(file), name="classifier")
    images = {"image": _images(4)}
    pictures = client.upload_dataset(images, name="validation images")
    binary = client.submit_compile_job(
        model, phone, "classifier for the S24", options="--target_runtime qnn_context_binary"
    )
    portable = client.submit_compile_job(
        model, phone, "classifier, portable", options="--target_runtime onnx"
    )
    quantized = client.submit_quantize_job(
        model,
        pictures,
        weights_dtype=hub.QuantizeDtype.INT8,
        activations_dtype=hub.QuantizeDtype.INT8,
        name="classifier w8a8",
    )
    small = client.submit_compile_job(
        _target(quantized), phone, "classifier w8a8, portable", options="--target_runtime onnx"
    )
    failed = client.submit_compile_job(
        model, phone, "classifier, named outputs", options="--output_names logits,features"
    )
    on_cpu = client.submit_inference_job(
        _target(portable), phone, pictures, name="validation on the CPU"
    )
    small_on_cpu = client.submit_inference_job(
        _target(small), phone, pictures, name="validation, w8a8 on the CPU"
    )
    simulated = client.submit_inference_job(
        _target(binary), phone, pictures, name="validation in simulation"
    )
    _share_a_job(running, file)
    jobs: dict[str, Job] = {
        "compile": binary,
        "portable": portable,
        "quantize": quantized,
        "small": small,
        "failed": failed,
        "on_cpu": on_cpu,
        "small_on_cpu": small_on_cpu,
        "simulated": simulated,
    }
    for name, job in jobs.items():
        status = job.wait()
        if status.success != (name != "failed"):
            raise RuntimeError(f"The job {name!r} has ended so: {status}")
    ids = {name: job.job_id for name, job in jobs.items()}
    return ids | {"model": model.model_id, "dataset": pictures.dataset_id}


def _share_a_job(running: LocalHub, file: Path) -> None:
    client = running.client(COLLEAGUE)
    (car,) = client.get_devices("SA8775P ADP")
    model = client.upload_model(str(file), name="classifier")
    job = client.submit_compile_job(
        model, car, "classifier for the car", options="--target_runtime qnn_dlc"
    )
    job.modify_sharing(add_emails=[YOU])
    job.wait()


def _target(job: hub.CompileJob | hub.QuantizeJob) -> "Model":
    target = job.get_target_model()
    if target is None:
        raise RuntimeError(f"The job {job.name!r} has made no model: {job.get_status()}")
    return target


def _images(number: int) -> list[np.ndarray]:
    """Pictures of waves, as a classifier takes them."""
    across, down = np.meshgrid(np.linspace(0, 6, 32), np.linspace(0, 6, 32))
    return [
        np.stack([np.sin(across * (n + 1) / 2 + c) * np.cos(down + n) / 2 + 0.5 for c in range(3)])[
            None
        ].astype(np.float32)
        for n in range(number)
    ]


def classifier(layers: int = 12) -> onnx.ModelProto:
    """A small image classifier with random weights."""
    random = np.random.default_rng(0)
    nodes, weights, value, channels = [], [], "image", 3
    for place in range(layers):
        weight = random.normal(size=(8, channels, 3, 3)).astype(np.float32) / 3
        weights.append(numpy_helper.from_array(weight, f"weight{place}"))
        for kind, inputs in (("Conv", [value, f"weight{place}"]), ("Relu", [f"Conv{place}"])):
            node = helper.make_node(kind, inputs, [f"{kind}{place}"])
            node.name = f"/features/{place}/{kind}"
            if kind == "Conv":
                node.attribute.append(helper.make_attribute("pads", [1, 1, 1, 1]))
            nodes.append(node)
        value, channels = f"Relu{place}", 8
    nodes.append(helper.make_node("GlobalAveragePool", [value], ["pooled"], name="/pool"))
    nodes.append(helper.make_node("Flatten", ["pooled"], ["logits"], name="/flatten"))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 32, 32])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 8])
    graph = helper.make_graph(nodes, "classifier", [image], [logits], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
