from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="JobSummary")


@_attrs_define
class JobSummary:
    """The short form of a job: exactly one of the job types is present.

    Attributes:
        profile_job_summary (ProfileJobSummary | Unset): The short form of a profile job.
        inference_job_summary (InferenceJobSummary | Unset): The short form of an inference job.
        compile_job_summary (CompileJobSummary | Unset): The short form of a compile job.
        quantize_job_summary (QuantizeJobSummary | Unset): The short form of a quantize job.
        link_job_summary (LinkJobSummary | Unset): The short form of a link job.
        actor_authorization (JobAuthorization | Unset): What the caller may do with a job.
    """

    profile_job_summary: ProfileJobSummary | Unset = UNSET
    inference_job_summary: InferenceJobSummary | Unset = UNSET
    compile_job_summary: CompileJobSummary | Unset = UNSET
    quantize_job_summary: QuantizeJobSummary | Unset = UNSET
    link_job_summary: LinkJobSummary | Unset = UNSET
    actor_authorization: JobAuthorization | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        profile_job_summary: dict[str, Any] | Unset = UNSET
        if not isinstance(self.profile_job_summary, Unset):
            profile_job_summary = self.profile_job_summary.to_dict()

        inference_job_summary: dict[str, Any] | Unset = UNSET
        if not isinstance(self.inference_job_summary, Unset):
            inference_job_summary = self.inference_job_summary.to_dict()

        compile_job_summary: dict[str, Any] | Unset = UNSET
        if not isinstance(self.compile_job_summary, Unset):
            compile_job_summary = self.compile_job_summary.to_dict()

        quantize_job_summary: dict[str, Any] | Unset = UNSET
        if not isinstance(self.quantize_job_summary, Unset):
            quantize_job_summary = self.quantize_job_summary.to_dict()

        link_job_summary: dict[str, Any] | Unset = UNSET
        if not isinstance(self.link_job_summary, Unset):
            link_job_summary = self.link_job_summary.to_dict()

        actor_authorization: dict[str, Any] | Unset = UNSET
        if not isinstance(self.actor_authorization, Unset):
            actor_authorization = self.actor_authorization.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if profile_job_summary is not UNSET:
            field_dict["profile_job_summary"] = profile_job_summary
        if inference_job_summary is not UNSET:
            field_dict["inference_job_summary"] = inference_job_summary
        if compile_job_summary is not UNSET:
            field_dict["compile_job_summary"] = compile_job_summary
        if quantize_job_summary is not UNSET:
            field_dict["quantize_job_summary"] = quantize_job_summary
        if link_job_summary is not UNSET:
            field_dict["link_job_summary"] = link_job_summary
        if actor_authorization is not UNSET:
            field_dict["actor_authorization"] = actor_authorization

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _profile_job_summary = d.pop("profile_job_summary", UNSET)
        profile_job_summary: ProfileJobSummary | Unset = (
            ProfileJobSummary.from_dict(_profile_job_summary)
            if type(_profile_job_summary) is dict
            else UNSET
        )

        _inference_job_summary = d.pop("inference_job_summary", UNSET)
        inference_job_summary: InferenceJobSummary | Unset = (
            InferenceJobSummary.from_dict(_inference_job_summary)
            if type(_inference_job_summary) is dict
            else UNSET
        )

        _compile_job_summary = d.pop("compile_job_summary", UNSET)
        compile_job_summary: CompileJobSummary | Unset = (
            CompileJobSummary.from_dict(_compile_job_summary)
            if type(_compile_job_summary) is dict
            else UNSET
        )

        _quantize_job_summary = d.pop("quantize_job_summary", UNSET)
        quantize_job_summary: QuantizeJobSummary | Unset = (
            QuantizeJobSummary.from_dict(_quantize_job_summary)
            if type(_quantize_job_summary) is dict
            else UNSET
        )

        _link_job_summary = d.pop("link_job_summary", UNSET)
        link_job_summary: LinkJobSummary | Unset = (
            LinkJobSummary.from_dict(_link_job_summary)
            if type(_link_job_summary) is dict
            else UNSET
        )

        _actor_authorization = d.pop("actor_authorization", UNSET)
        actor_authorization: JobAuthorization | Unset = (
            JobAuthorization.from_dict(_actor_authorization)
            if type(_actor_authorization) is dict
            else UNSET
        )

        job_summary = cls.__new__(cls)
        job_summary.profile_job_summary = profile_job_summary
        job_summary.inference_job_summary = inference_job_summary
        job_summary.compile_job_summary = compile_job_summary
        job_summary.quantize_job_summary = quantize_job_summary
        job_summary.link_job_summary = link_job_summary
        job_summary.actor_authorization = actor_authorization

        job_summary.additional_properties = d or {}
        return job_summary

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


from ..models.compile_job_summary import CompileJobSummary
from ..models.inference_job_summary import InferenceJobSummary
from ..models.job_authorization import JobAuthorization
from ..models.link_job_summary import LinkJobSummary
from ..models.profile_job_summary import ProfileJobSummary
from ..models.quantize_job_summary import QuantizeJobSummary
