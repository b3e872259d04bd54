"""Waiting for jobs and downloading their results, in an event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from qai_hub.aio.combined import AsyncCombinedClient
from qai_hub.client.fetch import fetch_job

if TYPE_CHECKING:
    from qai_hub.dataset_reader import DatasetReader
    from qai_hub.resources.compile import CompileJob
    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.inference import InferenceJob
    from qai_hub.resources.job import Job
    from qai_hub.resources.link import LinkJob
    from qai_hub.resources.model import Model
    from qai_hub.resources.profile import Profile
    from qai_hub.resources.quantize import QuantizeJob
    from qai_hub.resources.results import JobResult
    from qai_hub.status import JobStatus
    from qai_hub.tensors import DatasetEntries


class AsyncDownloadingClient(AsyncCombinedClient):
    """An asynchronous client that waits for jobs, and downloads results, models and datasets."""

    async def wait(self, job: Job, timeout: float | None = None) -> JobStatus:  # noqa: ASYNC109 - as Job.wait
        """Waits until a job has ended, as `Job.wait` does. `wait_all` waits for many.

        Args:
            job: The job.
            timeout: Maximum seconds to wait; 0 checks once, None waits without limit.

        Returns:
            The final status.

        Raises:
            TimeoutError: If the job has not ended in time. The job continues and can be fetched
                again.
            UserError: If the server refuses to report the job's status.
            InternalError: If the server has not responded for 5 minutes.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> asyncio.run(client.wait(job, timeout=3600))
            JobStatus(code='SUCCESS', message='')
        """
        async with self._driver() as driver:
            return await driver.wait(job, timeout)

    async def get_target_model(self, job: CompileJob | LinkJob | QuantizeJob) -> Model | None:
        """Returns the target model of a job, which other jobs can use before that job has ended.

        Args:
            job: A compile, quantize or link job.

        Returns:
            The target model; None if the service did not name one and the job failed.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> target_model = asyncio.run(client.get_target_model(compile_job))
        """
        async with self._driver() as driver:
            return await job._fetch_target(driver)

    @overload
    async def download_target_model(
        self, job: CompileJob | LinkJob | QuantizeJob, filename: None = None
    ) -> bytes | None: ...

    @overload
    async def download_target_model(
        self, job: CompileJob | LinkJob | QuantizeJob, filename: str
    ) -> str | None: ...

    async def download_target_model(
        self, job: CompileJob | LinkJob | QuantizeJob, filename: str | None = None
    ) -> bytes | str | None:
        """Downloads the target model of a job, after waiting for its end.

        Args:
            job: A compile, quantize or link job.
            filename: Path to write; the model's suffix is added if missing. An existing file is
                replaced. None loads the file into memory.

        Returns:
            Path of the file, or its bytes; None if the job failed.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> asyncio.run(client.download_target_model(compile_job, "compiled"))
            'compiled.onnx'
        """
        async with self._driver() as driver:
            if filename is None:
                return await job._load_target(driver)
            return await job._save_target(driver, filename)

    async def download_results(self, job: Job, artifacts_dir: str) -> JobResult:
        """Downloads all results of a job, after waiting for its end.

        Args:
            job: The job.
            artifacts_dir: Folder to write to; created if missing. Existing files in it are
                overwritten.

        Returns:
            The results, of the class that the method of the job returns; of a failed job, its
            status with the reason.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> asyncio.run(client.download_results(compile_job, "compiled")).status.success
            True
        """
        async with self._driver() as driver:
            return await job._download_results(driver, artifacts_dir)

    async def download_job_logs(self, job: Job, output_dir: str) -> list[str]:
        """Downloads all logs of a job, after waiting for its end.

        Args:
            job: The job.
            output_dir: Folder to write to; created if missing. Existing files in it are
                overwritten.

        Returns:
            Paths of the logs.

        Raises:
            UserError: If the service no longer has the files.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> logs = asyncio.run(client.download_job_logs(compile_job, "logs"))
            >>> len(logs)
            1
        """
        async with self._driver() as driver:
            return await job._download_job_logs(driver, output_dir)

    async def get_output_dataset(self, job: InferenceJob) -> Dataset | None:
        """Fetches the outputs of an inference job, after waiting for its end.

        Args:
            job: The job.

        Returns:
            The dataset; None if the job had no input data or failed.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> outputs = asyncio.run(client.get_output_dataset(inference_job))
            >>> list(asyncio.run(client.download_dataset(outputs)))
            ['y']
        """
        async with self._driver() as driver:
            return await job._fetch_output_dataset(driver)

    @overload
    async def download_output_data(
        self, job: InferenceJob, filename: None = None
    ) -> DatasetEntries | None: ...

    @overload
    async def download_output_data(self, job: InferenceJob, filename: str) -> str | None: ...

    async def download_output_data(
        self, job: InferenceJob, filename: str | None = None
    ) -> DatasetEntries | str | None:
        """Downloads the outputs of an inference job, after waiting for its end.

        Args:
            job: The job.
            filename: Path of an HDF5 file to write; `.h5` is added if missing. None loads the
                outputs into memory.

        Returns:
            For each output, in order, a list of arrays, one per sample; or the path of the file.
            None if the job had no input data or failed.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> asyncio.run(client.download_output_data(inference_job))["y"][0].shape
            (1, 3, 1, 1)
        """
        async with self._driver() as driver:
            return await job._download_outputs(driver, filename)

    async def get_profile(self, job: InferenceJob) -> Profile | None:
        """Fetches the profile of an inference job, after waiting for its end.

        Args:
            job: The job.

        Returns:
            Times in microseconds and memory in bytes, in total and by layer; None if the job
            failed.

        Raises:
            UserError: If the job was not submitted with profiling on.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> profile = asyncio.run(client.get_profile(inference_job))
            >>> [layer.compute_unit for layer in profile.layers]
            ['CPU']
        """
        async with self._driver() as driver:
            return await job._fetch_profile(driver)

    @overload
    async def download_profile(
        self, job: InferenceJob, filename: None = None
    ) -> dict[str, Any] | None: ...

    @overload
    async def download_profile(self, job: InferenceJob, filename: str) -> str | None: ...

    async def download_profile(
        self, job: InferenceJob, filename: str | None = None
    ) -> dict[str, Any] | str | None:
        """Downloads the profile of an inference job, after waiting for its end.

        Args:
            job: The job.
            filename: Path of a JSON file to write; `.json` is added if missing. Or a folder, in
                which the file gets an unused name. None returns the profile itself.

        Returns:
            What `InferenceJob.download_profile` returns; None if the job failed.

        Raises:
            UserError: If the job was not submitted with profiling on.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> profile = asyncio.run(client.download_profile(inference_job))
            >>> profile["execution_summary"]["estimated_inference_time"] > 0
            True
        """
        async with self._driver() as driver:
            return await job._download_profile(driver, filename)

    async def download_model(
        self,
        model: Model,
        filename: str,
        timeout: float | None = None,  # noqa: ASYNC109 - as Model.download
    ) -> str:
        """Downloads a model's file, waiting for the job that produces it.

        Args:
            model: The model.
            filename: Path to write; the model's suffix is added if missing. An existing file is
                replaced.
            timeout: Maximum seconds to wait for the job; None waits without limit.

        Returns:
            Path of the file.

        Raises:
            TimeoutError: If the job that produces it has not ended in time.
            UserError: If that job failed.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> asyncio.run(client.download_model(target_model, "compiled"))
            'compiled.onnx'
        """
        async with self._driver() as driver:
            if model._producer is None and model._producer_id:
                model._producer = await fetch_job(driver, model._owner, model._producer_id)
            return await model._download(driver, model._producer, filename, timeout)

    @overload
    async def download_dataset(self, dataset: Dataset, filename: None = None) -> DatasetEntries: ...

    @overload
    async def download_dataset(self, dataset: Dataset, filename: str) -> str: ...

    async def download_dataset(
        self, dataset: Dataset, filename: str | None = None
    ) -> DatasetEntries | str:
        """Downloads a dataset.

        Args:
            dataset: The dataset.
            filename: Path of an HDF5 file to write; `.h5` is added if missing. None loads the
                dataset into memory.

        Returns:
            For each name, in order, a list of arrays, one per sample; or the path of the file.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> asyncio.run(client.download_dataset(dataset, "inputs.h5"))
            'inputs.h5'
        """
        async with self._driver() as driver:
            return await dataset._download(driver, filename)

    async def open_dataset(self, dataset: Dataset) -> DatasetReader:
        """Downloads a dataset to a temporary file, to read one sample at a time.

        Args:
            dataset: The dataset.

        Returns:
            A reader. Use it in a `with` statement, which deletes the file at its end. Reading a
            sample blocks for as long as the disk takes.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> with asyncio.run(client.open_dataset(dataset)) as data:
            ...     data["x"][0].shape
            (1, 3, 48, 192)
        """
        async with self._driver() as driver:
            return await dataset._open(driver)
