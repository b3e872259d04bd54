from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="LinkJobResult")


@_attrs_define
class LinkJobResult:
    """The result of a link job.

    Attributes:
        link_job_id (str): Identifier; starts with `j`.
        link_detail (LinkDetail | Unset): How a link job was carried out.
    """

    link_job_id: str
    link_detail: LinkDetail | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        link_job_id = self.link_job_id

        link_detail: dict[str, Any] | Unset = UNSET
        if not isinstance(self.link_detail, Unset):
            link_detail = self.link_detail.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "link_job_id": link_job_id,
            }
        )
        if link_detail is not UNSET:
            field_dict["link_detail"] = link_detail

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _link_job_id = d.pop("link_job_id", UNSET)
        link_job_id = _link_job_id if type(_link_job_id) is str else ""

        _link_detail = d.pop("link_detail", UNSET)
        link_detail: LinkDetail | Unset = (
            LinkDetail.from_dict(_link_detail) if type(_link_detail) is dict else UNSET
        )

        link_job_result = cls.__new__(cls)
        link_job_result.link_job_id = link_job_id
        link_job_result.link_detail = link_detail

        link_job_result.additional_properties = d or {}
        return link_job_result

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


from ..models.link_detail import LinkDetail
