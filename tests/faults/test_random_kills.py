"""Workers and hubs are killed at random moments: each job ends, and nothing is broken.

`make faults` kills 200 times; `FAULT_KILLS` and `FAULT_SEED` choose the number and the moments.
"""

import os
import random
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from support.execution_models import conv_net, samples
from support.hub_subprocess import TOKEN, HubSubprocess, is_running
from support.tiny_models import affine

from qai_hub.client import Client, ClientConfig, CompileJob, Device, Job, Model, QuantizeJob
from qai_hub.errors import Error

KILLS = int(os.environ.get("FAULT_KILLS", "5"))
SEED = int(os.environ.get("FAULT_SEED", "5"))
DEVICE = Device("Samsung Galaxy S24")
ONNX = "--target_runtime onnx"
# How a job may end whose worker, or whose hub, was killed more often than it is tried.
ENDS = {"SUCCESS", "RUNTIME_CRASH", "RUNTIME_FAILED_DEPENDENCY"}
_AHEAD = 4
_PATIENCE = 60

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc"),
    pytest.mark.timeout(120 + 6 * KILLS),
]


class Workload(threading.Thread):
    """Somebody who submits jobs of all kinds, one after the other, whatever happens to the hub."""

    def __init__(self, client: Client, seed: int) -> None:
        super().__init__(daemon=True)
        self.submitted: list[str] = []
        self.over = threading.Event()
        self._client = client
        self._random = random.Random(seed)
        self._number = 0

    def run(self) -> None:
        kinds = [self._compile, self._compile_again, self._quantize, self._run]
        while not self.over.is_set():
            # What a killed hub could not answer was not promised.
            with suppress(Error, TimeoutError):
                if self._pending() < _AHEAD:
                    self._random.choice(kinds)()
                    continue
            time.sleep(0.02)

    def has_succeeded(self, client: Client) -> bool:
        """Tell whether one of the latest jobs has."""
        return any(client.get_job(key).get_status().success for key in self.submitted[-10:])

    def _pending(self) -> int:
        return sum(
            not self._client.get_job(key).get_status().finished for key in self.submitted[-10:]
        )

    def _model(self) -> Model:
        self._number += 1
        return self._client.upload_model(affine(batch="n", shift=self._number), "affine")

    def _submit_compile(self, model: Model) -> CompileJob:
        job = self._client.submit_compile_job(model, DEVICE, "job", {"x": (2, 4)}, ONNX)
        self.submitted.append(job.job_id)
        return job

    def _compile(self) -> None:
        self._submit_compile(self._model())

    def _compile_again(self) -> None:
        """Compile the same as before, which the cache may serve."""
        self._submit_compile(self._client.upload_model(affine(batch="n"), "again"))

    def _run(self) -> None:
        """Profile, and run, a target model that may be yet to be made."""
        target = self._submit_compile(self._model()).get_target_model()
        data = {"x": [np.ones((2, 4), np.float32)] * 3}
        for inputs in (None, data):
            job = self._client.submit_inference_job(target, DEVICE, inputs, "job")
            self.submitted.append(job.job_id)

    def _quantize(self) -> None:
        data = {"x": samples(2, 1, 3, 16, 16)}
        job = self._client.submit_quantize_job(conv_net(), data, name="job")
        self.submitted.append(job.job_id)


@pytest.fixture
def danger(tmp_path: Path) -> HubSubprocess:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return HubSubprocess(tmp_path, port)


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def kill_worker(hub: HubSubprocess, chance: random.Random) -> None:
    until(lambda: any(True for _ in hub.iter_running_workers()), "no job runs")
    time.sleep(chance.uniform(0, 0.6))
    alive = sorted(filter(is_running, hub.iter_running_workers()))
    if not alive:
        kill_worker(hub, chance)
        return
    number = chance.choice([signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGABRT])
    with suppress(ProcessLookupError):
        os.kill(chance.choice(alive), number)


def kill_hub(hub: HubSubprocess, chance: random.Random) -> None:
    time.sleep(chance.uniform(0, 1.0))
    hub.stop(signal.SIGKILL)
    assert hub.damaged_files() == []
    hub.start()


def told(job: Job) -> str:
    """Check that a job tells how it has ended; return that."""
    status = job.get_status()
    assert status.finished, job.job_id
    kind = job.failure_type or "SUCCESS"
    assert kind in ENDS, (kind, status.message)
    if status.failure:
        assert status.message, job.job_id
    return kind


def test_every_job_ends_and_nothing_is_broken(
    danger: HubSubprocess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(SEED)
    kills: Counter[str] = Counter()
    with danger as hub, Client(ClientConfig(TOKEN, hub.url, hub.url)) as client:
        workload = Workload(client, SEED)
        workload.start()
        for _ in range(KILLS):
            kind = chance.choice(["worker", "hub"])
            kills[kind] += 1
            (kill_worker if kind == "worker" else kill_hub)(hub, chance)
        until(lambda: workload.has_succeeded(client), "no job succeeds after the last kill")
        workload.over.set()
        workload.join(_PATIENCE)
        assert not workload.is_alive()
        listed = list(client.iter_job_summaries())
        jobs = [client.get_job(summary.job_id) for summary in listed]
        assert {job.job_id for job in jobs} >= set(workload.submitted)
        for job in jobs:
            job.wait(_PATIENCE)
        jobs = [client.get_job(job.job_id) for job in jobs]
        ends = Counter(map(told, jobs))
        for job in jobs:
            assert all(Path(path).stat().st_size for path in job.download_job_logs(str(tmp_path)))
            if isinstance(job, CompileJob | QuantizeJob) and job.get_status().success:
                job.download_target_model(str(tmp_path / job.job_id))
        assert hub.stop(signal.SIGTERM) == 0
    assert hub.damaged_files() == []
    assert hub.orphaned_files() == []
    assert not any(map(is_running, hub.worker_pids))
    assert ends["SUCCESS"] > 0
    served = sum("cache" in notice.message for job in jobs for notice in job.notices)
    with capsys.disabled():
        found = f"{dict(kills)} killed, jobs ended {dict(ends)}, {served} from the cache"
        sys.stdout.write(f"\n{found}\n")
