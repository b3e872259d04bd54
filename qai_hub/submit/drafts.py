"""Drafts of jobs to submit: the request's body, and the attributes that follow from it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from qai_hub.resources.payload import specs_to_api

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.device import Device
    from qai_hub.resources.model import Model
    from qai_hub.resources.quantize import QuantizeDtype
    from qai_hub.tensors import ParsedSpecs


class Draft(NamedTuple):
    """A job to be submitted.

    Attributes:
        body: Body of the request.
        name: Display name; if empty, the service chooses one.
        known: Attributes of the job that are known from the request, by name.
    """

    body: api.JobSubmit
    name: str
    known: dict[str, Any]


def compile_draft(
    model: Model,
    devices: Sequence[Device],
    name: str,
    input_specs: ParsedSpecs | None,
    options: str,
    calibration_data: Dataset | None,
) -> Draft:
    """Drafts a compile job."""
    from qai_hub_api.models import CompileJobSubmit, DeviceQueryList, JobSubmit
    from qai_hub_api.types import UNSET

    specs = specs_to_api(input_specs) if input_specs else UNSET
    body = JobSubmit(
        compile_job=CompileJobSubmit(
            model=_model(model),
            devices=DeviceQueryList(devices=[device._to_api() for device in devices]),
            tensor_type_list=specs,
            name=name,
            options=options,
            calibration_dataset=_dataset(calibration_data),
        )
    )
    known = {
        "device": devices[0],
        "model": _known_model(model),
        "calibration_dataset": _known_dataset(calibration_data),
    }
    return Draft(body, name, known)


def inference_draft(
    model: Model, device: Device, name: str, inputs: Dataset | None, options: str, profile: bool
) -> Draft:
    """Drafts an inference job."""
    from qai_hub_api.models import InferenceJobSubmit, JobSubmit

    body = JobSubmit(
        inference_job=InferenceJobSubmit(
            model=_model(model),
            device=device._to_api(),
            dataset=_dataset(inputs),
            is_profiling_on=profile,
            name=name,
            options=options,
        )
    )
    known = {
        "device": device,
        "model": _known_model(model),
        "inputs": _known_dataset(inputs),
        "profiling": bool(profile),
    }
    return Draft(body, name, known)


def quantize_draft(
    model: Model,
    calibration_data: Dataset,
    weights_dtype: QuantizeDtype,
    activations_dtype: QuantizeDtype,
    name: str,
    options: str,
) -> Draft:
    """Drafts a quantize job."""
    from qai_hub_api.models import JobSubmit, QuantizeJobSubmit
    from qai_hub_api.models import QuantizeDtype as ApiDtype

    body = JobSubmit(
        quantize_job=QuantizeJobSubmit(
            model=_model(model),
            calibration_dataset=_dataset(calibration_data),
            weights_dtype=ApiDtype(f"QUANTIZE_DTYPE_{weights_dtype.name}"),
            activations_dtype=ApiDtype(f"QUANTIZE_DTYPE_{activations_dtype.name}"),
            name=name,
            options=options,
        )
    )
    known = {
        "model": _known_model(model),
        "calibration_dataset": _known_dataset(calibration_data),
        "weights_dtype": weights_dtype,
        "activations_dtype": activations_dtype,
    }
    return Draft(body, name, known)


def link_draft(models: list[Model], device: Device, name: str, options: str) -> Draft:
    """Drafts a link job."""
    from qai_hub_api.models import JobSubmit, LinkJobSubmit, ModelReferenceList

    body = JobSubmit(
        link_job=LinkJobSubmit(
            models=ModelReferenceList(models=[_model(model) for model in models]),
            device=device._to_api(),
            name=name,
            options=options,
        )
    )
    known = {"device": device, "models": [_known_model(model) for model in models]}
    return Draft(body, name, known)


# A job is kept and pickled for longer than a model or data in memory, which may be large, and which
# not everything can pickle.


def _known_model(model: Model) -> Model:
    known = copy.copy(model)
    known.model = None
    return known


def _known_dataset(dataset: Dataset | None) -> Dataset | None:
    if dataset is None:
        return None
    known = copy.copy(dataset)
    known.data = None
    return known


def _model(model: Model) -> api.ModelReference:
    from qai_hub_api.models import ModelReference

    return ModelReference(model_id=model.model_id)


def _dataset(dataset: Dataset | None) -> Any:  # noqa: ANN401 (a reference, or unset)
    from qai_hub_api.models import DatasetReference
    from qai_hub_api.types import UNSET

    return DatasetReference(dataset_id=dataset.dataset_id) if dataset else UNSET
