from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="InferenceJobResult")


@_attrs_define
class InferenceJobResult:
    """The result of an inference job: an output dataset, a profile, or both.

    Attributes:
        inference_job_id (str): Identifier; starts with `j`.
        output_dataset_id (str): Dataset of the outputs; empty if there is none.
        detail (ProfileDetail | Unset): What profiling measured: times in microseconds, memory in bytes.
        tool_versions (list[ToolVersion] | Unset): Tools that were used, if profiling was off; otherwise `detail` has
            them.
    """

    inference_job_id: str
    output_dataset_id: str
    detail: ProfileDetail | Unset = UNSET
    tool_versions: list[ToolVersion] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        inference_job_id = self.inference_job_id

        output_dataset_id = self.output_dataset_id

        detail: dict[str, Any] | Unset = UNSET
        if not isinstance(self.detail, Unset):
            detail = self.detail.to_dict()

        tool_versions: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.tool_versions, Unset):
            tool_versions = []
            for tool_versions_item_data in self.tool_versions:
                tool_versions_item = tool_versions_item_data.to_dict()
                tool_versions.append(tool_versions_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "inference_job_id": inference_job_id,
                "output_dataset_id": output_dataset_id,
            }
        )
        if detail is not UNSET:
            field_dict["detail"] = detail
        if tool_versions is not UNSET:
            field_dict["tool_versions"] = tool_versions

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _inference_job_id = d.pop("inference_job_id", UNSET)
        inference_job_id = _inference_job_id if type(_inference_job_id) is str else ""

        _output_dataset_id = d.pop("output_dataset_id", UNSET)
        output_dataset_id = _output_dataset_id if type(_output_dataset_id) is str else ""

        _detail = d.pop("detail", UNSET)
        detail: ProfileDetail | Unset = (
            ProfileDetail.from_dict(_detail) if type(_detail) is dict else UNSET
        )

        _tool_versions = d.pop("tool_versions", UNSET)
        tool_versions: list[ToolVersion] | Unset = (
            [
                ToolVersion.from_dict(
                    tool_versions_item_data if type(tool_versions_item_data) is dict else {}
                )
                for tool_versions_item_data in _tool_versions
            ]
            if type(_tool_versions) is list
            else UNSET
        )

        inference_job_result = cls.__new__(cls)
        inference_job_result.inference_job_id = inference_job_id
        inference_job_result.output_dataset_id = output_dataset_id
        inference_job_result.detail = detail
        inference_job_result.tool_versions = tool_versions

        inference_job_result.additional_properties = d or {}
        return inference_job_result

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


from ..models.profile_detail import ProfileDetail
from ..models.tool_version import ToolVersion
