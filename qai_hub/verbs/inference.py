"""The client's methods that submit inference and profile jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from qai_hub.errors import UserError
from qai_hub.jobs.inference import InferenceJob
from qai_hub.submission import check_devices, check_text, inference_body
from qai_hub.verbs.creating import CreatingVerbs, one_or_all

if TYPE_CHECKING:
    from qai_hub.datasets import Dataset
    from qai_hub.devices import Device
    from qai_hub.projects import Project
    from qai_hub.tensors import DatasetEntries


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
        return one_or_all(self._create(bodies, project, retry, InferenceJob))
