from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..models.compute_unit import ComputeUnit
from ..types import UNSET, Unset

T = TypeVar("T", bound="SegmentDetail")


@_attrs_define
class SegmentDetail:
    """A run of layers that execute together on one compute unit.

    Attributes:
        id (str): Identifier of the segment within the profile.
        compute_unit (ComputeUnit): Compute unit that a layer ran on.
        delegate_name (str): Delegate or execution provider that ran it.
        delegate_extra_info (str): More about the delegate.
        execution_time (int | Unset): Time of the segment in one inference, in microseconds.
    """

    id: str
    compute_unit: ComputeUnit
    delegate_name: str
    delegate_extra_info: str
    execution_time: int | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        compute_unit = self.compute_unit.value

        delegate_name = self.delegate_name

        delegate_extra_info = self.delegate_extra_info

        execution_time = self.execution_time

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "compute_unit": compute_unit,
                "delegate_name": delegate_name,
                "delegate_extra_info": delegate_extra_info,
            }
        )
        if execution_time is not UNSET:
            field_dict["execution_time"] = execution_time

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _id = d.pop("id", UNSET)
        id = _id if type(_id) is str else ""

        _compute_unit = d.pop("compute_unit", UNSET)
        compute_unit = (
            ComputeUnit.of(_compute_unit)
            if type(_compute_unit) is str
            else ComputeUnit.read(_compute_unit, ComputeUnit.COMPUTE_UNIT_UNSPECIFIED)
        )

        _delegate_name = d.pop("delegate_name", UNSET)
        delegate_name = _delegate_name if type(_delegate_name) is str else ""

        _delegate_extra_info = d.pop("delegate_extra_info", UNSET)
        delegate_extra_info = _delegate_extra_info if type(_delegate_extra_info) is str else ""

        _execution_time = d.pop("execution_time", UNSET)
        execution_time: int | Unset = (
            _execution_time
            if _execution_time is UNSET
            or (type(_execution_time) is int and _execution_time.bit_length() <= 64)
            else reading.integer(_execution_time, UNSET)
        )

        segment_detail = cls.__new__(cls)
        segment_detail.id = id
        segment_detail.compute_unit = compute_unit
        segment_detail.delegate_name = delegate_name
        segment_detail.delegate_extra_info = delegate_extra_info
        segment_detail.execution_time = execution_time

        segment_detail.additional_properties = d or {}
        return segment_detail

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
