from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET

T = TypeVar("T", bound="Framework")


@_attrs_define
class Framework:
    """A runtime framework and its version.

    Attributes:
        name (str): Name, such as `onnx`.
        api_version (str): Version to ask for in an option or an attribute.
        api_tags (list[str]): Words such as `default` or `latest`.
        full_version (str): Full version.
    """

    name: str
    api_version: str
    api_tags: list[str]
    full_version: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        api_version = self.api_version

        api_tags = self.api_tags

        full_version = self.full_version

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "api_version": api_version,
                "api_tags": api_tags,
                "full_version": full_version,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _name = d.pop("name", UNSET)
        name = _name if type(_name) is str else ""

        _api_version = d.pop("api_version", UNSET)
        api_version = _api_version if type(_api_version) is str else ""

        _api_tags = d.pop("api_tags", UNSET)
        api_tags: list[str] = (
            [
                api_tags_item_data
                for api_tags_item_data in _api_tags
                if type(api_tags_item_data) is str
            ]
            if type(_api_tags) is list
            else []
        )

        _full_version = d.pop("full_version", UNSET)
        full_version = _full_version if type(_full_version) is str else ""

        framework = cls.__new__(cls)
        framework.name = name
        framework.api_version = api_version
        framework.api_tags = api_tags
        framework.full_version = full_version

        framework.additional_properties = d or {}
        return framework

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
