"""Carries out one attempt at a job in subprocesses and returns its outcome."""

import shutil
import signal
import threading
import time
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qai_hub.local.engine.attempt_log import AttemptLog
from qai_hub.local.engine.failures import (
    EXIT_STATUSES,
    FailureType,
    missing_engine,
    resource_failure_from_error,
    resource_failure_from_text,
)
from qai_hub.local.engine.process import AttemptCancelled, supervise
from qai_hub.local.engine.protocol import (
    REPORT_FILE,
    REQUEST_FILE,
    WORK_FOLDER,
    AttemptRequest,
    InputModel,
    Report,
    TensorSpec,
)
from qai_hub.local.engine.stages import (
    accept_stage,
    continue_report,
    installed_engines,
    packages_of,
)
from qai_hub.local.engine.steps import read_step
from qai_hub.local.engine.workers import UNKNOWN_STATUS, ColdWorkers, Workers
from qai_hub.local.engines.catalog import ENGINES
from qai_hub.local.left_files import find_left_file

__all__ = [
    "AttemptCancelled",
    "AttemptOutcome",
    "AttemptRequest",
    "InputModel",
    "TensorSpec",
    "run_attempt",
]

LOG_FILE = "hub.log"
RUNTIME_LOG_FILE = "runtime.log"
_REASON_LIMIT = 10_000
_COLD_WORKERS = ColdWorkers()


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptOutcome:
    """The outcome of an attempt.

    Attributes:
        succeeded: Whether the job succeeded; otherwise it failed.
        failure_type: Class of the cause; "JOB_FAILURE_TYPE_SUCCESS" on success.
        reason: Why it failed, for its user; empty on success.
        result: Compile: input_spec, output_spec, target_model_type, tool_versions, notices.
            Compile for QNN: target_check as well. Quantize: psnr as well. Run: profile (if
            requested), tool_versions, notices. Empty on failure.
        files: Published files within the attempt's folder: "target_model", its "source",
            "output_data", "profile_trace", "runtime_log".
        log: The hub's log of the attempt.
        lacks: The extra for want of which it failed; empty for any other cause.
    """

    succeeded: bool
    failure_type: str
    reason: str
    result: dict[str, Any]
    files: dict[str, Path]
    log: Path
    lacks: str = ""


def run_attempt(
    request: AttemptRequest,
    folder: Path,
    *,
    time_limit: float,
    memory_limit: int | None,
    cancelled: threading.Event,
    workers: Workers = _COLD_WORKERS,
) -> AttemptOutcome:
    """Carry out one attempt in new worker processes, one for each stage, and wait until it ends.

    Args:
        request: What to do.
        folder: Empty folder that belongs to this attempt alone. Afterwards it holds the log, the
            published files, and small files that may be deleted.
        time_limit: Seconds after which the worker is killed.
        memory_limit: Address space that each worker may use, in bytes; None for no limit.
        cancelled: Set by another thread to end the attempt early.
        workers: Starts the workers.

    Returns:
        The outcome. A failed job is an outcome, not an exception.

    Raises:
        AttemptCancelled: `cancelled` was set; the attempt may be started again, elsewhere.
        LeftFileError: The worker has left what is no file of its own.
    """
    folder = folder.resolve()
    started = time.monotonic()
    runtime_log = AttemptLog(folder / RUNTIME_LOG_FILE) if request.kind == "run" else None
    with closing(AttemptLog(folder / LOG_FILE, output_log=runtime_log)) as log:
        log.write(f"Attempt started: {request.kind}, options {request.options!r}")
        try:
            report = _run_stages(
                request,
                folder,
                log,
                time_limit=time_limit,
                memory_limit=memory_limit,
                cancelled=cancelled,
                workers=workers,
            )
        except AttemptCancelled:
            log.write("Attempt cancelled")
            raise
        finally:
            log.write_repeats()
            shutil.rmtree(folder / WORK_FOLDER, ignore_errors=True)
        succeeded = report.failure_type == FailureType.SUCCESS
        seconds = time.monotonic() - started
        headline = report.reason.partition("\n")[0]
        log.write(f"Attempt ended after {seconds:.1f} s: {report.failure_type} {headline}")
    names = dict(report.files)
    if runtime_log is not None and succeeded:
        names["runtime_log"] = RUNTIME_LOG_FILE
    files = {key: find_left_file(folder, name) for key, name in names.items()}
    return AttemptOutcome(
        succeeded=succeeded,
        failure_type=report.failure_type,
        reason=report.reason[:_REASON_LIMIT],
        result=report.result,
        files=files,
        log=find_left_file(folder, LOG_FILE),
        lacks=report.lacks,
    )


