from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET

T = TypeVar("T", bound="ModelMetadata")


@_attrs_define
class ModelMetadata:
    """Facts about a target model, by metadata key number.

    Attributes:
        entries (ModelMetadataEntries): Values by the number of a ModelMetadataKey.
    """

    entries: ModelMetadataEntries
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        entries = self.entries.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "entries": entries,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _entries = d.pop("entries", UNSET)
        entries = ModelMetadataEntries.from_dict(_entries if type(_entries) is dict else {})

        model_metadata = cls.__new__(cls)
        model_metadata.entries = entries

        model_metadata.additional_properties = d or {}
        return model_metadata

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


from ..models.model_metadata_entries import ModelMetadataEntries
