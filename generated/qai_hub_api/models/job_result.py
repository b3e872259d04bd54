from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="JobResult")


@_attrs_define
class JobResult:
    """The result of a finished job: exactly one of the types is present.

    Attributes:
        profile_job_result (ProfileJobResult | Unset): The result of a profile job.
        inference_job_result (InferenceJobResult | Unset): The result of an inference job: an output dataset, a profile,
            or both.
        compile_job_result (CompileJobResult | Unset): The result of a compile job.
        quantize_job_result (QuantizeJobResult | Unset): The result of a quantize job.
        link_job_result (LinkJobResult | Unset): The result of a link job.
    """

    profile_job_result: ProfileJobResult | Unset = UNSET
    inference_job_result: InferenceJobResult | Unset = UNSET
    compile_job_result: CompileJobResult | Unset = UNSET
    quantize_job_result: QuantizeJobResult | Unset = UNSET
    link_job_result: LinkJobResult | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        profile_job_result: dict[str, Any] | Unset = UNSET
        if not isinstance(self.profile_job_result, Unset):
            profile_job_result = self.profile_job_result.to_dict()

        inference_job_result: dict[str, Any] | Unset = UNSET
        if not isinstance(self.inference_job_result, Unset):
            inference_job_result = self.inference_job_result.to_dict()

        compile_job_result: dict[str, Any] | Unset = UNSET
        if not isinstance(self.compile_job_result, Unset):
            compile_job_result = self.compile_job_result.to_dict()

        quantize_job_result: dict[str, Any] | Unset = UNSET
        if not isinstance(self.quantize_job_result, Unset):
            quantize_job_result = self.quantize_job_result.to_dict()

        link_job_result: dict[str, Any] | Unset = UNSET
        if not isinstance(self.link_job_result, Unset):
            link_job_result = self.link_job_result.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if profile_job_result is not UNSET:
            field_dict["profile_job_result"] = profile_job_result
        if inference_job_result is not UNSET:
            field_dict["inference_job_result"] = inference_job_result
        if compile_job_result is not UNSET:
            field_dict["compile_job_result"] = compile_job_result
        if quantize_job_result is not UNSET:
            field_dict["quantize_job_result"] = quantize_job_result
        if link_job_result is not UNSET:
            field_dict["link_job_result"] = link_job_result

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _profile_job_result = d.pop("profile_job_result", UNSET)
        profile_job_result: ProfileJobResult | Unset = (
            ProfileJobResult.from_dict(_profile_job_result)
            if type(_profile_job_result) is dict
            else UNSET
        )

        _inference_job_result = d.pop("inference_job_result", UNSET)
        inference_job_result: InferenceJobResult | Unset = (
            InferenceJobResult.from_dict(_inference_job_result)
            if type(_inference_job_result) is dict
            else UNSET
        )

        _compile_job_result = d.pop("compile_job_result", UNSET)
        compile_job_result: CompileJobResult | Unset = (
            CompileJobResult.from_dict(_compile_job_result)
            if type(_compile_job_result) is dict
            else UNSET
        )

        _quantize_job_result = d.pop("quantize_job_result", UNSET)
        quantize_job_result: QuantizeJobResult | Unset = (
            QuantizeJobResult.from_dict(_quantize_job_result)
            if type(_quantize_job_result) is dict
            else UNSET
        )

        _link_job_result = d.pop("link_job_result", UNSET)
        link_job_result: LinkJobResult | Unset = (
            LinkJobResult.from_dict(_link_job_result) if type(_link_job_result) is dict else UNSET
        )

        job_result = cls.__new__(cls)
        job_result.profile_job_result = profile_job_result
        job_result.inference_job_result = inference_job_result
        job_result.compile_job_result = compile_job_result
        job_result.quantize_job_result = quantize_job_result
        job_result.link_job_result = link_job_result

        job_result.additional_properties = d or {}
        return job_result

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


from ..models.compile_job_result import CompileJobResult
from ..models.inference_job_result import InferenceJobResult
from ..models.link_job_result import LinkJobResult
from ..models.profile_job_result import ProfileJobResult
from ..models.quantize_job_result import QuantizeJobResult