def _run_stages(
    request: AttemptRequest,
    folder: Path,
    log: AttemptLog,
    *,
    time_limit: float,
    memory_limit: int | None,
    cancelled: threading.Event,
    workers: Workers,
) -> Report:
    deadline = time.monotonic() + time_limit
    report = Report(next_stage=request)
    try:
        while (stage := report.next_stage) is not None:
            remaining = max(0.0, deadline - time.monotonic())
            limited = replace(stage, time_limit=remaining, engines=installed_engines())
            if stage.engine:
                log.write(f"Engine: {stage.engine}")
            done = _run_worker(limited, folder, log, memory_limit, cancelled, workers)
            report = continue_report(report, done)
            if report.next_stage is not None:
                accepted = accept_stage(report.next_stage, stage, folder)
                report = replace(report, next_stage=accepted)
                for name in (REQUEST_FILE, REPORT_FILE):
                    # The worker may have made links of them, through which the hub would write.
                    (folder / name).unlink()
    except TimeoutError:
        reason = f"The job timed out: the time limit of this hub is {time_limit:g} s."
        return Report(failure_type=FailureType.TIMEOUT, reason=reason)
    return report


def _run_worker(
    request: AttemptRequest,
    folder: Path,
    log: AttemptLog,
    memory_limit: int | None,
    cancelled: threading.Event,
    workers: Workers,
) -> Report:
    """Carry out one stage, and return its report.

    Raises:
        TimeoutError: The request's time limit was exceeded.
    """
    try:
        (folder / REQUEST_FILE).write_text(request.to_json(), encoding="utf-8")
        (folder / WORK_FOLDER).mkdir(exist_ok=True)
    except OSError as error:
        if resource_failure_from_error(error) is FailureType.OUT_OF_DISK:
            return _resource_report(FailureType.OUT_OF_DISK, memory_limit)
        raise
    assert request.time_limit is not None  # noqa: S101 - for the type checker
    with packages_of(request.engine) as packages:
        if packages is None:
            return Report.from_failure(missing_engine(ENGINES[request.engine]))
        process = workers.start(folder, memory_limit, cancelled, packages)
        status = supervise(process, log, time_limit=request.time_limit, cancelled=cancelled)
    return Report.read(folder) or _infer_report(
        status, log.tail(), memory_limit, read_step(folder / WORK_FOLDER)
    )


def _infer_report(status: int, tail: str, memory_limit: int | None, step: str) -> Report:
    """Infer from its exit status and last lines why a worker ended without a report."""
    causes = {number: cause for cause, number in EXIT_STATUSES.items()}
    cause = causes.get(status) or resource_failure_from_text(tail)
    if cause is not None:
        return _resource_report(cause, memory_limit)
    if status == UNKNOWN_STATUS:
        how = f"ended with no result while {step}"
    elif status >= 0:
        how = f"ended with exit status {status} and no result while {step}"
    else:
        how = f"was killed by {_signal_name(-status)} while {step}"
    if status == -signal.SIGKILL:
        how += "; the system also sends this signal when memory runs out"
    # The last lines may be a trace with paths of this machine, which is for the log only.
    reason = f"The job's process {how}. The hub's log of the job has more."
    return Report(failure_type=FailureType.CRASH, reason=reason)


def _resource_report(cause: FailureType, memory_limit: int | None) -> Report:
    if cause is FailureType.OUT_OF_DISK:
        reason = "The disk of this hub is full. Free some space and submit the job again."
    elif memory_limit is None:
        reason = "The job needed more memory than this machine has left."
    else:
        limit = f"{memory_limit / 2**20:.0f} MiB"
        reason = f"The job ran out of memory: the limit of this hub is {limit}."
    return Report(failure_type=cause, reason=reason)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
