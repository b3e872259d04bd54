from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..types import UNSET, Unset

T = TypeVar("T", bound="TensorRangeReport")


@_attrs_define
class TensorRangeReport:
    """Which values the quantized tensors of a model have, and which their integers can represent. An extension.

    Attributes:
        tensors (list[QuantizedTensor]): The tensors; those with the largest share of saturated values first, then those
            that use the least of their range.
        total (int): Number of tensors that were measured; more than are listed in a very large model.
        samples (int): Number of samples of the calibration data that tensors were measured on. Weights do not depend on
            them.
        reason (str | Unset): Why tensors or samples are missing; absent if none are.
    """

    tensors: list[QuantizedTensor]
    total: int
    samples: int
    reason: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        tensors = []
        for tensors_item_data in self.tensors:
            tensors_item = tensors_item_data.to_dict()
            tensors.append(tensors_item)

        total = self.total

        samples = self.samples

        reason = self.reason

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "tensors": tensors,
                "total": total,
                "samples": samples,
            }
        )
        if reason is not UNSET:
            field_dict["reason"] = reason

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _tensors = d.pop("tensors", UNSET)
        tensors: list[QuantizedTensor] = (
            [
                QuantizedTensor.from_dict(
                    tensors_item_data if type(tensors_item_data) is dict else {}
                )
                for tensors_item_data in _tensors
            ]
            if type(_tensors) is list
            else []
        )

        _total = d.pop("total", UNSET)
        total = (
            _total
            if (type(_total) is int and _total.bit_length() <= 64)
            else reading.integer(_total, 0)
        )

        _samples = d.pop("samples", UNSET)
        samples = (
            _samples
            if (type(_samples) is int and _samples.bit_length() <= 64)
            else reading.integer(_samples, 0)
        )

        _reason = d.pop("reason", UNSET)
        reason: str | Unset = _reason if type(_reason) is str else UNSET

        tensor_range_report = cls.__new__(cls)
        tensor_range_report.tensors = tensors
        tensor_range_report.total = total
        tensor_range_report.samples = samples
        tensor_range_report.reason = reason

        tensor_range_report.additional_properties = d or {}
        return tensor_range_report

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


from ..models.quantized_tensor import QuantizedTensor
