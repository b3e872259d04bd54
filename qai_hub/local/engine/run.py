"""Carries out inference and profile jobs, by the runtime that can run the model here."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from qai_hub.local.engine.datasets import InputDataset, OutputDataset
from qai_hub.local.engine.onnx.integer_ports import Encodings, decode_outputs, encode_inputs
from qai_hub.local.engine.onnx.model_files import open_model
from qai_hub.local.engine.onnx.session import RANDOM_INPUTS_LABEL, Tensor, random_inputs
from qai_hub.local.engine.option_table import (
    COMPUTE_UNIT,
    DEFAULT_PROFILER_SECONDS,
    DEQUANTIZE,
    ITERATIONS,
    PROFILER_TIME,
    TFLITE_OPTIONS,
    parse_job_options,
)
from qai_hub.local.engine.options import THREADS, Options, check_compute_units
from qai_hub.local.engine.protocol import (
    WORK_FOLDER,
    AttemptRequest,
    InputModel,
    Report,
    Soc,
    build_notice,
    quote_name,
)
from qai_hub.local.engine.qnn.provider import parse_run_settings
from qai_hub.local.engine.qnn.simulate import (
    SimulatedModel,
    open_binary,
    open_dlc,
    open_wrapper,
)
from qai_hub.local.engine.qnn.versions import find_other_stage, settle_qairt_version
from qai_hub.local.engine.qnn.wrappers import wraps_context_binary
from qai_hub.local.engine.runners.base import Measurement, RunnableModel, profile_model
from qai_hub.local.engine.runners.onnx import OnnxModel
from qai_hub.local.engine.runners.tflite import LiteRtModel
from qai_hub.local.engine.steps import Step, begin_step
from qai_hub.local.enums import ModelType
from qai_hub.option_string import QNN_OPTIONS

_QNN = "QNN"
_TFLITE = "TensorFlow Lite"
_OPTION_RUNTIMES = {QNN_OPTIONS: _QNN, TFLITE_OPTIONS: _TFLITE}
_QNN_OPENERS: dict[str, Callable[[InputModel, Soc | None, Sequence[str], Path], SimulatedModel]] = {
    ModelType.QNN_CONTEXT_BINARY: open_binary,
    ModelType.QNN_DLC: open_dlc,
}


def open_runnable_model(
    request: AttemptRequest, options: Options, work: Path
) -> RunnableModel[Any] | AttemptRequest:
    """Open the model of an inference or profile job.

    Args:
        request: The request.
        options: The parsed options.
        work: Folder for unpacked and generated files.

    Returns:
        The model, not loaded yet; or the next stage, if it is for a worker with another QAIRT.

    Raises:
        JobFailure: It cannot be run here.
    """
    opener = _QNN_OPENERS.get(request.model.model_type)
    if opener is not None:
        _notify_ignored_options(options, _QNN)
        graphs, notices = parse_run_settings(options.values.get(QNN_OPTIONS, {}))
        options.notices.extend(notices)
        model = opener(request.model, request.soc, graphs, work)
        settle_qairt_version(options, request, uses_qnn=True)
        return model
    if request.model.model_type == ModelType.TFLITE:
        _notify_ignored_options(options, _TFLITE)
        settle_qairt_version(options, request, uses_qnn=False)
        return _open_tflite(request, options)
    _notify_ignored_options(options, "ONNX Runtime")
    # The worker with another QAIRT unpacks it again.
    own_work = work / (request.engine or "hub")
    own_work.mkdir()
    file = open_model(request.model.path, request.model.model_type, own_work)
    if not wraps_context_binary(file.proto):
        settle_qairt_version(options, request, uses_qnn=False)
        return OnnxModel.from_model_file(file)
    other = find_other_stage(request, options)
    if other is not None:
        return other
    model = open_wrapper(file, request.soc)
    settle_qairt_version(options, request, uses_qnn=True)
    return model


def _notify_ignored_options(options: Options, runtime: str) -> None:
    """Add notices about options for runtimes other than the one that runs the model."""
    for flag, own in _OPTION_RUNTIMES.items():
        if flag in options.values and own != runtime:
            message = f"The option {flag} was ignored: it applies to {own} models only."
            options.notices.append(build_notice("INFO", "USER", message))


def _open_tflite(request: AttemptRequest, options: Options) -> LiteRtModel:
    settings = options.values.get(TFLITE_OPTIONS, {})
    ignored = [name for name in settings if name != THREADS]
    if ignored:
        message = f"In {TFLITE_OPTIONS}, {', '.join(map(quote_name, ignored))} was ignored: "
        message += f"only {THREADS} has an effect on this hub."
        options.notices.append(build_notice("INFO", "USER", message))
    return LiteRtModel(request.model.path, threads=int(settings.get(THREADS, "1")))


logger = logging.getLogger(__name__)

_OUTPUT_DATA = "output_data.h5"
_TRACE = "profile_trace.json"


def run_model(request: AttemptRequest, folder: Path) -> Report:
    """Carry out an inference or profile job.

    Args:
        request: The request.
        folder: The attempt's folder, which receives the output data.

    Returns:
        The report of a job that succeeded.

    Raises:
        JobFailure: The job failed.
    """
    options = parse_job_options(request.options, "profile" if request.profile else "inference")
    work = folder / WORK_FOLDER
    begin_step(Step.OPENING)
    model = open_runnable_model(request, options, work)
    if isinstance(model, AttemptRequest):
        return Report(next_stage=model)
    if DEQUANTIZE in options.values and not model.encodings:
        message = f"The option {DEQUANTIZE} was ignored: no output of the model is quantized."
        options.notices.append(build_notice("INFO", "USER", message))
    begin_step(Step.PROFILING if request.profile else Step.RUNNING)
    measure = partial(
        profile_model,
        max_iterations=options.values.get(ITERATIONS, model.default_iterations),
        max_seconds=options.values.get(PROFILER_TIME, DEFAULT_PROFILER_SECONDS),
    )
    units = options.values.get(COMPUTE_UNIT, ("all",))
    notices = check_compute_units(units, model.compute_units)
    result: dict[str, Any] = {"tool_versions": model.tools}
    files = {}
    if request.dataset is None:
        inputs = random_inputs([port.to_spec() for port in model.inputs])
        measured = measure(model, inputs, RANDOM_INPUTS_LABEL, work=work)
    else:
        measured = None
        decoded = model.encodings if options.values.get(DEQUANTIZE, True) else {}
        with closing(InputDataset(request.dataset, model.inputs, model.encodings)) as dataset:
            if request.profile:
                what = "sample 0 of the dataset"
                sample = encode_inputs(dataset.sample(0), model.encodings)
                measured = measure(model, sample, what, work=work)
            notices += _run_dataset(model, dataset, decoded, folder / _OUTPUT_DATA, measured)
        files["output_data"] = _OUTPUT_DATA
    if measured is not None:
        result["profile"] = measured.profile
        notices += measured.notices
        if measured.trace is not None:
            files["profile_trace"] = measured.trace.replace(folder / _TRACE).name
    # A model knows only after it has run what there is to say about that.
    notices = [*options.notices, *model.notices, *notices]
    return Report(result={**result, "notices": notices}, files=files)


def _run_dataset(
    model: RunnableModel[Any],
    dataset: InputDataset,
    decoded: Encodings,
    target: Path,
    measured: Measurement | None,
) -> list[dict[str, str]]:
    """Run all samples, but for the first one if the model was measured on that.

    Returns:
        A notice for each input and output that has NaN.
    """
    begin_step(Step.RUNNING)
    runner = model.load() if measured is None else measured.loaded
    found = _SamplesWithNan()
    logger.info("Running %d samples", dataset.samples)
    with closing(OutputDataset(target, runner.output_names, dataset.samples)) as outputs:
        for index in range(dataset.samples):
            what = f"sample {index} of the dataset"
            inputs = dataset.sample(index)
            if index == 0 and measured is not None:
                found_outputs = measured.outputs
            else:
                found_outputs = runner.run(encode_inputs(inputs, model.encodings), what)
            results = decode_outputs(runner.output_names, found_outputs, decoded)
            outputs.write(index, results)
            # What follows from NaN in the inputs is no news.
            if not found.look("input", index, inputs):
                named = dict(zip(runner.output_names, results, strict=True))
                found.look("output", index, named)
    logger.info("Ran %d samples", dataset.samples)
    return found.build_notices(dataset.samples)


class _SamplesWithNan:
    """Which samples have NaN in which tensors. Infinity is common, as in masks of attention."""

    def __init__(self) -> None:
        self._samples: dict[tuple[str, str], list[int]] = {}

    def look(self, kind: str, index: int, tensors: Mapping[str, Tensor]) -> bool:
        """Look at the tensors of a sample; return whether one has NaN."""
        names = [
            name
            for name, tensor in tensors.items()
            if tensor.dtype.kind == "f" and np.isnan(tensor).any()
        ]
        for name in names:
            self._samples.setdefault((kind, name), []).append(index)
        return bool(names)

    def build_notices(self, count: int) -> list[dict[str, str]]:
        """Return a notice for each tensor that has NaN in some of so many samples."""
        return [
            build_notice(
                "WARNING",
                "MODEL",
                f"The {kind} {quote_name(name)} contains NaN on {len(samples)} of {count} samples, "
                f"first on sample {samples[0]}.",
            )
            for (kind, name), samples in self._samples.items()
        ]
