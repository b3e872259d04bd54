from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="SharingUpdate")


@_attrs_define
class SharingUpdate:
    """E-mail addresses to share with, and to stop sharing with.

    Attributes:
        add_email (list[str] | Unset): Addresses to share with.
        remove_email (list[str] | Unset): Addresses to stop sharing with.
    """

    add_email: list[str] | Unset = UNSET
    remove_email: list[str] | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        add_email: list[str] | Unset = UNSET
        if not isinstance(self.add_email, Unset):
            add_email = self.add_email

        remove_email: list[str] | Unset = UNSET
        if not isinstance(self.remove_email, Unset):
            remove_email = self.remove_email

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if add_email is not UNSET:
            field_dict["add_email"] = add_email
        if remove_email is not UNSET:
            field_dict["remove_email"] = remove_email

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _add_email = d.pop("add_email", UNSET)
        add_email: list[str] | Unset = (
            [
                add_email_item_data
                for add_email_item_data in _add_email
                if type(add_email_item_data) is str
            ]
            if type(_add_email) is list
            else UNSET
        )

        _remove_email = d.pop("remove_email", UNSET)
        remove_email: list[str] | Unset = (
            [
                remove_email_item_data
                for remove_email_item_data in _remove_email
                if type(remove_email_item_data) is str
            ]
            if type(_remove_email) is list
            else UNSET
        )

        sharing_update = cls.__new__(cls)
        sharing_update.add_email = add_email
        sharing_update.remove_email = remove_email
        return sharing_update
