"""The client's methods that submit jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from qai_hub.datasets import Dataset
from qai_hub.errors import UserError
from qai_hub.jobs.compile import CompileJob
from qai_hub.jobs.inference import InferenceJob
from qai_hub.jobs.mapping import job_from_api
from qai_hub.models import Model
from qai_hub.submission import check_devices, check_text, compile_body, inference_body
from qai_hub.verbs.datasets import DatasetVerbs
from qai_hub.verbs.models import ModelVerbs

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.devices import Device
    from qai_hub.projects import Project
    from qai_hub.tensors import DatasetEntries, InputSpecs

J = TypeVar("J")


class SubmitVerbs(ModelVerbs, DatasetVerbs):
    """Methods that submit jobs."""

    @overload
    def submit_compile_job(
        self,
        model: Any,  # noqa: ANN401
        device: Device,
        name: str | None = None,
        input_specs: InputSpecs | None = None,
        options: str = "",
        single_compile: bool = True,
        calibration_data: Dataset | DatasetEntries | str | None = None,
        retry: bool = True,
        project: str | Project | None = None,
    ) -> CompileJob: ...

    @overload
    def submit_compile_job(
        self,
        model: Any,  # noqa: ANN401
        device: Device | list[Device],
        name: str | None = None,
        input_specs: InputSpecs | None = None,
        options: str = "",
        single_compile: bool = True,
        calibration_data: Dataset | DatasetEntries | str | None = None,
        retry: bool = True,
        project: str | Project | None = None,
    ) -> CompileJob | list[CompileJob]: ...

    def submit_compile_job(
        self,
        model: Any,
        device: Device | list[Device],
        name: str | None = None,
        input_specs: InputSpecs | None = None,
        options: str = "",
        single_compile: bool = True,
        calibration_data: Dataset | DatasetEntries | str | None = None,
        retry: bool = True,
        project: str | Project | None = None,
    ) -> CompileJob | list[CompileJob]:
        """Submits a compile job, uploading the model where it is not on the hub yet.

        Args:
            model: A `Model`, or whatever `upload_model` takes.
            device: Device to compile for, or several.
            name: Name that people will see; None takes the model's.
            input_specs: For each input a shape, or a shape and a dtype: `{"x": (1, 3, 224, 224)}`
                or `{"x": ((1, 3, 224, 224), "float32")}`. It fixes dimensions that the model
                leaves open.
            options: Options, as on a command line: `"--target_runtime onnx"`.
            single_compile: Whether several devices share one job, and so one target model.
            calibration_data: A `Dataset`, or whatever `upload_dataset` takes.
            retry: Whether to wait and try again when the service is asked too often.
            project: Project that the job goes to; None takes the client's.

        Returns:
            The job; a list of jobs for a list of more than one device without `single_compile`.

        Raises:
            UserError: If an argument is not valid, or the service refuses it.
        """
        devices = check_devices(device)
        options, title = check_text("options", options), check_text("name", name)
        source = self._on_hub(model, project)
        data = None if calibration_data is None else self._dataset_of(calibration_data, project)
        groups = [devices] if single_compile else [[one] for one in devices]
        bodies = [
            compile_body(source, group, title or source.name, input_specs, options, data)
            for group in groups
        ]
        jobs = [self._create(body, project, retry, CompileJob) for body in bodies]
        return _one_or_all(jobs)

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

        Args:
            model: A target model: a `Model`, or whatever `upload_model` takes.
            device: Device to profile on, or several.
            name: Name that people will see; None takes the model's.
            options: Options, as on a command line: `"--max_profiler_iterations 20"`.
            retry: Whether to wait and try again when the service is asked too often.
            project: Project that the job goes to; None takes the client's.

        Returns:
            The job; a list of jobs for a list of more than one device.

        Raises:
            UserError: If an argument is not valid, or the service refuses it.
        """
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
            inputs: A `Dataset`, or whatever `upload_dataset` takes. None profiles on inputs drawn
                at random, and gives no outputs.
            name: Name that people will see; None takes the model's.
            options: Options, as on a command line.
            retry: Whether to wait and try again when the service is asked too often.
            profile: Whether to profile the model layer by layer as well.
            project: Project that the job goes to; None takes the client's.

        Returns:
            The job; a list of jobs for a list of more than one device.

        Raises:
            UserError: If an argument is not valid, or the service refuses it.
        """
        devices = check_devices(device)
        options, title = check_text("options", options), check_text("name", name)
        if inputs is None and not profile:
            raise UserError("There is nothing to do: give inputs, or profile=True.")
        data = None if inputs is None else self._dataset_of(inputs, project)
        target = self._on_hub(model, project)
        bodies = [
            inference_body(target, one, title or target.name, data, options, profile)
            for one in devices
        ]
        jobs = [self._create(body, project, retry, InferenceJob) for body in bodies]
        return _one_or_all(jobs)

    def _on_hub(self, model: Any, project: str | Project | None) -> Model:  # noqa: ANN401
        if model is None:
            raise UserError("model is None: did the job that should have made it fail?")
        return model if isinstance(model, Model) else self.upload_model(model, project=project)

    def _dataset_of(
        self, data: Dataset | DatasetEntries | str, project: str | Project | None
    ) -> Dataset:
        return data if isinstance(data, Dataset) else self.upload_dataset(data, project=project)

    def _create(
        self, body: api.JobSubmit, project: str | Project | None, retry: bool, kind: type[J]
    ) -> J:
        from qai_hub_api.api.jobs import create_job, get_job
        from qai_hub_api.api.projects import create_project_job

        project_id = self._project_id(project)
        with self._transport.limits(retry_rate_limit=retry):
            if project_id is None:
                made = self._transport.call(create_job.sync, body=body, seed_target_model=True)
            else:
                made = self._transport.call(
                    create_project_job.sync, project_id, body=body, seed_target_model=True
                )
        job = job_from_api(self._transport.call(get_job.sync, made.id), self._client)
        return cast("J", job)


def _one_or_all(jobs: list[J]) -> J | list[J]:
    """A bare job for one device, as scripts expect it also of a list of one device."""
    return jobs[0] if len(jobs) == 1 else jobs
