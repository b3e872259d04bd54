from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.quantize_dtype import QuantizeDtype
from ..types import UNSET, Unset

T = TypeVar("T", bound="QuantizeJobSubmit")


@_attrs_define
class QuantizeJobSubmit:
    """A quantize job to create.

    Attributes:
        model (ModelReference): A model that a job works on.
        calibration_dataset (DatasetReference): A dataset that a job works on.
        weights_dtype (QuantizeDtype): Integer type that weights or activations are quantized to.
        activations_dtype (QuantizeDtype): Integer type that weights or activations are quantized to.
        name (str | Unset): Display name.
        options (str | Unset): Options, as on a command line.
    """

    model: ModelReference
    calibration_dataset: DatasetReference
    weights_dtype: QuantizeDtype
    activations_dtype: QuantizeDtype
    name: str | Unset = UNSET
    options: str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        model = self.model.to_dict()

        calibration_dataset = self.calibration_dataset.to_dict()

        weights_dtype = self.weights_dtype.value

        activations_dtype = self.activations_dtype.value

        name = self.name

        options = self.options

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "model": model,
                "calibration_dataset": calibration_dataset,
                "weights_dtype": weights_dtype,
                "activations_dtype": activations_dtype,
            }
        )
        if name is not UNSET:
            field_dict["name"] = name
        if options is not UNSET:
            field_dict["options"] = options

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _model = d.pop("model", UNSET)
        model = ModelReference.from_dict(_model if type(_model) is dict else {})

        _calibration_dataset = d.pop("calibration_dataset", UNSET)
        calibration_dataset = DatasetReference.from_dict(
            _calibration_dataset if type(_calibration_dataset) is dict else {}
        )

        _weights_dtype = d.pop("weights_dtype", UNSET)
        weights_dtype = (
            QuantizeDtype.of(_weights_dtype)
            if type(_weights_dtype) is str
            else QuantizeDtype.read(_weights_dtype, QuantizeDtype.QUANTIZE_DTYPE_UNSPECIFIED)
        )

        _activations_dtype = d.pop("activations_dtype", UNSET)
        activations_dtype = (
            QuantizeDtype.of(_activations_dtype)
            if type(_activations_dtype) is str
            else QuantizeDtype.read(_activations_dtype, QuantizeDtype.QUANTIZE_DTYPE_UNSPECIFIED)
        )

        _name = d.pop("name", UNSET)
        name: str | Unset = _name if type(_name) is str else UNSET

        _options = d.pop("options", UNSET)
        options: str | Unset = _options if type(_options) is str else UNSET

        quantize_job_submit = cls.__new__(cls)
        quantize_job_submit.model = model
        quantize_job_submit.calibration_dataset = calibration_dataset
        quantize_job_submit.weights_dtype = weights_dtype
        quantize_job_submit.activations_dtype = activations_dtype
        quantize_job_submit.name = name
        quantize_job_submit.options = options
        return quantize_job_submit


from ..models.dataset_reference import DatasetReference
from ..models.model_reference import ModelReference
