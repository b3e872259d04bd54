from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..types import UNSET, Unset

T = TypeVar("T", bound="FrameworkList")


@_attrs_define
class FrameworkList:
    """The runtime frameworks that jobs can ask for.

    Attributes:
        total_query_count (int): Number of items that match, on all pages together.
        frameworks (list[Framework] | Unset): The frameworks.
    """

    total_query_count: int
    frameworks: list[Framework] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        total_query_count = self.total_query_count

        frameworks: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.frameworks, Unset):
            frameworks = []
            for frameworks_item_data in self.frameworks:
                frameworks_item = frameworks_item_data.to_dict()
                frameworks.append(frameworks_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "total_query_count": total_query_count,
            }
        )
        if frameworks is not UNSET:
            field_dict["frameworks"] = frameworks

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

        _frameworks = d.pop("frameworks", UNSET)
        frameworks: list[Framework] | Unset = (
            [
                Framework.from_dict(
                    frameworks_item_data if type(frameworks_item_data) is dict else {}
                )
                for frameworks_item_data in _frameworks
            ]
            if type(_frameworks) is list
            else UNSET
        )

        framework_list = cls.__new__(cls)
        framework_list.total_query_count = total_query_count
        framework_list.frameworks = frameworks

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
