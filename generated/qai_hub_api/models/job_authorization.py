from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.job_permission import JobPermission
from ..types import UNSET

T = TypeVar("T", bound="JobAuthorization")


@_attrs_define
class JobAuthorization:
    """What the caller may do with a job.

    Attributes:
        permissions (list[JobPermission]): The rights.
    """

    permissions: list[JobPermission]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        permissions = []
        for permissions_item_data in self.permissions:
            permissions_item = permissions_item_data.value
            permissions.append(permissions_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "permissions": permissions,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _permissions = d.pop("permissions", UNSET)
        permissions: list[JobPermission] = (
            [
                JobPermission.of(permissions_item_data)
                if type(permissions_item_data) is str
                else JobPermission.read(permissions_item_data, JobPermission.JOB_CAN_VIEW)
                for permissions_item_data in _permissions
            ]
            if type(_permissions) is list
            else []
        )

        job_authorization = cls.__new__(cls)
        job_authorization.permissions = permissions

        job_authorization.additional_properties = d or {}
        return job_authorization

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
