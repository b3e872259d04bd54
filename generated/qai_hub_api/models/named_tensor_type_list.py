from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET

T = TypeVar("T", bound="NamedTensorTypeList")


@_attrs_define
class NamedTensorTypeList:
    """The inputs or the outputs of a model, in the model's order.

    Attributes:
        types (list[NamedTensorType]): The tensors.
    """

    types: list[NamedTensorType]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        types = []
        for types_item_data in self.types:
            types_item = types_item_data.to_dict()
            types.append(types_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "types": types,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _types = d.pop("types", UNSET)
        types: list[NamedTensorType] = (
            [
                NamedTensorType.from_dict(types_item_data if type(types_item_data) is dict else {})
                for types_item_data in _types
            ]
            if type(_types) is list
            else []
        )

        named_tensor_type_list = cls.__new__(cls)
        named_tensor_type_list.types = types

        named_tensor_type_list.additional_properties = d or {}
        return named_tensor_type_list

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


from ..models.named_tensor_type import NamedTensorType
