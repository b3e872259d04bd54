from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="ProfileDetailMemoryUsage")


@_attrs_define
class ProfileDetailMemoryUsage:
    """Memory over one phase, in bytes.

    Attributes:
        increase (Range | Unset): A closed interval of measured values.
        peak (Range | Unset): A closed interval of measured values.
    """

    increase: Range | Unset = UNSET
    peak: Range | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        increase: dict[str, Any] | Unset = UNSET
        if not isinstance(self.increase, Unset):
            increase = self.increase.to_dict()

        peak: dict[str, Any] | Unset = UNSET
        if not isinstance(self.peak, Unset):
            peak = self.peak.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if increase is not UNSET:
            field_dict["increase"] = increase
        if peak is not UNSET:
            field_dict["peak"] = peak

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _increase = d.pop("increase", UNSET)
        increase: Range | Unset = Range.from_dict(_increase) if type(_increase) is dict else UNSET

        _peak = d.pop("peak", UNSET)
        peak: Range | Unset = Range.from_dict(_peak) if type(_peak) is dict else UNSET

        profile_detail_memory_usage = cls.__new__(cls)
        profile_detail_memory_usage.increase = increase
        profile_detail_memory_usage.peak = peak

        profile_detail_memory_usage.additional_properties = d or {}
        return profile_detail_memory_usage

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


from ..models.range_ import Range
