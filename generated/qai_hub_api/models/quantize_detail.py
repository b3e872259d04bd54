from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="QuantizeDetail")


@_attrs_define
class QuantizeDetail:
    """How a quantize job was carried out, and how close its outputs are.

    Attributes:
        tool_versions (list[ToolVersion]): Tools that were used.
        psnr (QuantizeDetailPsnr): Peak signal-to-noise ratio of each output against the float model, in decibels.
        layer_accuracy (LayerAccuracyReport | Unset): How close the computed tensors of a quantized model are to the
            float model's, in the order of computation. An extension.
        tensor_ranges (TensorRangeReport | Unset): Which values the quantized tensors of a model have, and which their
            integers can represent. An extension.
    """

    tool_versions: list[ToolVersion]
    psnr: QuantizeDetailPsnr
    layer_accuracy: LayerAccuracyReport | Unset = UNSET
    tensor_ranges: TensorRangeReport | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        tool_versions = []
        for tool_versions_item_data in self.tool_versions:
            tool_versions_item = tool_versions_item_data.to_dict()
            tool_versions.append(tool_versions_item)

        psnr = self.psnr.to_dict()

        layer_accuracy: dict[str, Any] | Unset = UNSET
        if not isinstance(self.layer_accuracy, Unset):
            layer_accuracy = self.layer_accuracy.to_dict()

        tensor_ranges: dict[str, Any] | Unset = UNSET
        if not isinstance(self.tensor_ranges, Unset):
            tensor_ranges = self.tensor_ranges.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "tool_versions": tool_versions,
                "psnr": psnr,
            }
        )
        if layer_accuracy is not UNSET:
            field_dict["layer_accuracy"] = layer_accuracy
        if tensor_ranges is not UNSET:
            field_dict["tensor_ranges"] = tensor_ranges

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _tool_versions = d.pop("tool_versions", UNSET)
        tool_versions: list[ToolVersion] = (
            [
                ToolVersion.from_dict(
                    tool_versions_item_data if type(tool_versions_item_data) is dict else {}
                )
                for tool_versions_item_data in _tool_versions
            ]
            if type(_tool_versions) is list
            else []
        )

        _psnr = d.pop("psnr", UNSET)
        psnr = QuantizeDetailPsnr.from_dict(_psnr if type(_psnr) is dict else {})

        _layer_accuracy = d.pop("layer_accuracy", UNSET)
        layer_accuracy: LayerAccuracyReport | Unset = (
            LayerAccuracyReport.from_dict(_layer_accuracy)
            if type(_layer_accuracy) is dict
            else UNSET
        )

        _tensor_ranges = d.pop("tensor_ranges", UNSET)
        tensor_ranges: TensorRangeReport | Unset = (
            TensorRangeReport.from_dict(_tensor_ranges) if type(_tensor_ranges) is dict else UNSET
        )

        quantize_detail = cls.__new__(cls)
        quantize_detail.tool_versions = tool_versions
        quantize_detail.psnr = psnr
        quantize_detail.layer_accuracy = layer_accuracy
        quantize_detail.tensor_ranges = tensor_ranges

        quantize_detail.additional_properties = d or {}
        return quantize_detail

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


from ..models.layer_accuracy_report import LayerAccuracyReport
from ..models.quantize_detail_psnr import QuantizeDetailPsnr
from ..models.tensor_range_report import TensorRangeReport
from ..models.tool_version import ToolVersion
