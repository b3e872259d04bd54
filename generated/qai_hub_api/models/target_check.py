from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import reading
from ..models.target_check_status import TargetCheckStatus
from ..types import UNSET, Unset

T = TypeVar("T", bound="TargetCheck")


@_attrs_define
class TargetCheck:
    """How close the outputs of a target model in simulation are to those of the source model on the CPU. An extension.

    Attributes:
        status (TargetCheckStatus): Outcome of a target check. An extension.
        reason (str): Why the target was not checked, or which outputs are far; empty if all are close.
        inputs (str): What both models ran on, such as the calibration data or random inputs.
        samples (int): Number of samples that were compared.
        seconds (float): Time that the check took, in seconds.
        outputs (list[TargetCheckOutput]): Each output.
        bound (float | Unset): PSNR below which an output counts as far, in decibels; depends on the precision of the
            target.
    """

    status: TargetCheckStatus
    reason: str
    inputs: str
    samples: int
    seconds: float
    outputs: list[TargetCheckOutput]
    bound: float | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        status = self.status.value

        reason = self.reason

        inputs = self.inputs

        samples = self.samples

        seconds = self.seconds

        outputs = []
        for outputs_item_data in self.outputs:
            outputs_item = outputs_item_data.to_dict()
            outputs.append(outputs_item)

        bound = self.bound

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "status": status,
                "reason": reason,
                "inputs": inputs,
                "samples": samples,
                "seconds": seconds,
                "outputs": outputs,
            }
        )
        if bound is not UNSET:
            field_dict["bound"] = bound

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _status = d.pop("status", UNSET)
        status = (
            TargetCheckStatus.of(_status)
            if type(_status) is str
            else TargetCheckStatus.read(_status, TargetCheckStatus.TARGET_CHECK_STATUS_CLOSE)
        )

        _reason = d.pop("reason", UNSET)
        reason = _reason if type(_reason) is str else ""

        _inputs = d.pop("inputs", UNSET)
        inputs = _inputs if type(_inputs) is str else ""

        _samples = d.pop("samples", UNSET)
        samples = (
            _samples
            if (type(_samples) is int and _samples.bit_length() <= 64)
            else reading.integer(_samples, 0)
        )

        _seconds = d.pop("seconds", UNSET)
        seconds = reading.number(_seconds, 0.0)

        _outputs = d.pop("outputs", UNSET)
        outputs: list[TargetCheckOutput] = (
            [
                TargetCheckOutput.from_dict(
                    outputs_item_data if type(outputs_item_data) is dict else {}
                )
                for outputs_item_data in _outputs
            ]
            if type(_outputs) is list
            else []
        )

        _bound = d.pop("bound", UNSET)
        bound: float | Unset = reading.number(_bound, UNSET)

        target_check = cls.__new__(cls)
        target_check.status = status
        target_check.reason = reason
        target_check.inputs = inputs
        target_check.samples = samples
        target_check.seconds = seconds
        target_check.outputs = outputs
        target_check.bound = bound

        target_check.additional_properties = d or {}
        return target_check

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


from ..models.target_check_output import TargetCheckOutput
