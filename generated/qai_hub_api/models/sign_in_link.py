from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..types import UNSET, Unset

T = TypeVar("T", bound="SignInLink")


@_attrs_define
class SignInLink:
    """A link that signs a browser in.

    Attributes:
        url (str): The link. It is a secret until it is used.
        expiration_time (datetime.datetime | Unset): Until when it can be used.
    """

    url: str
    expiration_time: datetime.datetime | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        url = self.url

        expiration_time: str | Unset = UNSET
        if not isinstance(self.expiration_time, Unset):
            expiration_time = self.expiration_time.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "url": url,
            }
        )
        if expiration_time is not UNSET:
            field_dict["expiration_time"] = expiration_time

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _url = d.pop("url", UNSET)
        url = _url if type(_url) is str else ""

        _expiration_time = d.pop("expiration_time", UNSET)
        expiration_time: datetime.datetime | Unset = (
            reading.time(_expiration_time)
            if type(_expiration_time) is str
            else _expiration_time
            if type(_expiration_time) is datetime.datetime
            else UNSET
        )

        sign_in_link = cls.__new__(cls)
        sign_in_link.url = url
        sign_in_link.expiration_time = expiration_time

        sign_in_link.additional_properties = d or {}
        return sign_in_link

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
