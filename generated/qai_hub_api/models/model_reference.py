from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET

T = TypeVar("T", bound="ModelReference")


@_attrs_define
class ModelReference:
    """A model that a job works on.

    Attributes:
        model_id (str): Identifier; starts with `m`.
    """

    model_id: str

    def to_dict(self) -> dict[str, Any]:
        model_id = self.model_id

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "model_id": model_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _model_id = d.pop("model_id", UNSET)
        model_id = _model_id if type(_model_id) is str else ""

        model_reference = cls.__new__(cls)
        model_reference.model_id = model_id
        return model_reference
