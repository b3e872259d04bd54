from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..types import UNSET, Unset

T = TypeVar("T", bound="User")


@_attrs_define
class User:
    """A person with an account.

    Attributes:
        id (int): Identifier.
        first_name (str): First name.
        last_name (str): Last name.
        email (str): E-mail address.
        org_id (int): Organization.
        token (str | Unset): API token; only for its owner.
        default_project_id (str | Unset): Project that new resources go to.
        default_project_slug (str | Unset): Short name of that project.
    """

    id: int
    first_name: str
    last_name: str
    email: str
    org_id: int
    token: str | Unset = UNSET
    default_project_id: str | Unset = UNSET
    default_project_slug: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        first_name = self.first_name

        last_name = self.last_name

        email = self.email

        org_id = self.org_id

        token = self.token

        default_project_id = self.default_project_id

        default_project_slug = self.default_project_slug

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "first_name": first_name,
                "last_name": last_name,
                "email": email,
                "org_id": org_id,
            }
        )
        if token is not UNSET:
            field_dict["token"] = token
        if default_project_id is not UNSET:
            field_dict["default_project_id"] = default_project_id
        if default_project_slug is not UNSET:
            field_dict["default_project_slug"] = default_project_slug

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _id = d.pop("id", UNSET)
        id = _id if (type(_id) is int and _id.bit_length() <= 64) else reading.integer(_id, 0)

        _first_name = d.pop("first_name", UNSET)
        first_name = _first_name if type(_first_name) is str else ""

        _last_name = d.pop("last_name", UNSET)
        last_name = _last_name if type(_last_name) is str else ""

        _email = d.pop("email", UNSET)
        email = _email if type(_email) is str else ""

        _org_id = d.pop("org_id", UNSET)
        org_id = (
            _org_id
            if (type(_org_id) is int and _org_id.bit_length() <= 64)
            else reading.integer(_org_id, 0)
        )

        _token = d.pop("token", UNSET)
        token: str | Unset = _token if type(_token) is str else UNSET

        _default_project_id = d.pop("default_project_id", UNSET)
        default_project_id: str | Unset = (
            _default_project_id if type(_default_project_id) is str else UNSET
        )

        _default_project_slug = d.pop("default_project_slug", UNSET)
        default_project_slug: str | Unset = (
            _default_project_slug if type(_default_project_slug) is str else UNSET
        )

        user = cls.__new__(cls)
        user.id = id
        user.first_name = first_name
        user.last_name = last_name
        user.email = email
        user.org_id = org_id
        user.token = token
        user.default_project_id = default_project_id
        user.default_project_slug = default_project_slug

        user.additional_properties = d or {}
        return user

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
