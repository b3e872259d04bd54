from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..types import UNSET, Unset

T = TypeVar("T", bound="TargetCheckSlice")


@_attrs_define
class TargetCheckSlice:
    """A part of an output whose values have a range of their own, such as the boxes beside the scores of a detector. An
    extension.

        Attributes:
            axis (int): The dimension.
            begin (int): First index along that dimension.
            end (int): Index after the last one.
            peak (float): Largest magnitude in the source model's slice.
            psnr (float | Unset): Peak signal-to-noise ratio in decibels, by the slice's own peak; absent if the slices are
                equal, or the source model's is 0 throughout.
    """

    axis: int
    begin: int
    end: int
    peak: float
    psnr: float | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        axis = self.axis

        begin = self.begin

        end = self.end

        peak = self.peak

        psnr = self.psnr

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "axis": axis,
                "begin": begin,
                "end": end,
                "peak": peak,
            }
        )
        if psnr is not UNSET:
            field_dict["psnr"] = psnr

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _axis = d.pop("axis", UNSET)
        axis = (
            _axis
            if (type(_axis) is int and _axis.bit_length() <= 64)
            else reading.integer(_axis, 0)
        )

        _begin = d.pop("begin", UNSET)
        begin = (
            _begin
            if (type(_begin) is int and _begin.bit_length() <= 64)
            else reading.integer(_begin, 0)
        )

        _end = d.pop("end", UNSET)
        end = _end if (type(_end) is int and _end.bit_length() <= 64) else reading.integer(_end, 0)

        _peak = d.pop("peak", UNSET)
        peak = reading.number(_peak, 0.0)

        _psnr = d.pop("psnr", UNSET)
        psnr: float | Unset = reading.number(_psnr, UNSET)

        target_check_slice = cls.__new__(cls)
        target_check_slice.axis = axis
        target_check_slice.begin = begin
        target_check_slice.end = end
        target_check_slice.peak = peak
        target_check_slice.psnr = psnr

        target_check_slice.additional_properties = d or {}
        return target_check_slice

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
