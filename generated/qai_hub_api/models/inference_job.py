from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..models.job_state import JobState
from ..types import UNSET, Unset

T = TypeVar("T", bound="InferenceJob")


@_attrs_define
class InferenceJob:
    """Runs a model on a dataset, profiles it, or both.

    Attributes:
        inference_job_id (str): Identifier; starts with `j`.
        user_id (int): Number of the user who submitted it.
        job_state (JobState): The state of a job. DONE and FAILED are final; a newer service may add others, which are
            not.
        name (str): Display name.
        options (str): Options, as on a command line.
        user (User | Unset): A person with an account.
        model (Model | Unset): A model file or folder: uploaded by a user, or produced by a job.
        device (Device | Unset): A device that jobs run on, or a query that selects one.
        dataset (Dataset | Unset): Named tensors, in batches, stored as one HDF5 file.
        creation_time (datetime.datetime | Unset): When it was created.
        start_time (datetime.datetime | Unset): When it began to run.
        completion_time (datetime.datetime | Unset): When it ended.
        failure_reason (str | Unset): Why it failed, for people; absent unless it failed.
        last_updated_time (datetime.datetime | Unset): When it last changed.
        admin_url (str | Unset): Page for the staff of the service.
        error_details (str | Unset): Details of the failure, for the staff of the service.
        queued_time (datetime.datetime | Unset): When it was queued.
        project_id (str | Unset): Project that it belongs to.
        is_profiling_on (bool | Unset): Whether it profiles.
        execution_time (int | Unset): Time of one inference, in microseconds.
        execution_peak_memory (Range | Unset): A closed interval of measured values.
        has_vizgraph (bool | Unset): Whether a picture of the graph exists.
        tensor_type_list (NamedTensorTypeList | Unset): The inputs or the outputs of a model, in the model's order.
        project_slug (str | Unset): Short name of the project.
    """

    inference_job_id: str
    user_id: int
    job_state: JobState
    name: str
    options: str
    user: User | Unset = UNSET
    model: Model | Unset = UNSET
    device: Device | Unset = UNSET
    dataset: Dataset | Unset = UNSET
    creation_time: datetime.datetime | Unset = UNSET
    start_time: datetime.datetime | Unset = UNSET
    completion_time: datetime.datetime | Unset = UNSET
    failure_reason: str | Unset = UNSET
    last_updated_time: datetime.datetime | Unset = UNSET
    admin_url: str | Unset = UNSET
    error_details: str | Unset = UNSET
    queued_time: datetime.datetime | Unset = UNSET
    project_id: str | Unset = UNSET
    is_profiling_on: bool | Unset = UNSET
    execution_time: int | Unset = UNSET
    execution_peak_memory: Range | Unset = UNSET
    has_vizgraph: bool | Unset = UNSET
    tensor_type_list: NamedTensorTypeList | Unset = UNSET
    project_slug: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        inference_job_id = self.inference_job_id

        user_id = self.user_id

        job_state = self.job_state.value

        name = self.name

        options = self.options

        user: dict[str, Any] | Unset = UNSET
        if not isinstance(self.user, Unset):
            user = self.user.to_dict()

        model: dict[str, Any] | Unset = UNSET
        if not isinstance(self.model, Unset):
            model = self.model.to_dict()

        device: dict[str, Any] | Unset = UNSET
        if not isinstance(self.device, Unset):
            device = self.device.to_dict()

        dataset: dict[str, Any] | Unset = UNSET
        if not isinstance(self.dataset, Unset):
            dataset = self.dataset.to_dict()

        creation_time: str | Unset = UNSET
        if not isinstance(self.creation_time, Unset):
            creation_time = self.creation_time.isoformat()

        start_time: str | Unset = UNSET
        if not isinstance(self.start_time, Unset):
            start_time = self.start_time.isoformat()

        completion_time: str | Unset = UNSET
        if not isinstance(self.completion_time, Unset):
            completion_time = self.completion_time.isoformat()

        failure_reason = self.failure_reason

        last_updated_time: str | Unset = UNSET
        if not isinstance(self.last_updated_time, Unset):
            last_updated_time = self.last_updated_time.isoformat()

        admin_url = self.admin_url

        error_details = self.error_details

        queued_time: str | Unset = UNSET
        if not isinstance(self.queued_time, Unset):
            queued_time = self.queued_time.isoformat()

        project_id = self.project_id

        is_profiling_on = self.is_profiling_on

        execution_time = self.execution_time

        execution_peak_memory: dict[str, Any] | Unset = UNSET
        if not isinstance(self.execution_peak_memory, Unset):
            execution_peak_memory = self.execution_peak_memory.to_dict()

        has_vizgraph = self.has_vizgraph

        tensor_type_list: dict[str, Any] | Unset = UNSET
        if not isinstance(self.tensor_type_list, Unset):
            tensor_type_list = self.tensor_type_list.to_dict()

        project_slug = self.project_slug

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "inference_job_id": inference_job_id,
                "user_id": user_id,
                "job_state": job_state,
                "name": name,
                "options": options,
            }
        )
        if user is not UNSET:
            field_dict["user"] = user
        if model is not UNSET:
            field_dict["model"] = model
        if device is not UNSET:
            field_dict["device"] = device
        if dataset is not UNSET:
            field_dict["dataset"] = dataset
        if creation_time is not UNSET:
            field_dict["creation_time"] = creation_time
        if start_time is not UNSET:
            field_dict["start_time"] = start_time
        if completion_time is not UNSET:
            field_dict["completion_time"] = completion_time
        if failure_reason is not UNSET:
            field_dict["failure_reason"] = failure_reason
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
        if is_profiling_on is not UNSET:
            field_dict["is_profiling_on"] = is_profiling_on
        if execution_time is not UNSET:
            field_dict["execution_time"] = execution_time
        if execution_peak_memory is not UNSET:
            field_dict["execution_peak_memory"] = execution_peak_memory
        if has_vizgraph is not UNSET:
            field_dict["has_vizgraph"] = has_vizgraph
        if tensor_type_list is not UNSET:
            field_dict["tensor_type_list"] = tensor_type_list
        if project_slug is not UNSET:
            field_dict["project_slug"] = project_slug

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _inference_job_id = d.pop("inference_job_id", UNSET)
        inference_job_id = _inference_job_id if type(_inference_job_id) is str else ""

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

        _model = d.pop("model", UNSET)
        model: Model | Unset = Model.from_dict(_model) if type(_model) is dict else UNSET

        _device = d.pop("device", UNSET)
        device: Device | Unset = Device.from_dict(_device) if type(_device) is dict else UNSET

        _dataset = d.pop("dataset", UNSET)
        dataset: Dataset | Unset = Dataset.from_dict(_dataset) if type(_dataset) is dict else UNSET

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

        _failure_reason = d.pop("failure_reason", UNSET)
        failure_reason: str | Unset = _failure_reason if type(_failure_reason) is str else UNSET

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

        _is_profiling_on = d.pop("is_profiling_on", UNSET)
        is_profiling_on: bool | Unset = (
            _is_profiling_on if type(_is_profiling_on) is bool else UNSET
        )

        _execution_time = d.pop("execution_time", UNSET)
        execution_time: int | Unset = (
            _execution_time
            if _execution_time is UNSET
            or (type(_execution_time) is int and _execution_time.bit_length() <= 64)
            else reading.integer(_execution_time, UNSET)
        )

        _execution_peak_memory = d.pop("execution_peak_memory", UNSET)
        execution_peak_memory: Range | Unset = (
            Range.from_dict(_execution_peak_memory)
            if type(_execution_peak_memory) is dict
            else UNSET
        )

        _has_vizgraph = d.pop("has_vizgraph", UNSET)
        has_vizgraph: bool | Unset = _has_vizgraph if type(_has_vizgraph) is bool else UNSET

        _tensor_type_list = d.pop("tensor_type_list", UNSET)
        tensor_type_list: NamedTensorTypeList | Unset = (
            NamedTensorTypeList.from_dict(_tensor_type_list)
            if type(_tensor_type_list) is dict
            else UNSET
        )

        _project_slug = d.pop("project_slug", UNSET)
        project_slug: str | Unset = _project_slug if type(_project_slug) is str else UNSET

        inference_job = cls.__new__(cls)
        inference_job.inference_job_id = inference_job_id
        inference_job.user_id = user_id
        inference_job.job_state = job_state
        inference_job.name = name
        inference_job.options = options
        inference_job.user = user
        inference_job.model = model
        inference_job.device = device
        inference_job.dataset = dataset
        inference_job.creation_time = creation_time
        inference_job.start_time = start_time
        inference_job.completion_time = completion_time
        inference_job.failure_reason = failure_reason
        inference_job.last_updated_time = last_updated_time
        inference_job.admin_url = admin_url
        inference_job.error_details = error_details
        inference_job.queued_time = queued_time
        inference_job.project_id = project_id
        inference_job.is_profiling_on = is_profiling_on
        inference_job.execution_time = execution_time
        inference_job.execution_peak_memory = execution_peak_memory
        inference_job.has_vizgraph = has_vizgraph
        inference_job.tensor_type_list = tensor_type_list
        inference_job.project_slug = project_slug

        inference_job.additional_properties = d or {}
        return inference_job

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
