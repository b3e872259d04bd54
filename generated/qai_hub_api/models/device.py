from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET

T = TypeVar("T", bound="Device")


@_attrs_define
class Device:
    """A device that jobs run on, or a query that selects one.

    Attributes:
        name (str): Name of the device, as in the list of devices.
        os (str): Version of its operating system; in a query also an interval such as `[14,15)`.
        attributes (list[str]): Attributes of the form `key:value`, such as `chipset:qualcomm-snapdragon-8gen3`.
        soc_description (str): Description of its chip.
    """

    name: str
    os: str
    attributes: list[str]
    soc_description: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        os = self.os

        attributes = self.attributes

        soc_description = self.soc_description

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "os": os,
                "attributes": attributes,
                "soc_description": soc_description,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _name = d.pop("name", UNSET)
        name = _name if type(_name) is str else ""

        _os = d.pop("os", UNSET)
        os = _os if type(_os) is str else ""

        _attributes = d.pop("attributes", UNSET)
        attributes: list[str] = (
            [
                attributes_item_data
                for attributes_item_data in _attributes
                if type(attributes_item_data) is str
            ]
            if type(_attributes) is list
            else []
        )

        _soc_description = d.pop("soc_description", UNSET)
        soc_description = _soc_description if type(_soc_description) is str else ""

        device = cls.__new__(cls)
        device.name = name
        device.os = os
        device.attributes = attributes
        device.soc_description = soc_description

        device.additional_properties = d or {}
        return device

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
