"""The same calls of the official command and of this one: exit statuses, what is printed and made.

What differs is in `DIFFERENCES`, and on the page of differences.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
from interop.official_calls import OfficialCall, official_calls
from support.fake_worker import FakeWorker
from support.tiny_models import affine

import qai_hub as hub
from qai_hub.config import save_config
from qai_hub.local import LocalHub
from qai_hub.local.engine.attempt import AttemptOutcome, AttemptRequest

PHONE = "Samsung Galaxy S24"
D = f"--device={PHONE}"
SPECS = ["--input_specs", "{'x': (2, 4)}"]
COMPILE = ["submit-compile-job", "--model", "MODEL", D, *SPECS]
INFER = ["submit-inference-job", "--model", "TARGET", D]
CLONE = ["submit-compile-job", "--clone", "COMPILED"]
AGAIN = ["submit-inference-job", "--clone", "RUN"]
LINK = ["submit-link-job", D]

SAME = {
    "no arguments": [],
    "no such verb": ["frobnicate"],
    "no such option": [*COMPILE, "--unknown"],
    "an option of another verb": ["list-frameworks", "--device", PHONE],
    "a surplus argument": ["list-frameworks", "more"],
    "an option without its value": ["submit-compile-job", "--model"],
    "no such format": ["list-devices", "--format", "json"],
    "a beginning of several options": [*COMPILE, "--de", "x"],
    "help": ["--help"],
    "help of a verb": ["submit-compile-job", "--help"],
    "devices": ["list-devices", D, "--device-os", "14"],
    "devices by attributes": [
        *("list-devices", "--device-attr", "vendor:samsung"),
        *("--device-attr=chipset:qualcomm-snapdragon-8gen3",),
    ],
    "details": ["list-devices", D, "--format", "details"],
    "no device": ["list-devices", "--device", "No Such Phone"],
    "frameworks": ["list-frameworks"],
    "frameworks as JSON": ["list-frameworks", "--json"],
    "verbose": ["--verbose", "list-frameworks", "--json"],
    "a profile": ["--profile", "colleague", "list-frameworks", "--json"],
    "no such profile": ["--profile", "absent", "list-frameworks"],
    "upload": ["upload-model", "--model", "MODEL", "--name", "a name"],
    "upload to no such project": ["upload-model", "--model", "MODEL", "--project", "pzzzzzzzz"],
    "upload of no file": ["upload-model", "--model", "absent.onnx"],
    "upload without a model": ["upload-model"],
    "compile": COMPILE,
    "compile a model on the hub": ["submit-compile-job", "--model", "SOURCE", D, *SPECS],
    "compile without a device": ["submit-compile-job", "--model", "MODEL", *SPECS],
    "compile for attributes": [
        *("submit-compile-job", "--model", "MODEL", *SPECS),
        *("--device-attr", "os:android", "--device-attr", "hexagon:v75"),
    ],
    "options after a space": [*COMPILE, "--compile_options", " --target_runtime onnx"],
    "options with a space inside": [*COMPILE, "--compile_options", "--target_runtime onnx"],
    "options after an equals sign": [*COMPILE, "--compile_options=--target_runtime=onnx"],
    "no options": [*COMPILE, "--compile_options", ""],
    "beginnings of options": [*COMPILE, "--compile_o", " --target_runtime onnx", "--na=short"],
    "beginning of --project": [*COMPILE, "--pro", "PROJECT"],
    "a name that is odd": [*COMPILE, "--name", "  -x\t\"quoted\" 'name' "],
    "an option twice": [*COMPILE, "--name", "first", "--name", "second"],
    "specs with a type": [*COMPILE[:-2], "--input_specs", "{'x': ((2, 4), 'float32')}"],
    "calibration data": [*COMPILE, "--calibration_data", "DATA"],
    "no calibration data": [*COMPILE, "--calibration_data", "none"],
    "no such calibration data": [*COMPILE, "--calibration_data", "dzzzzzzzz"],
    "clone": CLONE,
    "clone, overridden": [*CLONE, "--name", "other", "--compile_options", "", *SPECS],
    "clone on another device": [*CLONE, "--device", "Samsung Galaxy S23"],
    "clone with calibration data": [*CLONE, "--calibration_data", "DATA"],
    "clone of no job": ["submit-compile-job", "--clone", "jzzzzzzzz"],
    "clone of another type": ["submit-inference-job", "--clone", "COMPILED"],
    "no such phone": ["submit-compile-job", "--model", "MODEL", "--device", "No Such Phone"],
    "no such file": ["submit-compile-job", "--model", "absent.onnx", D],
    "no such model": ["submit-compile-job", "--model", "mzzzzzzzz", D],
    "wait": [*COMPILE, "--compile_options", " --target_runtime onnx", "--wait"],
    "infer": INFER,
    "infer on a dataset": [*INFER, "--inputs", "DATA", "--no-profiling", "--name", "run"],
    "infer, shortened": [*INFER, "--inp", "DATA", "--no-prof", "--inf", " --x 1"],
    "clone of a run": AGAIN,
    "clone of a run that profiles": [*AGAIN, "--profiling"],
    "profile": [
        *("submit-profile-job", "--model", "TARGET", D, "--profile_options", " --x 1"),
    ],
    "link": [*LINK, "--models", "a.dlc", "b.dlc", "--link_options", " --x 1", "--name", "linked"],
    "link, models first": ["submit-link-job", "--models", "a.dlc", "b.dlc", D],
    "link a model twice": [*LINK, "--models", "a.dlc", "a.dlc"],
    "compile and profile": [
        *("submit-compile-and-profile-jobs", "--model", "MODEL", D, *SPECS),
        *("--compile_options", " --target_runtime onnx", "--profile_options", " --x 1"),
    ],
}

# For each call, its exit status there and here.
DIFFERENCES: dict[str, tuple[list[str], int, int]] = {
    "--version": (["--version"], 2, 0),
    "wait for a job that fails": (["submit-compile-job", "--model", "BROKEN", D, "--wait"], 0, 1),
    "no model": (["submit-compile-job", D], 1, 2),
    "no models": (LINK, 1, 2),
    "specs that are none": ([*COMPILE[:-2], "--input_specs", "nonsense("], 1, 2),
    "specs as JSON": ([*COMPILE[:-2], "--input_specs", '{"x": [2, 4]}'], 1, 0),
    "an OS version alone": ([*CLONE, "--device-os", "14"], 1, 0),
    "a profile after the verb": (["list-frameworks", "--profile", "colleague"], 2, 0),
    "--profile for --profile_options": (
        ["submit-profile-job", "--model", "TARGET", D, "--profile", "--x 1"],
        *(0, 1),
    ),
    "--models twice": ([*LINK, "--models", "a.dlc", "--models", "a.dlc"], 0, 1),
}


class Ended(NamedTuple):
    """How a call has ended: its status, what it has made, and what it has printed."""

    status: int
    made: list[dict[str, Any]]
    out: str
    err: str


Call = Callable[[bool, list[str]], Ended]
OFFICIAL, OURS = True, False
BROKEN = b"no model"


@pytest.fixture(scope="module")
def lh() -> Iterator[LocalHub]:
    """A hub that runs nothing: what is compared is what the commands ask it for."""
    succeeding, failing = FakeWorker(), FakeWorker()
    failing.failures[""] = "The model is broken."

    def run_attempt(request: AttemptRequest, folder: Path, **limits: Any) -> AttemptOutcome:
        is_broken = request.model.path.read_bytes() == BROKEN
        return (failing if is_broken else succeeding)(request, folder, **limits)

    people = ["me@example.com", "colleague@example.com"]
    with LocalHub(users=people, run_attempt=run_attempt) as running:
        yield running


@pytest.fixture(scope="module")
def client(lh: LocalHub) -> hub.Client:
    return lh.client("me@example.com")


@pytest.fixture(scope="module")
def home(lh: LocalHub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    # That command prints nothing unless its configuration is verbose.
    save_config(replace(lh.config("me@example.com"), verbose=True), home=folder)
    save_config(lh.config("colleague@example.com"), "colleague", home=folder)
    onnx.save(affine(batch="n"), folder / "model.onnx")
    (folder / "broken.onnx").write_bytes(BROKEN)
    for name in ("a", "b"):
        (folder / f"{name}.dlc").write_bytes(name.encode())
    return folder


@pytest.fixture(scope="module")
def meant(client: hub.Client) -> dict[str, str]:
    """What stands for the words in capitals."""
    device = hub.Device(PHONE)
    onnx_only = "--target_runtime onnx"
    compiled = client.submit_compile_job(affine(), device, "compiled", options=onnx_only)
    data = client.upload_dataset({"x": [np.ones((1, 4), np.float32)]}, "data")
    target = compiled.get_target_model()
    assert target is not None
    run = client.submit_inference_job(target, device, data, "run", profile=False)
    assert run.wait(60).success
    assert compiled.project_id
    return {
        "MODEL": "model.onnx",
        "BROKEN": "broken.onnx",
        "SOURCE": client.upload_model(affine(batch="n")).model_id,
        "TARGET": target.model_id,
        "COMPILED": compiled.job_id,
        "RUN": run.job_id,
        "DATA": data.dataset_id,
        "PROJECT": compiled.project_id,
    }


@pytest.fixture(scope="module")
def official() -> Iterator[OfficialCall]:
    with official_calls() as call:
        yield call


@pytest.fixture(scope="module")
def call(client: hub.Client, home: Path, meant: dict[str, str], official: OfficialCall) -> Call:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "USERPROFILE": str(home)}

    def ours(arguments: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "qai_hub", *arguments],
            cwd=home,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    def call(is_official: bool, arguments: list[str]) -> Ended:
        before = {summary.job_id for summary in client.get_job_summaries(limit=3)}
        given = [meant.get(argument, argument) for argument in arguments]
        done = official(given, home, environment) if is_official else ours(given)
        jobs = [
            client.get_job(summary.job_id)
            for summary in client.get_job_summaries(limit=2)
            if summary.job_id not in before
        ]
        assert all(job.job_id in done.stdout and job.url in done.stdout for job in jobs)
        return Ended(done.returncode, [describe(job) for job in jobs], done.stdout, done.stderr)

    return call


def describe(job: hub.client.Job) -> dict[str, Any]:
    """Returns what a job was submitted with."""
    described: dict[str, Any] = {"name": job.name, "options": job.options.strip()}
    for name in ("device", "shapes", "profiling"):
        described[name] = getattr(job, name, None)
    for name in ("calibration_dataset", "inputs"):
        described[name] = getattr(getattr(job, name, None), "dataset_id", None)
    return described | {
        "type": type(job).__name__,
        "models": [model.name for model in getattr(job, "models", [])],
    }


@pytest.mark.parametrize("arguments", SAME.values(), ids=SAME)
def test_what_is_the_same(call: Call, arguments: list[str]) -> None:
    there, here = call(OFFICIAL, arguments), call(OURS, arguments)
    assert here.status == there.status, (here.err, there.err)
    assert here.made == there.made
    assert bool(here.out) == (here.status == 0 and arguments != SAME["no device"])
    submits = arguments[:1] and arguments[0].startswith("submit-") and "--help" not in arguments
    assert bool(here.made) == bool(here.status == 0 and submits)
    assert len(here.err.splitlines()) <= 2 or here.status == 0
    if "--json" in arguments:
        assert json.loads(here.out) == json.loads(there.out)


@pytest.mark.parametrize(("arguments", "there", "here"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_what_differs(call: Call, arguments: list[str], there: int, here: int) -> None:
    assert call(OFFICIAL, arguments).status == there
    assert call(OURS, arguments).status == here


def test_names_by_which_scripts_find_an_upload(call: Call) -> None:
    found = [
        set(re.findall(r"^(\w+) +: (?!\s*$)", call(command, SAME["upload"]).out, re.MULTILINE))
        for command in (OFFICIAL, OURS)
    ]
    assert {"model_id", "url", "name", "model_type", "date"} <= found[0] & found[1]
