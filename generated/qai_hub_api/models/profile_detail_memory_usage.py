from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ProfileDetailMemoryUsage")


@_attrs_define
class ProfileDetailMemoryUsage:
    """Memory over one phase, in bytes.

    Attributes:
        increase (Range): A closed interval of measured values.
        peak (Range): A closed interval of measured values.
    """

    increase: Range
    peak: Range
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        increase = self.increase.to_dict()

        peak = self.peak.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "increase": increase,
                "peak": peak,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        increase = Range.from_dict(d.pop("increase"))

        peak = Range.from_dict(d.pop("peak"))

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
