"""Locking jobs: finding out what went into them, and into those that their models come from."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from qai_hub.client.fetch import fetch_job
from qai_hub.connection import is_official
from qai_hub.errors import InvalidValueError, UserError
from qai_hub.resources.compile import CompileJob, TargetModelJob
from qai_hub.resources.file_identity import fetch_identity
from qai_hub.resources.inference import InferenceJob
from qai_hub.resources.job import Job
from qai_hub.resources.job_lock import JobLock
from qai_hub.resources.link import LinkJob
from qai_hub.resources.locked_job import LockedFile, LockedJob
from qai_hub.resources.model_types import SourceModelType
from qai_hub.resources.profile_payload import tools_from_api
from qai_hub.resources.quantize import QuantizeJob
from qai_hub.tensors import parse_input_specs
from qai_hub.transport.values import value_or_none

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.driver import Driver
    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.device import Device
    from qai_hub.resources.job import JobOwner
    from qai_hub.resources.model import Model

__all__ = ["JobCollector", "find_job_ids", "lock_jobs"]

LOCKABLE = (CompileJob, InferenceJob, LinkJob, QuantizeJob)
"""The types of jobs that can be locked."""

# What a server answers about what is gone, or hidden, or not there yet.
_UNAVAILABLE = frozenset({403, 404, 409, 410})


def find_job_ids(owner: JobOwner, jobs: Iterable[Job | str]) -> list[str]:
    """Checks the jobs to lock, and returns their identifiers, each once.

    Raises:
        TypeError: If it is a single one, or something that is no job.
        InvalidValueError: If there is none, or one is on another server.
    """
    if isinstance(jobs, Job | str):
        raise TypeError("Pass a list of jobs, also for a single one: [job].")
    given = list(jobs)
    if not given:
        raise InvalidValueError("jobs is an empty list: pass at least one job.")
    for each in given:
        if isinstance(each, Job):
            elsewhere = each._owner.config.api_url
            if elsewhere != owner.config.api_url:
                raise InvalidValueError(
                    f"Job {each.job_id} is on {elsewhere}, and this client is for "
                    f"{owner.config.api_url}: lock it by a client of that server."
                )
        elif not isinstance(each, str):
            raise TypeError(f"{each!r} is not a job: pass jobs, or their identifiers.")
    return list(dict.fromkeys(each.job_id if isinstance(each, Job) else each for each in given))


async def lock_jobs(driver: Driver, owner: JobOwner, jobs: Iterable[Job | str]) -> JobLock:
    """Locks jobs, as `Client.lock_jobs` does."""
    collector = JobCollector(driver, owner)
    order = await collector.collect(find_job_ids(owner, jobs))
    return JobLock(tuple([await collector.lock(each) for each in order]))


class JobCollector:
    """Collects jobs and what they come from.

    Args:
        driver: Runs the requests.
        owner: The client.
    """

    def __init__(self, driver: Driver, owner: JobOwner) -> None:
        self._driver = driver
        self._owner = owner
        # What is made by a job that cannot be seen is as good as uploaded.
        self._hidden: set[str] = set()
        self._fetched: dict[str, Job] = {}

    async def collect(self, job_ids: Sequence[str]) -> list[Job]:
        """Fetches jobs and those that their models come from, and returns each after its own."""
        order: list[Job] = []
        pending = list(reversed(job_ids))
        while pending:
            job_id = pending[-1]
            is_new = job_id not in self._fetched
            job = await self._fetch(job_id, is_named=job_id in job_ids)
            if is_new and job is not None:
                makers = [each._producer_id for each in _models(job) if each._producer_id]
                pending += [each for each in reversed(makers) if each not in self._fetched]
            else:
                pending.pop()
                if job is not None and job not in order:
                    order.append(job)
        return order

    async def lock_alone(self, job_id: str) -> LockedJob:
        """Returns all that is known of a job that has succeeded, after those that it comes from.

        Jobs of which none was locked so are strangers: their models count as files.
        """
        job = await fetch_job(self._driver, self._owner, job_id)
        self._fetched[job_id] = job
        return await self.lock(job)

    async def _fetch(self, job_id: str, *, is_named: bool) -> Job | None:
        """Fetches a job, and waits for its end; None for a maker that cannot be seen."""
        if job_id in self._hidden or job_id in self._fetched:
            return self._fetched.get(job_id)
        try:
            job = await fetch_job(self._driver, self._owner, job_id)
        except UserError as error:
            if is_named or error.status_code not in _UNAVAILABLE:
                raise
            self._hidden.add(job_id)
            return None
        if not isinstance(job, LOCKABLE):
            raise UserError(f"Job {job_id} is of a type that this release cannot lock.")
        status = await self._driver.wait(job)
        if not status.success:
            raise UserError(
                f"Job {job_id} has failed, so that there is nothing to lock: {status.message}"
            )
        self._fetched[job_id] = job
        return job

    async def lock(self, job: Job) -> LockedJob:
        """Returns all that is known of a job."""
        from qai_hub_api.api.jobs import get_job_result

        gaps: list[str] = []
        result = await self._driver.call(get_job_result.sync, job.job_id)
        tools = tools_from_api(job._kind.result_tools(result)) if job._kind else {}
        if not tools:
            gaps.append("tools: the service does not tell them")
        if is_official(self._owner.config):
            tools["Qualcomm AI Hub"] = job.hub_version
        models = [await self._lock_model(each, gaps) for each in _models(job)]
        data = _data(job)
        return LockedJob(
            id=job.job_id,
            type=job.job_type,
            name=job.name,
            options=job.options,
            devices=tuple(self._devices(job)),
            input_specs=parse_input_specs(job.shapes) if isinstance(job, CompileJob) else {},
            weights_dtype=_name_dtype(job, "weights_dtype"),
            activations_dtype=_name_dtype(job, "activations_dtype"),
            profiling=isinstance(job, InferenceJob) and job.profiling,
            models=tuple(models),
            data=None if data is None else await self._lock_data(data, "data", gaps),
            tools=tools,
            outputs=await self._lock_outputs(job, result, gaps),
            numbers=_read_numbers(result),
            gaps=tuple(gaps),
        )

    def _devices(self, job: Job) -> list[Device]:
        devices: list[Device] = []
        if not isinstance(job, QuantizeJob):
            devices = [job.device]  # type: ignore[attr-defined]
        # The official service lists all devices that can run the target model.
        if isinstance(job, CompileJob) and not is_official(self._owner.config):
            devices = job.compatible_devices or devices
        return devices

    async def _lock_model(self, model: Model, gaps: list[str]) -> LockedFile:
        if model._producer_id in self._fetched:
            return LockedFile(job=model._producer_id)
        return await self._lock_file(model, "model", gaps)

    async def _lock_file(self, model: Model, what: str, gaps: list[str]) -> LockedFile:
        about = LockedFile(id=model.model_id, name=model.name, format=model.model_type.name)
        is_dlc = model.model_type is SourceModelType.QNN_DLC
        fetch = partial(model._fetch_url, self._driver)
        return await self._identify(about, fetch, what, gaps, is_dlc=is_dlc)

    async def _lock_data(self, dataset: Dataset, what: str, gaps: list[str]) -> LockedFile:
        about = LockedFile(id=dataset.dataset_id, name=dataset.name)
        fetch = partial(dataset._fetch_url, self._driver)
        return await self._identify(about, fetch, what, gaps)

    async def _identify(
        self,
        about: LockedFile,
        fetch: Callable[[], Awaitable[api.FileDownloadResponse]],
        what: str,
        gaps: list[str],
        *,
        is_dlc: bool = False,
    ) -> LockedFile:
        try:
            found = await fetch_identity(self._driver, fetch, is_dlc=is_dlc)
        except UserError as error:
            if error.status_code not in _UNAVAILABLE:
                raise
            gaps.append(f"{what}: {error}")
            return about
        return replace(about, **found._asdict())

    async def _lock_outputs(
        self, job: Job, result: api.JobResult, gaps: list[str]
    ) -> dict[str, LockedFile]:
        outputs = {}
        if isinstance(job, TargetModelJob) and (target := job._target_model) is not None:
            outputs["target_model"] = await self._lock_file(target, "target_model", gaps)
        inference = value_or_none(result.inference_job_result)
        if inference is not None and inference.output_dataset_id:
            from qai_hub.resources.dataset import Dataset

            try:
                dataset = await Dataset._fetch(
                    self._driver, self._owner, inference.output_dataset_id
                )
            except UserError as error:
                if error.status_code not in _UNAVAILABLE:
                    raise
                gaps.append(f"output_data: {error}")
                outputs["output_data"] = LockedFile(id=inference.output_dataset_id)
            else:
                outputs["output_data"] = await self._lock_data(dataset, "output_data", gaps)
        return outputs


def _models(job: Job) -> list[Model]:
    found: Any = job
    return list(found.models) if isinstance(job, LinkJob) else [found.model]


def _data(job: Job) -> Dataset | None:
    if isinstance(job, InferenceJob):
        return job.inputs
    return job.calibration_dataset if isinstance(job, CompileJob | QuantizeJob) else None


def _name_dtype(job: Job, name: str) -> str:
    if not isinstance(job, QuantizeJob):
        return ""
    dtype = getattr(job, name)
    if dtype is None:
        raise UserError(f"The {name} of job {job.job_id} is one that this release does not know.")
    return str(dtype.name)


def _read_numbers(result: api.JobResult) -> dict[str, float]:
    """Returns what was measured and does not depend on time."""
    numbers: dict[str, float] = {}
    quantized = value_or_none(result.quantize_job_result)
    detail = value_or_none(quantized.quantize_detail) if quantized else None
    if detail is not None:
        ratios = detail.psnr.additional_properties.items()
        numbers |= {f"psnr {name}": ratio for name, ratio in ratios if math.isfinite(ratio)}
    inference = value_or_none(result.inference_job_result)
    profile = value_or_none(inference.detail) if inference else None
    for layer in profile.layer_details if profile else ():
        unit = str(layer.compute_unit).removeprefix("COMPUTE_UNIT_")
        numbers[f"layers {unit}"] = numbers.get(f"layers {unit}", 0) + 1
    return numbers
