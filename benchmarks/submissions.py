"""Measures the cost of durability: submissions per second with and without syncing to disk.

    python benchmarks/submissions.py [--threads 8] [--seconds 4] [--rounds 5] [--folder DIR]

Each hub is a separate process that runs no jobs meanwhile, and keeps its data in the folder. The
hub that syncs its commits and the one that does not take turns, so that other load on the machine
affects both.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from qai_hub.local import LocalHub
from qai_hub.local.engine.attempt import AttemptCancelled
from qai_hub.local.server import app as assembly

_TOKEN = "benchmark"  # noqa: S105 - of a hub that lives for seconds
_HEADERS = {"Authorization": f"token {_TOKEN}", "Content-Type": "application/json"}
_DEVICE = {"name": "Samsung Galaxy S24"}


def serve(folder: str, kind: str) -> None:
    """Runs a hub until its standard input ends, and prints its address."""
    if kind == "not synced":
        for name in ("Store", "FolderStore"):
            setattr(assembly, name, _unsynced(getattr(assembly, name)))

    def hold(*_: object, cancelled: object, **__: object) -> object:
        cancelled.wait()  # type: ignore[attr-defined]
        raise AttemptCancelled

    users = {"user@localhost": _TOKEN}
    with LocalHub(folder, users=users, max_parallel_jobs=1, run_attempt=hold) as running:  # type: ignore[arg-type]
        print(running.url, flush=True)
        sys.stdin.read()


def _unsynced(make: Callable[..., object]) -> Callable[..., object]:
    return lambda folder, **_: make(folder, durable=False)


def uploaded(url: str) -> str:
    """Uploads a model; returns its identifier."""
    with httpx.Client(base_url=f"{url}/api/v1/", headers=_HEADERS) as api:
        body = {"name": "net", "model_type": "MODEL_TYPE_ONNX"}
        key = str(api.post("models/", json=body).json()["id"])
        upload = api.get(f"models/{key}/multipart_upload/?file_size=5").json()["multipart_url"]
        tag = httpx.put(upload["urls"][0], content=b"model").headers["ETag"]
        end = {"upload_id": upload["upload_id"], "etags": [tag]}
        api.post(f"models/{key}/multipart_upload/", json=end).raise_for_status()
        return key


def rate(url: str, threads: int, seconds: float) -> float:
    """Submits jobs from several threads; returns the number of submissions per second."""
    job = {"model": {"model_id": uploaded(url)}, "devices": {"devices": [_DEVICE]}}
    body = json.dumps({"compile_job": job})
    end = time.perf_counter() + seconds

    def submit(_: int) -> int:
        connection, count = HTTPConnection(urlsplit(url).netloc, timeout=60), 0
        while time.perf_counter() < end:
            connection.request("POST", "/api/v1/jobs/", body, _HEADERS)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 201, answer.status
            count += 1
        connection.close()
        return count

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(submit, range(threads))) / seconds


def measured(folder: Path, kind: str, threads: int, seconds: float) -> float:
    """Starts a hub, and returns how many submissions per second it accepts."""
    with tempfile.TemporaryDirectory(dir=folder) as data:
        command = [sys.executable, __file__, "--serve", kind, "--folder", data]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            found = rate(process.stdout.readline().strip(), threads, seconds)
            process.stdin.close()
    return found


def sync_time(folder: Path) -> float:
    """Returns the median time that the disk takes to sync a page, in milliseconds."""
    times = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(100):
            file.write(b"0" * 4096)
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e3


def main() -> None:
    """Measures, and prints the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(str(options.folder / "data"), options.serve)
        return
    print(f"a sync takes {sync_time(options.folder):.2f} ms")
    rates: dict[str, list[float]] = {"synced": [], "not synced": []}
    for _ in range(options.rounds):
        for kind, found in rates.items():
            found.append(measured(options.folder, kind, options.threads, options.seconds))
    for kind, found in rates.items():
        print(f"{kind}: {statistics.median(found):.0f}/s (each round: {found})")
    pairs = zip(rates["synced"], rates["not synced"], strict=True)
    print(f"ratio: {statistics.median(one / other for one, other in pairs):.2f}")


if __name__ == "__main__":
    main()
