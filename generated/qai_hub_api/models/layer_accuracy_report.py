from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..types import UNSET, Unset

T = TypeVar("T", bound="LayerAccuracyReport")


@_attrs_define
class LayerAccuracyReport:
    """How close the computed tensors of a quantized model are to the float model's, in the order of computation. An
    extension.

        Attributes:
            layers (list[LayerAccuracy]): The tensors.
            samples (int): Number of samples of the calibration data that were compared.
            first_bad_layer (str | Unset): Name of the first tensor that loses far more accuracy than those before it;
                absent if there is none.
            simulated_on (str | Unset): Chip that was simulated; absent if none was.
            reason (str | Unset): Why layers or the simulation are missing; absent if they are not.
            mixed_precision (MixedPrecisionProposal | Unset): Which layers to keep at 16 bits, and what that gains, as tried
                on the calibration data. An extension.
    """

    layers: list[LayerAccuracy]
    samples: int
    first_bad_layer: str | Unset = UNSET
    simulated_on: str | Unset = UNSET
    reason: str | Unset = UNSET
    mixed_precision: MixedPrecisionProposal | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        layers = []
        for layers_item_data in self.layers:
            layers_item = layers_item_data.to_dict()
            layers.append(layers_item)

        samples = self.samples

        first_bad_layer = self.first_bad_layer

        simulated_on = self.simulated_on

        reason = self.reason

        mixed_precision: dict[str, Any] | Unset = UNSET
        if not isinstance(self.mixed_precision, Unset):
            mixed_precision = self.mixed_precision.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "layers": layers,
                "samples": samples,
            }
        )
        if first_bad_layer is not UNSET:
            field_dict["first_bad_layer"] = first_bad_layer
        if simulated_on is not UNSET:
            field_dict["simulated_on"] = simulated_on
        if reason is not UNSET:
            field_dict["reason"] = reason
        if mixed_precision is not UNSET:
            field_dict["mixed_precision"] = mixed_precision

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _layers = d.pop("layers", UNSET)
        layers: list[LayerAccuracy] = (
            [
                LayerAccuracy.from_dict(layers_item_data if type(layers_item_data) is dict else {})
                for layers_item_data in _layers
            ]
            if type(_layers) is list
            else []
        )

        _samples = d.pop("samples", UNSET)
        samples = (
            _samples
            if (type(_samples) is int and _samples.bit_length() <= 64)
            else reading.integer(_samples, 0)
        )

        _first_bad_layer = d.pop("first_bad_layer", UNSET)
        first_bad_layer: str | Unset = _first_bad_layer if type(_first_bad_layer) is str else UNSET

        _simulated_on = d.pop("simulated_on", UNSET)
        simulated_on: str | Unset = _simulated_on if type(_simulated_on) is str else UNSET

        _reason = d.pop("reason", UNSET)
        reason: str | Unset = _reason if type(_reason) is str else UNSET

        _mixed_precision = d.pop("mixed_precision", UNSET)
        mixed_precision: MixedPrecisionProposal | Unset = (
            MixedPrecisionProposal.from_dict(_mixed_precision)
            if type(_mixed_precision) is dict
            else UNSET
        )

        layer_accuracy_report = cls.__new__(cls)
        layer_accuracy_report.layers = layers
        layer_accuracy_report.samples = samples
        layer_accuracy_report.first_bad_layer = first_bad_layer
        layer_accuracy_report.simulated_on = simulated_on
        layer_accuracy_report.reason = reason
        layer_accuracy_report.mixed_precision = mixed_precision

        layer_accuracy_report.additional_properties = d or {}
        return layer_accuracy_report

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


from ..models.layer_accuracy import LayerAccuracy
from ..models.mixed_precision_proposal import MixedPrecisionProposal
