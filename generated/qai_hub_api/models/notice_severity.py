from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


class NoticeSeverity(StrEnum):
    DEBUG = "DEBUG"
    ERROR = "ERROR"
    INFO = "INFO"
    WARNING = "WARNING"

    def __str__(self) -> str:
        return str(self.value)

    @staticmethod
    @cache
    def of(value: Any) -> "NoticeSeverity":
        """The member of a value, as a call of the class gives it, in a quarter of the time."""
        return NoticeSeverity(value)

    @staticmethod
    def read(value: Any, otherwise: T) -> "NoticeSeverity | T":
        """The member of a value that is no text: of a number of the wire, or what else is given."""
        known = type(value) is int and value.bit_length() < 32
        return NoticeSeverity.of(value) if known else otherwise

    @classmethod
    def _missing_(cls, value: Any) -> Any:
        """Keeps a value that this client does not know: a newer server may send it.

        The protobuf wire knows its number alone.
        """
        if type(value) not in (str, int):
            return None
        member = str.__new__(cls, value)
        member._name_, member._value_ = str.__str__(member), value
        return cls._value2member_map_.setdefault(value, member)
