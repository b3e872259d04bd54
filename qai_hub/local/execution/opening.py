"""Chooses the runtime that can run a job's model on this machine."""

from pathlib import Path

from qai_hub.local.execution.litert import LiteRtModel
from qai_hub.local.execution.messages import AttemptRequest, notice, shortened
from qai_hub.local.execution.model_files import open_model
from qai_hub.local.execution.onnx_runner import OnnxModel
from qai_hub.local.execution.option_table import DEQUANTIZE, QNN_OPTIONS, TFLITE_OPTIONS
from qai_hub.local.execution.option_values import THREADS
from qai_hub.local.execution.options import Options
from qai_hub.local.execution.qnn.settings import graphs_to_run
from qai_hub.local.execution.qnn.simulation import open_binary, open_dlc, open_wrapper
from qai_hub.local.execution.qnn.wrapping import has_context
from qai_hub.local.execution.runners import RunnableModel

_QNN = "QNN"
_TFLITE = "TensorFlow Lite"
_RUNTIMES = {QNN_OPTIONS: _QNN, DEQUANTIZE: _TFLITE, TFLITE_OPTIONS: _TFLITE}
_BINARIES = {
    "MODEL_TYPE_QNN_CONTEXT_BINARY": open_binary,
    "MODEL_TYPE_QNN_DLC": open_dlc,
}


def open_runnable(request: AttemptRequest, options: Options, work: Path) -> RunnableModel:
    """Open the model of an inference or profile job.

    Args:
        request: The request.
        options: What its options say.
        work: Folder for what is unpacked or made of it.

    Returns:
        The model, which is not loaded yet.

    Raises:
        JobFailure: It cannot be run here.
    """
    open_it = _BINARIES.get(request.model.model_type)
    if open_it is not None:
        _notice_others(options, _QNN)
        graphs, notices = graphs_to_run(options.values.get(QNN_OPTIONS, {}))
        options.notices.extend(notices)
        return open_it(request.model, request.soc, graphs, work)
    if request.model.model_type == "MODEL_TYPE_TFLITE":
        _notice_others(options, _TFLITE)
        return _open_tflite(request, options)
    _notice_others(options, "ONNX Runtime")
    model = open_model(request.model.path, request.model.model_type, work)
    if has_context(model.proto):
        return open_wrapper(model, request.soc)
    return OnnxModel.of(model)


def _notice_others(options: Options, runtime: str) -> None:
    """Tell of options for runtimes that do not run the model."""
    for flag, own in _RUNTIMES.items():
        if flag in options.values and own != runtime:
            message = f"The option {flag} was ignored: it is for models of {own}."
            options.notices.append(notice("INFO", "USER", message))


def _open_tflite(request: AttemptRequest, options: Options) -> RunnableModel:
    settings = options.values.get(TFLITE_OPTIONS, {})
    others = [name for name in settings if name != THREADS]
    if others:
        message = f"In {TFLITE_OPTIONS}, {', '.join(map(shortened, others))} was ignored: "
        message += f"{THREADS} is what counts on this hub's host CPU."
        options.notices.append(notice("INFO", "USER", message))
    return LiteRtModel(
        request.model.path,
        threads=int(settings.get(THREADS, "1")),
        dequantize=options.values.get(DEQUANTIZE, False),
    )
