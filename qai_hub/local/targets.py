"""Which format a model has that a job is to make, as far as that is known before it runs."""

import re

_BY_KIND = {"link": "MODEL_TYPE_QNN_CONTEXT_BINARY", "quantize": "MODEL_TYPE_ONNX"}
_BY_RUNTIME = {
    "onnx": "MODEL_TYPE_ONNX",
    "precompiled_qnn_onnx": "MODEL_TYPE_ONNX",
    "qnn_context_binary": "MODEL_TYPE_QNN_CONTEXT_BINARY",
    "qnn_dlc": "MODEL_TYPE_QNN_DLC",
    "qnn_lib_aarch64_android": "MODEL_TYPE_QNN_LIB_AARCH64_ANDROID",
    "tflite": "MODEL_TYPE_TFLITE",
}
_RUNTIME = re.compile(r"(?:^|\s)--target_runtime[=\s]\s*(\w+)")


def target_format(kind: str, options: str) -> str | None:
    """Tell the format of the model that a job is to make.

    Clients ask before the job has run: they submit link jobs on targets of compile jobs at once.

    Args:
        kind: Kind of the job, such as `compile`.
        options: Its options, as submitted. What is wrong with them makes the job fail, later.

    Returns:
        The format; None where only the job can tell.
    """
    asked = _RUNTIME.search(options)
    return _BY_KIND.get(kind) or (_BY_RUNTIME.get(asked[1]) if asked else None)
