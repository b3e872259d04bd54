"""Submitting several jobs that belong together."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, TypeAlias

from qai_hub.client.submit import (
    SubmittingClient,
    submit_compile,
    submit_inference,
    unwrap_single,
)
from qai_hub.client.submitter import JobPlan, Submitter, note_created_jobs
from qai_hub.driver import run_blocking
from qai_hub.errors import warn_deprecated
from qai_hub.resources.compile import CompileJob
from qai_hub.resources.inference import InferenceJob
from qai_hub.resources.link import LinkJob
from qai_hub.resources.resource_list import ResourceList
from qai_hub.submit.checks import check_devices, check_name, check_options

if TYPE_CHECKING:
    from qai_hub.client.fetch import SelectedDevice
    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.device import Device
    from qai_hub.resources.job import Job
    from qai_hub.resources.job_request import JobRequest
    from qai_hub.resources.model import Model
    from qai_hub.resources.project import Project
    from qai_hub.submit.graphs import Graph
    from qai_hub.tensors import DatasetSamples, InputSpecs

ProfiledJobs: TypeAlias = tuple[CompileJob, InferenceJob | None]
LinkedJobs: TypeAlias = tuple[list[CompileJob], LinkJob | None]
EmbeddedJobs: TypeAlias = tuple[list[CompileJob], LinkJob | None, CompileJob | None]


class CombinedClient(SubmittingClient):
    """A client that compiles models and links or profiles the target models."""

    def submit_compile_and_link_jobs(
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
        """Submits a compile job for each model, and a link job that joins their target models.

        All arguments are checked before the first model is uploaded. A model that is given several
        times, for example with different input specs, is uploaded once.

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
            >>> compile_jobs, link_job = hub.submit_compile_and_link_jobs(
            ...     [model, model],
            ...     device,
            ...     input_specs=[{"x": (1, 3, 48, 192)}, {"x": (1, 3, 96, 192)}],
            ...     graph_names=["small", "large"],
            ... )
            >>> len(compile_jobs)
            2
        """
        submitting = submit_compile_and_link(
            self._submitter,
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
        jobs: list[LinkedJobs] | list[EmbeddedJobs] = run_blocking(submitting)
        return jobs[0] if len(jobs) == 1 else jobs

    def submit_compile_and_profile_jobs(
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
        """Submits a compile job, and a job that profiles its target model.

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
            >>> # Use this instead.
            >>> compile_job = hub.submit_compile_job(model, device, options="--target_runtime onnx")
            >>> profile_job = hub.submit_inference_job(compile_job.get_target_model(), device)
        """
        submitting = submit_compile_and_profile(
            self._submitter,
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
        return unwrap_single(run_blocking(submitting))


async def submit_compile_and_link(
    submitter: Submitter,
    models: Any,  # noqa: ANN401
    device: Device | list[Device],
    name: str | None,
    input_specs: InputSpecs | list[InputSpecs | None] | None,
    graph_names: list[str] | None,
    compile_options: str | list[str],
    link_options: str,
    retry: bool,
    embed_in_onnx: bool,
    project: str | Project | None,
) -> list[LinkedJobs] | list[EmbeddedJobs]:
    """Submits jobs for each device, as `Client.submit_compile_and_link_jobs` does."""
    from qai_hub.submit.graphs import plan_graphs

    devices = check_devices(device)
    title, link_options = check_name(name), check_options("link_options", link_options)
    graphs = plan_graphs(models, input_specs, graph_names, compile_options)
    selected = await submitter.select_devices(devices)
    distinct = {graph.key: graph.model for graph in graphs}
    sources = {key: await submitter.upload_model(model, project) for key, model in distinct.items()}

    def plan(graph: Graph, each: SelectedDevice) -> JobPlan:
        source = sources[graph.key]
        return JobPlan(
            [each],
            lambda devices: CompileJob._build_request(
                source, devices, title or source.name, graph.input_specs, graph.options, None
            ),
        )

    plans = [plan(graph, each) for each in selected for graph in graphs]
    compiled = await submitter.create_jobs(CompileJob, plans, project, retry)
    created: list[Job] = [*compiled]
    jobs = iter(compiled)
    linked: list[LinkedJobs] = []
    with note_created_jobs(created):
        for each in selected:
            group: list[CompileJob] = ResourceList(itertools.islice(jobs, len(graphs)))
            link = await _link_targets(submitter, group, each, title, link_options, retry, project)
            created += [link] if link else []
            linked.append((group, link))
        if not embed_in_onnx:
            return linked
        embedded: list[EmbeddedJobs] = []
        for each, (group, link) in zip(selected, linked, strict=True):
            binary = await link._fetch_target(submitter.driver) if link else None
            wrapped = None
            if binary is not None:
                (wrapped,) = await submit_compile(
                    submitter, binary, each.device, name, retry=retry, project=project
                )
                created.append(wrapped)
            embedded.append((group, link, wrapped))
    return embedded


async def _link_targets(
    submitter: Submitter,
    compiled: list[CompileJob],
    device: SelectedDevice,
    title: str,
    options: str,
    retry: bool,
    project: str | Project | None,
) -> LinkJob | None:
    """Links the target models of compile jobs; returns None if a target model is missing."""
    targets: list[Model] = []
    for job in compiled:
        target = await job._fetch_target(submitter.driver)
        if target is None:
            return None
        targets.append(target)

    def build_request(devices: list[Device]) -> JobRequest:
        return LinkJob._build_request(targets, devices[0], title or targets[-1].name, options)

    plans = [JobPlan([device], build_request)]
    (link,) = await submitter.create_jobs(LinkJob, plans, project, retry)
    return link


async def submit_compile_and_profile(
    submitter: Submitter,
    model: Any,  # noqa: ANN401
    device: Device | list[Device],
    name: str | None,
    input_specs: InputSpecs | None,
    compile_options: str,
    profile_options: str,
    single_compile: bool,
    calibration_data: Dataset | DatasetSamples | str | None,
    retry: bool,
    project: str | Project | None,
) -> list[ProfiledJobs]:
    """Submits jobs for each device, as `Client.submit_compile_and_profile_jobs` does."""
    warn_deprecated(
        "submit_compile_and_profile_jobs is deprecated: call submit_compile_job, and"
        " submit_inference_job with its target model."
    )
    devices = check_devices(device)
    check_name(name)
    check_options("profile_options", profile_options)
    compiled = await submit_compile(
        submitter,
        model,
        devices,
        name,
        input_specs,
        compile_options,
        single_compile,
        calibration_data,
        retry,
        project,
    )
    pairs: list[ProfiledJobs] = []
    created: list[Job] = [*compiled]
    with note_created_jobs(created):
        for i, each in enumerate(devices):
            job = compiled[0] if single_compile else compiled[i]
            target, profile = await job._fetch_target(submitter.driver), None
            if target is not None:
                (profile,) = await submit_inference(
                    submitter, target, each, None, name, profile_options, retry, project=project
                )
                created.append(profile)
            pairs.append((job, profile))
    return pairs
