from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET

T = TypeVar("T", bound="DatasetReference")


@_attrs_define
class DatasetReference:
    """A dataset that a job works on.

    Attributes:
        dataset_id (str): Identifier; starts with `d`.
    """

    dataset_id: str

    def to_dict(self) -> dict[str, Any]:
        dataset_id = self.dataset_id

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "dataset_id": dataset_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _dataset_id = d.pop("dataset_id", UNSET)
        dataset_id = _dataset_id if type(_dataset_id) is str else ""

        dataset_reference = cls.__new__(cls)
        dataset_reference.dataset_id = dataset_id
        return dataset_reference
