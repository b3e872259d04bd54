from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="DeviceQuery")


@_attrs_define
class DeviceQuery:
    """Selects a device: all that is given must match. Empty strings match everything.

    Attributes:
        name (str | Unset): Name of the device, as in the list of devices.
        os (str | Unset): Version of its operating system; in a query also an interval such as `[14,15)`.
        attributes (list[str] | Unset): Attributes of the form `key:value`, such as `chipset:qualcomm-snapdragon-8gen3`.
    """

    name: str | Unset = UNSET
    os: str | Unset = UNSET
    attributes: list[str] | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        os = self.os

        attributes: list[str] | Unset = UNSET
        if not isinstance(self.attributes, Unset):
            attributes = self.attributes

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if name is not UNSET:
            field_dict["name"] = name
        if os is not UNSET:
            field_dict["os"] = os
        if attributes is not UNSET:
            field_dict["attributes"] = attributes

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _name = d.pop("name", UNSET)
        name: str | Unset = _name if type(_name) is str else UNSET

        _os = d.pop("os", UNSET)
        os: str | Unset = _os if type(_os) is str else UNSET

        _attributes = d.pop("attributes", UNSET)
        attributes: list[str] | Unset = (
            [
                attributes_item_data
                for attributes_item_data in _attributes
                if type(attributes_item_data) is str
            ]
            if type(_attributes) is list
            else UNSET
        )

        device_query = cls.__new__(cls)
        device_query.name = name
        device_query.os = os
        device_query.attributes = attributes
        return device_query
