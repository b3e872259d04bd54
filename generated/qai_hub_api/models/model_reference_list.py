from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET

T = TypeVar("T", bound="ModelReferenceList")


@_attrs_define
class ModelReferenceList:
    """Models that a job links, in order.

    Attributes:
        models (list[ModelReference]): The models.
    """

    models: list[ModelReference]

    def to_dict(self) -> dict[str, Any]:
        models = []
        for models_item_data in self.models:
            models_item = models_item_data.to_dict()
            models.append(models_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "models": models,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _models = d.pop("models", UNSET)
        models: list[ModelReference] = (
            [
                ModelReference.from_dict(models_item_data if type(models_item_data) is dict else {})
                for models_item_data in _models
            ]
            if type(_models) is list
            else []
        )

        model_reference_list = cls.__new__(cls)
        model_reference_list.models = models
        return model_reference_list


from ..models.model_reference import ModelReference
