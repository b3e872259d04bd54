from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..types import UNSET, Unset

T = TypeVar("T", bound="DeviceList")


@_attrs_define
class DeviceList:
    """Devices, ordered by name and operating system.

    Attributes:
        total_query_count (int): Number of items that match, on all pages together.
        devices (list[Device] | Unset): The devices.
    """

    total_query_count: int
    devices: list[Device] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        total_query_count = self.total_query_count

        devices: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.devices, Unset):
            devices = []
            for devices_item_data in self.devices:
                devices_item = devices_item_data.to_dict()
                devices.append(devices_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "total_query_count": total_query_count,
            }
        )
        if devices is not UNSET:
            field_dict["devices"] = devices

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _total_query_count = d.pop("total_query_count", UNSET)
        total_query_count = (
            _total_query_count
            if (type(_total_query_count) is int and _total_query_count.bit_length() <= 64)
            else reading.integer(_total_query_count, 0)
        )

        _devices = d.pop("devices", UNSET)
        devices: list[Device] | Unset = (
            [
                Device.from_dict(devices_item_data if type(devices_item_data) is dict else {})
                for devices_item_data in _devices
            ]
            if type(_devices) is list
            else UNSET
        )

        device_list = cls.__new__(cls)
        device_list.total_query_count = total_query_count
        device_list.devices = devices

        device_list.additional_properties = d or {}
        return device_list

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


from ..models.device import Device
