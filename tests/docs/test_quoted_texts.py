"""What the pages quote is what errors and failed jobs really say."""

import re
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

import qai_hub as hub
from qai_hub.config import save_config

DOCS = Path(__file__).parents[2] / "docs"
NO_SIZE: Any = {"x": (1, "n")}
INT4 = hub.QuantizeDtype.INT4
IMAGE = np.zeros((1, 3, 48, 192), np.float32)


def connect_to(world: SimpleNamespace, *, port: int | None = None, scheme: str = "http") -> object:
    """Connect by the profile `local`, with a wrong token, to the hub's port or another one."""
    hub_port = urlsplit(world.local_hub.url).port
    url = f"{scheme}://127.0.0.1:{port or hub_port}"
    keep_profile_local()
    save_config(hub.ClientConfig("replaced-token", url, url), "local")
    return hub.Client(profile="local").get_devices()


def connect_by_default(_: SimpleNamespace) -> object:
    keep_profile_local()
    return hub.Client().get_devices()


def keep_profile_local() -> None:
    """Leave what `qai-hub serve` has written for one user."""
    for profile in ("client", "colleague"):
        (Path.home() / ".qai_hub" / f"{profile}.ini").unlink()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


RAISED: dict[str, tuple[str, Callable[[Any], object]]] = {
    "no model": ("compile", lambda n: hub.submit_compile_job("nix.onnx", n.device)),
    "no size": (
        "compile",
        lambda n: hub.submit_compile_job("model.onnx", n.device, input_specs=NO_SIZE),
    ),
    "no device": (
        "compile",
        lambda n: hub.submit_compile_job("model.onnx", hub.Device("Nokia 3310")),
    ),
    "no device, in its guide": (
        "devices",
        lambda n: hub.submit_compile_job("model.onnx", hub.Device("Nokia 3310")),
    ),
    "no attribute": ("devices", lambda n: hub.get_devices(attributes="chipset")),
    "dtypes": (
        "quantize",
        lambda n: hub.submit_quantize_job("model.onnx", n.dataset, INT4, INT4),
    ),
    "no DLC": ("link", lambda n: hub.submit_link_job("model.onnx", n.device)),
    "graph names": (
        "link",
        lambda n: hub.submit_compile_and_link_jobs(["model.onnx", "model.onnx"], n.device),
    ),
    "nothing to do": (
        "inference",
        lambda n: hub.submit_inference_job(n.target_model, n.device, profile=False),
    ),
    "no profile": (
        "profile",
        lambda n: hub.submit_inference_job(
            n.target_model, n.device, n.dataset, profile=False
        ).get_profile(),
    ),
    "float64": ("data", lambda n: hub.upload_dataset({"x": [np.zeros(1)]})),
    "suffix": ("data", lambda n: hub.upload_model("notes.txt")),
    "torch.save": ("data", lambda n: hub.upload_model("model.pt")),
    "empty": ("data", lambda n: hub.upload_model("empty.onnx")),
    "not shared": ("sharing", lambda n: n.stranger.get_job(n.inference_job.job_id)),
    "not the owner": ("sharing", lambda n: n.stranger.get_job(n.shared.job_id).set_name("mine")),
    "no list": (
        "sharing",
        lambda n: n.model.modify_sharing(add_emails="colleague@example.com"),
    ),
    "no project": ("sharing", lambda n: hub.upload_model("model.onnx", project="p1234567a")),
    "no job": ("errors", lambda n: hub.get_job("jnotthere1")),
    "no configuration": ("troubleshooting", connect_by_default),
    "no server": ("troubleshooting", lambda n: connect_to(n, port=free_port())),
    "no token": ("troubleshooting", connect_to),
    "no TLS": ("troubleshooting", lambda n: connect_to(n, scheme="https")),
    "part of a name": (
        "troubleshooting",
        lambda n: hub.submit_compile_job("model.onnx", hub.Device("Galaxy S24 Ultra")),
    ),
    "torch.save, in its question": ("troubleshooting", lambda n: hub.upload_model("model.pt")),
    "not there": (
        "troubleshooting",
        lambda n: n.stranger.get_job(n.inference_job.job_id),
    ),
}

