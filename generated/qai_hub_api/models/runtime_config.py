from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET

T = TypeVar("T", bound="RuntimeConfig")


@_attrs_define
class RuntimeConfig:
    """The settings that a runtime ran with.

    Attributes:
        name (str): Name of the runtime.
        properties (list[RuntimeConfigProperty]): Its settings.
    """

    name: str
    properties: list[RuntimeConfigProperty]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        properties = []
        for properties_item_data in self.properties:
            properties_item = properties_item_data.to_dict()
            properties.append(properties_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "properties": properties,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _name = d.pop("name", UNSET)
        name = _name if type(_name) is str else ""

        _properties = d.pop("properties", UNSET)
        properties: list[RuntimeConfigProperty] = (
            [
                RuntimeConfigProperty.from_dict(
                    properties_item_data if type(properties_item_data) is dict else {}
                )
                for properties_item_data in _properties
            ]
            if type(_properties) is list
            else []
        )

        runtime_config = cls.__new__(cls)
        runtime_config.name = name
        runtime_config.properties = properties

        runtime_config.additional_properties = d or {}
        return runtime_config

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


from ..models.runtime_config_property import RuntimeConfigProperty
