from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="CompileJobResult")


@_attrs_define
class CompileJobResult:
    """The result of a compile job.

    Attributes:
        compile_job_id (str): Identifier; starts with `j`.
        compile_detail (CompileDetail | Unset): How a compile job was carried out.
    """

    compile_job_id: str
    compile_detail: CompileDetail | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        compile_job_id = self.compile_job_id

        compile_detail: dict[str, Any] | Unset = UNSET
        if not isinstance(self.compile_detail, Unset):
            compile_detail = self.compile_detail.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "compile_job_id": compile_job_id,
            }
        )
        if compile_detail is not UNSET:
            field_dict["compile_detail"] = compile_detail

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _compile_job_id = d.pop("compile_job_id", UNSET)
        compile_job_id = _compile_job_id if type(_compile_job_id) is str else ""

        _compile_detail = d.pop("compile_detail", UNSET)
        compile_detail: CompileDetail | Unset = (
            CompileDetail.from_dict(_compile_detail) if type(_compile_detail) is dict else UNSET
        )

        compile_job_result = cls.__new__(cls)
        compile_job_result.compile_job_id = compile_job_id
        compile_job_result.compile_detail = compile_detail

        compile_job_result.additional_properties = d or {}
        return compile_job_result

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


from ..models.compile_detail import CompileDetail
