from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..models.quantized_tensor_kind import QuantizedTensorKind
from ..types import UNSET, Unset

T = TypeVar("T", bound="QuantizedTensor")


@_attrs_define
class QuantizedTensor:
    """The values of a tensor of a float model, and those that the quantized model's integers can represent. An extension.

    Attributes:
        tensor (str): Name of the tensor in the float model, as it was quantized.
        kind (QuantizedTensorKind): What a quantized tensor is in its model. An extension.
        dtype (str): Type of its integers, such as `uint8` or `int4`.
        channels (int): Number of its scales, one for each channel; 1 for the tensor as a whole.
        min_scale (float): The scale of its integers, or the smallest of them.
        max_scale (float): The same, or the largest of them.
        seen_min (float): Its smallest value in the float model, over all samples.
        seen_max (float): Its largest value in the float model, over all samples.
        range_min (float): The smallest number that its integers can represent, in any channel.
        range_max (float): The largest number that its integers can represent, in any channel.
        zero_point (int | Unset): The integer that stands for 0; absent if channels differ in it.
        saturation (float | Unset): Share of its values outside the range, by more than the half step that rounding may
            cost; absent if they were not counted.
        used (float | Unset): Share of the range from its smallest to its largest value; absent for biases, for a single
            value, and if channels have ranges of their own.
    """

    tensor: str
    kind: QuantizedTensorKind
    dtype: str
    channels: int
    min_scale: float
    max_scale: float
    seen_min: float
    seen_max: float
    range_min: float
    range_max: float
    zero_point: int | Unset = UNSET
    saturation: float | Unset = UNSET
    used: float | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        tensor = self.tensor

        kind = self.kind.value

        dtype = self.dtype

        channels = self.channels

        min_scale = self.min_scale

        max_scale = self.max_scale

        seen_min = self.seen_min

        seen_max = self.seen_max

        range_min = self.range_min

        range_max = self.range_max

        zero_point = self.zero_point

        saturation = self.saturation

        used = self.used

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "tensor": tensor,
                "kind": kind,
                "dtype": dtype,
                "channels": channels,
                "min_scale": min_scale,
                "max_scale": max_scale,
                "seen_min": seen_min,
                "seen_max": seen_max,
                "range_min": range_min,
                "range_max": range_max,
            }
        )
        if zero_point is not UNSET:
            field_dict["zero_point"] = zero_point
        if saturation is not UNSET:
            field_dict["saturation"] = saturation
        if used is not UNSET:
            field_dict["used"] = used

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _tensor = d.pop("tensor", UNSET)
        tensor = _tensor if type(_tensor) is str else ""

        _kind = d.pop("kind", UNSET)
        kind = (
            QuantizedTensorKind.of(_kind)
            if type(_kind) is str
            else QuantizedTensorKind.read(_kind, QuantizedTensorKind.QUANTIZED_TENSOR_KIND_INPUT)
        )

        _dtype = d.pop("dtype", UNSET)
        dtype = _dtype if type(_dtype) is str else ""

        _channels = d.pop("channels", UNSET)
        channels = (
            _channels
            if (type(_channels) is int and _channels.bit_length() <= 64)
            else reading.integer(_channels, 0)
        )

        _min_scale = d.pop("min_scale", UNSET)
        min_scale = reading.number(_min_scale, 0.0)

        _max_scale = d.pop("max_scale", UNSET)
        max_scale = reading.number(_max_scale, 0.0)

        _seen_min = d.pop("seen_min", UNSET)
        seen_min = reading.number(_seen_min, 0.0)

        _seen_max = d.pop("seen_max", UNSET)
        seen_max = reading.number(_seen_max, 0.0)

        _range_min = d.pop("range_min", UNSET)
        range_min = reading.number(_range_min, 0.0)

        _range_max = d.pop("range_max", UNSET)
        range_max = reading.number(_range_max, 0.0)

        _zero_point = d.pop("zero_point", UNSET)
        zero_point: int | Unset = (
            _zero_point
            if _zero_point is UNSET or (type(_zero_point) is int and _zero_point.bit_length() <= 64)
            else reading.integer(_zero_point, UNSET)
        )

        _saturation = d.pop("saturation", UNSET)
        saturation: float | Unset = reading.number(_saturation, UNSET)

        _used = d.pop("used", UNSET)
        used: float | Unset = reading.number(_used, UNSET)

        quantized_tensor = cls.__new__(cls)
        quantized_tensor.tensor = tensor
        quantized_tensor.kind = kind
        quantized_tensor.dtype = dtype
        quantized_tensor.channels = channels
        quantized_tensor.min_scale = min_scale
        quantized_tensor.max_scale = max_scale
        quantized_tensor.seen_min = seen_min
        quantized_tensor.seen_max = seen_max
        quantized_tensor.range_min = range_min
        quantized_tensor.range_max = range_max
        quantized_tensor.zero_point = zero_point
        quantized_tensor.saturation = saturation
        quantized_tensor.used = used

        quantized_tensor.additional_properties = d or {}
        return quantized_tensor

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
