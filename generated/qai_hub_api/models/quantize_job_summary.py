from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..models.job_state import JobState
from ..models.model_type import ModelType
from ..types import UNSET, Unset

T = TypeVar("T", bound="QuantizeJobSummary")


@_attrs_define
class QuantizeJobSummary:
    """The short form of a quantize job.

    Attributes:
        job_id (str): Identifier; starts with `j`.
        name (str): Display name.
        job_state (JobState): The state of a job. DONE and FAILED are final; a newer service may add others, which are
            not.
        user (User | Unset): A person with an account.
        creation_time (datetime.datetime | Unset): When it was created.
        start_time (datetime.datetime | Unset): When it began to run.
        completion_time (datetime.datetime | Unset): When it ended.
        last_updated_time (datetime.datetime | Unset): When it last changed.
        queued_time (datetime.datetime | Unset): When it was queued.
        project_id (str | Unset): Project that it belongs to.
        target_model_type (ModelType | Unset): Format of a model file.
        project_slug (str | Unset): Short name of the project.
    """

    job_id: str
    name: str
    job_state: JobState
    user: User | Unset = UNSET
    creation_time: datetime.datetime | Unset = UNSET
    start_time: datetime.datetime | Unset = UNSET
    completion_time: datetime.datetime | Unset = UNSET
    last_updated_time: datetime.datetime | Unset = UNSET
    queued_time: datetime.datetime | Unset = UNSET
    project_id: str | Unset = UNSET
    target_model_type: ModelType | Unset = UNSET
    project_slug: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        job_id = self.job_id

        name = self.name

        job_state = self.job_state.value

        user: dict[str, Any] | Unset = UNSET
        if not isinstance(self.user, Unset):
            user = self.user.to_dict()

        creation_time: str | Unset = UNSET
        if not isinstance(self.creation_time, Unset):
            creation_time = self.creation_time.isoformat()

        start_time: str | Unset = UNSET
        if not isinstance(self.start_time, Unset):
            start_time = self.start_time.isoformat()

        completion_time: str | Unset = UNSET
        if not isinstance(self.completion_time, Unset):
            completion_time = self.completion_time.isoformat()

        last_updated_time: str | Unset = UNSET
        if not isinstance(self.last_updated_time, Unset):
            last_updated_time = self.last_updated_time.isoformat()

        queued_time: str | Unset = UNSET
        if not isinstance(self.queued_time, Unset):
            queued_time = self.queued_time.isoformat()

        project_id = self.project_id

        target_model_type: str | Unset = UNSET
        if not isinstance(self.target_model_type, Unset):
            target_model_type = self.target_model_type.value

        project_slug = self.project_slug

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "job_id": job_id,
                "name": name,
                "job_state": job_state,
            }
        )
        if user is not UNSET:
            field_dict["user"] = user
        if creation_time is not UNSET:
            field_dict["creation_time"] = creation_time
        if start_time is not UNSET:
            field_dict["start_time"] = start_time
        if completion_time is not UNSET:
            field_dict["completion_time"] = completion_time
        if last_updated_time is not UNSET:
            field_dict["last_updated_time"] = last_updated_time
        if queued_time is not UNSET:
            field_dict["queued_time"] = queued_time
        if project_id is not UNSET:
            field_dict["project_id"] = project_id
        if target_model_type is not UNSET:
            field_dict["target_model_type"] = target_model_type
        if project_slug is not UNSET:
            field_dict["project_slug"] = project_slug

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _job_id = d.pop("job_id", UNSET)
        job_id = _job_id if type(_job_id) is str else ""

        _name = d.pop("name", UNSET)
        name = _name if type(_name) is str else ""

        _job_state = d.pop("job_state", UNSET)
        job_state = (
            JobState.of(_job_state)
            if type(_job_state) is str
            else JobState.read(_job_state, JobState.JOB_STATE_UNSPECIFIED)
        )

        _user = d.pop("user", UNSET)
        user: User | Unset = User.from_dict(_user) if type(_user) is dict else UNSET

        _creation_time = d.pop("creation_time", UNSET)
        creation_time: datetime.datetime | Unset = (
            reading.time(_creation_time)
            if type(_creation_time) is str
            else _creation_time
            if type(_creation_time) is datetime.datetime
            else UNSET
        )

        _start_time = d.pop("start_time", UNSET)
        start_time: datetime.datetime | Unset = (
            reading.time(_start_time)
            if type(_start_time) is str
            else _start_time
            if type(_start_time) is datetime.datetime
            else UNSET
        )

        _completion_time = d.pop("completion_time", UNSET)
        completion_time: datetime.datetime | Unset = (
            reading.time(_completion_time)
            if type(_completion_time) is str
            else _completion_time
            if type(_completion_time) is datetime.datetime
            else UNSET
        )

        _last_updated_time = d.pop("last_updated_time", UNSET)
        last_updated_time: datetime.datetime | Unset = (
            reading.time(_last_updated_time)
            if type(_last_updated_time) is str
            else _last_updated_time
            if type(_last_updated_time) is datetime.datetime
            else UNSET
        )

        _queued_time = d.pop("queued_time", UNSET)
        queued_time: datetime.datetime | Unset = (
            reading.time(_queued_time)
            if type(_queued_time) is str
            else _queued_time
            if type(_queued_time) is datetime.datetime
            else UNSET
        )

        _project_id = d.pop("project_id", UNSET)
        project_id: str | Unset = _project_id if type(_project_id) is str else UNSET

        _target_model_type = d.pop("target_model_type", UNSET)
        target_model_type: ModelType | Unset = (
            ModelType.of(_target_model_type)
            if type(_target_model_type) is str
            else ModelType.read(_target_model_type, UNSET)
        )

        _project_slug = d.pop("project_slug", UNSET)
        project_slug: str | Unset = _project_slug if type(_project_slug) is str else UNSET

        quantize_job_summary = cls.__new__(cls)
        quantize_job_summary.job_id = job_id
        quantize_job_summary.name = name
        quantize_job_summary.job_state = job_state
        quantize_job_summary.user = user
        quantize_job_summary.creation_time = creation_time
        quantize_job_summary.start_time = start_time
        quantize_job_summary.completion_time = completion_time
        quantize_job_summary.last_updated_time = last_updated_time
        quantize_job_summary.queued_time = queued_time
        quantize_job_summary.project_id = project_id
        quantize_job_summary.target_model_type = target_model_type
        quantize_job_summary.project_slug = project_slug

        quantize_job_summary.additional_properties = d or {}
        return quantize_job_summary

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


from ..models.user import User
