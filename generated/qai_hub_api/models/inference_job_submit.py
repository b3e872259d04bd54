from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="InferenceJobSubmit")


@_attrs_define
class InferenceJobSubmit:
    """An inference job to create. Without a dataset it only profiles, on inputs drawn at random.

    Attributes:
        model (ModelReference): A model that a job works on.
        device (DeviceQuery): Selects a device: all that is given must match. Empty strings match everything.
        dataset (DatasetReference | Unset): A dataset that a job works on.
        is_profiling_on (bool | Unset): Whether it profiles.
        name (str | Unset): Display name.
        options (str | Unset): Options, as on a command line.
    """

    model: ModelReference
    device: DeviceQuery
    dataset: DatasetReference | Unset = UNSET
    is_profiling_on: bool | Unset = UNSET
    name: str | Unset = UNSET
    options: str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        model = self.model.to_dict()

        device = self.device.to_dict()

        dataset: dict[str, Any] | Unset = UNSET
        if not isinstance(self.dataset, Unset):
            dataset = self.dataset.to_dict()

        is_profiling_on = self.is_profiling_on

        name = self.name

        options = self.options

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "model": model,
                "device": device,
            }
        )
        if dataset is not UNSET:
            field_dict["dataset"] = dataset
        if is_profiling_on is not UNSET:
            field_dict["is_profiling_on"] = is_profiling_on
        if name is not UNSET:
            field_dict["name"] = name
        if options is not UNSET:
            field_dict["options"] = options

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _model = d.pop("model", UNSET)
        model = ModelReference.from_dict(_model if type(_model) is dict else {})

        _device = d.pop("device", UNSET)
        device = DeviceQuery.from_dict(_device if type(_device) is dict else {})

        _dataset = d.pop("dataset", UNSET)
        dataset: DatasetReference | Unset = (
            DatasetReference.from_dict(_dataset) if type(_dataset) is dict else UNSET
        )

        _is_profiling_on = d.pop("is_profiling_on", UNSET)
        is_profiling_on: bool | Unset = (
            _is_profiling_on if type(_is_profiling_on) is bool else UNSET
        )

        _name = d.pop("name", UNSET)
        name: str | Unset = _name if type(_name) is str else UNSET

        _options = d.pop("options", UNSET)
        options: str | Unset = _options if type(_options) is str else UNSET

        inference_job_submit = cls.__new__(cls)
        inference_job_submit.model = model
        inference_job_submit.device = device
        inference_job_submit.dataset = dataset
        inference_job_submit.is_profiling_on = is_profiling_on
        inference_job_submit.name = name
        inference_job_submit.options = options
        return inference_job_submit


from ..models.dataset_reference import DatasetReference
from ..models.device_query import DeviceQuery
from ..models.model_reference import ModelReference
