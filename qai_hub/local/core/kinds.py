"""The states of jobs, and which of them each kind goes through."""

from qai_hub.local.enums import ArtifactType, FailureType, JobState, ModelType
from qai_hub.option_string import TARGET_RUNTIME, OptionStringError, parse_option_string, values_of

CREATED = JobState.CREATED
DONE = JobState.DONE
FAILED = JobState.FAILED
FINISHED = frozenset({DONE, FAILED})

# Where each kind of job is as soon as an attempt begins, and where once its worker works.
STARTING = {
    "compile": JobState.OPTIMIZING_MODEL,
    "quantize": JobState.QUANTIZING_MODEL,
    "link": JobState.LINKING_MODELS,
    "inference": JobState.PROVISIONING_DEVICE,
    "profile": JobState.PROVISIONING_DEVICE,
}
WORKING = STARTING | {
    "inference": JobState.RUNNING_INFERENCE,
    "profile": JobState.MEASURING_PERFORMANCE,
}
RUNNING = frozenset(STARTING.values()) | frozenset(WORKING.values())
OPEN = RUNNING | {CREATED}

SUCCESS = FailureType.SUCCESS
UNSPECIFIED = FailureType.UNSPECIFIED
UNSUPPORTED = FailureType.UNSUPPORTED
INTERNAL = FailureType.INTERNAL
CRASH = FailureType.CRASH
INVALID_INPUTS = FailureType.INVALID_INPUTS
DEPENDENCY = FailureType.DEPENDENCY
CANCELLED = FailureType.CANCELLED

HUB_LOG = ArtifactType.HUB_LOG
DEVICE_LOG = ArtifactType.DEVICE_LOG
PROFILE_TRACE = ArtifactType.PROFILE_TRACE


_BY_KIND = {"link": ModelType.QNN_CONTEXT_BINARY, "quantize": ModelType.ONNX}
_BY_RUNTIME = {
    "onnx": ModelType.ONNX,
    "precompiled_qnn_onnx": ModelType.ONNX,
    "qnn_context_binary": ModelType.QNN_CONTEXT_BINARY,
    "qnn_dlc": ModelType.QNN_DLC,
    "qnn_lib_aarch64_android": ModelType.QNN_LIB_AARCH64_ANDROID,
    "tflite": ModelType.TFLITE,
}


def target_format(kind: str, options: str) -> str | None:
    """Tell the format of the model that a job is to make.

    Clients ask before the job has run: they submit link jobs on targets of compile jobs at once.

    Args:
        kind: Kind of the job, such as `compile`.
        options: Its options, as submitted. What is wrong with them makes the job fail, later.

    Returns:
        The format; None where only the job can tell.
    """
    if kind in _BY_KIND:
        return _BY_KIND[kind]
    try:
        asked = values_of(TARGET_RUNTIME, parse_option_string(options))
    except OptionStringError:
        return None
    return _BY_RUNTIME.get(asked[0] or "") if asked else None
