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
        notices (list[Notice]): What the job wants its user to know.
        failure_type (JobFailureType): Why a job failed, as a class of causes.
        available_artifacts (list[JobArtifactType]): Types of the artifacts that can be downloaded.
        profile_job (ProfileJob | Unset): Profiles a model. Current services answer an inference job with profiling on
            in its place.
        inference_job (InferenceJob | Unset): Runs a model on a dataset, profiles it, or both.
        compile_job (CompileJob | Unset): Compiles a model for a device and a runtime.
        quantize_job (QuantizeJob | Unset): Quantizes an ONNX model with calibration data.
        link_job (LinkJob | Unset): Links several models into one context binary.
        hub_version (str | Unset): Release of the service that ran it.
        read_only (bool | Unset): Whether the caller may only look at it.
        actor_authorization (JobAuthorization | Unset): What the caller may do with a job.
    """

    notices: list[Notice]
    failure_type: JobFailureType
    available_artifacts: list[JobArtifactType]
    profile_job: ProfileJob | Unset = UNSET
    inference_job: InferenceJob | Unset = UNSET
    compile_job: CompileJob | Unset = UNSET
    quantize_job: QuantizeJob | Unset = UNSET
    link_job: LinkJob | Unset = UNSET
    hub_version: str | Unset = UNSET
    read_only: bool | Unset = UNSET
    actor_authorization: JobAuthorization | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        notices = []
        for notices_item_data in self.notices:
            notices_item = notices_item_data.to_dict()
            notices.append(notices_item)

        failure_type = self.failure_type.value

        available_artifacts = []
        for available_artifacts_item_data in self.available_artifacts:
            available_artifacts_item = available_artifacts_item_data.value
            available_artifacts.append(available_artifacts_item)

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

        actor_authorization: dict[str, Any] | Unset = UNSET
        if not isinstance(self.actor_authorization, Unset):
            actor_authorization = self.actor_authorization.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "notices": notices,
                "failure_type": failure_type,
                "available_artifacts": available_artifacts,
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
        if actor_authorization is not UNSET:
            field_dict["actor_authorization"] = actor_authorization

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        notices = [Notice.from_dict(notices_item_data) for notices_item_data in d.pop("notices")]

        failure_type = JobFailureType.of(d.pop("failure_type"))

        available_artifacts = [
            JobArtifactType.of(available_artifacts_item_data)
            for available_artifacts_item_data in d.pop("available_artifacts")
        ]

        _profile_job = d.pop("profile_job", UNSET)
        profile_job: ProfileJob | Unset = (
            UNSET if _profile_job is UNSET else ProfileJob.from_dict(_profile_job)
        )

        _inference_job = d.pop("inference_job", UNSET)
        inference_job: InferenceJob | Unset = (
            UNSET if _inference_job is UNSET else InferenceJob.from_dict(_inference_job)
        )

        _compile_job = d.pop("compile_job", UNSET)
        compile_job: CompileJob | Unset = (
            UNSET if _compile_job is UNSET else CompileJob.from_dict(_compile_job)
        )

        _quantize_job = d.pop("quantize_job", UNSET)
        quantize_job: QuantizeJob | Unset = (
            UNSET if _quantize_job is UNSET else QuantizeJob.from_dict(_quantize_job)
        )

        _link_job = d.pop("link_job", UNSET)
        link_job: LinkJob | Unset = UNSET if _link_job is UNSET else LinkJob.from_dict(_link_job)

        hub_version = d.pop("hub_version", UNSET)

        read_only = d.pop("read_only", UNSET)

        _actor_authorization = d.pop("actor_authorization", UNSET)
        actor_authorization: JobAuthorization | Unset = (
            UNSET
            if _actor_authorization is UNSET
            else JobAuthorization.from_dict(_actor_authorization)
        )

        job = cls.__new__(cls)
        job.notices = notices
        job.failure_type = failure_type
        job.available_artifacts = available_artifacts
        job.profile_job = profile_job
        job.inference_job = inference_job
        job.compile_job = compile_job
        job.quantize_job = quantize_job
        job.link_job = link_job
        job.hub_version = hub_version
        job.read_only = read_only
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
