from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET

T = TypeVar("T", bound="ValidationError")


@_attrs_define
class ValidationError:
    """What is wrong with a request, field by field.

    Attributes:
        field_errors (list[FieldError]): Errors by field.
        non_field_errors (list[str]): Errors that no single field explains.
    """

    field_errors: list[FieldError]
    non_field_errors: list[str]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        field_errors = []
        for field_errors_item_data in self.field_errors:
            field_errors_item = field_errors_item_data.to_dict()
            field_errors.append(field_errors_item)

        non_field_errors = self.non_field_errors

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "field_errors": field_errors,
                "non_field_errors": non_field_errors,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _field_errors = d.pop("field_errors", UNSET)
        field_errors: list[FieldError] = (
            [
                FieldError.from_dict(
                    field_errors_item_data if type(field_errors_item_data) is dict else {}
                )
                for field_errors_item_data in _field_errors
            ]
            if type(_field_errors) is list
            else []
        )

        _non_field_errors = d.pop("non_field_errors", UNSET)
        non_field_errors: list[str] = (
            [
                non_field_errors_item_data
                for non_field_errors_item_data in _non_field_errors
                if type(non_field_errors_item_data) is str
            ]
            if type(_non_field_errors) is list
            else []
        )

        validation_error = cls.__new__(cls)
        validation_error.field_errors = field_errors
        validation_error.non_field_errors = non_field_errors

        validation_error.additional_properties = d or {}
        return validation_error

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


from ..models.field_error import FieldError
