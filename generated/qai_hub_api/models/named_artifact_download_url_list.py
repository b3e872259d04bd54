from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="NamedArtifactDownloadURLList")


@_attrs_define
class NamedArtifactDownloadURLList:
    """The artifacts of one type that a job left.

    Attributes:
        artifacts (list[NamedArtifactDownloadURL]): The artifacts.
    """

    artifacts: list[NamedArtifactDownloadURL]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        artifacts = []
        for artifacts_item_data in self.artifacts:
            artifacts_item = artifacts_item_data.to_dict()
            artifacts.append(artifacts_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "artifacts": artifacts,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        artifacts = [
            NamedArtifactDownloadURL.from_dict(artifacts_item_data)
            for artifacts_item_data in d.pop("artifacts")
        ]

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
