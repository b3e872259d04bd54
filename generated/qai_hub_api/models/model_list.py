from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..types import UNSET, Unset

T = TypeVar("T", bound="ModelList")


@_attrs_define
class ModelList:
    """One page of models, newest first.

    Attributes:
        total_query_count (int): Number of items that match, on all pages together.
        models (list[Model] | Unset): The models.
    """

    total_query_count: int
    models: list[Model] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        total_query_count = self.total_query_count

        models: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.models, Unset):
            models = []
            for models_item_data in self.models:
                models_item = models_item_data.to_dict()
                models.append(models_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "total_query_count": total_query_count,
            }
        )
        if models is not UNSET:
            field_dict["models"] = models

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

        _models = d.pop("models", UNSET)
        models: list[Model] | Unset = (
            [
                Model.from_dict(models_item_data if type(models_item_data) is dict else {})
                for models_item_data in _models
            ]
            if type(_models) is list
            else UNSET
        )

        model_list = cls.__new__(cls)
        model_list.total_query_count = total_query_count
        model_list.models = models

        model_list.additional_properties = d or {}
        return model_list

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


from ..models.model import Model