FAILED: dict[str, tuple[str, Callable[[Any], hub.Job]]] = {
    "runtime": (
        "compile",
        lambda n: hub.submit_compile_job(
            "model.onnx", n.device, options="--target_runtime qnn_lib_aarch64_android"
        ),
    ),
    "engine": (
        "engines",
        lambda n: hub.submit_compile_job("model.onnx", n.device, options="--target_runtime tflite"),
    ),
    "floats": (
        "compile",
        lambda n: hub.submit_compile_job(
            "model.onnx",
            hub.Device("Samsung Galaxy S21"),
            options="--target_runtime qnn_context_binary",
        ),
    ),
    "graphs of one name": (
        "link",
        lambda n: link_twins(dlc_of("model.onnx", n.device), n.device),
    ),
    "NaN in calibration data": (
        "quantize",
        lambda n: hub.submit_quantize_job("model.onnx", {"x": [np.full_like(IMAGE, np.nan)]}),
    ),
    "refused option": (
        "compile",
        lambda n: hub.submit_compile_job(
            "model.onnx", n.device, options="--quantize_weight_type float16"
        ),
    ),
    "inputs": (
        "inference",
        lambda n: hub.submit_inference_job(n.target_model, n.device, {"z": [IMAGE]}),
    ),
    "misspelt option": (
        "troubleshooting",
        lambda n: hub.submit_compile_job(
            "model.onnx", n.device, options="--target_runtime qnn_contxt_binary"
        ),
    ),
    "channels last": (
        "troubleshooting",
        lambda n: hub.submit_inference_job(
            n.target_model, n.device, {"x": [IMAGE.transpose(0, 2, 3, 1)]}
        ),
    ),
    "compute unit": (
        "profile",
        lambda n: hub.submit_inference_job(n.target_model, n.device, options="--compute_unit npu"),
    ),
}


@pytest.fixture
def world(reader: None, names: dict[str, Any], local_hub: Any) -> SimpleNamespace:
    Path("notes.txt").write_text("no model")
    Path("empty.onnx").touch()
    Path("model.pt").write_bytes(b"\x80\x02")
    stranger = local_hub.client("colleague@example.com")
    shared = names["compile_job"]
    shared.modify_sharing(add_emails=["colleague@example.com"])
    return SimpleNamespace(**names, stranger=stranger, shared=shared)


@pytest.mark.parametrize("what", RAISED)
def test_quoted_error_is_what_is_raised(what: str, world: SimpleNamespace) -> None:
    page, call = RAISED[what]
    with pytest.raises((hub.Error, FileNotFoundError)) as caught:
        call(world)
    assert as_quoted(str(caught.value)) in text_of(page)


@pytest.mark.parametrize("what", FAILED)
def test_quoted_reason_is_what_the_job_says(what: str, world: SimpleNamespace) -> None:
    page, submit = FAILED[what]
    status = submit(world).wait(60)
    assert status.failure
    assert as_quoted(status.message or "") in text_of(page)


def test_quoted_notice_is_what_the_profile_job_says(world: SimpleNamespace) -> None:
    (notice,) = world.inference_job.notices
    assert f"{notice.severity} {notice.message}" in text_of("profile")


def test_quoted_notice_is_what_a_simulated_profile_says(world: SimpleNamespace) -> None:
    dlc = dlc_of("model.onnx", world.device)
    job = hub.submit_inference_job(dlc, world.device, options="--max_profiler_iterations 1")
    assert job.wait(60).success
    notice = job.notices[-1]
    assert f"{notice.severity} {notice.message}" in text_of("profile")


def test_quoted_notice_is_what_a_job_on_a_linked_graph_says(world: SimpleNamespace) -> None:
    large = dlc_of("model.onnx", world.device, "--qnn_options context_enable_graphs=large")
    dlc = dlc_of("model.onnx", world.device)
    link_job = hub.submit_link_job([dlc, large], world.device)
    options = "--qnn_options context_enable_graphs=large"
    job = hub.submit_inference_job(
        link_job.get_target_model(), world.device, {"x": [IMAGE]}, profile=False, options=options
    )
    assert job.wait(60).success
    assert job.notices[0].message in text_of("link")


def dlc_of(model: str, device: hub.Device, options: str = "") -> hub.Model:
    options = f"--target_runtime qnn_dlc {options}"
    made = hub.submit_compile_job(model, device, options=options).get_target_model()
    assert made is not None
    return made


def link_twins(dlc: hub.Model, device: hub.Device) -> hub.LinkJob:
    """Link a model with itself, under another identifier."""
    return hub.submit_link_job([dlc, hub.upload_model(dlc.download("twin"))], device)


def as_quoted(message: str) -> str:
    """A message with its identifiers cut as pages cut them, and usual places and ports."""
    message = message.replace(str(Path.home()), "~").replace("\\", "/")
    message = re.sub(r"(127\.0\.0\.1):\d+", r"\1:8642", message)
    message = re.sub(r"(`qai-hub serve) --port \d+", r"\1", message)
    named = re.sub(r"(?i)\b(job|model|dataset|project) ([jmdp])[a-z0-9]{8}\b", r"\1 \2…", message)
    return re.sub(r"\b([jmdp])(?=[a-z]*\d)[a-z0-9]{8}\b", r"\1…", named)


def text_of(page: str) -> str:
    return " ".join((DOCS / f"{page}.md").read_text("utf-8").replace("\\|", "|").split())
