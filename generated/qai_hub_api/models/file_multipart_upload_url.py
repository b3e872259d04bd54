from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..types import UNSET

T = TypeVar("T", bound="FileMultipartUploadURL")


@_attrs_define
class FileMultipartUploadURL:
    """An upload in parts: one signed URL for each part, in order.

    Attributes:
        urls (list[str]): Signed URLs of the parts, in order. They are secrets, and expire.
        upload_id (str): Identifier of this upload.
        max_part_size (int): Size of every part but the last, in bytes.
    """

    urls: list[str]
    upload_id: str
    max_part_size: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        urls = self.urls

        upload_id = self.upload_id

        max_part_size = self.max_part_size

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "urls": urls,
                "upload_id": upload_id,
                "max_part_size": max_part_size,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _urls = d.pop("urls", UNSET)
        urls: list[str] = (
            [urls_item_data for urls_item_data in _urls if type(urls_item_data) is str]
            if type(_urls) is list
            else []
        )

        _upload_id = d.pop("upload_id", UNSET)
        upload_id = _upload_id if type(_upload_id) is str else ""

        _max_part_size = d.pop("max_part_size", UNSET)
        max_part_size = (
            _max_part_size
            if (type(_max_part_size) is int and _max_part_size.bit_length() <= 64)
            else reading.integer(_max_part_size, 0)
        )

        file_multipart_upload_url = cls.__new__(cls)
        file_multipart_upload_url.urls = urls
        file_multipart_upload_url.upload_id = upload_id
        file_multipart_upload_url.max_part_size = max_part_size

        file_multipart_upload_url.additional_properties = d or {}
        return file_multipart_upload_url

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
