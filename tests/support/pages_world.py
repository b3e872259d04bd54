"""A hub with what its pages show, and people whose names mean harm."""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from qai_hub.local import LocalHub
from qai_hub.local.engine.attempt import (
    AttemptCancelled,
    AttemptOutcome,
    AttemptRequest,
    run_attempt,
)

ADA, BOB, EVE = "ada@example.com", "bob@example.com", "eve@example.com"
HARM = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"
RIGHT_TO_LEFT = "\N{RIGHT-TO-LEFT OVERRIDE}\N{HEBREW LETTER SHIN}\N{HEBREW LETTER LAMED}"
HOSTILE = f"{HARM} {RIGHT_TO_LEFT} \N{PILE OF POO} {'w' * 150}"
"""A name that runs, redirects, reverses and widens a page that is not careful."""

PAGES = (
    "/jobs/",
    "/jobs/?state=failed",
    "/jobs/change/?do=rename&job={compiled}&job={profiled}",
    "/jobs/change/?do=share&job={compiled}&job={profiled}",
    "/jobs/change/?do=cancel&job={compiled}",
    "/jobs/{compiled}/",
    "/jobs/{failed}/",
    "/jobs/{quantized}/",
    "/jobs/{profiled}/",
    "/jobs/{profiled}/trace/",
    "/jobs/{inferred}/",
    "/compare/?job={compiled}&job={profiled}",
    "/compare/?job={compiled}&job={profiled}&job={failed}&job={inferred}&job={quantized}",
    "/models/",
    "/models/{model}/",
    "/models/{target}/",
    "/models/{model}/delete/",
    "/datasets/",
    "/datasets/{dataset}/",
    "/devices/",
    "/devices/?name=<script>&htp=v75",
    "/devices/Samsung Galaxy S24 (Family)/",
    "/devices/Google Pixel 4/",
    "/health/",
    "/docs/",
    "/docs/listJobs/",
    "/docs/createJob/",
    "/docs/schemas/CompileJob/",
)
"""The pages that have to hold in each theme and width, without scripts, for a keyboard and for a
screen reader. Names in braces are those of a `World`'s jobs and data."""

PUBLIC_PAGES = ("/sign-in/",)
"""Likewise, for people who are not signed in."""


class Gate:
    """Carries out attempts as the hub does, once it is open."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()

    def __call__(
        self,
        request: AttemptRequest,
        folder: Path,
        *,
        time_limit: float,
        memory_limit: int | None,
        cancelled: threading.Event,
    ) -> AttemptOutcome:
        while not self.open.wait(0.01):
            if cancelled.is_set():
                raise AttemptCancelled
        return run_attempt(
            request,
            folder,
            time_limit=time_limit,
            memory_limit=memory_limit,
            cancelled=cancelled,
        )


@dataclass(frozen=True)
class World:
    """A hub with jobs of Ada's, one of which Bob may see.

    Attributes:
        hub: The hub.
        gate: Holds its jobs back.
        ids: Ids of jobs and data, by what they are.
        sessions: Cookies of browsers, by the address of who signed in.
    """

    hub: LocalHub
    gate: Gate
    ids: Mapping[str, str]
    sessions: dict[str, tuple[str, str]] = field(default_factory=dict)

    def url(self, path: str) -> str:
        """The URL of a page, whose path may name ids in braces."""
        return self.hub.url + path.format_map(self.ids)

    def sign_in_link(self, email: str) -> str:
        """A link that signs a browser in."""
        headers = {"Authorization": f"token {self.hub.token(email)}"}
        reply = httpx.post(f"{self.hub.url}/api/v1/users/auth/browser/", headers=headers)
        return str(reply.raise_for_status().json()["url"])

    def session(self, email: str) -> tuple[str, str]:
        """The name and the value of the cookie of a browser that somebody has signed in once."""
        if email not in self.sessions:
            self.sessions[email] = self._begin_session(email)
        return self.sessions[email]

    def _begin_session(self, email: str) -> tuple[str, str]:
        code = httpx.URL(self.sign_in_link(email)).params["code"]
        with httpx.Client(headers={"Origin": self.hub.url}) as browser:
            reply = browser.post(f"{self.hub.url}/sign-in/", data={"code": code, "to": "/"})
            assert reply.status_code == 303, reply.text
            ((name, value),) = browser.cookies.items()
        return name, value


@contextmanager
def pages_world(folder: Path) -> Iterator[World]:
    """Run a hub, with jobs that have ended in each way.

    Args:
        folder: Where models are written.
    """
    gate = Gate()
    model_file = folder / "model.onnx"
    onnx.save(hostile_model(), model_file)
    with LocalHub(users=[ADA, BOB, EVE], run_attempt=gate) as hub:
        client = hub.client(ADA)
        (device,) = client.get_devices("Samsung Galaxy S24")
        model = client.upload_model(str(model_file), name=HOSTILE)
        compiled = client.submit_compile_job(
            model, device, name=HOSTILE, options="--target_runtime onnx"
        )
        target = compiled.get_target_model()
        assert target is not None
        failed = client.submit_compile_job(
            model,
            device,
            name=f"Fails: {HOSTILE}",
            options="--target_runtime onnx --output_names <b>one</b>,<b>two</b>",
        )
        with pytest.deprecated_call():
            profiled = client.submit_profile_job(target, device, name=f"Profile: {HOSTILE}")
        inputs = {"x": [np.ones((1, 4), np.float32)]}
        dataset = client.upload_dataset(inputs, name=HOSTILE)
        inferred = client.submit_inference_job(target, device, dataset, name="shared")
        inferred.modify_sharing(add_emails=[BOB])
        quantized = client.submit_quantize_job(model, dataset, name=f"Quantize: {HOSTILE}")
        jobs = {"compiled": compiled, "failed": failed, "profiled": profiled, "inferred": inferred}
        jobs["quantized"] = quantized
        ended = {name: job.wait().success for name, job in jobs.items()}
        assert ended == {name: name != "failed" for name in jobs}, ended
        ids = {name: job.job_id for name, job in jobs.items()}
        ids |= {"model": model.model_id, "target": target.model_id, "dataset": dataset.dataset_id}
        yield World(hub, gate, ids)


def hostile_model() -> onnx.ModelProto:
    """A model of many layers, whose names mean harm."""
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])]
    kinds = ["Sigmoid", "Tanh", "Erf"] * 10
    values = ["x", *(f"v{place}" for place in range(1, len(kinds))), "y"]
    nodes = [
        helper.make_node(kind, [values[place]], [values[place + 1]], name=f"{place} {HARM}")
        for place, kind in enumerate(kinds)
    ]
    graph = helper.make_graph(nodes, HARM, inputs, outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def file_name(path: str) -> str:
    """A name for the file of what is seen at a path."""
    return re.sub(r"\W+", "-", path).strip("-") or "start"
