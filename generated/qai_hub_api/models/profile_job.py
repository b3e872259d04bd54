from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..models.job_state import JobState
from ..types import UNSET, Unset

T = TypeVar("T", bound="ProfileJob")


@_attrs_define
class ProfileJob:
    """Profiles a model. Current services return an inference job with profiling on instead.

    Attributes:
        profile_job_id (str): Identifier; starts with `j`.
        user_id (int): Number of the user who submitted it.
        job_state (JobState): The state of a job. DONE and FAILED are final; a newer service may add others, which are
            not.
        name (str): Display name.
        options (str): Options, as on a command line.
        includes_compile (bool): Whether the job compiles before it profiles.
        user (User | Unset): A person with an account.
        model (Model | Unset): A model file or folder: uploaded by a user, or produced by a job.
        device (Device | Unset): A device that jobs run on, or a query that selects one.
        tensor_type_list (NamedTensorTypeList | Unset): The inputs or the outputs of a model, in the model's order.
        creation_time (datetime.datetime | Unset): When it was created.
        start_time (datetime.datetime | Unset): When it began to run.
        completion_time (datetime.datetime | Unset): When it ended.
        execution_time (int | Unset): Time of one inference, in microseconds.
        failure_reason (str | Unset): Why it failed, for people; absent unless it failed.
        peak_memory_usage (int | Unset): Peak memory, in bytes.
        dataset (Dataset | Unset): Named tensors, in batches, stored as one HDF5 file.
        target_model (Model | Unset): A model file or folder: uploaded by a user, or produced by a job.
        execution_peak_memory (Range | Unset): A closed interval of measured values.
        has_vizgraph (bool | Unset): Whether a picture of the graph exists.
        last_updated_time (datetime.datetime | Unset): When it last changed.
        admin_url (str | Unset): Page for the staff of the service.
        error_details (str | Unset): Details of the failure, for the staff of the service.
        queued_time (datetime.datetime | Unset): When it was queued.
        project_id (str | Unset): Project that it belongs to.
        project_slug (str | Unset): Short name of the project.
    """

    profile_job_id: str
    user_id: int
    job_state: JobState
    name: str
    options: str
    includes_compile: bool
    user: User | Unset = UNSET
    model: Model | Unset = UNSET
    device: Device | Unset = UNSET
    tensor_type_list: NamedTensorTypeList | Unset = UNSET
    creation_time: datetime.datetime | Unset = UNSET
    start_time: datetime.datetime | Unset = UNSET
    completion_time: datetime.datetime | Unset = UNSET
    execution_time: int | Unset = UNSET
    failure_reason: str | Unset = UNSET
    peak_memory_usage: int | Unset = UNSET
    dataset: Dataset | Unset = UNSET
    target_model: Model | Unset = UNSET
    execution_peak_memory: Range | Unset = UNSET
    has_vizgraph: bool | Unset = UNSET
    last_updated_time: datetime.datetime | Unset = UNSET
    admin_url: str | Unset = UNSET
    error_details: str | Unset = UNSET
    queued_time: datetime.datetime | Unset = UNSET
    project_id: str | Unset = UNSET
    project_slug: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        profile_job_id = self.profile_job_id

        user_id = self.user_id

        job_state = self.job_state.value

        name = self.name

        options = self.options

        includes_compile = self.includes_compile

        user: dict[str, Any] | Unset = UNSET
        if not isinstance(self.user, Unset):
            user = self.user.to_dict()

        model: dict[str, Any] | Unset = UNSET
        if not isinstance(self.model, Unset):
            model = self.model.to_dict()

        device: dict[str, Any] | Unset = UNSET
        if not isinstance(self.device, Unset):
            device = self.device.to_dict()

        tensor_type_list: dict[str, Any] | Unset = UNSET
        if not isinstance(self.tensor_type_list, Unset):
            tensor_type_list = self.tensor_type_list.to_dict()

        creation_time: str | Unset = UNSET
        if not isinstance(self.creation_time, Unset):
            creation_time = self.creation_time.isoformat()

        start_time: str | Unset = UNSET
        if not isinstance(self.start_time, Unset):
            start_time = self.start_time.isoformat()

        completion_time: str | Unset = UNSET
        if not isinstance(self.completion_time, Unset):
            completion_time = self.completion_time.isoformat()

        execution_time = self.execution_time

        failure_reason = self.failure_reason

        peak_memory_usage = self.peak_memory_usage

        dataset: dict[str, Any] | Unset = UNSET
        if not isinstance(self.dataset, Unset):
            dataset = self.dataset.to_dict()

        target_model: dict[str, Any] | Unset = UNSET
        if not isinstance(self.target_model, Unset):
            target_model = self.target_model.to_dict()

        execution_peak_memory: dict[str, Any] | Unset = UNSET
        if not isinstance(self.execution_peak_memory, Unset):
            execution_peak_memory = self.execution_peak_memory.to_dict()

        has_vizgraph = self.has_vizgraph

        last_updated_time: str | Unset = UNSET
        if not isinstance(self.last_updated_time, Unset):
            last_updated_time = self.last_updated_time.isoformat()

        admin_url = self.admin_url

        error_details = self.error_details

        queued_time: str | Unset = UNSET
        if not isinstance(self.queued_time, Unset):
            queued_time = self.queued_time.isoformat()

        project_id = self.project_id

        project_slug = self.project_slug

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "profile_job_id": profile_job_id,
                "user_id": user_id,
                "job_state": job_state,
                "name": name,
                "options": options,
                "includes_compile": includes_compile,
            }
        )
        if user is not UNSET:
            field_dict["user"] = user
        if model is not UNSET:
            field_dict["model"] = model
        if device is not UNSET:
            field_dict["device"] = device
        if tensor_type_list is not UNSET:
            field_dict["tensor_type_list"] = tensor_type_list
        if creation_time is not UNSET:
            field_dict["creation_time"] = creation_time
        if start_time is not UNSET:
            field_dict["start_time"] = start_time
        if completion_time is not UNSET:
            field_dict["completion_time"] = completion_time
        if execution_time is not UNSET:
            field_dict["execution_time"] = execution_time
        if failure_reason is not UNSET:
            field_dict["failure_reason"] = failure_reason
        if peak_memory_usage is not UNSET:
            field_dict["peak_memory_usage"] = peak_memory_usage
        if dataset is not UNSET:
            field_dict["dataset"] = dataset
        if target_model is not UNSET:
            field_dict["target_model"] = target_model
        if execution_peak_memory is not UNSET:
            field_dict["execution_peak_memory"] = execution_peak_memory
        if has_vizgraph is not UNSET:
            field_dict["has_vizgraph"] = has_vizgraph
        if last_updated_time is not UNSET:
            field_dict["last_updated_time"] = last_updated_time
        if admin_url is not UNSET:
            field_dict["admin_url"] = admin_url
        if error_details is not UNSET:
            field_dict["error_details"] = error_details
        if queued_time is not UNSET:
            field_dict["queued_time"] = queued_time
        if project_id is not UNSET:
            field_dict["project_id"] = project_id
        if project_slug is not UNSET:
            field_dict["project_slug"] = project_slug

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _profile_job_id = d.pop("profile_job_id", UNSET)
        profile_job_id = _profile_job_id if type(_profile_job_id) is str else ""

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

        _includes_compile = d.pop("includes_compile", UNSET)
        includes_compile = _includes_compile if type(_includes_compile) is bool else False

        _user = d.pop("user", UNSET)
        user: User | Unset = User.from_dict(_user) if type(_user) is dict else UNSET

        _model = d.pop("model", UNSET)
        model: Model | Unset = Model.from_dict(_model) if type(_model) is dict else UNSET

        _device = d.pop("device", UNSET)
        device: Device | Unset = Device.from_dict(_device) if type(_device) is dict else UNSET

        _tensor_type_list = d.pop("tensor_type_list", UNSET)
        tensor_type_list: NamedTensorTypeList | Unset = (
            NamedTensorTypeList.from_dict(_tensor_type_list)
            if type(_tensor_type_list) is dict
            else UNSET
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

        _execution_time = d.pop("execution_time", UNSET)
        execution_time: int | Unset = (
            _execution_time
            if _execution_time is UNSET
            or (type(_execution_time) is int and _execution_time.bit_length() <= 64)
            else reading.integer(_execution_time, UNSET)
        )

        _failure_reason = d.pop("failure_reason", UNSET)
        failure_reason: str | Unset = _failure_reason if type(_failure_reason) is str else UNSET

        _peak_memory_usage = d.pop("peak_memory_usage", UNSET)
        peak_memory_usage: int | Unset = (
            _peak_memory_usage
            if _peak_memory_usage is UNSET
            or (type(_peak_memory_usage) is int and _peak_memory_usage.bit_length() <= 64)
            else reading.integer(_peak_memory_usage, UNSET)
        )

        _dataset = d.pop("dataset", UNSET)
        dataset: Dataset | Unset = Dataset.from_dict(_dataset) if type(_dataset) is dict else UNSET

        _target_model = d.pop("target_model", UNSET)
        target_model: Model | Unset = (
            Model.from_dict(_target_model) if type(_target_model) is dict else UNSET
        )

        _execution_peak_memory = d.pop("execution_peak_memory", UNSET)
        execution_peak_memory: Range | Unset = (
            Range.from_dict(_execution_peak_memory)
            if type(_execution_peak_memory) is dict
            else UNSET
        )

        _has_vizgraph = d.pop("has_vizgraph", UNSET)
        has_vizgraph: bool | Unset = _has_vizgraph if type(_has_vizgraph) is bool else UNSET

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

        _error_details = d.pop("error_details", UNSET)
        error_details: str | Unset = _error_details if type(_error_details) is str else UNSET

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

        _project_slug = d.pop("project_slug", UNSET)
        project_slug: str | Unset = _project_slug if type(_project_slug) is str else UNSET

        profile_job = cls.__new__(cls)
        profile_job.profile_job_id = profile_job_id
        profile_job.user_id = user_id
        profile_job.job_state = job_state
        profile_job.name = name
        profile_job.options = options
        profile_job.includes_compile = includes_compile
        profile_job.user = user
        profile_job.model = model
        profile_job.device = device
        profile_job.tensor_type_list = tensor_type_list
        profile_job.creation_time = creation_time
        profile_job.start_time = start_time
        profile_job.completion_time = completion_time
        profile_job.execution_time = execution_time
        profile_job.failure_reason = failure_reason
        profile_job.peak_memory_usage = peak_memory_usage
        profile_job.dataset = dataset
        profile_job.target_model = target_model
        profile_job.execution_peak_memory = execution_peak_memory
        profile_job.has_vizgraph = has_vizgraph
        profile_job.last_updated_time = last_updated_time
        profile_job.admin_url = admin_url
        profile_job.error_details = error_details
        profile_job.queued_time = queued_time
        profile_job.project_id = project_id
        profile_job.project_slug = project_slug

        profile_job.additional_properties = d or {}
        return profile_job

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


from ..models.dataset import Dataset
from ..models.device import Device
from ..models.model import Model
from ..models.named_tensor_type_list import NamedTensorTypeList
from ..models.range_ import Range
from ..models.user import User
