from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


class JobFailureType(StrEnum):
    JOB_FAILURE_TYPE_CANCELLED = "JOB_FAILURE_TYPE_CANCELLED"
    JOB_FAILURE_TYPE_CLOUD_API_ERROR = "JOB_FAILURE_TYPE_CLOUD_API_ERROR"
    JOB_FAILURE_TYPE_CLOUD_RESOURCE_MISSING = "JOB_FAILURE_TYPE_CLOUD_RESOURCE_MISSING"
    JOB_FAILURE_TYPE_CLOUD_THROTTLED = "JOB_FAILURE_TYPE_CLOUD_THROTTLED"
    JOB_FAILURE_TYPE_DSP_VERSION_MISMATCH = "JOB_FAILURE_TYPE_DSP_VERSION_MISMATCH"
    JOB_FAILURE_TYPE_INTERNAL_LOGIC = "JOB_FAILURE_TYPE_INTERNAL_LOGIC"
    JOB_FAILURE_TYPE_INTERNAL_UNKNOWN = "JOB_FAILURE_TYPE_INTERNAL_UNKNOWN"
    JOB_FAILURE_TYPE_INVALID_ARGUMENT = "JOB_FAILURE_TYPE_INVALID_ARGUMENT"
    JOB_FAILURE_TYPE_INVALID_INPUTS = "JOB_FAILURE_TYPE_INVALID_INPUTS"
    JOB_FAILURE_TYPE_MODEL_CORRUPT = "JOB_FAILURE_TYPE_MODEL_CORRUPT"
    JOB_FAILURE_TYPE_MODEL_INVALID = "JOB_FAILURE_TYPE_MODEL_INVALID"
    JOB_FAILURE_TYPE_MODEL_UNKNOWN = "JOB_FAILURE_TYPE_MODEL_UNKNOWN"
    JOB_FAILURE_TYPE_QDC_API_ERROR = "JOB_FAILURE_TYPE_QDC_API_ERROR"
    JOB_FAILURE_TYPE_QNN_TOOL_ERROR = "JOB_FAILURE_TYPE_QNN_TOOL_ERROR"
    JOB_FAILURE_TYPE_QNN_VERSION_MISMATCH = "JOB_FAILURE_TYPE_QNN_VERSION_MISMATCH"
    JOB_FAILURE_TYPE_RUNTIME_CRASH = "JOB_FAILURE_TYPE_RUNTIME_CRASH"
    JOB_FAILURE_TYPE_RUNTIME_DEVICE_OOM = "JOB_FAILURE_TYPE_RUNTIME_DEVICE_OOM"
    JOB_FAILURE_TYPE_RUNTIME_FAILED_DEPENDENCY = "JOB_FAILURE_TYPE_RUNTIME_FAILED_DEPENDENCY"
    JOB_FAILURE_TYPE_RUNTIME_INTERNAL_SERVICE_BUSY = (
        "JOB_FAILURE_TYPE_RUNTIME_INTERNAL_SERVICE_BUSY"
    )
    JOB_FAILURE_TYPE_RUNTIME_OUT_OF_DISK = "JOB_FAILURE_TYPE_RUNTIME_OUT_OF_DISK"
    JOB_FAILURE_TYPE_RUNTIME_OUT_OF_MEMORY = "JOB_FAILURE_TYPE_RUNTIME_OUT_OF_MEMORY"
    JOB_FAILURE_TYPE_RUNTIME_TIMEOUT = "JOB_FAILURE_TYPE_RUNTIME_TIMEOUT"
    JOB_FAILURE_TYPE_RUNTIME_UNKNOWN = "JOB_FAILURE_TYPE_RUNTIME_UNKNOWN"
    JOB_FAILURE_TYPE_SUCCESS = "JOB_FAILURE_TYPE_SUCCESS"
    JOB_FAILURE_TYPE_UNKNOWN = "JOB_FAILURE_TYPE_UNKNOWN"
    JOB_FAILURE_TYPE_UNSPECIFIED = "JOB_FAILURE_TYPE_UNSPECIFIED"
    JOB_FAILURE_TYPE_UNSUPPORTED = "JOB_FAILURE_TYPE_UNSUPPORTED"

    def __str__(self) -> str:
        return str(self.value)

    @staticmethod
    @cache
    def of(value: Any) -> "JobFailureType":
        """Returns the member for a value, as a call of the class does, in a quarter of the time."""
        return JobFailureType(value)

    @staticmethod
    def read(value: Any, otherwise: T) -> "JobFailureType | T":
        """Returns the member for a number from the wire, or a default for any other value."""
        known = type(value) is int and value.bit_length() < 32
        return JobFailureType.of(value) if known else otherwise

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
