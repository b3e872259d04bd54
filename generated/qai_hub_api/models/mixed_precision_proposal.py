from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..types import UNSET

T = TypeVar("T", bound="MixedPrecisionProposal")


@_attrs_define
class MixedPrecisionProposal:
    """Which layers to keep at 16 bits, and what that gains, as tried on the calibration data. An extension.

    Attributes:
        layers (list[MixedPrecisionLayer]): The tensors, the one that costs most accuracy first.
        psnr_before (float): PSNR in decibels of the least accurate output of this job's target model.
        psnr_after (float): The same for the model that was quantized with this proposal.
        options (str): Options of a quantize job that applies it.
    """

    layers: list[MixedPrecisionLayer]
    psnr_before: float
    psnr_after: float
    options: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        layers = []
        for layers_item_data in self.layers:
            layers_item = layers_item_data.to_dict()
            layers.append(layers_item)

        psnr_before = self.psnr_before

        psnr_after = self.psnr_after

        options = self.options

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "layers": layers,
                "psnr_before": psnr_before,
                "psnr_after": psnr_after,
                "options": options,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _layers = d.pop("layers", UNSET)
        layers: list[MixedPrecisionLayer] = (
            [
                MixedPrecisionLayer.from_dict(
                    layers_item_data if type(layers_item_data) is dict else {}
                )
                for layers_item_data in _layers
            ]
            if type(_layers) is list
            else []
        )

        _psnr_before = d.pop("psnr_before", UNSET)
        psnr_before = reading.number(_psnr_before, 0.0)

        _psnr_after = d.pop("psnr_after", UNSET)
        psnr_after = reading.number(_psnr_after, 0.0)

        _options = d.pop("options", UNSET)
        options = _options if type(_options) is str else ""

        mixed_precision_proposal = cls.__new__(cls)
        mixed_precision_proposal.layers = layers
        mixed_precision_proposal.psnr_before = psnr_before
        mixed_precision_proposal.psnr_after = psnr_after
        mixed_precision_proposal.options = options

        mixed_precision_proposal.additional_properties = d or {}
        return mixed_precision_proposal

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


from ..models.mixed_precision_layer import MixedPrecisionLayer
