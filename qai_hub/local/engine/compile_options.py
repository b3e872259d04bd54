"""The options of a compile job, and what becomes of them for its target runtime."""

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.option_table import (
    FULL_TYPE,
    QUANTIZE_IO,
    QUANTIZE_IO_TYPE,
    WEIGHT_TYPE,
    parse_job_options,
)
from qai_hub.local.engine.options import HALF_TYPE, Options
from qai_hub.local.engine.protocol import QNN_RUNTIMES, AttemptRequest, build_notice
from qai_hub.local.engine.qnn.targets import QnnTarget
from qai_hub.local.engine.qnn.versions import settle_qairt_version
from qai_hub.local.engine.quantize.job import check_calibration
from qai_hub.option_string import QNN_OPTIONS, TARGET_RUNTIME

_TFLITE = "tflite"


def read_compile_options(request: AttemptRequest) -> tuple[Options, QnnTarget | None]:
    """Return the options of a compile job and its target for QNN, once they suit each other.

    Args:
        request: The request.

    Returns:
        The options that the model is prepared by, and the target; None for other runtimes.

    Raises:
        JobFailure: An option cannot be obeyed, or does not suit the target runtime.
    """
    options = parse_job_options(request.options, "compile")
    makes_half = options.values.get(FULL_TYPE) == HALF_TYPE
    _settle_tflite_options(options)
    qnn = _build_qnn_target(options, request)
    settle_qairt_version(options, request, uses_qnn=qnn is not None)
    if options.values.get(FULL_TYPE) == HALF_TYPE:
        if qnn is None:
            reason = (
                f"{FULL_TYPE} float16 is for QNN runtimes and tflite here: an ONNX target keeps "
                "the floats of the model. Export it in float16, or give one of these runtimes."
            )
            raise JobFailure(FailureType.UNSUPPORTED, reason)
        del options.values[FULL_TYPE]
        message = (
            f"{FULL_TYPE} float16 changes nothing: QNN computes a float model in 16-bit floats, "
            "and its inputs and outputs stay as they are."
        )
        options.notices.append(build_notice("INFO", "USER", message))
    options.notices.extend(check_calibration(request, options.values, makes_half=makes_half))
    if TARGET_RUNTIME not in options.values:
        message = f"No {TARGET_RUNTIME} given: compiled for onnx."
        options.notices.append(build_notice("INFO", "USER", message))
    return options, qnn


def _build_qnn_target(options: Options, request: AttemptRequest) -> QnnTarget | None:
    """Return the target of a job for QNN, once it is certain to be supported; None for others."""
    runtime = options.values.get(TARGET_RUNTIME, "onnx")
    if runtime in QNN_RUNTIMES:
        given = options.values.get(QNN_OPTIONS, {})
        return QnnTarget.from_options(runtime, request.soc, given, request.other_socs)
    if QNN_OPTIONS in options.values:
        message = f"The option {QNN_OPTIONS} was ignored: it applies to QNN target runtimes only."
        options.notices.append(build_notice("INFO", "USER", message))
    return None


def _settle_tflite_options(options: Options) -> None:
    """Refuse what is for TensorFlow Lite alone where a model is compiled for another runtime.

    Where it is compiled for TensorFlow Lite, half floats and integer inputs and outputs are left
    out, as they are made when the model is converted.

    Args:
        options: The options, which are changed.

    Raises:
        JobFailure: An option is for TensorFlow Lite, and the runtime is another.
    """
    values = options.values
    if values.get(TARGET_RUNTIME) == _TFLITE:
        values.pop(QUANTIZE_IO, None)
        if values.get(FULL_TYPE) == HALF_TYPE:
            del values[FULL_TYPE]
        return
    for flag in (WEIGHT_TYPE, QUANTIZE_IO_TYPE):
        if flag in values:
            raise JobFailure(
                FailureType.UNSUPPORTED,
                f"This hub supports {flag} for TensorFlow Lite only: other models keep their "
                "types, and a float model for a QNN runtime computes in 16 bits anyway. Leave it "
                f"out, or add {TARGET_RUNTIME} {_TFLITE}.",
            )
