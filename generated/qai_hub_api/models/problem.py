from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..types import UNSET, Unset

T = TypeVar("T", bound="Problem")


@_attrs_define
class Problem:
    """What went wrong (RFC 9457).

    Attributes:
        type_ (str): Kind of problem; `about:blank` if the status says all.
        title (str): Short text of the status.
        status (int): HTTP status.
        detail (str): What went wrong here, and what can be done about it.
        request_id (str | Unset): Identifier of the request, as in `X-Request-Id`.
    """

    type_: str
    title: str
    status: int
    detail: str
    request_id: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        title = self.title

        status = self.status

        detail = self.detail

        request_id = self.request_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "type": type_,
                "title": title,
                "status": status,
                "detail": detail,
            }
        )
        if request_id is not UNSET:
            field_dict["request_id"] = request_id

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _type_ = d.pop("type", UNSET)
        type_ = _type_ if type(_type_) is str else ""

        _title = d.pop("title", UNSET)
        title = _title if type(_title) is str else ""

        _status = d.pop("status", UNSET)
        status = (
            _status
            if (type(_status) is int and _status.bit_length() <= 64)
            else reading.integer(_status, 0)
        )

        _detail = d.pop("detail", UNSET)
        detail = _detail if type(_detail) is str else ""

        _request_id = d.pop("request_id", UNSET)
        request_id: str | Unset = _request_id if type(_request_id) is str else UNSET

        problem = cls.__new__(cls)
        problem.type_ = type_
        problem.title = title
        problem.status = status
        problem.detail = detail
        problem.request_id = request_id

        problem.additional_properties = d or {}
        return problem

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
