from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..types import UNSET, Unset

T = TypeVar("T", bound="DatasetList")


@_attrs_define
class DatasetList:
    """One page of datasets, newest first.

    Attributes:
        total_query_count (int): Number of items that match, on all pages together.
        datasets (list[Dataset] | Unset): The datasets.
    """

    total_query_count: int
    datasets: list[Dataset] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        total_query_count = self.total_query_count

        datasets: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.datasets, Unset):
            datasets = []
            for datasets_item_data in self.datasets:
                datasets_item = datasets_item_data.to_dict()
                datasets.append(datasets_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "total_query_count": total_query_count,
            }
        )
        if datasets is not UNSET:
            field_dict["datasets"] = datasets

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _total_query_count = d.pop("total_query_count", UNSET)
        total_query_count = (
            _total_query_count
            if (type(_total_query_count) is int and _total_query_count.bit_length() <= 64)
            else reading.integer(_total_query_count, 0)
        )

        _datasets = d.pop("datasets", UNSET)
        datasets: list[Dataset] | Unset = (
            [
                Dataset.from_dict(datasets_item_data if type(datasets_item_data) is dict else {})
                for datasets_item_data in _datasets
            ]
            if type(_datasets) is list
            else UNSET
        )

        dataset_list = cls.__new__(cls)
        dataset_list.total_query_count = total_query_count
        dataset_list.datasets = datasets

        dataset_list.additional_properties = d or {}
        return dataset_list

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


from ..models.dataset import Dataset
