from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.model_type import ModelType
from ..types import UNSET, Unset

T = TypeVar("T", bound="ModelCreate")


@_attrs_define
class ModelCreate:
    """A model to create, before its file is uploaded.

    Attributes:
        name (str): Display name.
        model_type (ModelType): Format of a model file.
        is_directory (bool | Unset): Whether it is a folder, transferred as a ZIP archive.
    """

    name: str
    model_type: ModelType
    is_directory: bool | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        model_type = self.model_type.value

        is_directory = self.is_directory

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
                "model_type": model_type,
            }
        )
        if is_directory is not UNSET:
            field_dict["is_directory"] = is_directory

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _name = d.pop("name", UNSET)
        name = _name if type(_name) is str else ""

        _model_type = d.pop("model_type", UNSET)
        model_type = (
            ModelType.of(_model_type)
            if type(_model_type) is str
            else ModelType.read(_model_type, ModelType.MODEL_TYPE_UNSPECIFIED)
        )

        _is_directory = d.pop("is_directory", UNSET)
        is_directory: bool | Unset = _is_directory if type(_is_directory) is bool else UNSET

        model_create = cls.__new__(cls)
        model_create.name = name
        model_create.model_type = model_type
        model_create.is_directory = is_directory
        return model_create
