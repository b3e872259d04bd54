from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET

T = TypeVar("T", bound="NamedTensorTypeListSubmit")


@_attrs_define
class NamedTensorTypeListSubmit:
    """The inputs of a model, with the shapes and types they are to have.

    Attributes:
        types (list[NamedTensorTypeSubmit]): The tensors.
    """

    types: list[NamedTensorTypeSubmit]

    def to_dict(self) -> dict[str, Any]:
        types = []
        for types_item_data in self.types:
            types_item = types_item_data.to_dict()
            types.append(types_item)

        field_dict: dict[str, Any] = {}

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
        types: list[NamedTensorTypeSubmit] = (
            [
                NamedTensorTypeSubmit.from_dict(
                    types_item_data if type(types_item_data) is dict else {}
                )
                for types_item_data in _types
            ]
            if type(_types) is list
            else []
        )

        named_tensor_type_list_submit = cls.__new__(cls)
        named_tensor_type_list_submit.types = types
        return named_tensor_type_list_submit


from ..models.named_tensor_type_submit import NamedTensorTypeSubmit
