"""Answers that are odd in any way: an error of this package, or no more than the oddity."""

import contextlib
import copy
import functools
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.scripted_server import Reply, Request, ScriptedServer

import qai_hub as hub
from qai_hub.client import Client, ClientConfig, Job
from qai_hub.wire import encode

TIME = "2026-01-02T03:04:05Z"
USER = {"id": 1, "email": "a@example.com", "first_name": "A", "last_name": "B"}
COMMON: dict[str, Any] = {
    "user_id": 1,
    "user": USER,
    "name": "n",
    "options": "--x",
    "job_state": "JOB_STATE_DONE",
    **{f"{key}_time": TIME for key in ("creation", "queued", "start", "completion")},
    "failure_reason": "",
    "project_id": "p1",
}
TENSORS = {
    "types": [
        {"name": "x", "tensor_type": {"shape": [1, 4], "dtype": "TENSOR_DTYPE_FLOAT32"}},
        {"name": "y", "tensor_type": {"shape": [1], "dtype": "TENSOR_DTYPE_INT8", "scale": 0.5}},
    ]
}
MODEL: dict[str, Any] = {
    "model_id": "m1",
    "name": "n",
    "creation_time": TIME,
    "model_type": "MODEL_TYPE_ONNX",
    "metadata": {"entries": {"1": "2.3"}},
    "input_spec": TENSORS,
    "producer_id": "j1",
}
DATASET = {"dataset_id": "d1", "name": "n", "creation_time": TIME, "expiration_time": TIME}
DEVICE = {"name": "D", "os": "14", "attributes": ["a:b"], "soc_description": ""}
PARTICULARS: dict[str, dict[str, Any]] = {
    "compile_job": {"device": DEVICE, "devices": {"devices": [DEVICE]}, "target_model": MODEL},
    "inference_job": {"device": DEVICE, "dataset": DATASET, "is_profiling_on": True},
    "profile_job": {"device": DEVICE},
    "quantize_job": {"weights_dtype": "QUANTIZE_DTYPE_INT8", "calibration_dataset": DATASET},
    "link_job": {"models": {"models": [MODEL]}, "device": DEVICE},
}
AROUND: dict[str, Any] = {
    "hub_version": "1",
    "notices": [{"severity": "INFO", "context": "MODEL", "message": "text"}],
    "failure_type": "JOB_FAILURE_TYPE_SUCCESS",
    "available_artifacts": ["JOB_ARTIFACT_TYPE_HUB_LOG"],
}
JOBS: list[dict[str, Any]] = [
    {
        kind: {**COMMON, "model": MODEL, "tensor_type_list": TENSORS, **more, f"{kind}_id": "j1"},
        **AROUND,
    }
    for kind, more in PARTICULARS.items()
]
SUMMARIES: list[dict[str, Any]] = [
    {f"{kind}_summary": {**COMMON, "job_id": f"j{index}", "device_name": "D", "execution_time": 5}}
    for index, kind in enumerate(PARTICULARS)
]
PHASE = {"increase": {"lower": 1, "upper": 2}, "peak": {"lower": 1, "upper": 2}}
PROFILE = {
    "major_version": 1,
    "minor_version": 2,
    "execution_time": 5,
    "all_execution_times": [5, 6],
    "execution_memory": PHASE,
    "layer_details": [{"name": "l", "compute_unit": "COMPUTE_UNIT_CPU", "execution_time": 1}],
    "tool_versions": [{"name": "t", "version": "1"}],
    "runtime_config": [{"name": "r", "properties": [{"key": "k", "value": "v"}]}],
}
RESULT = {"inference_job_result": {"inference_job_id": "j1", "detail": PROFILE}}
LINK = {"url": "http://127.0.0.1:1/x", "filename": "net.onnx"}

