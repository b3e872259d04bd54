from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="DatasetUpdate")


@_attrs_define
class DatasetUpdate:
    """The fields of a dataset that its owner may change.

    Attributes:
        name (str | Unset): Display name.
        file_upload_complete (bool | Unset): Reports that the file has been uploaded.
    """

    name: str | Unset = UNSET
    file_upload_complete: bool | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        file_upload_complete = self.file_upload_complete

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if name is not UNSET:
            field_dict["name"] = name
        if file_upload_complete is not UNSET:
            field_dict["file_upload_complete"] = file_upload_complete

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _name = d.pop("name", UNSET)
        name: str | Unset = _name if type(_name) is str else UNSET

        _file_upload_complete = d.pop("file_upload_complete", UNSET)
        file_upload_complete: bool | Unset = (
            _file_upload_complete if type(_file_upload_complete) is bool else UNSET
        )

        dataset_update = cls.__new__(cls)
        dataset_update.name = name
        dataset_update.file_upload_complete = file_upload_complete
        return dataset_update
