from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="NamedTensorType")


@_attrs_define
class NamedTensorType:
    """An input or output of a model.

    Attributes:
        name (str): Name of the input or output.
        tensor_type (TensorType | Unset): Shape and element type of a tensor, with its quantization parameters where it
            has any.
        graph_name (str | Unset): Graph that it belongs to, in a model of several graphs.
    """

    name: str
    tensor_type: TensorType | Unset = UNSET
    graph_name: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        tensor_type: dict[str, Any] | Unset = UNSET
        if not isinstance(self.tensor_type, Unset):
            tensor_type = self.tensor_type.to_dict()

        graph_name = self.graph_name

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
            }
        )
        if tensor_type is not UNSET:
            field_dict["tensor_type"] = tensor_type
        if graph_name is not UNSET:
            field_dict["graph_name"] = graph_name

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _name = d.pop("name", UNSET)
        name = _name if type(_name) is str else ""

        _tensor_type = d.pop("tensor_type", UNSET)
        tensor_type: TensorType | Unset = (
            TensorType.from_dict(_tensor_type) if type(_tensor_type) is dict else UNSET
        )

        _graph_name = d.pop("graph_name", UNSET)
        graph_name: str | Unset = _graph_name if type(_graph_name) is str else UNSET

        named_tensor_type = cls.__new__(cls)
        named_tensor_type.name = name
        named_tensor_type.tensor_type = tensor_type
        named_tensor_type.graph_name = graph_name

        named_tensor_type.additional_properties = d or {}
        return named_tensor_type

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


from ..models.tensor_type import TensorType
