"""Submitting several jobs that belong together, in an event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qai_hub.aio.submit import AsyncSubmittingClient
from qai_hub.client.combined import submit_compile_and_link, submit_compile_and_profile

if TYPE_CHECKING:
    from qai_hub.client.combined import EmbeddedJobs, LinkedJobs, ProfiledJobs
    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.device import Device
    from qai_hub.resources.project import Project
    from qai_hub.tensors import DatasetSamples, InputSpecs


class AsyncCombinedClient(AsyncSubmittingClient):
    """An asynchronous client that compiles models and links or profiles the target models."""

    async def submit_compile_and_link_jobs(
        self,
        models: Any,  # noqa: ANN401 (paths, or models of one of several packages)
        device: Device | list[Device],
        name: str | None = None,
        input_specs: InputSpecs | list[InputSpecs | None] | None = None,
        graph_names: list[str] | None = None,
        compile_options: str | list[str] = "",
        link_options: str = "",
        retry: bool = True,
        embed_in_onnx: bool = False,
        project: str | Project | None = None,
    ) -> LinkedJobs | EmbeddedJobs | list[LinkedJobs] | list[EmbeddedJobs]:
        """Submits compile jobs and a link job, as `Client.submit_compile_and_link_jobs` does.

        If the task is cancelled while a job is being created, that job may still be created.

        Args:
            models: A model or a list of models: each a `Model`, or anything that `upload_model`
                accepts.
            device: One or more devices to compile and link for.
            name: Name of all jobs; None uses the models' names.
            input_specs: As in `submit_compile_job`: one for all models, or a list with one per
                model. TorchScript models need them.
            graph_names: Name of each model's graph in the context binary; required for more than
                one model.
            compile_options: Options of the compile jobs: one string for all models, or a list with
                one per model. Graph name and target runtime are added to them.
            link_options: Options of the link job.
            retry: Whether to wait and retry when the service limits the rate of requests; otherwise
                `RateLimitedError` is raised.
            embed_in_onnx: Whether to submit one more compile job that wraps the context binary in
                an ONNX model.
            project: Project of the models and jobs; None uses the client's default.

        Returns:
            The compile jobs, in the models' order, and the link job, which is None if a target
            model is missing; with `embed_in_onnx` also the compile job that wraps the context
            binary, or None. A list of such tuples if more than one device was given.

        Raises:
            FileNotFoundError: If the path of a model does not exist.
            UserError: If an argument is not valid, or the service refuses it.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> submitting = client.submit_compile_and_link_jobs(model, device)
            >>> (compile_job,), link_job = asyncio.run(submitting)
        """
        async with self._submitter() as submitter:
            jobs: list[LinkedJobs] | list[EmbeddedJobs] = await submit_compile_and_link(
                submitter,
                models,
                device,
                name,
                input_specs,
                graph_names,
                compile_options,
                link_options,
                retry,
                embed_in_onnx,
                project,
            )
        return jobs[0] if len(jobs) == 1 else jobs

    async def submit_compile_and_profile_jobs(
        self,
        model: Any,  # noqa: ANN401 (a path, or a model of one of several packages)
        device: Device | list[Device],
        name: str | None = None,
        input_specs: InputSpecs | None = None,
        compile_options: str = "",
        profile_options: str = "",
        single_compile: bool = True,
        calibration_data: Dataset | DatasetSamples | str | None = None,
        retry: bool = True,
        project: str | Project | None = None,
    ) -> ProfiledJobs | list[ProfiledJobs]:
        """Submits a compile job and a profile job, as `Client` does.

        Deprecated: call `submit_compile_job`, then `submit_inference_job` with its target model.

        Args:
            model: A `Model`, or anything that `upload_model` accepts.
            device: One or more devices to compile for and to profile on.
            name: Name of all jobs; None uses the models' names.
            input_specs: As in `submit_compile_job`.
            compile_options: Options of the compile job.
            profile_options: Options of the profile job.
            single_compile: Whether several devices share one compile job.
            calibration_data: A `Dataset`, its identifier, or anything that `upload_dataset`
                accepts.
            retry: Whether to wait and retry when the service limits the rate of requests; otherwise
                `RateLimitedError` is raised.
            project: Project of the jobs; None uses the client's default.

        Returns:
            The compile job and the profile job, which is None if there is no target model; a list
            of such pairs if more than one device was given.

        Raises:
            UserError: If an argument is not valid, or the service refuses it.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> async def submit():
            ...     # Use this instead.
            ...     compile_job = await client.submit_compile_job(model, device)
            ...     target_model = await client.get_target_model(compile_job)
            ...     return await client.submit_inference_job(target_model, device)
            >>> profile_job = asyncio.run(submit())
        """
        async with self._submitter() as submitter:
            jobs: list[ProfiledJobs] = await submit_compile_and_profile(
                submitter,
                model,
                device,
                name,
                input_specs,
                compile_options,
                profile_options,
                single_compile,
                calibration_data,
                retry,
                project,
            )
        return jobs[0] if len(jobs) == 1 else jobs
