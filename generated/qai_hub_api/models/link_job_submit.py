from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="LinkJobSubmit")


@_attrs_define
class LinkJobSubmit:
    """A link job to create.

    Attributes:
        models (ModelReferenceList): Models that a job links, in order.
        device (DeviceQuery): Selects a device: all that is given must match. Empty strings match everything.
        name (str | Unset): Display name.
        options (str | Unset): Options, as on a command line.
    """

    models: ModelReferenceList
    device: DeviceQuery
    name: str | Unset = UNSET
    options: str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        models = self.models.to_dict()

        device = self.device.to_dict()

        name = self.name

        options = self.options

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "models": models,
                "device": device,
            }
        )
        if name is not UNSET:
            field_dict["name"] = name
        if options is not UNSET:
            field_dict["options"] = options

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _models = d.pop("models", UNSET)
        models = ModelReferenceList.from_dict(_models if type(_models) is dict else {})

        _device = d.pop("device", UNSET)
        device = DeviceQuery.from_dict(_device if type(_device) is dict else {})

        _name = d.pop("name", UNSET)
        name: str | Unset = _name if type(_name) is str else UNSET

        _options = d.pop("options", UNSET)
        options: str | Unset = _options if type(_options) is str else UNSET

        link_job_submit = cls.__new__(cls)
        link_job_submit.models = models
        link_job_submit.device = device
        link_job_submit.name = name
        link_job_submit.options = options
        return link_job_submit


from ..models.device_query import DeviceQuery
from ..models.model_reference_list import ModelReferenceList
