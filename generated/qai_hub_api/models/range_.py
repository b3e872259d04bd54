from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..types import UNSET

T = TypeVar("T", bound="Range")


@_attrs_define
class Range:
    """A closed interval of measured values.

    Attributes:
        lower (int): Smallest value.
        upper (int): Largest value.
    """

    lower: int
    upper: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        lower = self.lower

        upper = self.upper

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "lower": lower,
                "upper": upper,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _lower = d.pop("lower", UNSET)
        lower = (
            _lower
            if (type(_lower) is int and _lower.bit_length() <= 64)
            else reading.integer(_lower, 0)
        )

        _upper = d.pop("upper", UNSET)
        upper = (
            _upper
            if (type(_upper) is int and _upper.bit_length() <= 64)
            else reading.integer(_upper, 0)
        )

        range_ = cls.__new__(cls)
        range_.lower = lower
        range_.upper = upper

        range_.additional_properties = d or {}
        return range_

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
