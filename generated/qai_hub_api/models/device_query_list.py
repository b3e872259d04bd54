from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET

T = TypeVar("T", bound="DeviceQueryList")


@_attrs_define
class DeviceQueryList:
    """Devices that a target model must run on.

    Attributes:
        devices (list[DeviceQuery]): The devices.
    """

    devices: list[DeviceQuery]

    def to_dict(self) -> dict[str, Any]:
        devices = []
        for devices_item_data in self.devices:
            devices_item = devices_item_data.to_dict()
            devices.append(devices_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "devices": devices,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _devices = d.pop("devices", UNSET)
        devices: list[DeviceQuery] = (
            [
                DeviceQuery.from_dict(devices_item_data if type(devices_item_data) is dict else {})
                for devices_item_data in _devices
            ]
            if type(_devices) is list
            else []
        )

        device_query_list = cls.__new__(cls)
        device_query_list.devices = devices
        return device_query_list


from ..models.device_query import DeviceQuery
