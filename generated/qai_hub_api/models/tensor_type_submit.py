from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.tensor_dtype import TensorDtype

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
        shape = list(cast(list[int], d.pop("shape")))

        dtype = TensorDtype.of(d.pop("dtype"))

        tensor_type_submit = cls.__new__(cls)
        tensor_type_submit.shape = shape
        tensor_type_submit.dtype = dtype
        return tensor_type_submit
