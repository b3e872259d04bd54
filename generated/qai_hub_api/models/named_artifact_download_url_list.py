from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="NamedArtifactDownloadURLList")


@_attrs_define
class NamedArtifactDownloadURLList:
    """The artifacts of one type that a job left.

    Attributes:
        artifacts (list[NamedArtifactDownloadURL] | Unset): The artifacts.
    """

    artifacts: list[NamedArtifactDownloadURL] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        artifacts: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.artifacts, Unset):
            artifacts = []
            for artifacts_item_data in self.artifacts:
                artifacts_item = artifacts_item_data.to_dict()
                artifacts.append(artifacts_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if artifacts is not UNSET:
            field_dict["artifacts"] = artifacts

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _artifacts = d.pop("artifacts", UNSET)
        artifacts: list[NamedArtifactDownloadURL] | Unset = (
            [
                NamedArtifactDownloadURL.from_dict(
                    artifacts_item_data if type(artifacts_item_data) is dict else {}
                )
                for artifacts_item_data in _artifacts
            ]
            if type(_artifacts) is list
            else UNSET
        )

        named_artifact_download_url_list = cls.__new__(cls)
        named_artifact_download_url_list.artifacts = artifacts

        named_artifact_download_url_list.additional_properties = d or {}
        return named_artifact_download_url_list

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


from ..models.named_artifact_download_url import NamedArtifactDownloadURL
