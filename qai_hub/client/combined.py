"""Submitting several jobs that belong together."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from qai_hub.client.submissions import naming_made
from qai_hub.client.submit import SubmittingClient, one_or_all, only
from qai_hub.errors import warn_deprecated
from qai_hub.resources.compile import CompileJob
from qai_hub.resources.inference import InferenceJob
from qai_hub.resources.link import LinkJob
from qai_hub.submit.checks import (
    check_devices,
    check_options,
    check_text,
)
from qai_hub.submit.graphs import Graph, plan_graphs

if TYPE_CHECKING:
    from qai_hub.client.fetch import Choice
    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.device import Device
    from qai_hub.resources.job_request import JobRequest
    from qai_hub.resources.project import Project
    from qai_hub.tensors import DatasetEntries, InputSpecs

Profiled: TypeAlias = tuple[CompileJob, InferenceJob | None]
Linked: TypeAlias = tuple[list[CompileJob], LinkJob | None]
Embedded: TypeAlias = tuple[list[CompileJob], LinkJob | None, CompileJob | None]


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
    ) -> Linked | Embedded | list[Linked] | list[Embedded]:
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
        devices = check_devices(device)
        title, link_options = check_text("name", name), check_options("link_options", link_options)
        graphs = plan_graphs(models, input_specs, graph_names, compile_options)
        choices = self._choose(devices)
        uploaded = {graph.key: graph.model for graph in graphs}
        sources = {
            key: self.upload_model(model, project=project) for key, model in uploaded.items()
        }

        def drafting(graph: Graph) -> Callable[[list[Device]], JobRequest]:
            source = sources[graph.key]
            return lambda devices: CompileJob._build_request(
                source, devices, title or source.name, graph.input_specs, graph.options, None
            )

        planned = [([choice], drafting(graph)) for choice in choices for graph in graphs]
        compiled = iter(self._create(CompileJob, planned, project, retry))
        groups = [list(itertools.islice(compiled, len(graphs))) for _ in choices]
        made = [job.job_id for group in groups for job in group]
        with naming_made(made):
            links: list[LinkJob | None] = []
            for choice, group in zip(choices, groups, strict=True):
                link = self._link_targets(group, choice, title, link_options, retry, project)
                links.append(link)
                made += [link.job_id] if link else []
            linked = list(zip(groups, links, strict=True))
            if not embed_in_onnx:
                return one_or_all(linked)
            embedded: list[Embedded] = []
            for choice, (group, link) in zip(choices, linked, strict=True):
                binary = link.get_target_model() if link else None
                wrapped = None
                if binary is not None:
                    wrapped = only(
                        self.submit_compile_job(
                            binary, choice.device, name, retry=retry, project=project
                        )
                    )
                    made.append(wrapped.job_id)
                embedded.append((group, link, wrapped))
            return one_or_all(embedded)

    def _link_targets(
        self,
        compiled: list[CompileJob],
        choice: Choice,
        title: str,
        options: str,
        retry: bool,
        project: str | Project | None,
    ) -> LinkJob | None:
        """Links the target models of compile jobs; returns None if a target model is missing."""
        targets = [job.get_target_model() for job in compiled]
        present = [target for target in targets if target is not None]
        if len(present) < len(targets):
            return None

        def draft(devices: list[Device]) -> JobRequest:
            return LinkJob._build_request(present, devices[0], title or present[-1].name, options)

        return self._create(LinkJob, [([choice], draft)], project, retry)[0]

    def submit_compile_and_profile_jobs(
        self,
        model: Any,  # noqa: ANN401 (a path, or a model of one of several packages)
        device: Device | list[Device],
        name: str | None = None,
        input_specs: InputSpecs | None = None,
        compile_options: str = "",
        profile_options: str = "",
        single_compile: bool = True,
        calibration_data: Dataset | DatasetEntries | str | None = None,
        retry: bool = True,
        project: str | Project | None = None,
    ) -> Profiled | list[Profiled]:
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
        warn_deprecated(
            "submit_compile_and_profile_jobs is deprecated: call submit_compile_job, and"
            " submit_inference_job with its target model."
        )
        devices = check_devices(device)
        check_text("name", name)
        check_options("profile_options", profile_options)
        compiled = self.submit_compile_job(
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
        jobs = compiled if isinstance(compiled, list) else [compiled] * len(devices)
        pairs: list[Profiled] = []
        made = [job.job_id for job in dict.fromkeys(jobs)]
        with naming_made(made):
            for job, one in zip(jobs, devices, strict=True):
                target, profile = job.get_target_model(), None
                if target is not None:
                    profile = only(
                        self.submit_inference_job(
                            target, one, None, name, profile_options, retry, project=project
                        )
                    )
                    made.append(profile.job_id)
                pairs.append((job, profile))
        return one_or_all(pairs)
