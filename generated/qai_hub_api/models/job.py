from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.job_artifact_type import JobArtifactType
from ..models.job_failure_type import JobFailureType
from ..types import UNSET, Unset

T = TypeVar("T", bound="Job")


@_attrs_define
class Job:
    """A job: exactly one of the job types is present.

    Attributes:
        failure_type (JobFailureType): Why a job failed, as a class of causes.
        profile_job (ProfileJob | Unset): Profiles a model. Current services return an inference job with profiling on
            instead.
        inference_job (InferenceJob | Unset): Runs a model on a dataset, profiles it, or both.
        compile_job (CompileJob | Unset): Compiles a model for a device and a runtime.
        quantize_job (QuantizeJob | Unset): Quantizes an ONNX model with calibration data.
        link_job (LinkJob | Unset): Links several models into one context binary.
        hub_version (str | Unset): Release of the service that ran it.
        read_only (bool | Unset): Whether the caller may read it but not change it.
        notices (list[Notice] | Unset): Messages of the job to its user.
        available_artifacts (list[JobArtifactType] | Unset): Types of the artifacts that can be downloaded.
        actor_authorization (JobAuthorization | Unset): What the caller may do with a job.
    """

    failure_type: JobFailureType
    profile_job: ProfileJob | Unset = UNSET
    inference_job: InferenceJob | Unset = UNSET
    compile_job: CompileJob | Unset = UNSET
    quantize_job: QuantizeJob | Unset = UNSET
    link_job: LinkJob | Unset = UNSET
    hub_version: str | Unset = UNSET
    read_only: bool | Unset = UNSET
    notices: list[Notice] | Unset = UNSET
    available_artifacts: list[JobArtifactType] | Unset = UNSET
    actor_authorization: JobAuthorization | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        failure_type = self.failure_type.value

        profile_job: dict[str, Any] | Unset = UNSET
        if not isinstance(self.profile_job, Unset):
            profile_job = self.profile_job.to_dict()

        inference_job: dict[str, Any] | Unset = UNSET
        if not isinstance(self.inference_job, Unset):
            inference_job = self.inference_job.to_dict()

        compile_job: dict[str, Any] | Unset = UNSET
        if not isinstance(self.compile_job, Unset):
            compile_job = self.compile_job.to_dict()

        quantize_job: dict[str, Any] | Unset = UNSET
        if not isinstance(self.quantize_job, Unset):
            quantize_job = self.quantize_job.to_dict()

        link_job: dict[str, Any] | Unset = UNSET
        if not isinstance(self.link_job, Unset):
            link_job = self.link_job.to_dict()

        hub_version = self.hub_version

        read_only = self.read_only

        notices: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.notices, Unset):
            notices = []
            for notices_item_data in self.notices:
                notices_item = notices_item_data.to_dict()
                notices.append(notices_item)

        available_artifacts: list[str] | Unset = UNSET
        if not isinstance(self.available_artifacts, Unset):
            available_artifacts = []
            for available_artifacts_item_data in self.available_artifacts:
                available_artifacts_item = available_artifacts_item_data.value
                available_artifacts.append(available_artifacts_item)

        actor_authorization: dict[str, Any] | Unset = UNSET
        if not isinstance(self.actor_authorization, Unset):
            actor_authorization = self.actor_authorization.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "failure_type": failure_type,
            }
        )
        if profile_job is not UNSET:
            field_dict["profile_job"] = profile_job
        if inference_job is not UNSET:
            field_dict["inference_job"] = inference_job
        if compile_job is not UNSET:
            field_dict["compile_job"] = compile_job
        if quantize_job is not UNSET:
            field_dict["quantize_job"] = quantize_job
        if link_job is not UNSET:
            field_dict["link_job"] = link_job
        if hub_version is not UNSET:
            field_dict["hub_version"] = hub_version
        if read_only is not UNSET:
            field_dict["read_only"] = read_only
        if notices is not UNSET:
            field_dict["notices"] = notices
        if available_artifacts is not UNSET:
            field_dict["available_artifacts"] = available_artifacts
        if actor_authorization is not UNSET:
            field_dict["actor_authorization"] = actor_authorization

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _failure_type = d.pop("failure_type", UNSET)
        failure_type = (
            JobFailureType.of(_failure_type)
            if type(_failure_type) is str
            else JobFailureType.read(_failure_type, JobFailureType.JOB_FAILURE_TYPE_UNSPECIFIED)
        )

        _profile_job = d.pop("profile_job", UNSET)
        profile_job: ProfileJob | Unset = (
            ProfileJob.from_dict(_profile_job) if type(_profile_job) is dict else UNSET
        )

        _inference_job = d.pop("inference_job", UNSET)
        inference_job: InferenceJob | Unset = (
            InferenceJob.from_dict(_inference_job) if type(_inference_job) is dict else UNSET
        )

        _compile_job = d.pop("compile_job", UNSET)
        compile_job: CompileJob | Unset = (
            CompileJob.from_dict(_compile_job) if type(_compile_job) is dict else UNSET
        )

        _quantize_job = d.pop("quantize_job", UNSET)
        quantize_job: QuantizeJob | Unset = (
            QuantizeJob.from_dict(_quantize_job) if type(_quantize_job) is dict else UNSET
        )

        _link_job = d.pop("link_job", UNSET)
        link_job: LinkJob | Unset = (
            LinkJob.from_dict(_link_job) if type(_link_job) is dict else UNSET
        )

        _hub_version = d.pop("hub_version", UNSET)
        hub_version: str | Unset = _hub_version if type(_hub_version) is str else UNSET

        _read_only = d.pop("read_only", UNSET)
        read_only: bool | Unset = _read_only if type(_read_only) is bool else UNSET

        _notices = d.pop("notices", UNSET)
        notices: list[Notice] | Unset = (
            [
                Notice.from_dict(notices_item_data if type(notices_item_data) is dict else {})
                for notices_item_data in _notices
            ]
            if type(_notices) is list
            else UNSET
        )

        _available_artifacts = d.pop("available_artifacts", UNSET)
        available_artifacts: list[JobArtifactType] | Unset = (
            [
                JobArtifactType.of(available_artifacts_item_data)
                if type(available_artifacts_item_data) is str
                else JobArtifactType.read(
                    available_artifacts_item_data, JobArtifactType.JOB_ARTIFACT_TYPE_UNSPECIFIED
                )
                for available_artifacts_item_data in _available_artifacts
            ]
            if type(_available_artifacts) is list
            else UNSET
        )

        _actor_authorization = d.pop("actor_authorization", UNSET)
        actor_authorization: JobAuthorization | Unset = (
            JobAuthorization.from_dict(_actor_authorization)
            if type(_actor_authorization) is dict
            else UNSET
        )

        job = cls.__new__(cls)
        job.failure_type = failure_type
        job.profile_job = profile_job
        job.inference_job = inference_job
        job.compile_job = compile_job
        job.quantize_job = quantize_job
        job.link_job = link_job
        job.hub_version = hub_version
        job.read_only = read_only
        job.notices = notices
        job.available_artifacts = available_artifacts
        job.actor_authorization = actor_authorization

        job.additional_properties = d or {}
        return job

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


from ..models.compile_job import CompileJob
from ..models.inference_job import InferenceJob
from ..models.job_authorization import JobAuthorization
from ..models.link_job import LinkJob
from ..models.notice import Notice
from ..models.profile_job import ProfileJob
from ..models.quantize_job import QuantizeJob
