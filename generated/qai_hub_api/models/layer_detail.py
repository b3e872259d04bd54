from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..models.compute_unit import ComputeUnit
from ..types import UNSET, Unset

T = TypeVar("T", bound="LayerDetail")


@_attrs_define
class LayerDetail:
    """One layer of a profiled model.

    Attributes:
        name (str): Name of the layer.
        compute_unit (ComputeUnit): Compute unit that a layer ran on.
        layer_type_name (str): Type of the layer.
        id (str): Identifier of the layer within the profile.
        delegate_name (str): Delegate or execution provider that ran it.
        delegate_extra_info (str): More about the delegate.
        delegate_reported_ops (list[str]): Operators that the delegate reported for it.
        execution_time (int | Unset): Time of the layer in one inference, in microseconds.
        segment_id (str | Unset): Segment that it belongs to.
        execution_cycles (int | Unset): Cycles that it took.
    """

    name: str
    compute_unit: ComputeUnit
    layer_type_name: str
    id: str
    delegate_name: str
    delegate_extra_info: str
    delegate_reported_ops: list[str]
    execution_time: int | Unset = UNSET
    segment_id: str | Unset = UNSET
    execution_cycles: int | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        compute_unit = self.compute_unit.value

        layer_type_name = self.layer_type_name

        id = self.id

        delegate_name = self.delegate_name

        delegate_extra_info = self.delegate_extra_info

        delegate_reported_ops = self.delegate_reported_ops

        execution_time = self.execution_time

        segment_id = self.segment_id

        execution_cycles = self.execution_cycles

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "compute_unit": compute_unit,
                "layer_type_name": layer_type_name,
                "id": id,
                "delegate_name": delegate_name,
                "delegate_extra_info": delegate_extra_info,
                "delegate_reported_ops": delegate_reported_ops,
            }
        )
        if execution_time is not UNSET:
            field_dict["execution_time"] = execution_time
        if segment_id is not UNSET:
            field_dict["segment_id"] = segment_id
        if execution_cycles is not UNSET:
            field_dict["execution_cycles"] = execution_cycles

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _name = d.pop("name", UNSET)
        name = _name if type(_name) is str else ""

        _compute_unit = d.pop("compute_unit", UNSET)
        compute_unit = (
            ComputeUnit.of(_compute_unit)
            if type(_compute_unit) is str
            else ComputeUnit.read(_compute_unit, ComputeUnit.COMPUTE_UNIT_UNSPECIFIED)
        )

        _layer_type_name = d.pop("layer_type_name", UNSET)
        layer_type_name = _layer_type_name if type(_layer_type_name) is str else ""

        _id = d.pop("id", UNSET)
        id = _id if type(_id) is str else ""

        _delegate_name = d.pop("delegate_name", UNSET)
        delegate_name = _delegate_name if type(_delegate_name) is str else ""

        _delegate_extra_info = d.pop("delegate_extra_info", UNSET)
        delegate_extra_info = _delegate_extra_info if type(_delegate_extra_info) is str else ""

        _delegate_reported_ops = d.pop("delegate_reported_ops", UNSET)
        delegate_reported_ops: list[str] = (
            [
                delegate_reported_ops_item_data
                for delegate_reported_ops_item_data in _delegate_reported_ops
                if type(delegate_reported_ops_item_data) is str
            ]
            if type(_delegate_reported_ops) is list
            else []
        )

        _execution_time = d.pop("execution_time", UNSET)
        execution_time: int | Unset = (
            _execution_time
            if _execution_time is UNSET
            or (type(_execution_time) is int and _execution_time.bit_length() <= 64)
            else reading.integer(_execution_time, UNSET)
        )

        _segment_id = d.pop("segment_id", UNSET)
        segment_id: str | Unset = _segment_id if type(_segment_id) is str else UNSET

        _execution_cycles = d.pop("execution_cycles", UNSET)
        execution_cycles: int | Unset = (
            _execution_cycles
            if _execution_cycles is UNSET
            or (type(_execution_cycles) is int and _execution_cycles.bit_length() <= 64)
            else reading.integer(_execution_cycles, UNSET)
        )

        layer_detail = cls.__new__(cls)
        layer_detail.name = name
        layer_detail.compute_unit = compute_unit
        layer_detail.layer_type_name = layer_type_name
        layer_detail.id = id
        layer_detail.delegate_name = delegate_name
        layer_detail.delegate_extra_info = delegate_extra_info
        layer_detail.delegate_reported_ops = delegate_reported_ops
        layer_detail.execution_time = execution_time
        layer_detail.segment_id = segment_id
        layer_detail.execution_cycles = execution_cycles

        layer_detail.additional_properties = d or {}
        return layer_detail

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
