"""Values of the contract's enums that the local hub refers to by name.

They are written out so that type checkers know the members, and so that workers need not load the
contract. `tests/contract/test_enums.py` compares them with `openapi.yaml`.
"""

from enum import StrEnum
from typing import Literal

JobTypeName = Literal["compile", "inference", "link", "profile", "quantize"]
"""Types of jobs, as lists of jobs are filtered by them."""


class FailureType(StrEnum):
    """The contract's failure types that jobs of the local hub can have."""

    SUCCESS = "JOB_FAILURE_TYPE_SUCCESS"
    UNSPECIFIED = "JOB_FAILURE_TYPE_UNSPECIFIED"
    UNSUPPORTED = "JOB_FAILURE_TYPE_UNSUPPORTED"
    INTERNAL = "JOB_FAILURE_TYPE_INTERNAL_UNKNOWN"
    RUNTIME_UNKNOWN = "JOB_FAILURE_TYPE_RUNTIME_UNKNOWN"
    CRASH = "JOB_FAILURE_TYPE_RUNTIME_CRASH"
    OUT_OF_DISK = "JOB_FAILURE_TYPE_RUNTIME_OUT_OF_DISK"
    OUT_OF_MEMORY = "JOB_FAILURE_TYPE_RUNTIME_OUT_OF_MEMORY"
    TIMEOUT = "JOB_FAILURE_TYPE_RUNTIME_TIMEOUT"
    DEPENDENCY = "JOB_FAILURE_TYPE_RUNTIME_FAILED_DEPENDENCY"
    CANCELLED = "JOB_FAILURE_TYPE_CANCELLED"
    INVALID_INPUTS = "JOB_FAILURE_TYPE_INVALID_INPUTS"
    INVALID_ARGUMENT = "JOB_FAILURE_TYPE_INVALID_ARGUMENT"
    MODEL_CORRUPT = "JOB_FAILURE_TYPE_MODEL_CORRUPT"
    MODEL_INVALID = "JOB_FAILURE_TYPE_MODEL_INVALID"


class JobState(StrEnum):
    """States of a job."""

    CREATED = "JOB_STATE_CREATED"
    OPTIMIZING_MODEL = "JOB_STATE_OPTIMIZING_MODEL"
    QUANTIZING_MODEL = "JOB_STATE_QUANTIZING_MODEL"
    LINKING_MODELS = "JOB_STATE_LINKING_MODELS"
    PROVISIONING_DEVICE = "JOB_STATE_PROVISIONING_DEVICE"
    MEASURING_PERFORMANCE = "JOB_STATE_MEASURING_PERFORMANCE"
    RUNNING_INFERENCE = "JOB_STATE_RUNNING_INFERENCE"
    DONE = "JOB_STATE_DONE"
    FAILED = "JOB_STATE_FAILED"


class ArtifactType(StrEnum):
    """Types of the files that jobs of the local hub produce beside their results."""

    DEVICE_LOG = "JOB_ARTIFACT_TYPE_DEVICE_LOG"
    HUB_LOG = "JOB_ARTIFACT_TYPE_HUB_LOG"
    PROFILE_TRACE = "JOB_ARTIFACT_TYPE_PROFILE_TRACE"


class ModelType(StrEnum):
    """Formats of models that users can upload or jobs can produce."""

    TORCHSCRIPT = "MODEL_TYPE_TORCHSCRIPT"
    TORCH_EXPORTED_PROGRAM = "MODEL_TYPE_TORCH_EXPORTED_PROGRAM"
    TFLITE = "MODEL_TYPE_TFLITE"
    ONNX = "MODEL_TYPE_ONNX"
    AIMET_ONNX = "MODEL_TYPE_AIMET_ONNX"
    MLMODEL = "MODEL_TYPE_MLMODEL"
    MLMODELC = "MODEL_TYPE_MLMODELC"
    MLPACKAGE = "MODEL_TYPE_MLPACKAGE"
    QNN_CONTEXT_BINARY = "MODEL_TYPE_QNN_CONTEXT_BINARY"
    QNN_DLC = "MODEL_TYPE_QNN_DLC"
    QNN_LIB_AARCH64_ANDROID = "MODEL_TYPE_QNN_LIB_AARCH64_ANDROID"
    QNN_LIB_X86_64_LINUX = "MODEL_TYPE_QNN_LIB_X86_64_LINUX"


class ComputeUnit(StrEnum):
    """Compute units that layers run on in the local hub."""

    CPU = "COMPUTE_UNIT_CPU"
    NPU = "COMPUTE_UNIT_NPU"
