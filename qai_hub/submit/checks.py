"""Checks and builds what `submit_*` sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qai_hub.errors import UserError
from qai_hub.resources.device import Device
from qai_hub.resources.payload import specs_to_api
from qai_hub.tensors import parse_input_specs

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.model import Model
    from qai_hub.resources.quantize import QuantizeDtype
    from qai_hub.tensors import InputSpecs


def check_devices(device: Device | list[Device]) -> list[Device]:
    """Checks the devices of a submission.

    Args:
        device: One device, or several.

    Returns:
        The devices.

    Raises:
        UserError: If there is none, or if something else is given.
    """
    devices = list(device) if isinstance(device, list | tuple) else [device]
    if not all(isinstance(d, Device) for d in devices):
        raise UserError(
            f"device takes a Device or a list of them, such as Device('Samsung Galaxy S24'),"
            f" not {device!r}."
        )
    if not devices:
        raise UserError("device is an empty list: name at least one device.")
    return devices


def check_text(argument: str, text: str | None) -> str:
    """Checks a text of a submission; None is the empty text.

    Raises:
        UserError: If something else is given.
    """
    if text is not None and not isinstance(text, str):
        raise UserError(f"{argument} takes a text, not {text!r}.")
    return text or ""


def default_name(name: str) -> str:
    """Makes a name that the service takes of one that has other limits, such as a file's."""
    return name.encode("utf-8", "replace").decode()[:255]


def check_options(argument: str, options: str | None) -> str:
    """Checks the options of a submission, and takes the blanks around them off.

    Raises:
        UserError: If they are no text.
    """
    return check_text(argument, options).strip()


def check_specs(input_specs: InputSpecs | None) -> InputSpecs | None:
    """Checks the input specs of a submission.

    Raises:
        UserError: If they are not shapes, or shapes with dtypes.
    """
    return None if input_specs is None else parse_input_specs(input_specs)


def compile_body(
    model: Model,
    devices: list[Device],
    name: str,
    input_specs: InputSpecs | None,
    options: str,
    calibration_data: Dataset | None,
) -> api.JobSubmit:
    """What creates a compile job.

    Raises:
        UserError: If the input specs are not shapes, or shapes with dtypes.
    """
    from qai_hub_api.models import CompileJobSubmit, DeviceQueryList, JobSubmit
    from qai_hub_api.types import UNSET

    specs = specs_to_api(input_specs) if input_specs else UNSET
    return JobSubmit(
        compile_job=CompileJobSubmit(
            model=_model(model),
            devices=DeviceQueryList(devices=[device._to_api() for device in devices]),
            tensor_type_list=specs,
            name=name,
            options=options,
            calibration_dataset=_dataset(calibration_data),
        )
    )


def inference_body(
    model: Model, device: Device, name: str, inputs: Dataset | None, options: str, profile: bool
) -> api.JobSubmit:
    """What creates an inference job."""
    from qai_hub_api.models import InferenceJobSubmit, JobSubmit

    return JobSubmit(
        inference_job=InferenceJobSubmit(
            model=_model(model),
            device=device._to_api(),
            dataset=_dataset(inputs),
            is_profiling_on=profile,
            name=name,
            options=options,
        )
    )


def quantize_body(
    model: Model,
    calibration_data: Dataset,
    weights_dtype: QuantizeDtype,
    activations_dtype: QuantizeDtype,
    name: str,
    options: str,
) -> api.JobSubmit:
    """What creates a quantize job."""
    from qai_hub_api.models import JobSubmit, QuantizeJobSubmit
    from qai_hub_api.models import QuantizeDtype as ApiDtype

    return JobSubmit(
        quantize_job=QuantizeJobSubmit(
            model=_model(model),
            calibration_dataset=_dataset(calibration_data),
            weights_dtype=ApiDtype(f"QUANTIZE_DTYPE_{weights_dtype.name}"),
            activations_dtype=ApiDtype(f"QUANTIZE_DTYPE_{activations_dtype.name}"),
            name=name,
            options=options,
        )
    )


def link_body(models: list[Model], device: Device, name: str, options: str) -> api.JobSubmit:
    """What creates a link job."""
    from qai_hub_api.models import JobSubmit, LinkJobSubmit, ModelReferenceList

    return JobSubmit(
        link_job=LinkJobSubmit(
            models=ModelReferenceList(models=[_model(model) for model in models]),
            device=device._to_api(),
            name=name,
            options=options,
        )
    )


def _model(model: Model) -> api.ModelReference:
    from qai_hub_api.models import ModelReference

    return ModelReference(model_id=model.model_id)


def _dataset(dataset: Dataset | None) -> Any:  # noqa: ANN401 (a reference, or unset)
    from qai_hub_api.models import DatasetReference
    from qai_hub_api.types import UNSET

    return DatasetReference(dataset_id=dataset.dataset_id) if dataset else UNSET
