"""Inference jobs; a profile job is an inference job with profiling on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from qai_hub.driver import run_blocking
from qai_hub.errors import UserError
from qai_hub.next_steps import Step
from qai_hub.resources.dataset import Dataset
from qai_hub.resources.device import Device
from qai_hub.resources.job import Job
from qai_hub.resources.job_request import (
    JobRequest,
    dataset_attribute,
    dataset_reference,
    model_attribute,
    model_reference,
)
from qai_hub.resources.model import Model
from qai_hub.resources.payload import input_specs, on_demand, require_details
from qai_hub.resources.results import JobResult
from qai_hub.resources.summary import JobSummary
from qai_hub.transport.values import unexpected_response, value_or_none
from qai_hub.written_files import write_whole

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.driver import Driver
    from qai_hub.resources.profile import Profile
    from qai_hub.tensors import DatasetEntries, InputSpecs


class InferenceJob(Job):
    """Runs a model on a dataset, profiles it, or both.

    Attributes:
        device: Device that it runs on.
        model: Model that it runs.
        inputs: Input data; None if it profiles on random inputs.
        shapes: Shapes and dtypes of the inputs.
        profiling: Whether it profiles.

    Examples:
        >>> inference_job.inputs.name, inference_job.profiling
        ('inputs', True)
    """

    device: Device = on_demand()
    model: Model = on_demand()
    inputs: Dataset | None = on_demand()
    shapes: InputSpecs = on_demand()
    profiling: bool = on_demand()

    def _set_fixed_attributes(self, details: api.InferenceJob | api.ProfileJob) -> None:
        data = value_or_none(details.dataset)
        self.device = Device._from_api(details.device)
        self.model = Model._from_api(details.model, self._owner)
        self.inputs = Dataset._from_api(data, self._owner) if data and data.dataset_id else None
        self.shapes = input_specs(details.tensor_type_list)
        # Profile jobs of an older service do not have this field.
        self.profiling = bool(value_or_none(getattr(details, "is_profiling_on", True)))

    def get_output_dataset(self) -> Dataset | None:
        """Fetches the outputs, after waiting for the job's end.

        Returns:
            The dataset; None if the job had no input data or failed.

        Examples:
            >>> outputs = inference_job.get_output_dataset()
            >>> list(outputs.download())
            ['y']
        """
        return run_blocking(self._fetch_output_dataset(self._driver))

    async def _fetch_output_dataset(self, driver: Driver) -> Dataset | None:
        """Fetches the outputs, after waiting for the job's end."""
        result = await self._wait_for_result(driver)
        if not result or not result[1]:
            return None
        return await Dataset._fetch(driver, self._owner, result[1])

    @overload
    def download_output_data(self, filename: None = None) -> DatasetEntries | None: ...

    @overload
    def download_output_data(self, filename: str) -> str | None: ...

    def download_output_data(self, filename: str | None = None) -> DatasetEntries | str | None:
        """Downloads the outputs, after waiting for the job's end.

        Args:
            filename: Path of an HDF5 file to write; `.h5` is added if missing. None loads the
                outputs into memory.

        Returns:
            For each output, in order, a list of arrays, one per sample; or the path of the file.
            None if the job had no input data or failed.

        Examples:
            >>> outputs = inference_job.download_output_data()
            >>> outputs["y"][0].shape
            (1, 3, 1, 1)
            >>> inference_job.download_output_data("outputs.h5")
            'outputs.h5'
        """
        return run_blocking(self._download_outputs(self._driver, filename))

    async def _download_outputs(
        self, driver: Driver, filename: str | None
    ) -> DatasetEntries | str | None:
        """Downloads the outputs, after waiting for the job's end."""
        dataset = await self._fetch_output_dataset(driver)
        return await dataset._download(driver, filename) if dataset else None

    @overload
    def download_profile(self, filename: None = None) -> dict[str, Any] | None: ...

    @overload
    def download_profile(self, filename: str) -> str | None: ...

    def download_profile(self, filename: str | None = None) -> dict[str, Any] | str | None:
        """Downloads the profile, after waiting for the job's end.

        Args:
            filename: Path of a JSON file to write; `.json` is added if missing. Or a folder, in
                which the file gets an unused name. None returns the profile itself.

        Returns:
            `execution_summary` with times in microseconds and memory in bytes, and
            `execution_detail` with one dictionary per layer; or the path of the file. None if the
            job failed.

        Raises:
            UserError: If the job was not submitted with profiling on.

        Examples:
            >>> profile = inference_job.download_profile()
            >>> profile["execution_summary"]["estimated_inference_time"] > 0
            True
            >>> inference_job.download_profile("profile.json")
            'profile.json'
        """
        return run_blocking(self._download_profile(self._driver, filename))

    async def _download_profile(
        self, driver: Driver, filename: str | None
    ) -> dict[str, Any] | str | None:
        """Downloads the profile, after waiting for the job's end."""
        profile = await self._fetch_profile(driver)
        if profile is None:
            return None
        if filename is None:
            return profile.to_dict()
        return await driver.run(lambda: self._write_profile(profile, filename))

    def get_profile(self) -> Profile | None:
        """Fetches the measured profile, after waiting for the job's end.

        Returns:
            Times in microseconds and memory in bytes, in total and by layer; None if the job
            failed.

        Raises:
            UserError: If the job was not submitted with profiling on.

        Examples:
            >>> profile = inference_job.get_profile()
            >>> milliseconds = profile.inference.time / 1000
            >>> [layer.compute_unit for layer in profile.layers]
            ['CPU']
        """
        return run_blocking(self._fetch_profile(self._driver))

    async def _fetch_profile(self, driver: Driver) -> Profile | None:
        """Fetches the measured profile, after waiting for the job's end."""
        result = await self._wait_for_result(driver)
        if result is None:
            return None
        if result[0] is None:
            if self.profiling:
                raise unexpected_response("a profile")
            raise UserError(
                f"Job {self.job_id} has no profile: it was submitted without profiling."
                f" {Step('Submit it with profile=True', 'Submit it with --profiling')}."
            )
        return result[0]

    def download_results(self, artifacts_dir: str) -> InferenceJobResult:
        """Downloads the outputs, the profile and the logs, after waiting for the job's end.

        Args:
            artifacts_dir: Folder to write to; created if missing. Existing files in it are
                overwritten.

        Returns:
            The results; for a failed job, its status with the reason.

        Examples:
            >>> result = inference_job.download_results("results")
            >>> result.profile["execution_detail"][0]["name"]
            'averaging'
        """
        return run_blocking(self._download_results(self._driver, artifacts_dir))

    async def _download_results(self, driver: Driver, artifacts_dir: str) -> InferenceJobResult:
        status = await driver.wait(self)
        await self._download_artifacts(driver, artifacts_dir)
        folder = Path(artifacts_dir).expanduser()  # noqa: ASYNC240 - no disk access
        result = await self._fetch_result(driver) if status.success else None
        profile = result[0] if result else None
        if profile is not None:
            path = str(folder / f"{self.job_id}_profile.json")
            await driver.run(lambda: self._write_profile(profile, path))
        if result and result[1]:
            outputs = await Dataset._fetch(driver, self._owner, result[1])
            await outputs._download(driver, str(folder / f"{self.job_id}_outputs.h5"))
        profile_dict = profile.to_dict() if profile else None
        return InferenceJobResult(
            status, self.url, artifacts_dir, profile_dict, typed_profile=profile
        )

    async def _wait_for_result(self, driver: Driver) -> tuple[Profile | None, str] | None:
        """Fetches the result, after waiting for the job's end; returns None if the job failed."""
        return await self._fetch_result(driver) if (await driver.wait(self)).success else None

    async def _fetch_result(self, driver: Driver) -> tuple[Profile | None, str]:
        """Fetches the job's profile and the identifier of its output dataset."""
        from qai_hub_api.api.jobs import get_job_result

        from qai_hub.resources.profile_payload import profile_from_api

        answer = await driver.call(get_job_result.sync, self.job_id)
        old = value_or_none(answer.profile_job_result)
        if old is not None:
            detail, outputs = value_or_none(old.profile), ""
        else:
            result = require_details(answer.inference_job_result, "inference")
            detail, outputs = value_or_none(result.detail), result.output_dataset_id
        return profile_from_api(detail) if detail else None, outputs

    @staticmethod
    def _build_request(
        model: Model, device: Device, name: str, inputs: Dataset | None, options: str, profile: bool
    ) -> JobRequest:
        """Builds the request that creates an inference job."""
        from qai_hub_api.models import InferenceJobSubmit, JobSubmit

        body = InferenceJobSubmit(
            model=model_reference(model),
            device=device._to_api(),
            dataset=dataset_reference(inputs),
            is_profiling_on=profile,
            name=name,
            options=options,
        )
        attributes = {
            "device": device,
            "model": model_attribute(model),
            "inputs": dataset_attribute(inputs),
            "profiling": bool(profile),
        }
        return JobRequest(JobSubmit(inference_job=body), name, attributes)

    def _write_profile(self, profile: Profile, filename: str) -> str:
        """Writes a profile; returns where."""
        from qai_hub.transfer.files import append_missing_suffixes, reserve_unused_path

        target, name = Path(filename).expanduser(), f"{self.job_id}_profile.json"
        into_folder = target.is_dir()
        path = (
            reserve_unused_path(target / name)
            if into_folder
            else append_missing_suffixes(target, name)
        )
        try:
            write_whole(path, json.dumps(profile.to_dict()))
        except BaseException:
            if into_folder:
                path.unlink(missing_ok=True)
            raise
        return str(path)


