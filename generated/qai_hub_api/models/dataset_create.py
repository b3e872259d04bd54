from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="DatasetCreate")


@_attrs_define
class DatasetCreate:
    """A dataset to create, before its file is uploaded.

    Attributes:
        name (str | Unset): Display name.
        permanent (bool | Unset): Whether it never expires.
        project_id (str | Unset): Project that it belongs to.
    """

    name: str | Unset = UNSET
    permanent: bool | Unset = UNSET
    project_id: str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        permanent = self.permanent

        project_id = self.project_id

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if name is not UNSET:
            field_dict["name"] = name
        if permanent is not UNSET:
            field_dict["permanent"] = permanent
        if project_id is not UNSET:
            field_dict["project_id"] = project_id

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _name = d.pop("name", UNSET)
        name: str | Unset = _name if type(_name) is str else UNSET

        _permanent = d.pop("permanent", UNSET)
        permanent: bool | Unset = _permanent if type(_permanent) is bool else UNSET

        _project_id = d.pop("project_id", UNSET)
        project_id: str | Unset = _project_id if type(_project_id) is str else UNSET

        dataset_create = cls.__new__(cls)
        dataset_create.name = name
        dataset_create.permanent = permanent
        dataset_create.project_id = project_id
        return dataset_create
