"""Carrying out the jobs of a lock again, and comparing what comes out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qai_hub.client.lock_inputs import InputFinder, check_folder
from qai_hub.client.lock_jobs import JobCollector
from qai_hub.client.submitter import note_created_jobs
from qai_hub.errors import UserError
from qai_hub.resources.compile import CompileJob, TargetModelJob
from qai_hub.resources.device import Device
from qai_hub.resources.inference import InferenceJob
from qai_hub.resources.job_lock import JobLock, LockReplay
from qai_hub.resources.link import LinkJob
from qai_hub.resources.lock_comparison import LockDifference, compare_jobs
from qai_hub.resources.quantize import QuantizeDtype, QuantizeJob

if TYPE_CHECKING:
    from qai_hub.client.submitter import Submitter
    from qai_hub.resources.job import Job
    from qai_hub.resources.job_request import JobRequest
    from qai_hub.resources.locked_job import LockedJob
    from qai_hub.resources.model import Model
    from qai_hub.status import JobStatus

__all__ = ["replay_lock"]


async def replay_lock(
    submitter: Submitter,
    lock: JobLock | str | os.PathLike[str],
    files: str | os.PathLike[str] | None,
) -> LockReplay:
    """Carries out the jobs of a lock again, as `Client.replay_lock` does."""
    driver = submitter.driver
    if isinstance(lock, str | os.PathLike):
        path = lock
        lock = await driver.run(lambda: JobLock.load(path))
    elif not isinstance(lock, JobLock):
        raise TypeError(f"lock is {lock!r}: pass a lock, or the path of its file.")
    folder = None if files is None else Path(files).expanduser()  # noqa: ASYNC240 - no disk access
    # All that can be refused without carrying out a job is refused before the first one.
    lock._check()
    if folder is not None:
        await driver.run(lambda: check_folder(folder))
    await submitter.select_devices(
        [_as_query(device) for locked in lock.jobs for device in locked.devices]
    )
    finder = InputFinder(driver, submitter.client)
    await finder.find(lock.jobs, folder)
    jobs: list[Job] = []
    with note_created_jobs(jobs):
        await _submit(submitter, lock, finder, jobs)
        statuses = [await driver.wait(job) for job in jobs]
        return await _compare(submitter, lock, jobs, statuses)


async def _submit(
    submitter: Submitter, lock: JobLock, finder: InputFinder, jobs: list[Job]
) -> None:
    """Submits the jobs at once, and appends them in the order of the lock."""
    targets: dict[str, Model] = {}
    for locked in lock.jobs:
        models = [
            finder.get_model(each) if each.job is None else targets[each.job]
            for each in locked.models
        ]
        cls, request = _build_request(locked, models, finder)
        job = await submitter.create_fresh_job(cls, request)
        jobs.append(job)
        if isinstance(job, TargetModelJob):
            target = await job._fetch_target(submitter.driver)
            if target is None:
                raise UserError(f"Job {job.job_id} has failed: {job._last_status}")
            targets[locked.id] = target


def _build_request(
    locked: LockedJob, models: list[Model], finder: InputFinder
) -> tuple[type[Any], JobRequest]:
    devices = [_as_query(each) for each in locked.devices]
    data = finder.get_dataset(locked.data)
    name, options = locked.name, locked.options
    if locked.type == "compile":
        specs = dict(locked.input_specs)
        return CompileJob, CompileJob._build_request(models[0], devices, name, specs, options, data)
    if locked.type == "link":
        return LinkJob, LinkJob._build_request(models, devices[0], name, options)
    if locked.type == "inference":
        return InferenceJob, InferenceJob._build_request(
            models[0], devices[0], name, data, options, locked.profiling
        )
    assert data is not None  # noqa: S101 - the form of locks demands it
    return QuantizeJob, QuantizeJob._build_request(
        models[0],
        data,
        QuantizeDtype[locked.weights_dtype],
        QuantizeDtype[locked.activations_dtype],
        name,
        options,
    )


def _as_query(device: Device) -> Device:
    # Attributes of a device may be described otherwise by now.
    return Device(device.name, device.os)


async def _compare(
    submitter: Submitter, lock: JobLock, jobs: list[Job], statuses: list[JobStatus]
) -> LockReplay:
    paired = {old.id: new.job_id for old, new in zip(lock.jobs, jobs, strict=True)}
    collector = JobCollector(submitter.driver, submitter.client)
    repeated: list[LockedJob] = []
    differences: list[LockDifference] = []
    for old, new, status in zip(lock.jobs, jobs, statuses, strict=True):
        if status.success:
            made = await collector.lock_alone(new.job_id)
            repeated.append(made)
            differences += compare_jobs(old, made, paired)
        else:
            reason = status.message or "no reason given"
            differences.append(LockDifference(old.id, "outcome", old.type, "SUCCESS", reason))
    return LockReplay(tuple(jobs), JobLock(tuple(repeated)), tuple(differences))
