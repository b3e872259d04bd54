from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from .. import reading
from ..models.tensor_dtype import TensorDtype
from ..types import UNSET

T = TypeVar("T", bound="TensorTypeSubmit")


@_attrs_define
class TensorTypeSubmit:
    """Shape and element type of an input.

    Attributes:
        shape (list[int]): Dimensions; -1 where a dimension is not fixed.
        dtype (TensorDtype): Element type of a tensor.
    """

    shape: list[int]
    dtype: TensorDtype

    def to_dict(self) -> dict[str, Any]:
        shape = self.shape

        dtype = self.dtype.value

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "shape": shape,
                "dtype": dtype,
            }
        )

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

        tensor_type_submit = cls.__new__(cls)
        tensor_type_submit.shape = shape
        tensor_type_submit.dtype = dtype
        return tensor_type_submit
