from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="NamedArtifactDownloadURL")


@_attrs_define
class NamedArtifactDownloadURL:
    """Where one artifact of a job can be downloaded.

    Attributes:
        url (str): Signed URL. It is a secret, and expires.
        filename (str): File name to save it under; it has no dots but those of its extension.
        name (str | Unset): Name of the artifact.
        credentials (S3Credentials | Unset): Short-lived storage credentials for one object. A local hub never issues
            any.
        sha256 (str | Unset): SHA-256 of the file in hex, to check the download against.
    """

    url: str
    filename: str
    name: str | Unset = UNSET
    credentials: S3Credentials | Unset = UNSET
    sha256: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        url = self.url

        filename = self.filename

        name = self.name

        credentials: dict[str, Any] | Unset = UNSET
        if not isinstance(self.credentials, Unset):
            credentials = self.credentials.to_dict()

        sha256 = self.sha256

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "url": url,
                "filename": filename,
            }
        )
        if name is not UNSET:
            field_dict["name"] = name
        if credentials is not UNSET:
            field_dict["credentials"] = credentials
        if sha256 is not UNSET:
            field_dict["sha256"] = sha256

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _url = d.pop("url", UNSET)
        url = _url if type(_url) is str else ""

        _filename = d.pop("filename", UNSET)
        filename = _filename if type(_filename) is str else ""

        _name = d.pop("name", UNSET)
        name: str | Unset = _name if type(_name) is str else UNSET

        _credentials = d.pop("credentials", UNSET)
        credentials: S3Credentials | Unset = (
            S3Credentials.from_dict(_credentials) if type(_credentials) is dict else UNSET
        )

        _sha256 = d.pop("sha256", UNSET)
        sha256: str | Unset = _sha256 if type(_sha256) is str else UNSET

        named_artifact_download_url = cls.__new__(cls)
        named_artifact_download_url.url = url
        named_artifact_download_url.filename = filename
        named_artifact_download_url.name = name
        named_artifact_download_url.credentials = credentials
        named_artifact_download_url.sha256 = sha256

        named_artifact_download_url.additional_properties = d or {}
        return named_artifact_download_url

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


from ..models.s3_credentials import S3Credentials
