from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..types import UNSET

T = TypeVar("T", bound="MixedPrecisionLayer")


@_attrs_define
class MixedPrecisionLayer:
    """A tensor to keep at 16 bits while others have 8. An extension.

    Attributes:
        tensor (str): Name of the tensor in the model.
        node (str): Name of the node that computes it; empty for an input or a node without a name.
        operator (str): Operator of that node; empty for an input.
        psnr (float): PSNR in decibels of the model's least accurate output, if this tensor alone had 8 bits and all
            others 16.
    """

    tensor: str
    node: str
    operator: str
    psnr: float
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        tensor = self.tensor

        node = self.node

        operator = self.operator

        psnr = self.psnr

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "tensor": tensor,
                "node": node,
                "operator": operator,
                "psnr": psnr,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _tensor = d.pop("tensor", UNSET)
        tensor = _tensor if type(_tensor) is str else ""

        _node = d.pop("node", UNSET)
        node = _node if type(_node) is str else ""

        _operator = d.pop("operator", UNSET)
        operator = _operator if type(_operator) is str else ""

        _psnr = d.pop("psnr", UNSET)
        psnr = reading.number(_psnr, 0.0)

        mixed_precision_layer = cls.__new__(cls)
        mixed_precision_layer.tensor = tensor
        mixed_precision_layer.node = node
        mixed_precision_layer.operator = operator
        mixed_precision_layer.psnr = psnr

        mixed_precision_layer.additional_properties = d or {}
        return mixed_precision_layer

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
