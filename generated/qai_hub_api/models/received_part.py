from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..types import UNSET, Unset

T = TypeVar("T", bound="ReceivedPart")


@_attrs_define
class ReceivedPart:
    """A part of an upload that has arrived. An extension.

    Attributes:
        number (int): Number of the part, from 1.
        size (int): Its size, in bytes.
        etag (str): ETag of the response to it, with which the upload is finished.
        sha256 (str | Unset): SHA-256 of its bytes in hex, to compare with the file. Missing where the storage that
            received it does not tell it.
        md5 (str | Unset): What object storage tells in place of `sha256`: the MD5 of its bytes in hex, or, where it
            encrypts them, another value, which no part has. A part with neither is sent again.
    """

    number: int
    size: int
    etag: str
    sha256: str | Unset = UNSET
    md5: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        number = self.number

        size = self.size

        etag = self.etag

        sha256 = self.sha256

        md5 = self.md5

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "number": number,
                "size": size,
                "etag": etag,
            }
        )
        if sha256 is not UNSET:
            field_dict["sha256"] = sha256
        if md5 is not UNSET:
            field_dict["md5"] = md5

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _number = d.pop("number", UNSET)
        number = (
            _number
            if (type(_number) is int and _number.bit_length() <= 64)
            else reading.integer(_number, 0)
        )

        _size = d.pop("size", UNSET)
        size = (
            _size
            if (type(_size) is int and _size.bit_length() <= 64)
            else reading.integer(_size, 0)
        )

        _etag = d.pop("etag", UNSET)
        etag = _etag if type(_etag) is str else ""

        _sha256 = d.pop("sha256", UNSET)
        sha256: str | Unset = _sha256 if type(_sha256) is str else UNSET

        _md5 = d.pop("md5", UNSET)
        md5: str | Unset = _md5 if type(_md5) is str else UNSET

        received_part = cls.__new__(cls)
        received_part.number = number
        received_part.size = size
        received_part.etag = etag
        received_part.sha256 = sha256
        received_part.md5 = md5

        received_part.additional_properties = d or {}
        return received_part

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