# For each message of an answer what it may be, and what the paths that it answers end with.
ANSWERS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "Job": (r"jobs/j1/", JOBS),
    "JobList": ("jobs/", [{"jobs": JOBS, "total_query_count": 5}]),
    "JobSummaryList": ("job_summaries/", [{"job_summaries": SUMMARIES, "total_query_count": 5}]),
    "Model": ("models/m1/", [MODEL]),
    "ModelList": ("models/", [{"models": [MODEL, MODEL], "total_query_count": 2}]),
    "Dataset": ("datasets/d1/", [DATASET]),
    "DatasetList": ("datasets/", [{"datasets": [DATASET], "total_query_count": 1}]),
    "DeviceList": ("devices/", [{"devices": [DEVICE], "total_query_count": 1}]),
    "FrameworkList": ("frameworks/", [{"frameworks": [{"name": "onnx", "api_tags": ["latest"]}]}]),
    "SharedAccess": ("shared_access/", [{"email": ["a@example.com"]}]),
    "JobResult": ("result/", [RESULT]),
    "FileDownloadResponse": ("download/", [{"url": LINK}]),
    "NamedArtifactDownloadURLList": ("5/", [{"artifacts": [{**LINK, "artifact_name": "a"}]}]),
    "CreateUpdateResponse": ("", [{"id": "j1", "status": "", "creation_time": TIME}]),
}
ODD: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        1.5,
        2**63,
        10**30,
        float("nan"),
        float("inf"),
        "",
        "..",
        "x" * 3000,
    ),
    *("../../etc/passwd", "\ud800", "\x1b[31m", "\u202e", "é", "0001-01-01T00:00:00Z", "NaN"),
    *("9999-12-31T23:59:59-14:00", "file:///etc/passwd", [], {}, [None], [[]], [{}], {"": None}),
    *({"x": {"x": []}}, ["a", 5, None, {}], "JOB_STATE_NEW", 77, "2026-01-02T03:04:05Z"),
]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each container of a value with each key of it."""
    keys = range(len(value)) if isinstance(value, list) else list(value)
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])


def spoilt(value: dict[str, Any], seed: int) -> dict[str, Any]:
    """A copy of a value, odd in one to three places."""
    rng = random.Random(seed)
    changed = copy.deepcopy(value)
    for _ in range(rng.randint(1, 3)):
        found = list(places(changed))
        if found:
            holder, key = rng.choice(found)
            if rng.random() < 0.2:
                del holder[key]
            else:
                holder[key] = copy.deepcopy(rng.choice(ODD))
    return changed


class World:
    """A server each of whose answers is spoilt by a seed, and clients of it on both wires."""

    def __init__(self) -> None:
        self.server = ScriptedServer(self.answer)
        self.seed = 0

    def body(self, path: str, wire: str) -> bytes:
        rng = random.Random(f"{self.seed} {path}")
        message, values = next(
            (m, each) for m, (end, each) in ANSWERS.items() if path.endswith(end)
        )
        value = rng.choice(values)
        if wire == "json":
            return json.dumps(spoilt(value, rng.randrange(2**30))).encode()
        content = bytearray(encode(f"qai_hub.api.{message}", value))
        for _ in range(rng.randint(0, 3)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        return bytes(content[: rng.choice([None, rng.randrange(len(content))])])

    def answer(self, request: Request) -> Reply:
        wire = "protobuf" if "protobuf" in request.headers.get("content-type", "") else "json"
        kind = "application/json" if wire == "json" else "application/x-protobuf"
        return Reply(200, self.body(request.path, wire), {"Content-Type": kind})


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        # What cannot be read is not asked for again: the second answer would be the same.
        patch.setattr("qai_hub.transport.parsing_session.UNUSABLE_RESPONSE_ATTEMPTS", 1)
        made = World()
        with made.server:
            yield made


def look_at(thing: Any) -> None:
    """Reads all that a thing shows without a request."""
    repr(thing), str(thing)
    for name in dir(thing):
        if not name.startswith("_") and not callable(getattr(type(thing), name, None)):
            with contextlib.suppress(hub.Error, TimeoutError):
                if name not in (
                    "metadata",
                    "input_spec",
                    "output_spec",
                    "producer",
                    "target_shapes",
                ):
                    getattr(thing, name)


def look_at_all(listing: Callable[[], list[Any]]) -> None:
    for one in listing():
        look_at(one)


def of_job(job: Job) -> list[Callable[[], object]]:
    calls: list[Callable[[], object]] = [job.get_status, job.get_sharing]
    status = job.wait(0)
    repr(status), str(status), hash(status)
    calls += [job.get_available_artifacts, job.get_tool_versions, job._repr_html_]
    if isinstance(job, hub.InferenceJob):
        calls += [job.get_profile, lambda: repr(job.get_profile()), job.download_profile]
    for name in ("get_psnr", "get_target_model"):
        if hasattr(job, name) and status.success:
            calls.append(getattr(job, name))
    return calls


def everything(client: Client) -> Iterator[Callable[[], object]]:
    """Each call that asks for something, and what can be asked of that."""
    for listing in (
        *(client.get_models, client.get_datasets, client.get_job_summaries, client.get_devices),
        *(client.get_frameworks, client.get_device_attributes),
        lambda: list(client.iter_jobs()),
        lambda: [client.get_model("m1")],
        lambda: [client.get_dataset("d1")],
    ):
        yield functools.partial(look_at_all, listing)
    yield lambda: look_at(client.get_job("j1"))
    yield lambda: client.get_model("m1").get_sharing()
    with contextlib.suppress(hub.Error, TimeoutError):
        yield from of_job(client.get_job("j1"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("wire", ["json", "protobuf"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**40))
def test_only_errors_of_this_package_come_out(world: World, wire: Any, seed: int) -> None:
    world.seed = seed
    config = ClientConfig("token", world.server.url, world.server.url, wire=wire)
    for call in everything(Client(config)):
        with contextlib.suppress(hub.Error, TimeoutError):
            call()


@pytest.mark.parametrize("wire", ["json", "protobuf"])
def test_what_is_not_spoilt_is_read(world: World, wire: Any) -> None:
    """So that the test above does not pass because nothing can be read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(World, "body", lambda _, path, wire: whole(path, wire))
        config = ClientConfig("token", world.server.url, world.server.url, wire=wire)
        for call in everything(Client(config)):
            call()


def whole(path: str, wire: str) -> bytes:
    message, value = next((m, v[0]) for m, (end, v) in ANSWERS.items() if path.endswith(end))
    if wire == "json":
        return json.dumps(value).encode()
    return encode(f"qai_hub.api.{message}", value)


def test_one_odd_member_costs_nothing_else(world: World) -> None:
    """Whatever stands in place of one summary, the others are there."""
    config = ClientConfig("token", world.server.url, world.server.url)
    client = Client(config)
    for odd in ODD:
        for listed in ([odd], [{"compile_job_summary": odd}], [{"new_job_summary": odd}]):
            told = {"job_summaries": [SUMMARIES[0], *listed, SUMMARIES[2]], "total_query_count": 3}
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(World, "body", lambda *_, told=told: json.dumps(told).encode())
                found = [one.job_id for one in client.get_job_summaries(limit=3)]
            assert found == ["j0", "j2"]
