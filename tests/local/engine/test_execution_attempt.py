import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.execution_models import (
    attempt,
    chosen_workers,
    compile_request,
    dataset,
    endless_model,
    has_exited,
    huge_model,
    linear_model,
    linear_result,
    read_dataset,
    run_request,
    saved,
    spec,
    warm_workers,
)

from qai_hub.local.engine.attempt import (
    AttemptCancelled,
    AttemptOutcome,
    AttemptRequest,
    InputModel,
    TensorSpec,
)
from qai_hub.local.engine.failures import hide_folders
from qai_hub.local.engine.protocol import Soc
from qai_hub.local.engine.worker import OOM_SCORE_FILE
from qai_hub.local.engine.workers import ColdWorkers, make_workers

LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S.*")
RUNNING = "Running the model"

SPECS = st.builds(
    TensorSpec,
    name=st.text(),
    shape=st.lists(st.integers()).map(tuple),
    dtype=st.sampled_from(["float32", "int64"]),
)
INPUTS = st.builds(
    InputModel,
    path=st.just(Path("/data/m1")),
    model_type=st.sampled_from(["MODEL_TYPE_ONNX", "MODEL_TYPE_QNN_DLC"]),
    provenance=st.none() | st.dictionaries(st.text(), st.text() | st.lists(st.integers())),
    source=st.none() | st.just(Path("/data/s1")),
)
SOC = Soc(name="chip", soc_model=57, hexagon=75, fp16=True, weight_sharing=True)


