from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET

T = TypeVar("T", bound="NamedTensorTypeSubmit")


@_attrs_define
class NamedTensorTypeSubmit:
    """An input of a model, with the shape and type it is to have.

    Attributes:
        name (str): Name of the input or output.
        tensor_type (TensorTypeSubmit): Shape and element type of an input.
    """

    name: str
    tensor_type: TensorTypeSubmit

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        tensor_type = self.tensor_type.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
                "tensor_type": tensor_type,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _name = d.pop("name", UNSET)
        name = _name if type(_name) is str else ""

        _tensor_type = d.pop("tensor_type", UNSET)
        tensor_type = TensorTypeSubmit.from_dict(_tensor_type if type(_tensor_type) is dict else {})

        named_tensor_type_submit = cls.__new__(cls)
        named_tensor_type_submit.name = name
        named_tensor_type_submit.tensor_type = tensor_type
        return named_tensor_type_submit


from ..models.tensor_type_submit import TensorTypeSubmit
