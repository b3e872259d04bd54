"""What the options of a compile job request of a .tflite file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.option_table import (
    FULL_TYPE,
    QUANTIZE_IO,
    QUANTIZE_IO_TYPE,
    WEIGHT_TYPE,
)
from qai_hub.local.engine.options import HALF_TYPE
from qai_hub.local.engine.qnn.target_check import Precision


@dataclass(frozen=True, slots=True, kw_only=True)
class TfliteSettings:
    """What options request.

    Attributes:
        quantize_ports: Whether inputs and outputs are integers.
        port_type: Their type; empty for that of the other tensors.
        half_weights: Whether weights are floats of 16 bits.
        half_activations: Whether runtimes may compute with floats of 16 bits.
    """

    quantize_ports: bool
    port_type: str
    half_weights: bool
    half_activations: bool

    @classmethod
    def from_options(cls, values: Mapping[str, Any]) -> Self:
        """Read the values of a job's options.

        Args:
            values: The values, by flag.

        Raises:
            JobFailure: They contradict each other.
        """
        port_type = values.get(QUANTIZE_IO_TYPE, "")
        if port_type and QUANTIZE_IO not in values:
            raise _invalid(f"{QUANTIZE_IO_TYPE} needs {QUANTIZE_IO}: add it, or leave both out.")
        computes_half = values.get(FULL_TYPE) == HALF_TYPE
        return cls(
            quantize_ports=QUANTIZE_IO in values,
            port_type=port_type,
            half_weights=computes_half or WEIGHT_TYPE in values,
            half_activations=computes_half,
        )

    def choose_port_type(self, precision: Precision) -> str:
        """Return the type of the inputs and outputs of a model; empty for floats.

        Args:
            precision: The precision of the model.

        Raises:
            JobFailure: The model cannot have what the options request.
        """
        if not precision.activations:
            if self.quantize_ports and not self.half_activations:
                raise _invalid(
                    f"{QUANTIZE_IO} is for quantized models, and this one computes with floats: "
                    f"add {FULL_TYPE}, or compile the model of a quantize job."
                )
            return ""
        if self.half_weights:
            raise _invalid("A quantized model cannot have weights of 16-bit floats.")
        if not self.quantize_ports:
            return ""
        if precision.activations == 16:
            if self.port_type:
                raise _invalid(
                    f"{QUANTIZE_IO_TYPE} {self.port_type} does not fit a model with activations "
                    "of 16 bits, whose inputs and outputs are int16: leave it out."
                )
            return "int16"
        return self.port_type or "int8"


def _invalid(reason: str) -> JobFailure:
    return JobFailure(FailureType.INVALID_ARGUMENT, reason)
