from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="JobSubmit")


@_attrs_define
class JobSubmit:
    """A job to create: exactly one of the job types is present.

    Attributes:
        compile_job (CompileJobSubmit | Unset): A compile job to create.
        quantize_job (QuantizeJobSubmit | Unset): A quantize job to create.
        link_job (LinkJobSubmit | Unset): A link job to create.
        inference_job (InferenceJobSubmit | Unset): An inference job to create. Without a dataset it only profiles, on
            inputs drawn at random.
    """

    compile_job: CompileJobSubmit | Unset = UNSET
    quantize_job: QuantizeJobSubmit | Unset = UNSET
    link_job: LinkJobSubmit | Unset = UNSET
    inference_job: InferenceJobSubmit | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        compile_job: dict[str, Any] | Unset = UNSET
        if not isinstance(self.compile_job, Unset):
            compile_job = self.compile_job.to_dict()

        quantize_job: dict[str, Any] | Unset = UNSET
        if not isinstance(self.quantize_job, Unset):
            quantize_job = self.quantize_job.to_dict()

        link_job: dict[str, Any] | Unset = UNSET
        if not isinstance(self.link_job, Unset):
            link_job = self.link_job.to_dict()

        inference_job: dict[str, Any] | Unset = UNSET
        if not isinstance(self.inference_job, Unset):
            inference_job = self.inference_job.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if compile_job is not UNSET:
            field_dict["compile_job"] = compile_job
        if quantize_job is not UNSET:
            field_dict["quantize_job"] = quantize_job
        if link_job is not UNSET:
            field_dict["link_job"] = link_job
        if inference_job is not UNSET:
            field_dict["inference_job"] = inference_job

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _compile_job = d.pop("compile_job", UNSET)
        compile_job: CompileJobSubmit | Unset = (
            CompileJobSubmit.from_dict(_compile_job) if type(_compile_job) is dict else UNSET
        )

        _quantize_job = d.pop("quantize_job", UNSET)
        quantize_job: QuantizeJobSubmit | Unset = (
            QuantizeJobSubmit.from_dict(_quantize_job) if type(_quantize_job) is dict else UNSET
        )

        _link_job = d.pop("link_job", UNSET)
        link_job: LinkJobSubmit | Unset = (
            LinkJobSubmit.from_dict(_link_job) if type(_link_job) is dict else UNSET
        )

        _inference_job = d.pop("inference_job", UNSET)
        inference_job: InferenceJobSubmit | Unset = (
            InferenceJobSubmit.from_dict(_inference_job) if type(_inference_job) is dict else UNSET
        )

        job_submit = cls.__new__(cls)
        job_submit.compile_job = compile_job
        job_submit.quantize_job = quantize_job
        job_submit.link_job = link_job
        job_submit.inference_job = inference_job
        return job_submit


from ..models.compile_job_submit import CompileJobSubmit
from ..models.inference_job_submit import InferenceJobSubmit
from ..models.link_job_submit import LinkJobSubmit
from ..models.quantize_job_submit import QuantizeJobSubmit
