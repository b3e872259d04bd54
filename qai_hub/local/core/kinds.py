"""The states of jobs, and which of them each kind goes through."""

from qai_hub.option_string import TARGET_RUNTIME, OptionStringError, parse_option_string, values_of

CREATED = "JOB_STATE_CREATED"
DONE = "JOB_STATE_DONE"
FAILED = "JOB_STATE_FAILED"
FINISHED = frozenset({DONE, FAILED})

# Where each kind of job is as soon as an attempt begins, and where once its worker works.
STARTING = {
    "compile": "JOB_STATE_OPTIMIZING_MODEL",
    "quantize": "JOB_STATE_QUANTIZING_MODEL",
    "link": "JOB_STATE_LINKING_MODELS",
    "inference": "JOB_STATE_PROVISIONING_DEVICE",
    "profile": "JOB_STATE_PROVISIONING_DEVICE",
}
WORKING = STARTING | {
    "inference": "JOB_STATE_RUNNING_INFERENCE",
    "profile": "JOB_STATE_MEASURING_PERFORMANCE",
}
RUNNING = frozenset(STARTING.values()) | frozenset(WORKING.values())
OPEN = RUNNING | {CREATED}

SUCCESS = "JOB_FAILURE_TYPE_SUCCESS"
UNSPECIFIED = "JOB_FAILURE_TYPE_UNSPECIFIED"
UNSUPPORTED = "JOB_FAILURE_TYPE_UNSUPPORTED"
INTERNAL = "JOB_FAILURE_TYPE_INTERNAL_UNKNOWN"
CRASH = "JOB_FAILURE_TYPE_RUNTIME_CRASH"
INVALID_INPUTS = "JOB_FAILURE_TYPE_INVALID_INPUTS"
DEPENDENCY = "JOB_FAILURE_TYPE_RUNTIME_FAILED_DEPENDENCY"
CANCELLED = "JOB_FAILURE_TYPE_CANCELLED"

HUB_LOG = "JOB_ARTIFACT_TYPE_HUB_LOG"
DEVICE_LOG = "JOB_ARTIFACT_TYPE_DEVICE_LOG"
PROFILE_TRACE = "JOB_ARTIFACT_TYPE_PROFILE_TRACE"


_BY_KIND = {"link": "MODEL_TYPE_QNN_CONTEXT_BINARY", "quantize": "MODEL_TYPE_ONNX"}
_BY_RUNTIME = {
    "onnx": "MODEL_TYPE_ONNX",
    "precompiled_qnn_onnx": "MODEL_TYPE_ONNX",
    "qnn_context_binary": "MODEL_TYPE_QNN_CONTEXT_BINARY",
    "qnn_dlc": "MODEL_TYPE_QNN_DLC",
    "qnn_lib_aarch64_android": "MODEL_TYPE_QNN_LIB_AARCH64_ANDROID",
    "tflite": "MODEL_TYPE_TFLITE",
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
