"""The client's methods that submit inference and profile jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, overload

from qai_hub.client.submit import CreatingVerbs, naming_made, one_or_all
from qai_hub.client.submit_compile import CompileVerbs
from qai_hub.errors import UserError, warn_deprecated
from qai_hub.resources.compile import CompileJob
from qai_hub.resources.inference import InferenceJob
from qai_hub.submit.checks import check_devices, check_options, check_text, inference_body
from qai_hub.submit.model_checks import check_framework, check_runs

if TYPE_CHECKING:
    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.device import Device
    from qai_hub.resources.project import Project
    from qai_hub.tensors import DatasetEntries, InputSpecs


class InferenceVerbs(CreatingVerbs):
    """The methods that submit inference and profile jobs."""

    @overload
    def submit_profile_job(
        self,
        model: Any,  # noqa: ANN401
        device: Device,
        name: str | None = None,
        options: str = "",
        retry: bool = True,
        project: str | Project | None = None,
    ) -> InferenceJob: ...

    @overload
    def submit_profile_job(
        self,
        model: Any,  # noqa: ANN401
        device: Device | list[Device],
        name: str | None = None,
        options: str = "",
        retry: bool = True,
        project: str | Project | None = None,
    ) -> InferenceJob | list[InferenceJob]: ...

    def submit_profile_job(
        self,
        model: Any,
        device: Device | list[Device],
        name: str | None = None,
        options: str = "",
        retry: bool = True,
        project: str | Project | None = None,
    ) -> InferenceJob | list[InferenceJob]:
        """Submits an inference job that profiles the model on inputs drawn at random.

        Deprecated: call `submit_inference_job`, which profiles unless it is told not to.

        Args:
            model: A target model: a `Model`, or whatever `upload_model` takes.
            device: Device to profile on, or several.
            name: Name that people will see; None takes the model's.
            options: Options, as on a command line: `"--max_profiler_iterations 20"`.
            retry: Whether to wait and try again when the service is asked too often; else
                `RateLimitedError` is raised.
            project: Project that the job goes to; None takes the client's.

        Returns:
            The job; a list of jobs for a list of more than one device.

        Raises:
            FileNotFoundError: If there is nothing at a path.
            UserError: If an argument is not valid, or the service refuses it.

        Examples:
            >>> # Use this instead.
            >>> job = hub.submit_inference_job(target_model, device)
            >>> [layer.name for layer in job.get_profile().layers]
            ['averaging']
        """
        warn_deprecated(
            "submit_profile_job is deprecated: call submit_inference_job, which profiles as well."
        )
        return self.submit_inference_job(
            model, device, None, name, options, retry, profile=True, project=project
        )

    @overload
    def submit_inference_job(
        self,
        model: Any,  # noqa: ANN401
        device: Device,
        inputs: Dataset | DatasetEntries | str | None = None,
        name: str | None = None,
        options: str = "",
        retry: bool = True,
        profile: bool = True,
        project: str | Project | None = None,
    ) -> InferenceJob: ...

    @overload
    def submit_inference_job(
        self,
        model: Any,  # noqa: ANN401
        device: Device | list[Device],
        inputs: Dataset | DatasetEntries | str | None = None,
        name: str | None = None,
        options: str = "",
        retry: bool = True,
        profile: bool = True,
        project: str | Project | None = None,
    ) -> InferenceJob | list[InferenceJob]: ...

    def submit_inference_job(
        self,
        model: Any,
        device: Device | list[Device],
        inputs: Dataset | DatasetEntries | str | None = None,
        name: str | None = None,
        options: str = "",
        retry: bool = True,
        profile: bool = True,
        project: str | Project | None = None,
    ) -> InferenceJob | list[InferenceJob]:
        """Submits an inference job, uploading model and inputs where they are not on the hub yet.

        Args:
            model: A target model: a `Model`, or whatever `upload_model` takes.
            device: Device to run on, or several.
            inputs: A `Dataset`, its identifier, or whatever `upload_dataset` takes. None profiles
                on inputs drawn at random, and gives no outputs.
            name: Name that people will see; None takes the model's.
            options: Options, as on a command line: `"--compute_unit cpu"`.
            retry: Whether to wait and try again when the service is asked too often; else
                `RateLimitedError` is raised.
            profile: Whether to profile the model layer by layer as well.
            project: Project that the job goes to; None takes the client's.

        Returns:
            The job; a list of jobs for a list of more than one device.

        Raises:
            FileNotFoundError: If there is nothing at a path.
            UserError: If an argument is not valid, or the service refuses it.

        Examples:
            >>> inputs = {"x": [np.ones((1, 3, 48, 192), np.float32)]}
            >>> job = hub.submit_inference_job(target_model, device, inputs)
            >>> job.download_output_data()["y"][0].ravel()
            array([1., 1., 1.], dtype=float32)
        """
        devices = check_devices(device)
        options, title = check_options("options", options), check_text("name", name)
        if inputs is None and not profile:
            raise UserError("There is nothing to do: give inputs, or profile=True.")
        check_runs(model)
        checked = None if inputs is None else self._checked_data(inputs)
        devices = self._selected(devices)
        for one in devices:
            check_framework(model, one)
        data = None if checked is None else self._upload_dataset(checked, project=project)
        target = self._on_hub(model, project)
        bodies = [
            inference_body(target, one, title or target.name, data, options, profile)
            for one in devices
        ]
        return one_or_all(self._create(bodies, project, retry, InferenceJob))


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
