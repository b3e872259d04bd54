from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET

T = TypeVar("T", bound="Credentials")


@_attrs_define
class Credentials:
    """E-mail address and password.

    Attributes:
        email (str): E-mail address of the account.
        password (str): Password of the account; on a local hub, one of its API tokens.
    """

    email: str
    password: str

    def to_dict(self) -> dict[str, Any]:
        email = self.email

        password = self.password

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "email": email,
                "password": password,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _email = d.pop("email", UNSET)
        email = _email if type(_email) is str else ""

        _password = d.pop("password", UNSET)
        password = _password if type(_password) is str else ""

        credentials = cls.__new__(cls)
        credentials.email = email
        credentials.password = password
        return credentials
