from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..types import UNSET, Unset

T = TypeVar("T", bound="TargetCheckOutput")


@_attrs_define
class TargetCheckOutput:
    """How close an output of a target model, or a slice of it, is to the source model's. An extension.

    Attributes:
        name (str): Name of the output.
        is_far (bool): Whether its PSNR, or that of one of its slices, is below the bound; for indices and flags,
            whether more than a tenth of them differ; or whether it is not finite where the source model's is.
        largest_error (float): Largest absolute difference between finite values.
        peak (float): Largest magnitude in the source model's output.
        dead_share (float): Share of the elements that are the same in all samples or places of the target model and not
            in the source model, or not finite in the target model alone.
        psnr (float | Unset): Peak signal-to-noise ratio in decibels; absent if the outputs are equal, or the source
            model's is 0 throughout.
        slices (list[TargetCheckSlice] | Unset): Slices along the dimension in which the ranges of values differ most;
            empty or absent if they do not differ much.
    """

    name: str
    is_far: bool
    largest_error: float
    peak: float
    dead_share: float
    psnr: float | Unset = UNSET
    slices: list[TargetCheckSlice] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        is_far = self.is_far

        largest_error = self.largest_error

        peak = self.peak

        dead_share = self.dead_share

        psnr = self.psnr

        slices: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.slices, Unset):
            slices = []
            for slices_item_data in self.slices:
                slices_item = slices_item_data.to_dict()
                slices.append(slices_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "is_far": is_far,
                "largest_error": largest_error,
                "peak": peak,
                "dead_share": dead_share,
            }
        )
        if psnr is not UNSET:
            field_dict["psnr"] = psnr
        if slices is not UNSET:
            field_dict["slices"] = slices

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _name = d.pop("name", UNSET)
        name = _name if type(_name) is str else ""

        _is_far = d.pop("is_far", UNSET)
        is_far = _is_far if type(_is_far) is bool else False

        _largest_error = d.pop("largest_error", UNSET)
        largest_error = reading.number(_largest_error, 0.0)

        _peak = d.pop("peak", UNSET)
        peak = reading.number(_peak, 0.0)

        _dead_share = d.pop("dead_share", UNSET)
        dead_share = reading.number(_dead_share, 0.0)

        _psnr = d.pop("psnr", UNSET)
        psnr: float | Unset = reading.number(_psnr, UNSET)

        _slices = d.pop("slices", UNSET)
        slices: list[TargetCheckSlice] | Unset = (
            [
                TargetCheckSlice.from_dict(
                    slices_item_data if type(slices_item_data) is dict else {}
                )
                for slices_item_data in _slices
            ]
            if type(_slices) is list
            else UNSET
        )

        target_check_output = cls.__new__(cls)
        target_check_output.name = name
        target_check_output.is_far = is_far
        target_check_output.largest_error = largest_error
        target_check_output.peak = peak
        target_check_output.dead_share = dead_share
        target_check_output.psnr = psnr
        target_check_output.slices = slices

        target_check_output.additional_properties = d or {}
        return target_check_output

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


from ..models.target_check_slice import TargetCheckSlice
