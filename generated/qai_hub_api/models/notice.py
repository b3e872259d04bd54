from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.notice_context import NoticeContext
from ..models.notice_severity import NoticeSeverity
from ..types import UNSET

T = TypeVar("T", bound="Notice")


@_attrs_define
class Notice:
    """A message of a job to its user.

    Attributes:
        context (NoticeContext): What a notice is about.
        severity (NoticeSeverity): How much a notice matters.
        message (str): The text.
    """

    context: NoticeContext
    severity: NoticeSeverity
    message: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        context = self.context.value

        severity = self.severity.value

        message = self.message

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "context": context,
                "severity": severity,
                "message": message,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _context = d.pop("context", UNSET)
        context = (
            NoticeContext.of(_context)
            if type(_context) is str
            else NoticeContext.read(_context, NoticeContext.DEVICE)
        )

        _severity = d.pop("severity", UNSET)
        severity = (
            NoticeSeverity.of(_severity)
            if type(_severity) is str
            else NoticeSeverity.read(_severity, NoticeSeverity.DEBUG)
        )

        _message = d.pop("message", UNSET)
        message = _message if type(_message) is str else ""

        notice = cls.__new__(cls)
        notice.context = context
        notice.severity = severity
        notice.message = message

        notice.additional_properties = d or {}
        return notice

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
