from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..models.job_state import JobState
from ..types import UNSET, Unset

T = TypeVar("T", bound="LinkJob")


@_attrs_define
class LinkJob:
    """Links several models into one context binary.

    Attributes:
        link_job_id (str): Identifier; starts with `j`.
        user_id (int): Number of the user who submitted it.
        job_state (JobState): The state of a job. DONE and FAILED are final; a newer service may add others, which are
            not.
        name (str): Display name.
        options (str): Options, as on a command line.
        user (User | Unset): A person with an account.
        models (ModelList | Unset): One page of models, newest first.
        failure_reason (str | Unset): Why it failed, for people; absent unless it failed.
        target_model (Model | Unset): A model file or folder: uploaded by a user, or produced by a job.
        creation_time (datetime.datetime | Unset): When it was created.
        start_time (datetime.datetime | Unset): When it began to run.
        completion_time (datetime.datetime | Unset): When it ended.
        last_updated_time (datetime.datetime | Unset): When it last changed.
        admin_url (str | Unset): Page for the staff of the service.
        queued_time (datetime.datetime | Unset): When it was queued.
        device (Device | Unset): A device that jobs run on, or a query that selects one.
        project_id (str | Unset): Project that it belongs to.
        error_details (str | Unset): Details of the failure, for the staff of the service.
        project_slug (str | Unset): Short name of the project.
    """

    link_job_id: str
    user_id: int
    job_state: JobState
    name: str
    options: str
    user: User | Unset = UNSET
    models: ModelList | Unset = UNSET
    failure_reason: str | Unset = UNSET
    target_model: Model | Unset = UNSET
    creation_time: datetime.datetime | Unset = UNSET
    start_time: datetime.datetime | Unset = UNSET
    completion_time: datetime.datetime | Unset = UNSET
    last_updated_time: datetime.datetime | Unset = UNSET
    admin_url: str | Unset = UNSET
    queued_time: datetime.datetime | Unset = UNSET
    device: Device | Unset = UNSET
    project_id: str | Unset = UNSET
    error_details: str | Unset = UNSET
    project_slug: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        link_job_id = self.link_job_id

        user_id = self.user_id

        job_state = self.job_state.value

        name = self.name

        options = self.options

        user: dict[str, Any] | Unset = UNSET
        if not isinstance(self.user, Unset):
            user = self.user.to_dict()

        models: dict[str, Any] | Unset = UNSET
        if not isinstance(self.models, Unset):
            models = self.models.to_dict()

        failure_reason = self.failure_reason

        target_model: dict[str, Any] | Unset = UNSET
        if not isinstance(self.target_model, Unset):
            target_model = self.target_model.to_dict()

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

        admin_url = self.admin_url

        queued_time: str | Unset = UNSET
        if not isinstance(self.queued_time, Unset):
            queued_time = self.queued_time.isoformat()

        device: dict[str, Any] | Unset = UNSET
        if not isinstance(self.device, Unset):
            device = self.device.to_dict()

        project_id = self.project_id

        error_details = self.error_details

        project_slug = self.project_slug

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "link_job_id": link_job_id,
                "user_id": user_id,
                "job_state": job_state,
                "name": name,
                "options": options,
            }
        )
        if user is not UNSET:
            field_dict["user"] = user
        if models is not UNSET:
            field_dict["models"] = models
        if failure_reason is not UNSET:
            field_dict["failure_reason"] = failure_reason
        if target_model is not UNSET:
            field_dict["target_model"] = target_model
        if creation_time is not UNSET:
            field_dict["creation_time"] = creation_time
        if start_time is not UNSET:
            field_dict["start_time"] = start_time
        if completion_time is not UNSET:
            field_dict["completion_time"] = completion_time
        if last_updated_time is not UNSET:
            field_dict["last_updated_time"] = last_updated_time
        if admin_url is not UNSET:
            field_dict["admin_url"] = admin_url
        if queued_time is not UNSET:
            field_dict["queued_time"] = queued_time
        if device is not UNSET:
            field_dict["device"] = device
        if project_id is not UNSET:
            field_dict["project_id"] = project_id
        if error_details is not UNSET:
            field_dict["error_details"] = error_details
        if project_slug is not UNSET:
            field_dict["project_slug"] = project_slug

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _link_job_id = d.pop("link_job_id", UNSET)
        link_job_id = _link_job_id if type(_link_job_id) is str else ""

        _user_id = d.pop("user_id", UNSET)
        user_id = (
            _user_id
            if (type(_user_id) is int and _user_id.bit_length() <= 64)
            else reading.integer(_user_id, 0)
        )

        _job_state = d.pop("job_state", UNSET)
        job_state = (
            JobState.of(_job_state)
            if type(_job_state) is str
            else JobState.read(_job_state, JobState.JOB_STATE_UNSPECIFIED)
        )

        _name = d.pop("name", UNSET)
        name = _name if type(_name) is str else ""

        _options = d.pop("options", UNSET)
        options = _options if type(_options) is str else ""

        _user = d.pop("user", UNSET)
        user: User | Unset = User.from_dict(_user) if type(_user) is dict else UNSET

        _models = d.pop("models", UNSET)
        models: ModelList | Unset = ModelList.from_dict(_models) if type(_models) is dict else UNSET

        _failure_reason = d.pop("failure_reason", UNSET)
        failure_reason: str | Unset = _failure_reason if type(_failure_reason) is str else UNSET

        _target_model = d.pop("target_model", UNSET)
        target_model: Model | Unset = (
            Model.from_dict(_target_model) if type(_target_model) is dict else UNSET
        )

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

        _admin_url = d.pop("admin_url", UNSET)
        admin_url: str | Unset = _admin_url if type(_admin_url) is str else UNSET

        _queued_time = d.pop("queued_time", UNSET)
        queued_time: datetime.datetime | Unset = (
            reading.time(_queued_time)
            if type(_queued_time) is str
            else _queued_time
            if type(_queued_time) is datetime.datetime
            else UNSET
        )

        _device = d.pop("device", UNSET)
        device: Device | Unset = Device.from_dict(_device) if type(_device) is dict else UNSET

        _project_id = d.pop("project_id", UNSET)
        project_id: str | Unset = _project_id if type(_project_id) is str else UNSET

        _error_details = d.pop("error_details", UNSET)
        error_details: str | Unset = _error_details if type(_error_details) is str else UNSET

        _project_slug = d.pop("project_slug", UNSET)
        project_slug: str | Unset = _project_slug if type(_project_slug) is str else UNSET

        link_job = cls.__new__(cls)
        link_job.link_job_id = link_job_id
        link_job.user_id = user_id
        link_job.job_state = job_state
        link_job.name = name
        link_job.options = options
        link_job.user = user
        link_job.models = models
        link_job.failure_reason = failure_reason
        link_job.target_model = target_model
        link_job.creation_time = creation_time
        link_job.start_time = start_time
        link_job.completion_time = completion_time
        link_job.last_updated_time = last_updated_time
        link_job.admin_url = admin_url
        link_job.queued_time = queued_time
        link_job.device = device
        link_job.project_id = project_id
        link_job.error_details = error_details
        link_job.project_slug = project_slug

        link_job.additional_properties = d or {}
        return link_job

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


from ..models.device import Device
from ..models.model import Model
from ..models.model_list import ModelList
from ..models.user import User
