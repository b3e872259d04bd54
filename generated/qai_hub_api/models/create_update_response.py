from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..types import UNSET, Unset

T = TypeVar("T", bound="CreateUpdateResponse")


@_attrs_define
class CreateUpdateResponse:
    """The response to a create or an update: which resource, and when it was created.

    Attributes:
        id (str): Identifier of the resource.
        status (str): Empty, or what went wrong; for a cancelled job, its state.
        creation_time (datetime.datetime | Unset): When it was created.
        expiration_time (datetime.datetime | Unset): When it expires; absent if it never does.
        validation_error (ValidationError | Unset): What is wrong with a request, field by field.
    """

    id: str
    status: str
    creation_time: datetime.datetime | Unset = UNSET
    expiration_time: datetime.datetime | Unset = UNSET
    validation_error: ValidationError | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        status = self.status

        creation_time: str | Unset = UNSET
        if not isinstance(self.creation_time, Unset):
            creation_time = self.creation_time.isoformat()

        expiration_time: str | Unset = UNSET
        if not isinstance(self.expiration_time, Unset):
            expiration_time = self.expiration_time.isoformat()

        validation_error: dict[str, Any] | Unset = UNSET
        if not isinstance(self.validation_error, Unset):
            validation_error = self.validation_error.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "status": status,
            }
        )
        if creation_time is not UNSET:
            field_dict["creation_time"] = creation_time
        if expiration_time is not UNSET:
            field_dict["expiration_time"] = expiration_time
        if validation_error is not UNSET:
            field_dict["validation_error"] = validation_error

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _id = d.pop("id", UNSET)
        id = _id if type(_id) is str else ""

        _status = d.pop("status", UNSET)
        status = _status if type(_status) is str else ""

        _creation_time = d.pop("creation_time", UNSET)
        creation_time: datetime.datetime | Unset = (
            reading.time(_creation_time)
            if type(_creation_time) is str
            else _creation_time
            if type(_creation_time) is datetime.datetime
            else UNSET
        )

        _expiration_time = d.pop("expiration_time", UNSET)
        expiration_time: datetime.datetime | Unset = (
            reading.time(_expiration_time)
            if type(_expiration_time) is str
            else _expiration_time
            if type(_expiration_time) is datetime.datetime
            else UNSET
        )

        _validation_error = d.pop("validation_error", UNSET)
        validation_error: ValidationError | Unset = (
            ValidationError.from_dict(_validation_error)
            if type(_validation_error) is dict
            else UNSET
        )

        create_update_response = cls.__new__(cls)
        create_update_response.id = id
        create_update_response.status = status
        create_update_response.creation_time = creation_time
        create_update_response.expiration_time = expiration_time
        create_update_response.validation_error = validation_error

        create_update_response.additional_properties = d or {}
        return create_update_response

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


from ..models.validation_error import ValidationError
