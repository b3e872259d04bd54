from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="CompileJobSubmit")


@_attrs_define
class CompileJobSubmit:
    """A compile job to create.

    Attributes:
        model (ModelReference): A model that a job works on.
        devices (DeviceQueryList): Devices that a target model must run on.
        tensor_type_list (NamedTensorTypeListSubmit | Unset): The inputs of a model, with the shapes and types they are
            to have.
        name (str | Unset): Display name.
        options (str | Unset): Options, as on a command line.
        calibration_dataset (DatasetReference | Unset): A dataset that a job works on.
    """

    model: ModelReference
    devices: DeviceQueryList
    tensor_type_list: NamedTensorTypeListSubmit | Unset = UNSET
    name: str | Unset = UNSET
    options: str | Unset = UNSET
    calibration_dataset: DatasetReference | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        model = self.model.to_dict()

        devices = self.devices.to_dict()

        tensor_type_list: dict[str, Any] | Unset = UNSET
        if not isinstance(self.tensor_type_list, Unset):
            tensor_type_list = self.tensor_type_list.to_dict()

        name = self.name

        options = self.options

        calibration_dataset: dict[str, Any] | Unset = UNSET
        if not isinstance(self.calibration_dataset, Unset):
            calibration_dataset = self.calibration_dataset.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "model": model,
                "devices": devices,
            }
        )
        if tensor_type_list is not UNSET:
            field_dict["tensor_type_list"] = tensor_type_list
        if name is not UNSET:
            field_dict["name"] = name
        if options is not UNSET:
            field_dict["options"] = options
        if calibration_dataset is not UNSET:
            field_dict["calibration_dataset"] = calibration_dataset

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _model = d.pop("model", UNSET)
        model = ModelReference.from_dict(_model if type(_model) is dict else {})

        _devices = d.pop("devices", UNSET)
        devices = DeviceQueryList.from_dict(_devices if type(_devices) is dict else {})

        _tensor_type_list = d.pop("tensor_type_list", UNSET)
        tensor_type_list: NamedTensorTypeListSubmit | Unset = (
            NamedTensorTypeListSubmit.from_dict(_tensor_type_list)
            if type(_tensor_type_list) is dict
            else UNSET
        )

        _name = d.pop("name", UNSET)
        name: str | Unset = _name if type(_name) is str else UNSET

        _options = d.pop("options", UNSET)
        options: str | Unset = _options if type(_options) is str else UNSET

        _calibration_dataset = d.pop("calibration_dataset", UNSET)
        calibration_dataset: DatasetReference | Unset = (
            DatasetReference.from_dict(_calibration_dataset)
            if type(_calibration_dataset) is dict
            else UNSET
        )

        compile_job_submit = cls.__new__(cls)
        compile_job_submit.model = model
        compile_job_submit.devices = devices
        compile_job_submit.tensor_type_list = tensor_type_list
        compile_job_submit.name = name
        compile_job_submit.options = options
        compile_job_submit.calibration_dataset = calibration_dataset
        return compile_job_submit


from ..models.dataset_reference import DatasetReference
from ..models.device_query_list import DeviceQueryList
from ..models.model_reference import ModelReference
from ..models.named_tensor_type_list_submit import NamedTensorTypeListSubmit
