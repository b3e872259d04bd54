from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="CompileDetail")


@_attrs_define
class CompileDetail:
    """How a compile job was carried out.

    Attributes:
        tool_versions (list[ToolVersion]): Tools that were used.
        target_check (TargetCheck | Unset): How close the outputs of a target model in simulation are to those of the
            source model on the CPU. An extension.
    """

    tool_versions: list[ToolVersion]
    target_check: TargetCheck | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        tool_versions = []
        for tool_versions_item_data in self.tool_versions:
            tool_versions_item = tool_versions_item_data.to_dict()
            tool_versions.append(tool_versions_item)

        target_check: dict[str, Any] | Unset = UNSET
        if not isinstance(self.target_check, Unset):
            target_check = self.target_check.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "tool_versions": tool_versions,
            }
        )
        if target_check is not UNSET:
            field_dict["target_check"] = target_check

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

        _target_check = d.pop("target_check", UNSET)
        target_check: TargetCheck | Unset = (
            TargetCheck.from_dict(_target_check) if type(_target_check) is dict else UNSET
        )

        compile_detail = cls.__new__(cls)
        compile_detail.tool_versions = tool_versions
        compile_detail.target_check = target_check

        compile_detail.additional_properties = d or {}
        return compile_detail

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


from ..models.target_check import TargetCheck
from ..models.tool_version import ToolVersion
