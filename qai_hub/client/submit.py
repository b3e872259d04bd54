"""What all methods that submit jobs build on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from qai_hub.client.find import DeviceVerbs
from qai_hub.client.upload import DatasetVerbs, ModelVerbs, check_data
from qai_hub.errors import Error, InvalidValueError, UserError
from qai_hub.resources.kinds import job_from_api, with_id
from qai_hub.resources.link import LinkJob
from qai_hub.resources.quantize import QuantizeDtype, QuantizeJob
from qai_hub.submit.checks import check_devices, check_options, check_text, link_body, quantize_body
from qai_hub.submit.model_checks import check_framework, check_links, check_quantizes, model_key
from qai_hub.transport.values import id_of_made

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.device import Device
    from qai_hub.resources.model import Model
    from qai_hub.resources.project import Project
    from qai_hub.tensors import DatasetEntries


J = TypeVar("J")

_DATASET_ID = re.compile(r"d[a-z0-9]{1,31}")


class CreatingVerbs(ModelVerbs, DatasetVerbs, DeviceVerbs):
    """Methods that submit jobs need models and datasets on the hub, and devices that exist."""

    def _on_hub(self, model: Any, project: str | Project | None) -> Model:  # noqa: ANN401
        return self.upload_model(model, project=project)

    def _checked_data(self, data: Dataset | DatasetEntries | str) -> Dataset | DatasetEntries | str:
        """Data that can be used or uploaded; of an identifier, the dataset.

        Raises:
            FileNotFoundError: If there is no file at a path.
            UserError: If it is no dataset, or one that has expired.
        """
        if isinstance(data, str) and _DATASET_ID.fullmatch(data) and not Path(data).exists():
            data = self.get_dataset(data)
        check_data(data)
        return data

    def _create(
        self,
        bodies: list[api.JobSubmit],
        project: str | Project | None,
        retry: bool,
        kind: type[J],
    ) -> list[J]:
        """Creates jobs, one after the other; an error has a note about those that were made."""
        from qai_hub_api.api.jobs import get_job

        made: list[str] = []
        jobs: list[J] = []
        with naming_made(made):
            for body in bodies:
                made.append(self._create_one(body, self._project_id(project), retry))
                payload = self._connection.call(get_job.sync, made[-1])
                job = job_from_api(with_id(payload, made[-1]), self._client)
                jobs.append(cast("J", job))
        return jobs

    def _create_one(self, body: api.JobSubmit, project_id: str | None, retry: bool) -> str:
        from qai_hub_api.api.jobs import create_job
        from qai_hub_api.api.projects import create_project_job

        call = self._connection.call
        with self._connection.limits(retry_rate_limit=retry):
            if project_id is None:
                made = call(create_job.sync, body=body, seed_target_model=True)
            else:
                made = call(create_project_job.sync, project_id, body=body, seed_target_model=True)
        return id_of_made(made.id)


@contextmanager
def naming_made(made: list[str]) -> Iterator[None]:
    """Adds a note to errors: which jobs were made before.

    Args:
        made: Identifiers of the jobs; it may grow while the context lasts.
    """
    try:
        yield
    except Error as error:
        if made:
            error.add_note(f"Made before that, to be fetched by get_job: {', '.join(made)}")
        raise


def one_or_all(jobs: list[J]) -> J | list[J]:
    """A bare job for one device, as scripts expect it also of a list of one device."""
    return jobs[0] if len(jobs) == 1 else jobs


class LinkVerbs(CreatingVerbs):
    """The method that submits link jobs."""

    @overload
    def submit_link_job(
        self,
        models: Any,  # noqa: ANN401
        device: Device,
        name: str | None = None,
        options: str = "",
        project: str | Project | None = None,
    ) -> LinkJob: ...

    @overload
    def submit_link_job(
        self,
        models: Any,  # noqa: ANN401
        device: Device | list[Device],
        name: str | None = None,
        options: str = "",
        project: str | Project | None = None,
    ) -> LinkJob | list[LinkJob]: ...

    def submit_link_job(
        self,
        models: Any,
        device: Device | list[Device],
        name: str | None = None,
        options: str = "",
        project: str | Project | None = None,
    ) -> LinkJob | list[LinkJob]:
        """Submits a link job, uploading the models where they are not on the hub yet.

        Args:
            models: QNN DLC models: each a `Model`, or whatever `upload_model` takes. Each comes
                once.
            device: Device to link for, or several.
            name: Name that people will see; None takes the last model's.
            options: Options, as on a command line.
            project: Project that the job goes to; None takes the client's.

        Returns:
            The job, whose target model is a context binary with one graph for each model; a list of
            jobs for a list of more than one device.

        Raises:
            FileNotFoundError: If there is nothing at a path.
            UserError: If an argument is not valid, or the service refuses it.

        Examples:
            >>> compile_jobs = [
            ...     hub.submit_compile_job(model, device, name, options="--target_runtime qnn_dlc")
            ...     for name in ("prefill", "decode")
            ... ]
            >>> models = [job.get_target_model() for job in compile_jobs]
            >>> job = hub.submit_link_job(models, device, name="both")
        """
        devices = check_devices(device)
        options, title = check_options("options", options), check_text("name", name)
        given = models if isinstance(models, list) else [models]
        if not given:
            raise UserError("models is an empty list: a link job takes at least one model.")
        for model in given:
            check_links(model)
        if len({model_key(model) for model in given}) < len(given):
            raise UserError("The models of a link job must differ: one of them comes twice.")
        devices = self._selected(devices)
        for one in devices:
            for model in given:
                check_framework(model, one)
        inputs = [self._on_hub(model, project) for model in given]
        bodies = [link_body(inputs, one, title or inputs[-1].name, options) for one in devices]
        return one_or_all(self._create(bodies, project, True, LinkJob))


# Weights and activations that go together.
_PAIRS = (
    (QuantizeDtype.INT8, QuantizeDtype.INT8),
    (QuantizeDtype.INT8, QuantizeDtype.INT16),
    (QuantizeDtype.INT4, QuantizeDtype.INT16),
)


class QuantizeVerbs(CreatingVerbs):
    """The method that submits quantize jobs."""

    def submit_quantize_job(
        self,
        model: Any,  # noqa: ANN401 (a path, a Model, or an onnx.ModelProto)
        calibration_data: Dataset | DatasetEntries | str,
        weights_dtype: QuantizeDtype = QuantizeDtype.INT8,
        activations_dtype: QuantizeDtype = QuantizeDtype.INT8,
        name: str | None = None,
        options: str = "",
        project: str | Project | None = None,
    ) -> QuantizeJob:
        """Submits a quantize job, uploading model and data where they are not on the hub yet.

        Args:
            model: An ONNX model: a `Model`, or whatever `upload_model` takes.
            calibration_data: A `Dataset`, its identifier, or whatever `upload_dataset` takes.
            weights_dtype: Type to quantize weights to.
            activations_dtype: Type to quantize activations to: INT8 with INT8 weights, or INT16
                with INT8 or INT4 weights.
            name: Name that people will see; None takes the model's.
            options: Options, as on a command line.
            project: Project that the job goes to; None takes the client's.

        Returns:
            The job, whose target model is ONNX with quantize and dequantize operators.

        Raises:
            FileNotFoundError: If there is nothing at a path.
            UserError: If an argument is not valid, or the service refuses it.

        Examples:
            >>> samples = [np.full((1, 3, 48, 192), value, np.float32) for value in (0, 0.5, 1)]
            >>> job = hub.submit_quantize_job(
            ...     "model.onnx", {"x": samples}, activations_dtype=hub.QuantizeDtype.INT16
            ... )
            >>> quantized = job.get_target_model()
        """
        if (weights_dtype, activations_dtype) not in _PAIRS:
            pairs = ", ".join(f"{w.name} with {a.name}" for w, a in _PAIRS)
            raise InvalidValueError(
                f"Weights of {weights_dtype} and activations of {activations_dtype} do not go"
                f" together: these do, weights with activations: {pairs}."
            )
        options, title = check_options("options", options), check_text("name", name)
        check_quantizes(model)
        checked = self._checked_data(calibration_data)
        source = self._on_hub(model, project)
        data = self._upload_dataset(checked, project=project)
        body = quantize_body(
            source, data, weights_dtype, activations_dtype, title or source.name, options
        )
        (job,) = self._create([body], project, True, QuantizeJob)
        return job
