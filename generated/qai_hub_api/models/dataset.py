from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..types import UNSET, Unset

T = TypeVar("T", bound="Dataset")


@_attrs_define
class Dataset:
    """Named tensors, in batches, stored as one HDF5 file.

    Attributes:
        dataset_id (str | Unset): Identifier; starts with `d`.
        owner (User | Unset): A person with an account.
        name (str | Unset): Display name.
        creation_time (datetime.datetime | Unset): When it was created.
        expiration_time (datetime.datetime | Unset): When it expires; absent if it never does.
        file_upload_complete (bool | Unset): Whether its file is uploaded.
        read_only (bool | Unset): Whether the caller may read it but not change it.
        permanent (bool | Unset): Whether it never expires.
        project_id (str | Unset): Project that it belongs to.
        project_slug (str | Unset): Short name of the project.
        actor_authorization (DatasetAuthorization | Unset): What the caller may do with a dataset.
        sha256 (str | Unset): SHA-256 of its file in hex; in lists that are filtered by it.
    """

    dataset_id: str | Unset = UNSET
    owner: User | Unset = UNSET
    name: str | Unset = UNSET
    creation_time: datetime.datetime | Unset = UNSET
    expiration_time: datetime.datetime | Unset = UNSET
    file_upload_complete: bool | Unset = UNSET
    read_only: bool | Unset = UNSET
    permanent: bool | Unset = UNSET
    project_id: str | Unset = UNSET
    project_slug: str | Unset = UNSET
    actor_authorization: DatasetAuthorization | Unset = UNSET
    sha256: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        dataset_id = self.dataset_id

        owner: dict[str, Any] | Unset = UNSET
        if not isinstance(self.owner, Unset):
            owner = self.owner.to_dict()

        name = self.name

        creation_time: str | Unset = UNSET
        if not isinstance(self.creation_time, Unset):
            creation_time = self.creation_time.isoformat()

        expiration_time: str | Unset = UNSET
        if not isinstance(self.expiration_time, Unset):
            expiration_time = self.expiration_time.isoformat()

        file_upload_complete = self.file_upload_complete

        read_only = self.read_only

        permanent = self.permanent

        project_id = self.project_id

        project_slug = self.project_slug

        actor_authorization: dict[str, Any] | Unset = UNSET
        if not isinstance(self.actor_authorization, Unset):
            actor_authorization = self.actor_authorization.to_dict()

        sha256 = self.sha256

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if dataset_id is not UNSET:
            field_dict["dataset_id"] = dataset_id
        if owner is not UNSET:
            field_dict["owner"] = owner
        if name is not UNSET:
            field_dict["name"] = name
        if creation_time is not UNSET:
            field_dict["creation_time"] = creation_time
        if expiration_time is not UNSET:
            field_dict["expiration_time"] = expiration_time
        if file_upload_complete is not UNSET:
            field_dict["file_upload_complete"] = file_upload_complete
        if read_only is not UNSET:
            field_dict["read_only"] = read_only
        if permanent is not UNSET:
            field_dict["permanent"] = permanent
        if project_id is not UNSET:
            field_dict["project_id"] = project_id
        if project_slug is not UNSET:
            field_dict["project_slug"] = project_slug
        if actor_authorization is not UNSET:
            field_dict["actor_authorization"] = actor_authorization
        if sha256 is not UNSET:
            field_dict["sha256"] = sha256

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _dataset_id = d.pop("dataset_id", UNSET)
        dataset_id: str | Unset = _dataset_id if type(_dataset_id) is str else UNSET

        _owner = d.pop("owner", UNSET)
        owner: User | Unset = User.from_dict(_owner) if type(_owner) is dict else UNSET

        _name = d.pop("name", UNSET)
        name: str | Unset = _name if type(_name) is str else UNSET

        _creation_time = d.pop("creation_time", UNSET)
        creation_time: datetime.datetime | Unset = (
            reading.time(_creation_time)
            if type(_creation_time) is str
            else _creation_time
            if type(_creation_time) is datetime.datetime
            else UNSET
        )

        _expiration_time = d.pop("expiration_time", UNSET)
        expiration_time: datetime.datetime | Unset = (
            reading.time(_expiration_time)
            if type(_expiration_time) is str
            else _expiration_time
            if type(_expiration_time) is datetime.datetime
            else UNSET
        )

        _file_upload_complete = d.pop("file_upload_complete", UNSET)
        file_upload_complete: bool | Unset = (
            _file_upload_complete if type(_file_upload_complete) is bool else UNSET
        )

        _read_only = d.pop("read_only", UNSET)
        read_only: bool | Unset = _read_only if type(_read_only) is bool else UNSET

        _permanent = d.pop("permanent", UNSET)
        permanent: bool | Unset = _permanent if type(_permanent) is bool else UNSET

        _project_id = d.pop("project_id", UNSET)
        project_id: str | Unset = _project_id if type(_project_id) is str else UNSET

        _project_slug = d.pop("project_slug", UNSET)
        project_slug: str | Unset = _project_slug if type(_project_slug) is str else UNSET

        _actor_authorization = d.pop("actor_authorization", UNSET)
        actor_authorization: DatasetAuthorization | Unset = (
            DatasetAuthorization.from_dict(_actor_authorization)
            if type(_actor_authorization) is dict
            else UNSET
        )

        _sha256 = d.pop("sha256", UNSET)
        sha256: str | Unset = _sha256 if type(_sha256) is str else UNSET

        dataset = cls.__new__(cls)
        dataset.dataset_id = dataset_id
        dataset.owner = owner
        dataset.name = name
        dataset.creation_time = creation_time
        dataset.expiration_time = expiration_time
        dataset.file_upload_complete = file_upload_complete
        dataset.read_only = read_only
        dataset.permanent = permanent
        dataset.project_id = project_id
        dataset.project_slug = project_slug
        dataset.actor_authorization = actor_authorization
        dataset.sha256 = sha256

        dataset.additional_properties = d or {}
        return dataset

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


from ..models.dataset_authorization import DatasetAuthorization
from ..models.user import User