def wait_for_log(log: Path, text: str) -> int:
    """Wait until a log holds a text; return the number of the worker's process."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        content = log.read_text() if log.exists() else ""
        found = re.search(r"Process (\d+) started", content)
        if found and text in content:
            return int(found[1])
        time.sleep(0.01)
    raise AssertionError(f"{text!r} does not appear in the log")


@pytest.fixture(autouse=True, params=["warm", "cold"])
def workers(request: pytest.FixtureRequest) -> Iterator[str]:
    with chosen_workers(warm_workers() if request.param == "warm" else ColdWorkers()):
        yield request.param


@contextmanager
def endless_attempt(
    folder: Path, cancelled: threading.Event | None = None
) -> Iterator[tuple[int, Future[AttemptOutcome]]]:
    """An attempt that is busy running a model without end, and its process."""
    request = compile_request(saved(endless_model(), folder))
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(attempt, request, folder / "a", time_limit=30, cancelled=cancelled)
        yield wait_for_log(folder / "a" / "hub.log", RUNNING), future


@settings(deadline=None)
@given(
    specs=st.lists(SPECS).map(tuple),
    inputs=st.lists(INPUTS, min_size=1).map(tuple),
    soc=st.none() | st.just(SOC),
    others=st.lists(st.just(SOC)).map(tuple),
    options=st.text(),
    dataset=st.none() | st.just(Path("/data/d1")),
    profile=st.booleans(),
)
def test_a_request_survives_json(
    specs: tuple[TensorSpec, ...],
    inputs: tuple[InputModel, ...],
    soc: Soc | None,
    others: tuple[Soc, ...],
    options: str,
    dataset: Path | None,
    profile: bool,
) -> None:
    request = AttemptRequest(
        kind="compile",
        inputs=inputs,
        soc=soc,
        other_socs=others,
        options=options,
        input_specs=specs,
        dataset=dataset,
        profile=profile,
    )

    assert AttemptRequest.from_json(request.to_json()) == request


def test_compile_then_run_then_profile(tmp_path: Path) -> None:
    model = saved(linear_model("N"), tmp_path)

    compiled = attempt(compile_request(model, spec("x", [2, 3])), tmp_path / "compile")

    assert (compiled.succeeded, compiled.reason) == (True, "")
    assert compiled.failure_type == "JOB_FAILURE_TYPE_SUCCESS"
    target = compiled.files["target_model"]
    assert target.parent == tmp_path / "compile"

    x = np.ones((2, 3), np.float32)
    ran = attempt(run_request(target, dataset(tmp_path / "d", {"x": [x]})), tmp_path / "run")

    (y,) = read_dataset(ran.files["output_data"])["y"]
    np.testing.assert_allclose(y, linear_result(x), rtol=1e-5)

    profiled = attempt(run_request(target, profile=True), tmp_path / "profile")

    assert len(profiled.result["profile"]["all_execution_times"]) == 100
    assert profiled.result["profile"]["execution_memory"]["peak"]["lower"] > 2**20
    assert profiled.files.keys() == {"profile_trace", "runtime_log"}
    told = profiled.files["runtime_log"].read_text()
    assert "INFO Measuring up to 100 inferences" in told
    assert "Attempt started" not in told


def test_the_folder_holds_the_log_the_files_and_little_else(tmp_path: Path) -> None:
    outcome = attempt(compile_request(saved(linear_model(), tmp_path)), tmp_path / "a")

    names = {path.name for path in (tmp_path / "a").iterdir()}
    assert names == {"hub.log", "request.json", "result.json", "target_model.onnx"}
    lines = outcome.log.read_text().splitlines()
    assert [line for line in lines if not LOG_LINE.fullmatch(line)] == []
    assert "Attempt started: compile, options '--target_runtime onnx'" in lines[0]
    assert "JOB_FAILURE_TYPE_SUCCESS" in lines[-1]


def test_paths_may_be_relative_to_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    saved(linear_model(), Path())
    dataset(Path("d"), {"x": [np.ones((2, 3), np.float32)]})

    outcome = attempt(run_request(Path("m1"), Path("d")), Path("a"))

    assert outcome.files == {
        "output_data": tmp_path / "a" / "output_data.h5",
        "runtime_log": tmp_path / "a" / "runtime.log",
    }


def test_a_failed_job_is_an_outcome_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"no model")

    outcome = attempt(compile_request(tmp_path / "m"), tmp_path / "a")

    assert not outcome.succeeded
    assert outcome.failure_type == "JOB_FAILURE_TYPE_MODEL_CORRUPT"
    assert "damaged" in outcome.reason
    assert (outcome.result, outcome.files) == ({}, {})
    assert outcome.reason in outcome.log.read_text()


def test_cancelling_ends_the_worker_whose_environment_held_no_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    monkeypatch.setenv("QAIHUB_API_TOKEN", "hidden-1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden-2")
    monkeypatch.setenv("QAI_HUB_LOCAL_USERS", "ada@example.com=hidden-3")
    monkeypatch.setenv("LC_TIME", "C.UTF-8")
    own = make_workers(warm=workers == "warm")
    cancelled = threading.Event()
    with (
        closing(own),
        chosen_workers(own),
        endless_attempt(tmp_path, cancelled) as (pid, future),
    ):
        entries = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
        started = time.monotonic()
        cancelled.set()
        with pytest.raises(AttemptCancelled):
            future.result(timeout=30)

    assert time.monotonic() - started < 20
    assert has_exited(pid)
    assert "hidden" not in "".join(entries)
    environment = dict(entry.split("=", 1) for entry in entries if entry)
    assert {name for name in environment if "TOKEN" in name or "SECRET" in name} == set()
    # Linux tells the environment that a process was started with.
    if workers == "cold":
        assert environment["TMPDIR"] == str(tmp_path / "a")
    assert environment["LC_TIME"] == "C.UTF-8"
    assert environment["ORT_DISABLE_TELEMETRY"] == "1"
    assert "cancelled" in (tmp_path / "a" / "hub.log").read_text()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_crash_names_the_signal(tmp_path: Path, number: signal.Signals) -> None:
    with endless_attempt(tmp_path) as (pid, future):
        os.kill(pid, number)
        outcome = future.result(timeout=10)

    assert outcome.failure_type == "JOB_FAILURE_TYPE_RUNTIME_CRASH"
    assert f"killed by {number.name}" in outcome.reason
    assert RUNNING in outcome.log.read_text()
    assert ("memory runs out" in outcome.reason) == (number is signal.SIGKILL)
    assert "while comparing the optimised model with the original" in outcome.reason
    assert "\n" not in outcome.reason
    assert ("Segmentation fault" in outcome.log.read_text()) == (number is signal.SIGSEGV)


def test_an_exception_that_nobody_foresaw_is_for_the_log(tmp_path: Path) -> None:
    outcome = attempt(compile_request(tmp_path / "no such file"), tmp_path / "a")

    assert outcome.failure_type == "JOB_FAILURE_TYPE_INTERNAL_UNKNOWN"
    assert outcome.reason == (
        "The hub failed while opening the model, for a reason that it does not know. The hub's log "
        "of the job has more."
    )
    assert "FileNotFoundError" in outcome.log.read_text()


def test_a_process_that_ends_before_its_first_step(tmp_path: Path) -> None:
    request = compile_request(saved(linear_model(), tmp_path))
    (tmp_path / "a").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AttemptRequest, "to_json", lambda _self: "no request")
        outcome = attempt(request, tmp_path / "a")

    assert outcome.failure_type == "JOB_FAILURE_TYPE_RUNTIME_CRASH"
    assert outcome.reason == (
        "The job's process ended with exit status 1 and no result while starting. The hub's log of "
        "the job has more."
    )
    assert "Traceback" in outcome.log.read_text()


def test_paths_of_this_machine_stay_out_of_reasons() -> None:
    reason = "cannot read /data/jobs/a/work/m.onnx, /data/models/m1 and /usr/lib/x.py"
    folders = ["/data/jobs/a", "/data/jobs", "/data/models/", "/", "", "relative", "/usr/lib"]
    assert hide_folders(reason, folders) == "cannot read work/m.onnx, m1 and x.py"


def test_the_time_limit(tmp_path: Path) -> None:
    request = compile_request(saved(endless_model(), tmp_path))
    started = time.monotonic()

    outcome = attempt(request, tmp_path / "a", time_limit=0.7)

    assert 0.7 <= time.monotonic() - started < 30
    assert outcome.failure_type == "JOB_FAILURE_TYPE_RUNTIME_TIMEOUT"
    assert "timed out" in outcome.reason
    assert "0.7 s" in outcome.reason
    assert has_exited(wait_for_log(outcome.log, ""))


@pytest.mark.skipif(not OOM_SCORE_FILE.exists(), reason="needs Linux's OOM killer")
def test_the_kernel_takes_the_worker_first_where_memory_runs_out(tmp_path: Path) -> None:
    cancelled = threading.Event()
    with endless_attempt(tmp_path, cancelled) as (pid, future):
        score = Path(f"/proc/{pid}/oom_score_adj").read_text()
        cancelled.set()
        with pytest.raises(AttemptCancelled):
            future.result(timeout=10)

    assert int(score) == 1000


@pytest.mark.parametrize("limit", [2**30, 150 * 2**20], ids=["in the model", "at the start"])
def test_the_memory_limit(tmp_path: Path, limit: int) -> None:
    request = compile_request(saved(huge_model(10**9), tmp_path))

    outcome = attempt(request, tmp_path / "a", memory_limit=limit)

    assert outcome.failure_type == "JOB_FAILURE_TYPE_RUNTIME_OUT_OF_MEMORY"
    assert f"{limit // 2**20} MiB" in outcome.reason


def test_inputs_beyond_the_memory_limit(tmp_path: Path) -> None:
    model = saved(linear_model("N"), tmp_path)

    outcome = attempt(
        compile_request(model, spec("x", [10**9, 3])), tmp_path / "a", memory_limit=2**30
    )

    assert outcome.failure_type == "JOB_FAILURE_TYPE_RUNTIME_OUT_OF_MEMORY"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("name", ["request.json", "output_data.h5", "result.json.partial"])
def test_a_full_disk(tmp_path: Path, name: str) -> None:
    data = dataset(tmp_path / "d", {"x": [np.ones((2, 3), np.float32)]})
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / name).symlink_to("/dev/full")

    outcome = attempt(run_request(saved(linear_model(), tmp_path), data), tmp_path / "a")

    assert outcome.failure_type == "JOB_FAILURE_TYPE_RUNTIME_OUT_OF_DISK"
    assert "disk of this hub is full" in outcome.reason


def test_the_worker_ends_when_the_hub_is_killed(tmp_path: Path) -> None:
    saved(endless_model(), tmp_path)
    hub = (
        "import sys; from pathlib import Path\n"
        "from support.execution_models import attempt, compile_request\n"
        "folder = Path(sys.argv[1])\n"
        "attempt(compile_request(folder / 'm1'), folder / 'a')\n"
    )
    path = os.pathsep.join(entry for entry in sys.path if entry)
    with subprocess.Popen(
        [sys.executable, "-c", hub, str(tmp_path)], env={**os.environ, "PYTHONPATH": path}
    ) as process:
        try:
            worker = wait_for_log(tmp_path / "a" / "hub.log", RUNNING)
            assert not has_exited(worker)
        finally:
            process.kill()

    deadline = time.monotonic() + 5
    while not has_exited(worker) and time.monotonic() < deadline:
        time.sleep(0.01)
    if not has_exited(worker):
        os.kill(worker, signal.SIGKILL)
        pytest.fail("the worker outlived the hub")


def test_attempts_run_side_by_side(tmp_path: Path) -> None:
    model = saved(linear_model("N"), tmp_path)
    with ThreadPoolExecutor(4) as pool:
        futures = [
            pool.submit(attempt, compile_request(model, spec("x", [n, 3])), tmp_path / f"a{n}")
            for n in range(1, 5)
        ]

    shapes = [future.result().result["output_spec"][0]["shape"] for future in futures]
    assert shapes == [[1, 3], [2, 3], [3, 3], [4, 3]]


def test_the_hub_loads_none_of_what_only_workers_need() -> None:
    script = (
        "import sys, qai_hub.local.engine.attempt, qai_hub.local.engine.options\n"
        "print([n for n in ('numpy', 'onnx', 'onnxruntime', 'h5py') if n in sys.modules])"
    )

    run = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)

    assert run.stdout.decode().strip() == "[]"
