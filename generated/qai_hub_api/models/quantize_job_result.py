from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="QuantizeJobResult")


@_attrs_define
class QuantizeJobResult:
    """The result of a quantize job.

    Attributes:
        quantize_job_id (str): Identifier; starts with `j`.
        quantize_detail (QuantizeDetail | Unset): How a quantize job was carried out, and how close its outputs are.
    """

    quantize_job_id: str
    quantize_detail: QuantizeDetail | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        quantize_job_id = self.quantize_job_id

        quantize_detail: dict[str, Any] | Unset = UNSET
        if not isinstance(self.quantize_detail, Unset):
            quantize_detail = self.quantize_detail.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "quantize_job_id": quantize_job_id,
            }
        )
        if quantize_detail is not UNSET:
            field_dict["quantize_detail"] = quantize_detail

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _quantize_job_id = d.pop("quantize_job_id", UNSET)
        quantize_job_id = _quantize_job_id if type(_quantize_job_id) is str else ""

        _quantize_detail = d.pop("quantize_detail", UNSET)
        quantize_detail: QuantizeDetail | Unset = (
            QuantizeDetail.from_dict(_quantize_detail) if type(_quantize_detail) is dict else UNSET
        )

        quantize_job_result = cls.__new__(cls)
        quantize_job_result.quantize_job_id = quantize_job_id
        quantize_job_result.quantize_detail = quantize_detail

        quantize_job_result.additional_properties = d or {}
        return quantize_job_result

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


from ..models.quantize_detail import QuantizeDetail
