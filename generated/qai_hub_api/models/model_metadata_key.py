from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


class ModelMetadataKey(StrEnum):
    MODEL_METADATA_KEY_QAIRT_SDK_VERSION = "MODEL_METADATA_KEY_QAIRT_SDK_VERSION"
    MODEL_METADATA_KEY_QNN_CONTEXT_BIN_BACKEND = "MODEL_METADATA_KEY_QNN_CONTEXT_BIN_BACKEND"
    MODEL_METADATA_KEY_QNN_CONTEXT_BIN_HEXAGON_VERSION = (
        "MODEL_METADATA_KEY_QNN_CONTEXT_BIN_HEXAGON_VERSION"
    )
    MODEL_METADATA_KEY_QNN_CONTEXT_BIN_OPTIMIZATION_LEVEL = (
        "MODEL_METADATA_KEY_QNN_CONTEXT_BIN_OPTIMIZATION_LEVEL"
    )
    MODEL_METADATA_KEY_QNN_CONTEXT_BIN_SOC_MODEL = "MODEL_METADATA_KEY_QNN_CONTEXT_BIN_SOC_MODEL"
    MODEL_METADATA_KEY_QNN_CONTEXT_BIN_VTCM = "MODEL_METADATA_KEY_QNN_CONTEXT_BIN_VTCM"
    MODEL_METADATA_KEY_QNN_MODEL_GRAPH_NAMES = "MODEL_METADATA_KEY_QNN_MODEL_GRAPH_NAMES"
    MODEL_METADATA_KEY_QNN_SDK_VARIANT = "MODEL_METADATA_KEY_QNN_SDK_VARIANT"
    MODEL_METADATA_KEY_QNN_SDK_VERSION = "MODEL_METADATA_KEY_QNN_SDK_VERSION"
    MODEL_METADATA_KEY_UNSPECIFIED = "MODEL_METADATA_KEY_UNSPECIFIED"

    def __str__(self) -> str:
        return str(self.value)

    @staticmethod
    @cache
    def of(value: Any) -> "ModelMetadataKey":
        """The member of a value, as a call of the class gives it, in a quarter of the time."""
        return ModelMetadataKey(value)

    @staticmethod
    def read(value: Any, otherwise: T) -> "ModelMetadataKey | T":
        """The member of a value that is no text: of a number of the wire, or what else is given."""
        known = type(value) is int and value.bit_length() < 32
        return ModelMetadataKey.of(value) if known else otherwise

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
