"""What attempts need of the machine that carries them out."""

from qai_hub.local.core.executor import AttemptSpec
from qai_hub.local.engine.protocol import AttemptRequest
from qai_hub.local.enums import ModelType
from qai_hub.option_string import (
    TARGET_RUNTIME,
    OptionStringError,
    option_values,
    parse_option_string,
)

_QNN_TYPES = {ModelType.QNN_CONTEXT_BINARY, ModelType.QNN_DLC}
_TORCH_TYPES = {ModelType.TORCHSCRIPT, ModelType.TORCH_EXPORTED_PROGRAM}
_ONNX_RUNTIMES = {"onnx", None}


def get_resources(spec: AttemptSpec) -> dict[str, float]:
    """Return how much of each resource an attempt needs.

    Args:
        spec: The attempt.

    Returns:
        Amounts by resource: of `memory`, bytes; of `qnn`, `tflite` and `torch`, which stand for the
        extras of that name, the attempts that use them.
    """
    types = {model.model_type for model in spec.request.inputs}
    needs: dict[str, float] = {}
    if spec.memory_limit is not None:
        needs["memory"] = spec.memory_limit
    if types & _QNN_TYPES or _makes_qnn(spec.request):
        needs["qnn"] = 1
    if ModelType.TFLITE in types:
        needs["tflite"] = 1
    if types & _TORCH_TYPES:
        needs["torch"] = 1
    return needs


def _makes_qnn(request: AttemptRequest) -> bool:
    """Return whether an attempt compiles for QNN, or simulates layers with it."""
    if request.kind == "quantize":
        return request.analyze_layers
    try:
        given = option_values(TARGET_RUNTIME, parse_option_string(request.options))
    except OptionStringError:
        # It fails wherever it runs.
        return False
    return bool({*given} - _ONNX_RUNTIMES)