@dataclass(frozen=True, repr=False)
class InferenceJobSummary(JobSummary):
    """Summary of an inference job.

    Attributes:
        profiling: Whether it profiles.
        estimated_inference_time: Time of one inference, in microseconds; None until measured.
        inference_memory_peak_range: Smallest and largest peak memory, in bytes; None until
            measured.

    Examples:
        >>> summaries = hub.get_job_summaries(
        ...     type=hub.JobType.INFERENCE, state=hub.JobStatus.State.SUCCESS
        ... )
        >>> fastest = min(one.estimated_inference_time for one in summaries if one.profiling)
    """

    profiling: bool = False
    estimated_inference_time: int | None = None
    inference_memory_peak_range: tuple[int, int] | None = None

    @classmethod
    def _extra_fields(cls, summary: Any) -> dict[str, object]:  # noqa: ANN401 - of new or old services
        memory = value_or_none(summary.execution_peak_memory)
        return {
            # What an older service calls a profile job has no such field.
            "profiling": bool(value_or_none(getattr(summary, "is_profiling_on", True))),
            "estimated_inference_time": value_or_none(summary.execution_time),
            "inference_memory_peak_range": (memory.lower, memory.upper) if memory else None,
        }


@dataclass(repr=False)
class InferenceJobResult(JobResult):
    """Results of an inference job: output data, a profile, or both.

    Attributes:
        profile: Profile as `download_profile` gives it; None without profiling.
        typed_profile: Profile as `get_profile` gives it; None without profiling.

    Examples:
        >>> result = inference_job.download_results("results")
        >>> [layer.name for layer in result.typed_profile.layers]
        ['averaging']
    """

    profile: dict[str, Any] | None = None
    typed_profile: Profile | None = field(default=None, kw_only=True)

    def __repr__(self) -> str:
        measured = "" if self.typed_profile is None else f"\n{self.typed_profile!r}"
        return super().__repr__() + measured

    def _repr_html_(self) -> str:
        measured = "" if self.typed_profile is None else self.typed_profile._repr_html_()
        return super()._repr_html_() + measured


ProfileJob = InferenceJob
ProfileJobSummary = InferenceJobSummary
ProfileJobResult = InferenceJobResult
