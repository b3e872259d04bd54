from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="FileUploadResponse")


@_attrs_define
class FileUploadResponse:
    """How a file is to be uploaded: exactly one of the methods is present.

    Attributes:
        url (FileUploadURL | Unset): A form upload: the URL to post to, and the form fields to post with the file.
        multipart_url (FileMultipartUploadURL | Unset): An upload in parts: one signed URL for each part, in order.
        credentials (S3Credentials | Unset): Short-lived storage credentials for one object. A local hub never issues
            any.
    """

    url: FileUploadURL | Unset = UNSET
    multipart_url: FileMultipartUploadURL | Unset = UNSET
    credentials: S3Credentials | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        url: dict[str, Any] | Unset = UNSET
        if not isinstance(self.url, Unset):
            url = self.url.to_dict()

        multipart_url: dict[str, Any] | Unset = UNSET
        if not isinstance(self.multipart_url, Unset):
            multipart_url = self.multipart_url.to_dict()

        credentials: dict[str, Any] | Unset = UNSET
        if not isinstance(self.credentials, Unset):
            credentials = self.credentials.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if url is not UNSET:
            field_dict["url"] = url
        if multipart_url is not UNSET:
            field_dict["multipart_url"] = multipart_url
        if credentials is not UNSET:
            field_dict["credentials"] = credentials

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _url = d.pop("url", UNSET)
        url: FileUploadURL | Unset = FileUploadURL.from_dict(_url) if type(_url) is dict else UNSET

        _multipart_url = d.pop("multipart_url", UNSET)
        multipart_url: FileMultipartUploadURL | Unset = (
            FileMultipartUploadURL.from_dict(_multipart_url)
            if type(_multipart_url) is dict
            else UNSET
        )

        _credentials = d.pop("credentials", UNSET)
        credentials: S3Credentials | Unset = (
            S3Credentials.from_dict(_credentials) if type(_credentials) is dict else UNSET
        )

        file_upload_response = cls.__new__(cls)
        file_upload_response.url = url
        file_upload_response.multipart_url = multipart_url
        file_upload_response.credentials = credentials

        file_upload_response.additional_properties = d or {}
        return file_upload_response

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


from ..models.file_multipart_upload_url import FileMultipartUploadURL
from ..models.file_upload_url import FileUploadURL
from ..models.s3_credentials import S3Credentials
