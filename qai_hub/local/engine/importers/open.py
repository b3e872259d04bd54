"""Opens the input model of a compile job, and converts other formats to ONNX."""

from collections.abc import Callable, Sequence
from pathlib import Path

from qai_hub.local.engine.importers.aimet import open_aimet
from qai_hub.local.engine.importers.torch import open_exported_program, open_torchscript
from qai_hub.local.engine.onnx.model_files import ModelFile, open_model
from qai_hub.local.engine.protocol import AttemptRequest, TensorSpec
from qai_hub.local.enums import ModelType

_FROM_TORCH: dict[str, Callable[[Path, Sequence[TensorSpec], Path], ModelFile]] = {
    ModelType.TORCHSCRIPT: open_torchscript,
    ModelType.TORCH_EXPORTED_PROGRAM: open_exported_program,
}


def open_source(request: AttemptRequest, work: Path) -> ModelFile:
    """Open the input model of a compile job.

    Args:
        request: The request.
        work: Folder for unpacked and generated files.

    Returns:
        The model, as ONNX.

    Raises:
        JobFailure: Its format is not supported, the file is not a readable model, or it cannot be
            converted to ONNX.
    """
    model = request.model
    if model.model_type in _FROM_TORCH:
        return _FROM_TORCH[model.model_type](model.path, request.input_specs, work)
    if model.model_type == ModelType.AIMET_ONNX:
        return open_aimet(model.path, work)
    return open_model(model.path, model.model_type, work)
