from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET

T = TypeVar("T", bound="FileUploadURL")


@_attrs_define
class FileUploadURL:
    """A form upload: the URL to post to, and the form fields to post with the file.

    Attributes:
        url (str): Signed URL. It is a secret, and expires.
        file_field_name (str): Name of the form field that carries the file.
        fields (FileUploadURLFields): Form fields to post before the file.
    """

    url: str
    file_field_name: str
    fields: FileUploadURLFields
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        url = self.url

        file_field_name = self.file_field_name

        fields = self.fields.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "url": url,
                "file_field_name": file_field_name,
                "fields": fields,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _url = d.pop("url", UNSET)
        url = _url if type(_url) is str else ""

        _file_field_name = d.pop("file_field_name", UNSET)
        file_field_name = _file_field_name if type(_file_field_name) is str else ""

        _fields = d.pop("fields", UNSET)
        fields = FileUploadURLFields.from_dict(_fields if type(_fields) is dict else {})

        file_upload_url = cls.__new__(cls)
        file_upload_url.url = url
        file_upload_url.file_field_name = file_field_name
        file_upload_url.fields = fields

        file_upload_url.additional_properties = d or {}
        return file_upload_url

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


from ..models.file_upload_url_fields import FileUploadURLFields
