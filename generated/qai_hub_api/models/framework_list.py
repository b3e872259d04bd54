from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="FrameworkList")


@_attrs_define
class FrameworkList:
    """The runtime frameworks that jobs can ask for.

    Attributes:
        frameworks (list[Framework]): The frameworks.
        total_query_count (int): Number of items that match, on all pages together.
    """

    frameworks: list[Framework]
    total_query_count: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        frameworks = []
        for frameworks_item_data in self.frameworks:
            frameworks_item = frameworks_item_data.to_dict()
            frameworks.append(frameworks_item)

        total_query_count = self.total_query_count

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "frameworks": frameworks,
                "total_query_count": total_query_count,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        frameworks = [
            Framework.from_dict(frameworks_item_data)
            for frameworks_item_data in d.pop("frameworks")
        ]

        total_query_count = d.pop("total_query_count")

        framework_list = cls.__new__(cls)
        framework_list.frameworks = frameworks
        framework_list.total_query_count = total_query_count

        framework_list.additional_properties = d or {}
        return framework_list

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


from ..models.framework import Framework
