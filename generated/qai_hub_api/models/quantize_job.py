from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..models.job_state import JobState
from ..models.quantize_dtype import QuantizeDtype
from ..types import UNSET, Unset

T = TypeVar("T", bound="QuantizeJob")


@_attrs_define
class QuantizeJob:
    """Quantizes an ONNX model with calibration data.

    Attributes:
        quantize_job_id (str): Identifier; starts with `j`.
        user_id (int): Number of the user who submitted it.
        weights_dtype (QuantizeDtype): Integer type that weights or activations are quantized to.
        activations_dtype (QuantizeDtype): Integer type that weights or activations are quantized to.
        name (str): Display name.
        job_state (JobState): The state of a job. DONE and FAILED are final; a newer service may add others, which are
            not.
        options (str): Options, as on a command line.
        user (User | Unset): A person with an account.
        model (Model | Unset): A model file or folder: uploaded by a user, or produced by a job.
        calibration_dataset (Dataset | Unset): Named tensors, in batches, stored as one HDF5 file.
        tensor_type_list (NamedTensorTypeList | Unset): The inputs or the outputs of a model, in the model's order.
        creation_time (datetime.datetime | Unset): When it was created.
        start_time (datetime.datetime | Unset): When it began to run.
        completion_time (datetime.datetime | Unset): When it ended.
        last_updated_time (datetime.datetime | Unset): When it last changed.
        failure_reason (str | Unset): Why it failed, for people; absent unless it failed.
        target_model (Model | Unset): A model file or folder: uploaded by a user, or produced by a job.
        admin_url (str | Unset): Page for the staff of the service.
        has_vizgraph (bool | Unset): Whether a picture of the graph exists.
        queued_time (datetime.datetime | Unset): When it was queued.
        project_id (str | Unset): Project that it belongs to.
        project_slug (str | Unset): Short name of the project.
    """

    quantize_job_id: str
    user_id: int
    weights_dtype: QuantizeDtype
    activations_dtype: QuantizeDtype
    name: str
    job_state: JobState
    options: str
    user: User | Unset = UNSET
    model: Model | Unset = UNSET
    calibration_dataset: Dataset | Unset = UNSET
    tensor_type_list: NamedTensorTypeList | Unset = UNSET
    creation_time: datetime.datetime | Unset = UNSET
    start_time: datetime.datetime | Unset = UNSET
    completion_time: datetime.datetime | Unset = UNSET
    last_updated_time: datetime.datetime | Unset = UNSET
    failure_reason: str | Unset = UNSET
    target_model: Model | Unset = UNSET
    admin_url: str | Unset = UNSET
    has_vizgraph: bool | Unset = UNSET
    queued_time: datetime.datetime | Unset = UNSET
    project_id: str | Unset = UNSET
    project_slug: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        quantize_job_id = self.quantize_job_id

        user_id = self.user_id

        weights_dtype = self.weights_dtype.value

        activations_dtype = self.activations_dtype.value

        name = self.name

        job_state = self.job_state.value

        options = self.options

        user: dict[str, Any] | Unset = UNSET
        if not isinstance(self.user, Unset):
            user = self.user.to_dict()

        model: dict[str, Any] | Unset = UNSET
        if not isinstance(self.model, Unset):
            model = self.model.to_dict()

        calibration_dataset: dict[str, Any] | Unset = UNSET
        if not isinstance(self.calibration_dataset, Unset):
            calibration_dataset = self.calibration_dataset.to_dict()

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

        last_updated_time: str | Unset = UNSET
        if not isinstance(self.last_updated_time, Unset):
            last_updated_time = self.last_updated_time.isoformat()

        failure_reason = self.failure_reason

        target_model: dict[str, Any] | Unset = UNSET
        if not isinstance(self.target_model, Unset):
            target_model = self.target_model.to_dict()

        admin_url = self.admin_url

        has_vizgraph = self.has_vizgraph

        queued_time: str | Unset = UNSET
        if not isinstance(self.queued_time, Unset):
            queued_time = self.queued_time.isoformat()

        project_id = self.project_id

        project_slug = self.project_slug

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "quantize_job_id": quantize_job_id,
                "user_id": user_id,
                "weights_dtype": weights_dtype,
                "activations_dtype": activations_dtype,
                "name": name,
                "job_state": job_state,
                "options": options,
            }
        )
        if user is not UNSET:
            field_dict["user"] = user
        if model is not UNSET:
            field_dict["model"] = model
        if calibration_dataset is not UNSET:
            field_dict["calibration_dataset"] = calibration_dataset
        if tensor_type_list is not UNSET:
            field_dict["tensor_type_list"] = tensor_type_list
        if creation_time is not UNSET:
            field_dict["creation_time"] = creation_time
        if start_time is not UNSET:
            field_dict["start_time"] = start_time
        if completion_time is not UNSET:
            field_dict["completion_time"] = completion_time
        if last_updated_time is not UNSET:
            field_dict["last_updated_time"] = last_updated_time
        if failure_reason is not UNSET:
            field_dict["failure_reason"] = failure_reason
        if target_model is not UNSET:
            field_dict["target_model"] = target_model
        if admin_url is not UNSET:
            field_dict["admin_url"] = admin_url
        if has_vizgraph is not UNSET:
            field_dict["has_vizgraph"] = has_vizgraph
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
        _quantize_job_id = d.pop("quantize_job_id", UNSET)
        quantize_job_id = _quantize_job_id if type(_quantize_job_id) is str else ""

        _user_id = d.pop("user_id", UNSET)
        user_id = (
            _user_id
            if (type(_user_id) is int and _user_id.bit_length() <= 64)
            else reading.integer(_user_id, 0)
        )

        _weights_dtype = d.pop("weights_dtype", UNSET)
        weights_dtype = (
            QuantizeDtype.of(_weights_dtype)
            if type(_weights_dtype) is str
            else QuantizeDtype.read(_weights_dtype, QuantizeDtype.QUANTIZE_DTYPE_UNSPECIFIED)
        )

        _activations_dtype = d.pop("activations_dtype", UNSET)
        activations_dtype = (
            QuantizeDtype.of(_activations_dtype)
            if type(_activations_dtype) is str
            else QuantizeDtype.read(_activations_dtype, QuantizeDtype.QUANTIZE_DTYPE_UNSPECIFIED)
        )

        _name = d.pop("name", UNSET)
        name = _name if type(_name) is str else ""

        _job_state = d.pop("job_state", UNSET)
        job_state = (
            JobState.of(_job_state)
            if type(_job_state) is str
            else JobState.read(_job_state, JobState.JOB_STATE_UNSPECIFIED)
        )

        _options = d.pop("options", UNSET)
        options = _options if type(_options) is str else ""

        _user = d.pop("user", UNSET)
        user: User | Unset = User.from_dict(_user) if type(_user) is dict else UNSET

        _model = d.pop("model", UNSET)
        model: Model | Unset = Model.from_dict(_model) if type(_model) is dict else UNSET

        _calibration_dataset = d.pop("calibration_dataset", UNSET)
        calibration_dataset: Dataset | Unset = (
            Dataset.from_dict(_calibration_dataset) if type(_calibration_dataset) is dict else UNSET
        )

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

        _last_updated_time = d.pop("last_updated_time", UNSET)
        last_updated_time: datetime.datetime | Unset = (
            reading.time(_last_updated_time)
            if type(_last_updated_time) is str
            else _last_updated_time
            if type(_last_updated_time) is datetime.datetime
            else UNSET
        )

        _failure_reason = d.pop("failure_reason", UNSET)
        failure_reason: str | Unset = _failure_reason if type(_failure_reason) is str else UNSET

        _target_model = d.pop("target_model", UNSET)
        target_model: Model | Unset = (
            Model.from_dict(_target_model) if type(_target_model) is dict else UNSET
        )

        _admin_url = d.pop("admin_url", UNSET)
        admin_url: str | Unset = _admin_url if type(_admin_url) is str else UNSET

        _has_vizgraph = d.pop("has_vizgraph", UNSET)
        has_vizgraph: bool | Unset = _has_vizgraph if type(_has_vizgraph) is bool else UNSET

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

        quantize_job = cls.__new__(cls)
        quantize_job.quantize_job_id = quantize_job_id
        quantize_job.user_id = user_id
        quantize_job.weights_dtype = weights_dtype
        quantize_job.activations_dtype = activations_dtype
        quantize_job.name = name
        quantize_job.job_state = job_state
        quantize_job.options = options
        quantize_job.user = user
        quantize_job.model = model
        quantize_job.calibration_dataset = calibration_dataset
        quantize_job.tensor_type_list = tensor_type_list
        quantize_job.creation_time = creation_time
        quantize_job.start_time = start_time
        quantize_job.completion_time = completion_time
        quantize_job.last_updated_time = last_updated_time
        quantize_job.failure_reason = failure_reason
        quantize_job.target_model = target_model
        quantize_job.admin_url = admin_url
        quantize_job.has_vizgraph = has_vizgraph
        quantize_job.queued_time = queued_time
        quantize_job.project_id = project_id
        quantize_job.project_slug = project_slug

        quantize_job.additional_properties = d or {}
        return quantize_job

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
from ..models.model import Model
from ..models.named_tensor_type_list import NamedTensorTypeList
from ..models.user import User
