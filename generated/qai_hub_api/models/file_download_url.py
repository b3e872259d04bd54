from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..types import UNSET, Unset

T = TypeVar("T", bound="FileDownloadURL")


@_attrs_define
class FileDownloadURL:
    """Where one file can be downloaded, and under which name.

    Attributes:
        url (str): Signed URL. It is a secret, and expires.
        filename (str): File name to save it under; it has no dots but those of its extension.
        sha256 (str | Unset): SHA-256 of the file in hex, to check the download against.
        size (int | Unset): Size of the file in bytes.
    """

    url: str
    filename: str
    sha256: str | Unset = UNSET
    size: int | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        url = self.url

        filename = self.filename

        sha256 = self.sha256

        size = self.size

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "url": url,
                "filename": filename,
            }
        )
        if sha256 is not UNSET:
            field_dict["sha256"] = sha256
        if size is not UNSET:
            field_dict["size"] = size

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _url = d.pop("url", UNSET)
        url = _url if type(_url) is str else ""

        _filename = d.pop("filename", UNSET)
        filename = _filename if type(_filename) is str else ""

        _sha256 = d.pop("sha256", UNSET)
        sha256: str | Unset = _sha256 if type(_sha256) is str else UNSET

        _size = d.pop("size", UNSET)
        size: int | Unset = (
            _size
            if _size is UNSET or (type(_size) is int and _size.bit_length() <= 64)
            else reading.integer(_size, UNSET)
        )

        file_download_url = cls.__new__(cls)
        file_download_url.url = url
        file_download_url.filename = filename
        file_download_url.sha256 = sha256
        file_download_url.size = size

        file_download_url.additional_properties = d or {}
        return file_download_url

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
