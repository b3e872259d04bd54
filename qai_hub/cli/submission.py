"""Submitting jobs from options: of `qai-hub submit` and of the official command's verbs.

With `--clone`, what the options leave out comes from an earlier job.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import click

from qai_hub.cli.common import CommandError
from qai_hub.cli.parameters import find_dataset, find_model

if TYPE_CHECKING:
    from qai_hub.client import (
        Client,
        CompileJob,
        Dataset,
        Device,
        InferenceJob,
        Job,
        LinkJob,
        QuantizeJob,
    )

J = TypeVar("J", bound="Job")

DATA = "a dataset's identifier, a .npz or HDF5 file, or a folder of .npz files"
"""What an option for data takes, in the words of its help."""

NO_DATA = "none"
"""What `--calibration_data` is set to for a clone that shall have none."""


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What options say of a job, whatever its type.

    Attributes:
        devices: The devices; empty if the options name none.
        name: Display name.
        project: Identifier of the project.
        options: Options of the job; None if none were given.
        clone: Identifier of the job that is the template.
    """

    devices: "tuple[Device, ...]" = ()
    name: str | None = None
    project: str | None = None
    options: str | None = None
    clone: str | None = None


@dataclass(frozen=True)
class Template(Generic[J]):
    """What an earlier job gives to a new one.

    Attributes:
        job: The job; None without `--clone`.
        given: What the options say.
    """

    job: J | None
    given: Submission

    @property
    def name(self) -> str | None:
        """The name of the new job."""
        return self.given.name or (self.job.name if self.job else None)

    @property
    def options(self) -> str:
        """The options of the new job."""
        if self.given.options is not None:
            return self.given.options
        return self.job.options if self.job else ""

    @property
    def project(self) -> str | None:
        """The project of the new job."""
        return self.given.project or (self.job.project_id if self.job else None)

    @property
    def devices(self) -> "list[Device]":
        """The devices of the new jobs.

        Raises:
            UsageError: There is none.
        """
        if self.given.devices:
            return list(self.given.devices)
        device: Device | None = getattr(self.job, "device", None)
        if device is None:
            raise click.UsageError(
                "A job needs a device: give --device NAME, or --clone JOB. "
                "`qai-hub device list` shows the names."
            )
        return [device]


def load_template(client: "Client", given: Submission, kind: "type[J]") -> "Template[J]":
    """Fetches the job that `--clone` names.

    Raises:
        CommandError: It is of another type.
    """
    if given.clone is None:
        return Template(None, given)
    job = client.get_job(given.clone)
    if not isinstance(job, kind):
        raise CommandError(
            f"{given.clone} is a job of the type {job._type_name}: it cannot be cloned as another."
        )
    return Template(job, given)


def submit_compile(
    client: "Client",
    given: Submission,
    model: str | None,
    input_specs: dict[str, Any] | None,
    calibration_data: str | None,
) -> "list[CompileJob]":
    """Submits a compile job for each device."""
    from qai_hub.client import CompileJob

    template = load_template(client, given, CompileJob)
    job = template.job
    data = None if calibration_data in (None, NO_DATA) else find_dataset(client, calibration_data)
    if calibration_data is None and job is not None:
        data = job.calibration_dataset
    return _as_list(
        client.submit_compile_job(
            _find_model(client, model, job),
            template.devices,
            name=template.name,
            input_specs=input_specs if input_specs is not None or job is None else job.shapes,
            options=template.options,
            calibration_data=data,
            project=template.project,
            single_compile=False,
        )
    )


def submit_inference(
    client: "Client",
    given: Submission,
    model: str | None,
    inputs: str | None,
    profiling: bool | None,
) -> "list[InferenceJob]":
    """Submits an inference job for each device."""
    from qai_hub.client import InferenceJob

    template = load_template(client, given, InferenceJob)
    job = template.job
    data = None if inputs is None else find_dataset(client, inputs)
    if inputs is None and job is not None:
        data = job.inputs
    if profiling is None:
        profiling = True if job is None else job.profiling
    return _as_list(
        client.submit_inference_job(
            _find_model(client, model, job),
            template.devices,
            inputs=data,
            name=template.name,
            options=template.options,
            profile=profiling,
            project=template.project,
        )
    )


def submit_quantize(
    client: "Client",
    given: Submission,
    model: str | None,
    calibration_data: str | None,
    weights: str | None,
    activations: str | None,
) -> "QuantizeJob":
    """Submits a quantize job."""
    from qai_hub.client import QuantizeDtype, QuantizeJob

    template = load_template(client, given, QuantizeJob)
    job = template.job
    data: Dataset | str | None = job.calibration_dataset if job else None
    if calibration_data is not None:
        data = find_dataset(client, calibration_data)
    if data is None:
        raise click.UsageError(
            f"A quantize job needs calibration data: give --calibration-data with {DATA}, one for "
            "each sample."
        )
    weights_dtype = (job.weights_dtype if job else None) or QuantizeDtype.INT8
    activations_dtype = (job.activations_dtype if job else None) or QuantizeDtype.INT8
    return client.submit_quantize_job(
        _find_model(client, model, job),
        data,
        QuantizeDtype[weights.upper()] if weights else weights_dtype,
        QuantizeDtype[activations.upper()] if activations else activations_dtype,
        name=template.name,
        options=template.options,
        project=template.project,
    )


def submit_link(client: "Client", given: Submission, models: Sequence[str]) -> "list[LinkJob]":
    """Submits a link job for each device."""
    from qai_hub.client import LinkJob

    template = load_template(client, given, LinkJob)
    found = [find_model(client, text) for text in models]
    if not found and template.job is not None:
        found = [*template.job.models]
    if not found:
        raise click.UsageError("A link job needs models: give their identifiers or paths.")
    return _as_list(
        client.submit_link_job(
            found,
            template.devices,
            name=template.name,
            options=template.options,
            project=template.project,
        )
    )


def _find_model(client: "Client", text: str | None, job: Any) -> Any:  # noqa: ANN401 - of any type
    if text is not None:
        return find_model(client, text)
    if job is None:
        raise click.UsageError(
            "A job needs a model: give the path of a file, the identifier of a model on the hub, "
            "or --clone JOB."
        )
    return job.model


def _as_list(jobs: "J | list[J]") -> list[J]:
    # A list of one device may have one job for an answer.
    return jobs if isinstance(jobs, list) else [jobs]
