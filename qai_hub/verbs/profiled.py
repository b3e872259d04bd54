"""The client's old method that compiles a model and profiles it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, overload

from qai_hub.deprecation import warn_deprecated
from qai_hub.jobs.compile import CompileJob
from qai_hub.jobs.inference import InferenceJob
from qai_hub.submission import (
    check_devices,
    check_options,
    check_text,
)
from qai_hub.verbs.compile import CompileVerbs
from qai_hub.verbs.creating import naming_made, one_or_all
from qai_hub.verbs.inference import InferenceVerbs

if TYPE_CHECKING:
    from qai_hub.datasets import Dataset
    from qai_hub.devices import Device
    from qai_hub.projects import Project
    from qai_hub.tensors import DatasetEntries, InputSpecs

Profiled: TypeAlias = tuple[CompileJob, InferenceJob | None]


class ProfiledVerbs(CompileVerbs, InferenceVerbs):
    """The old method that compiles a model and profiles it."""

    @overload
    def submit_compile_and_profile_jobs(
        self,
        model: Any,  # noqa: ANN401
        device: Device,
        name: str | None = None,
        input_specs: InputSpecs | None = None,
        compile_options: str = "",
        profile_options: str = "",
        single_compile: bool = True,
        calibration_data: Dataset | DatasetEntries | str | None = None,
        retry: bool = True,
        project: str | Project | None = None,
    ) -> Profiled: ...

    @overload
    def submit_compile_and_profile_jobs(
        self,
        model: Any,  # noqa: ANN401
        device: Device | list[Device],
        name: str | None = None,
        input_specs: InputSpecs | None = None,
        compile_options: str = "",
        profile_options: str = "",
        single_compile: bool = True,
        calibration_data: Dataset | DatasetEntries | str | None = None,
        retry: bool = True,
        project: str | Project | None = None,
    ) -> Profiled | list[Profiled]: ...

    def submit_compile_and_profile_jobs(
        self,
        model: Any,
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

        Deprecated: call `submit_compile_job`, and `submit_inference_job` with its target
        model.

        Args:
            model: A `Model`, or whatever `upload_model` takes.
            device: Device to compile for and to profile on, or several.
            name: Name of all jobs; None takes the models'.
            input_specs: As `submit_compile_job` takes them.
            compile_options: Options of the compile job.
            profile_options: Options of the profile job.
            single_compile: Whether several devices share one compile job.
            calibration_data: A `Dataset`, its identifier, or whatever `upload_dataset` takes.
            retry: Whether to wait and try again when the service is asked too often; else
                `RateLimitedError` is raised.
            project: Project that the jobs go to; None takes the client's.

        Returns:
            The compile job and the profile job, which is None if there is no target model; a list
            of such pairs for a list of more than one device.

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
                    profile = self.submit_inference_job(
                        target, one, None, name, profile_options, retry, project=project
                    )
                    made.append(profile.job_id)
                pairs.append((job, profile))
        return one_or_all(pairs)
