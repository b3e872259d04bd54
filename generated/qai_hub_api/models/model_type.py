from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


class ModelType(StrEnum):
    MODEL_TYPE_AIMET_ONNX = "MODEL_TYPE_AIMET_ONNX"
    MODEL_TYPE_AIMET_PT = "MODEL_TYPE_AIMET_PT"
    MODEL_TYPE_DEPRECATED_UNTRACED_TORCHSCRIPT = "MODEL_TYPE_DEPRECATED_UNTRACED_TORCHSCRIPT"
    MODEL_TYPE_MLMODEL = "MODEL_TYPE_MLMODEL"
    MODEL_TYPE_MLMODELC = "MODEL_TYPE_MLMODELC"
    MODEL_TYPE_MLPACKAGE = "MODEL_TYPE_MLPACKAGE"
    MODEL_TYPE_ONNX = "MODEL_TYPE_ONNX"
    MODEL_TYPE_ORT = "MODEL_TYPE_ORT"
    MODEL_TYPE_QNN_CONTEXT_BINARY = "MODEL_TYPE_QNN_CONTEXT_BINARY"
    MODEL_TYPE_QNN_DLC = "MODEL_TYPE_QNN_DLC"
    MODEL_TYPE_QNN_LIB_AARCH64_ANDROID = "MODEL_TYPE_QNN_LIB_AARCH64_ANDROID"
    MODEL_TYPE_QNN_LIB_X86_64_LINUX = "MODEL_TYPE_QNN_LIB_X86_64_LINUX"
    MODEL_TYPE_TETRART = "MODEL_TYPE_TETRART"
    MODEL_TYPE_TFLITE = "MODEL_TYPE_TFLITE"
    MODEL_TYPE_TORCHSCRIPT = "MODEL_TYPE_TORCHSCRIPT"
    MODEL_TYPE_TORCH_EXPORTED_PROGRAM = "MODEL_TYPE_TORCH_EXPORTED_PROGRAM"
    MODEL_TYPE_UNSPECIFIED = "MODEL_TYPE_UNSPECIFIED"

    def __str__(self) -> str:
        return str(self.value)

    @staticmethod
    @cache
    def of(value: Any) -> "ModelType":
        """Returns the member for a value, as a call of the class does, in a quarter of the time."""
        return ModelType(value)

    @staticmethod
    def read(value: Any, otherwise: T) -> "ModelType | T":
        """Returns the member for a number from the wire, or a default for any other value."""
        known = type(value) is int and value.bit_length() < 32
        return ModelType.of(value) if known else otherwise

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
