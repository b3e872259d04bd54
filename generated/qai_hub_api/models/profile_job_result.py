from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="ProfileJobResult")


@_attrs_define
class ProfileJobResult:
    """The result of a profile job.

    Attributes:
        profile_job_id (str): Identifier; starts with `j`.
        profile (ProfileDetail | Unset): What profiling measured: times in microseconds, memory in bytes.
    """

    profile_job_id: str
    profile: ProfileDetail | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        profile_job_id = self.profile_job_id

        profile: dict[str, Any] | Unset = UNSET
        if not isinstance(self.profile, Unset):
            profile = self.profile.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "profile_job_id": profile_job_id,
            }
        )
        if profile is not UNSET:
            field_dict["profile"] = profile

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _profile_job_id = d.pop("profile_job_id", UNSET)
        profile_job_id = _profile_job_id if type(_profile_job_id) is str else ""

        _profile = d.pop("profile", UNSET)
        profile: ProfileDetail | Unset = (
            ProfileDetail.from_dict(_profile) if type(_profile) is dict else UNSET
        )

        profile_job_result = cls.__new__(cls)
        profile_job_result.profile_job_id = profile_job_id
        profile_job_result.profile = profile

        profile_job_result.additional_properties = d or {}
        return profile_job_result

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
