from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..types import UNSET, Unset

T = TypeVar("T", bound="LayerAccuracy")


@_attrs_define
class LayerAccuracy:
    """How close a tensor of a quantized model is to the same tensor of the float model. An extension.

    Attributes:
        tensor (str): Name of the tensor in the model.
        node (str): Name of the node that computes it; empty for an input or a node without a name.
        operator (str): Operator of that node, such as `Conv`; empty for an input.
        psnr (float | Unset): Peak signal-to-noise ratio of the quantized model on the CPU, in decibels; absent if the
            tensors are equal, or the float model's is 0 throughout.
        simulated_psnr (float | Unset): The same for the quantized model in HTP simulation; absent if it was not
            simulated.
    """

    tensor: str
    node: str
    operator: str
    psnr: float | Unset = UNSET
    simulated_psnr: float | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        tensor = self.tensor

        node = self.node

        operator = self.operator

        psnr = self.psnr

        simulated_psnr = self.simulated_psnr

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "tensor": tensor,
                "node": node,
                "operator": operator,
            }
        )
        if psnr is not UNSET:
            field_dict["psnr"] = psnr
        if simulated_psnr is not UNSET:
            field_dict["simulated_psnr"] = simulated_psnr

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
        psnr: float | Unset = reading.number(_psnr, UNSET)

        _simulated_psnr = d.pop("simulated_psnr", UNSET)
        simulated_psnr: float | Unset = reading.number(_simulated_psnr, UNSET)

        layer_accuracy = cls.__new__(cls)
        layer_accuracy.tensor = tensor
        layer_accuracy.node = node
        layer_accuracy.operator = operator
        layer_accuracy.psnr = psnr
        layer_accuracy.simulated_psnr = simulated_psnr

        layer_accuracy.additional_properties = d or {}
        return layer_accuracy

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
