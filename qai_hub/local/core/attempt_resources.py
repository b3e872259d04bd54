"""What attempts need of the machine that carries them out."""

from qai_hub.local.core.executor import AttemptSpec
from qai_hub.local.core.kinds import target_runtime
from qai_hub.local.core.needs import BY_MODEL_TYPE, QNN
from qai_hub.local.engine.protocol import QNN_RUNTIMES, AttemptRequest
from qai_hub.local.engines.catalog import ENGINES, engine_of_runtime
from qai_hub.local.enums import ModelType


def get_resources(spec: AttemptSpec) -> dict[str, float]:
    """Return how much of each resource an attempt needs.

    Args:
        spec: The attempt.

    Returns:
        Amounts by resource: of `memory`, bytes; of `qnn`, `tflite` and `torch`, which stand for the
        extras of that name, and of `engine-NAME`, the attempts that use them.
    """
    types = {model.model_type for model in spec.request.inputs}
    labels = {BY_MODEL_TYPE[ModelType(each)] for each in types if each in BY_MODEL_TYPE}
    if _uses_qnn(spec.request):
        labels.add(QNN)
    engine = engine_of_runtime(target_runtime(spec.request.options))
    if engine is not None and spec.request.kind == "compile":
        labels.add(engine.label)
    if spec.request.engine:
        # Its packages come before those of the extra.
        labels = labels - {QNN} | {ENGINES[spec.request.engine].label}
    needs = dict.fromkeys(labels, 1.0)
    if spec.memory_limit is not None:
        needs["memory"] = spec.memory_limit
    return needs


def _uses_qnn(request: AttemptRequest) -> bool:
    """Return whether an attempt compiles for QNN, or simulates layers with it."""
    if request.kind == "quantize":
        return request.analyze_layers
    return target_runtime(request.options) in QNN_RUNTIMES
