from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET

T = TypeVar("T", bound="LinkDetail")


@_attrs_define
class LinkDetail:
    """How a link job was carried out.

    Attributes:
        tool_versions (list[ToolVersion]): Tools that were used.
    """

    tool_versions: list[ToolVersion]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        tool_versions = []
        for tool_versions_item_data in self.tool_versions:
            tool_versions_item = tool_versions_item_data.to_dict()
            tool_versions.append(tool_versions_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "tool_versions": tool_versions,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _tool_versions = d.pop("tool_versions", UNSET)
        tool_versions: list[ToolVersion] = (
            [
                ToolVersion.from_dict(
                    tool_versions_item_data if type(tool_versions_item_data) is dict else {}
                )
                for tool_versions_item_data in _tool_versions
            ]
            if type(_tool_versions) is list
            else []
        )

        link_detail = cls.__new__(cls)
        link_detail.tool_versions = tool_versions

        link_detail.additional_properties = d or {}
        return link_detail

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


from ..models.tool_version import ToolVersion
