from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="FileDownloadResponse")


@_attrs_define
class FileDownloadResponse:
    """How a file can be downloaded: exactly one of the methods is present.

    Attributes:
        url (FileDownloadURL | Unset): Where one file can be downloaded, and under which name.
        credentials (S3Credentials | Unset): Short-lived storage credentials for one object. A local hub never issues
            any.
    """

    url: FileDownloadURL | Unset = UNSET
    credentials: S3Credentials | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        url: dict[str, Any] | Unset = UNSET
        if not isinstance(self.url, Unset):
            url = self.url.to_dict()

        credentials: dict[str, Any] | Unset = UNSET
        if not isinstance(self.credentials, Unset):
            credentials = self.credentials.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if url is not UNSET:
            field_dict["url"] = url
        if credentials is not UNSET:
            field_dict["credentials"] = credentials

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _url = d.pop("url", UNSET)
        url: FileDownloadURL | Unset = (
            FileDownloadURL.from_dict(_url) if type(_url) is dict else UNSET
        )

        _credentials = d.pop("credentials", UNSET)
        credentials: S3Credentials | Unset = (
            S3Credentials.from_dict(_credentials) if type(_credentials) is dict else UNSET
        )

        file_download_response = cls.__new__(cls)
        file_download_response.url = url
        file_download_response.credentials = credentials

        file_download_response.additional_properties = d or {}
        return file_download_response

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


from ..models.file_download_url import FileDownloadURL
from ..models.s3_credentials import S3Credentials
