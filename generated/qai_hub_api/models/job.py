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
        notices = []
        _notices = d.pop("notices")
        for notices_item_data in _notices:
            notices_item = Notice.from_dict(notices_item_data)

            notices.append(notices_item)

        failure_type = JobFailureType(d.pop("failure_type"))

        available_artifacts = []
        _available_artifacts = d.pop("available_artifacts")
        for available_artifacts_item_data in _available_artifacts:
            available_artifacts_item = JobArtifactType(available_artifacts_item_data)

            available_artifacts.append(available_artifacts_item)

        _profile_job = d.pop("profile_job", UNSET)
        profile_job: ProfileJob | Unset
        if isinstance(_profile_job, Unset):
            profile_job = UNSET
        else:
            profile_job = ProfileJob.from_dict(_profile_job)

        _inference_job = d.pop("inference_job", UNSET)
        inference_job: InferenceJob | Unset
        if isinstance(_inference_job, Unset):
            inference_job = UNSET
        else:
            inference_job = InferenceJob.from_dict(_inference_job)

        _compile_job = d.pop("compile_job", UNSET)
        compile_job: CompileJob | Unset
        if isinstance(_compile_job, Unset):
            compile_job = UNSET
        else:
            compile_job = CompileJob.from_dict(_compile_job)

        _quantize_job = d.pop("quantize_job", UNSET)
        quantize_job: QuantizeJob | Unset
        if isinstance(_quantize_job, Unset):
            quantize_job = UNSET
        else:
            quantize_job = QuantizeJob.from_dict(_quantize_job)

        _link_job = d.pop("link_job", UNSET)
        link_job: LinkJob | Unset
        if isinstance(_link_job, Unset):
            link_job = UNSET
        else:
            link_job = LinkJob.from_dict(_link_job)

        hub_version = d.pop("hub_version", UNSET)

        read_only = d.pop("read_only", UNSET)

        _actor_authorization = d.pop("actor_authorization", UNSET)
        actor_authorization: JobAuthorization | Unset
        if isinstance(_actor_authorization, Unset):
            actor_authorization = UNSET
        else:
            actor_authorization = JobAuthorization.from_dict(_actor_authorization)

        job = cls(
            notices=notices,
            failure_type=failure_type,
            available_artifacts=available_artifacts,
            profile_job=profile_job,
            inference_job=inference_job,
            compile_job=compile_job,
            quantize_job=quantize_job,
            link_job=link_job,
            hub_version=hub_version,
            read_only=read_only,
            actor_authorization=actor_authorization,
        )

        job.additional_properties = d
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
