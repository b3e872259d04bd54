from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..models.model_type import ModelType
from ..types import UNSET, Unset

T = TypeVar("T", bound="Model")


@_attrs_define
class Model:
    """A model file or folder: uploaded by a user, or produced by a job.

    Attributes:
        model_id (str | Unset): Identifier; starts with `m`.
        owner (User | Unset): A person with an account.
        name (str | Unset): Display name.
        creation_time (datetime.datetime | Unset): When it was created.
        model_type (ModelType | Unset): Format of a model file.
        file_upload_complete (bool | Unset): Whether its file is uploaded.
        producer_id (str | Unset): Job that produced it; absent for an uploaded model.
        read_only (bool | Unset): Whether the caller may read it but not change it.
        is_directory (bool | Unset): Whether it is a folder, transferred as a ZIP archive.
        hidden (bool | Unset): Whether lists leave it out.
        producer_attempt_number (int | Unset): Attempt of the producing job.
        metadata (ModelMetadata | Unset): Facts about a target model, by metadata key number.
        has_vizgraph (bool | Unset): Whether a picture of the graph exists.
        input_spec (NamedTensorTypeList | Unset): The inputs or the outputs of a model, in the model's order.
        output_spec (NamedTensorTypeList | Unset): The inputs or the outputs of a model, in the model's order.
        project_id (str | Unset): Project that it belongs to.
        project_slug (str | Unset): Short name of the project.
        actor_authorization (ModelAuthorization | Unset): What the caller may do with a model.
        sha256 (str | Unset): SHA-256 of its file in hex; in lists that are filtered by it, and where one model is
            returned, if the server knows it.
    """

    model_id: str | Unset = UNSET
    owner: User | Unset = UNSET
    name: str | Unset = UNSET
    creation_time: datetime.datetime | Unset = UNSET
    model_type: ModelType | Unset = UNSET
    file_upload_complete: bool | Unset = UNSET
    producer_id: str | Unset = UNSET
    read_only: bool | Unset = UNSET
    is_directory: bool | Unset = UNSET
    hidden: bool | Unset = UNSET
    producer_attempt_number: int | Unset = UNSET
    metadata: ModelMetadata | Unset = UNSET
    has_vizgraph: bool | Unset = UNSET
    input_spec: NamedTensorTypeList | Unset = UNSET
    output_spec: NamedTensorTypeList | Unset = UNSET
    project_id: str | Unset = UNSET
    project_slug: str | Unset = UNSET
    actor_authorization: ModelAuthorization | Unset = UNSET
    sha256: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        model_id = self.model_id

        owner: dict[str, Any] | Unset = UNSET
        if not isinstance(self.owner, Unset):
            owner = self.owner.to_dict()

        name = self.name

        creation_time: str | Unset = UNSET
        if not isinstance(self.creation_time, Unset):
            creation_time = self.creation_time.isoformat()

        model_type: str | Unset = UNSET
        if not isinstance(self.model_type, Unset):
            model_type = self.model_type.value

        file_upload_complete = self.file_upload_complete

        producer_id = self.producer_id

        read_only = self.read_only

        is_directory = self.is_directory

        hidden = self.hidden

        producer_attempt_number = self.producer_attempt_number

        metadata: dict[str, Any] | Unset = UNSET
        if not isinstance(self.metadata, Unset):
            metadata = self.metadata.to_dict()

        has_vizgraph = self.has_vizgraph

        input_spec: dict[str, Any] | Unset = UNSET
        if not isinstance(self.input_spec, Unset):
            input_spec = self.input_spec.to_dict()

        output_spec: dict[str, Any] | Unset = UNSET
        if not isinstance(self.output_spec, Unset):
            output_spec = self.output_spec.to_dict()

        project_id = self.project_id

        project_slug = self.project_slug

        actor_authorization: dict[str, Any] | Unset = UNSET
        if not isinstance(self.actor_authorization, Unset):
            actor_authorization = self.actor_authorization.to_dict()

        sha256 = self.sha256

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if model_id is not UNSET:
            field_dict["model_id"] = model_id
        if owner is not UNSET:
            field_dict["owner"] = owner
        if name is not UNSET:
            field_dict["name"] = name
        if creation_time is not UNSET:
            field_dict["creation_time"] = creation_time
        if model_type is not UNSET:
            field_dict["model_type"] = model_type
        if file_upload_complete is not UNSET:
            field_dict["file_upload_complete"] = file_upload_complete
        if producer_id is not UNSET:
            field_dict["producer_id"] = producer_id
        if read_only is not UNSET:
            field_dict["read_only"] = read_only
        if is_directory is not UNSET:
            field_dict["is_directory"] = is_directory
        if hidden is not UNSET:
            field_dict["hidden"] = hidden
        if producer_attempt_number is not UNSET:
            field_dict["producer_attempt_number"] = producer_attempt_number
        if metadata is not UNSET:
            field_dict["metadata"] = metadata
        if has_vizgraph is not UNSET:
            field_dict["has_vizgraph"] = has_vizgraph
        if input_spec is not UNSET:
            field_dict["input_spec"] = input_spec
        if output_spec is not UNSET:
            field_dict["output_spec"] = output_spec
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
        _model_id = d.pop("model_id", UNSET)
        model_id: str | Unset = _model_id if type(_model_id) is str else UNSET

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

        _model_type = d.pop("model_type", UNSET)
        model_type: ModelType | Unset = (
            ModelType.of(_model_type)
            if type(_model_type) is str
            else ModelType.read(_model_type, UNSET)
        )

        _file_upload_complete = d.pop("file_upload_complete", UNSET)
        file_upload_complete: bool | Unset = (
            _file_upload_complete if type(_file_upload_complete) is bool else UNSET
        )

        _producer_id = d.pop("producer_id", UNSET)
        producer_id: str | Unset = _producer_id if type(_producer_id) is str else UNSET

        _read_only = d.pop("read_only", UNSET)
        read_only: bool | Unset = _read_only if type(_read_only) is bool else UNSET

        _is_directory = d.pop("is_directory", UNSET)
        is_directory: bool | Unset = _is_directory if type(_is_directory) is bool else UNSET

        _hidden = d.pop("hidden", UNSET)
        hidden: bool | Unset = _hidden if type(_hidden) is bool else UNSET

        _producer_attempt_number = d.pop("producer_attempt_number", UNSET)
        producer_attempt_number: int | Unset = (
            _producer_attempt_number
            if _producer_attempt_number is UNSET
            or (
                type(_producer_attempt_number) is int
                and _producer_attempt_number.bit_length() <= 64
            )
            else reading.integer(_producer_attempt_number, UNSET)
        )

        _metadata = d.pop("metadata", UNSET)
        metadata: ModelMetadata | Unset = (
            ModelMetadata.from_dict(_metadata) if type(_metadata) is dict else UNSET
        )

        _has_vizgraph = d.pop("has_vizgraph", UNSET)
        has_vizgraph: bool | Unset = _has_vizgraph if type(_has_vizgraph) is bool else UNSET

        _input_spec = d.pop("input_spec", UNSET)
        input_spec: NamedTensorTypeList | Unset = (
            NamedTensorTypeList.from_dict(_input_spec) if type(_input_spec) is dict else UNSET
        )

        _output_spec = d.pop("output_spec", UNSET)
        output_spec: NamedTensorTypeList | Unset = (
            NamedTensorTypeList.from_dict(_output_spec) if type(_output_spec) is dict else UNSET
        )

        _project_id = d.pop("project_id", UNSET)
        project_id: str | Unset = _project_id if type(_project_id) is str else UNSET

        _project_slug = d.pop("project_slug", UNSET)
        project_slug: str | Unset = _project_slug if type(_project_slug) is str else UNSET

        _actor_authorization = d.pop("actor_authorization", UNSET)
        actor_authorization: ModelAuthorization | Unset = (
            ModelAuthorization.from_dict(_actor_authorization)
            if type(_actor_authorization) is dict
            else UNSET
        )

        _sha256 = d.pop("sha256", UNSET)
        sha256: str | Unset = _sha256 if type(_sha256) is str else UNSET

        model = cls.__new__(cls)
        model.model_id = model_id
        model.owner = owner
        model.name = name
        model.creation_time = creation_time
        model.model_type = model_type
        model.file_upload_complete = file_upload_complete
        model.producer_id = producer_id
        model.read_only = read_only
        model.is_directory = is_directory
        model.hidden = hidden
        model.producer_attempt_number = producer_attempt_number
        model.metadata = metadata
        model.has_vizgraph = has_vizgraph
        model.input_spec = input_spec
        model.output_spec = output_spec
        model.project_id = project_id
        model.project_slug = project_slug
        model.actor_authorization = actor_authorization
        model.sha256 = sha256

        model.additional_properties = d or {}
        return model

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


from ..models.model_authorization import ModelAuthorization
from ..models.model_metadata import ModelMetadata
from ..models.named_tensor_type_list import NamedTensorTypeList
from ..models.user import User
