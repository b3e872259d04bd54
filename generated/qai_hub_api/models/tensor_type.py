from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..models.tensor_dtype import TensorDtype
from ..types import UNSET, Unset

T = TypeVar("T", bound="TensorType")


@_attrs_define
class TensorType:
    """Shape and element type of a tensor, with its quantization parameters where it has any.

    Attributes:
        shape (list[int]): Dimensions; -1 where a dimension is not fixed.
        dtype (TensorDtype): Element type of a tensor.
        scale (float | Unset): Quantization scale.
        zero_point (float | Unset): Quantization zero point.
    """

    shape: list[int]
    dtype: TensorDtype
    scale: float | Unset = UNSET
    zero_point: float | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        shape = self.shape

        dtype = self.dtype.value

        scale = self.scale

        zero_point = self.zero_point

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "shape": shape,
                "dtype": dtype,
            }
        )
        if scale is not UNSET:
            field_dict["scale"] = scale
        if zero_point is not UNSET:
            field_dict["zero_point"] = zero_point

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _shape = d.pop("shape", UNSET)
        shape: list[int] = (
            [
                number
                for shape_item_data in _shape
                if (number := reading.integer(shape_item_data, None)) is not None
            ]
            if type(_shape) is list
            else []
        )

        _dtype = d.pop("dtype", UNSET)
        dtype = (
            TensorDtype.of(_dtype)
            if type(_dtype) is str
            else TensorDtype.read(_dtype, TensorDtype.TENSOR_DTYPE_UNSPECIFIED)
        )

        _scale = d.pop("scale", UNSET)
        scale: float | Unset = reading.number(_scale, UNSET)

        _zero_point = d.pop("zero_point", UNSET)
        zero_point: float | Unset = reading.number(_zero_point, UNSET)

        tensor_type = cls.__new__(cls)
        tensor_type.shape = shape
        tensor_type.dtype = dtype
        tensor_type.scale = scale
        tensor_type.zero_point = zero_point

        tensor_type.additional_properties = d or {}
        return tensor_type

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
