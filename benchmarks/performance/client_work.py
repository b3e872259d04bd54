"""What the installed client does in a benchmark, ours or the official one.

    python client_work.py TASK URL TOKEN ARGUMENTS…

Prints what it measured, as JSON: seconds of wall clock and of processor time, memory in MiB beyond
what the import took. It uses only names that both clients have.
"""

import json
import os
import resource
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Figures = dict[str, float]


def connect(url: str, token: str) -> Any:  # noqa: ANN401 - of either client
    """Returns a client of a hub."""
    import qai_hub as hub

    config = hub.ClientConfig(api_token=token, api_url=url, web_url=url, verbose=False)
    return hub.Client(config=config)


def timed(call: Callable[[], object]) -> Figures:
    """Returns what a call takes."""
    before = _peak_memory(reset=True)
    began, began_cpu = time.perf_counter(), time.process_time()
    call()
    return {
        "wall": time.perf_counter() - began,
        "cpu": time.process_time() - began_cpu,
        "memory": _peak_memory() - before,
    }


def _peak_memory(*, reset: bool = False) -> float:
    if reset:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def upload(url: str, token: str, path: str) -> Figures:
    """Uploads a model file."""
    client = connect(url, token)
    client.get_devices()
    return timed(lambda: client.upload_model(path))


def download(url: str, token: str, model_id: str, path: str) -> Figures:
    """Downloads a model."""
    client = connect(url, token)
    model = client.get_model(model_id)
    return timed(lambda: model.download(path))


def upload_dataset(url: str, token: str, mebibytes: str) -> Figures:
    """Uploads samples of random floats, 1 MiB each."""
    client = connect(url, token)
    client.get_devices()
    random = np.random.default_rng(0)
    shape = (1, 512, 512)
    samples = [random.standard_normal(shape, dtype=np.float32) for _ in range(int(mebibytes))]
    return timed(lambda: client.upload_dataset({"x": samples}))


def submit(url: str, token: str, model_id: str, count: str) -> Figures:
    """Submits jobs for a model that is on the hub; returns what one takes."""
    client = connect(url, token)
    model = client.get_model(model_id)
    device = client.get_devices()[0]
    times = []
    for _ in range(int(count)):
        began = time.perf_counter()
        client.submit_compile_job(model, device, options="--target_runtime onnx")
        times.append(time.perf_counter() - began)
    return {"wall": statistics.median(times)}


def wait_late(url: str, token: str, model_id: str, count: str) -> Figures:
    """Waits for jobs one by one; returns how long after a job's end `wait` returns."""
    client = connect(url, token)
    model = client.get_model(model_id)
    device = client.get_devices()[0]
    late = []
    for _ in range(int(count)):
        job = client.submit_compile_job(model, device, options="--target_runtime onnx")
        job.wait()
        late.append(time.time() - _end_of(url, token, job.job_id))
    return {"late": statistics.median(late)}


def _end_of(url: str, token: str, job_id: str) -> float:
    """Returns when a job has ended, as the hub tells, in seconds since the epoch."""
    from datetime import datetime
    from urllib.request import Request, urlopen

    request = Request(  # noqa: S310 - a hub on this machine
        f"{url}/api/v1/jobs/{job_id}/",
        headers={"Authorization": f"token {token}", "Accept": "application/json"},
    )
    with urlopen(request) as response:  # noqa: S310
        found = json.load(response)["compile_job"]
    return datetime.fromisoformat(found["completion_time"]).timestamp()


def wait_many(url: str, token: str, model_id: str, count: str) -> Figures:
    """Waits for many jobs at once; returns how long after the last end the waiting ends."""
    import qai_hub as hub

    client = connect(url, token)
    model = client.get_model(model_id)
    device = client.get_devices()[0]
    jobs = [
        client.submit_compile_job(model, device, options="--target_runtime onnx")
        for _ in range(int(count))
    ]
    if hasattr(hub, "wait_all"):
        hub.wait_all(jobs)
    else:
        threads = [threading.Thread(target=job.wait) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    now = time.time()
    return {"late": now - max(_end_of(url, token, job.job_id) for job in jobs)}


def run_small(url: str, token: str, model_id: str, options: str, count: str) -> Figures:
    """Compiles a small model again and again; returns the time from submit to the end of `wait`."""
    client = connect(url, token)
    model = client.get_model(model_id)
    device = _phone(client)
    times = []
    for _ in range(int(count) + 1):
        began = time.perf_counter()
        job = client.submit_compile_job(model, device, options=options)
        assert job.wait().success, job.get_status()
        times.append(time.perf_counter() - began)
    return {"wall": statistics.median(times[1:])}


def compile_once(url: str, token: str, model_id: str, options: str) -> Figures:
    """Compiles a model once; returns the time from submit to the end of `wait`."""
    client = connect(url, token)
    model, device = client.get_model(model_id), _phone(client)
    began = time.perf_counter()
    job = client.submit_compile_job(model, device, options=options)
    assert job.wait().success, job.get_status()
    return {"wall": time.perf_counter() - began}


def infer_small(url: str, token: str, model_id: str, count: str) -> Figures:
    """Runs a small target model again and again; returns the time from submit to `wait`'s end."""
    client = connect(url, token)
    device = _phone(client)
    model = client.submit_compile_job(
        client.get_model(model_id), device, options="--target_runtime onnx"
    ).get_target_model()
    data = client.upload_dataset({"x": [np.zeros((1, 3, 16, 16), np.float32)]})
    times = []
    for _ in range(int(count) + 1):
        began = time.perf_counter()
        job = client.submit_inference_job(model, device, data)
        assert job.wait().success, job.get_status()
        times.append(time.perf_counter() - began)
    return {"wall": statistics.median(times[1:])}


def run_flood(url: str, token: str, model_id: str, count: str) -> Figures:
    """Submits many small jobs at once; returns how many of them end in a second."""
    client = connect(url, token)
    model = client.get_model(model_id)
    device = _phone(client)
    client.submit_compile_job(model, device, options="--target_runtime onnx").wait()
    began = time.perf_counter()
    jobs = [
        client.submit_compile_job(model, device, options="--target_runtime onnx")
        for _ in range(int(count))
    ]
    for job in jobs:
        assert job.wait().success
    return {"rate": len(jobs) / (time.perf_counter() - began)}


def _phone(client: Any) -> Any:  # noqa: ANN401 - of either client
    return client.get_devices("Samsung Galaxy S24")[0]


TASKS: dict[str, Callable[..., Figures]] = {
    "upload": upload,
    "download": download,
    "upload_dataset": upload_dataset,
    "submit": submit,
    "wait_late": wait_late,
    "wait_many": wait_many,
    "run_small": run_small,
    "compile_once": compile_once,
    "infer_small": infer_small,
    "run_flood": run_flood,
}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ.setdefault("QAIHUB_PROGRESS", "off")
    print(json.dumps(TASKS[sys.argv[1]](*sys.argv[2:])))
