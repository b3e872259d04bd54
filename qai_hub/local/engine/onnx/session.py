"""ONNX Runtime sessions on the host CPU, whose errors are raised as failures of the job."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as native

from qai_hub.local.engine.failures import FailureType, JobFailure, resource_failure_from_error
from qai_hub.local.engine.protocol import TensorSpec

Tensor = np.ndarray[tuple[int, ...], np.dtype[np.generic]]

PROVIDER = "CPUExecutionProvider"
SEED = 0
RANDOM_INPUTS_LABEL = "random inputs, in which integers are 0 or 1"
OptimizationLevel = onnxruntime.GraphOptimizationLevel
# By default, processors without VNNI accumulate products of 8-bit integers in 16 bits, which can
# overflow, so that the same model would compute different values there.
_EXACT_INTEGER_PRODUCTS = {"session.x64quantprecision": "1"}
# With that setting, ONNX Runtime adds a tensor for each node that uses the same 8-bit weights, all
# under one name, and refuses the second.
_SHARED_WEIGHTS_ERROR = "Attempt to replace the existing tensor"
# By default, threads that wait for work keep a processor busy, which most sessions here would do
# for longer than they run.
_SPINNING = "session.intra_op.allow_spinning"
AS_USERS_RUN_IT = {_SPINNING: "1"}
"""Session settings for measuring times, which are then those of ONNX Runtime's defaults."""
WITHOUT_PACKING = {"session.disable_prepacking": "1"}
"""Session settings for a single inference or none: weights are used from their file as they are,
instead of being copied into a layout that only pays for many inferences."""
_DEFAULTS = _EXACT_INTEGER_PRODUCTS | {_SPINNING: "0"}

RUNTIME_ERRORS = (
    native.EPFail,
    native.Fail,
    native.InvalidArgument,
    native.InvalidGraph,
    native.InvalidProtobuf,
    native.NoSuchFile,
    native.NotImplemented,
    native.RuntimeException,
)


class Session:
    """A model loaded by ONNX Runtime.

    Args:
        path: The .onnx file.
        level: Optimisation level while loading.
        settings: Further session settings, by ONNX Runtime's keys.
        optimised_path: File to write the optimised model to.
        trace_prefix: Prefix of the file that records the times per node of each run.

    Raises:
        JobFailure: ONNX Runtime cannot load the model.
    """

    def __init__(
        self,
        path: Path,
        *,
        level: onnxruntime.GraphOptimizationLevel = OptimizationLevel.ORT_ENABLE_ALL,
        settings: Mapping[str, str] | None = None,
        optimised_path: Path | None = None,
        trace_prefix: Path | None = None,
    ) -> None:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = level
        for key, value in (_DEFAULTS | dict(settings or {})).items():
            options.add_session_config_entry(key, value)
        if optimised_path is not None:
            options.optimized_model_filepath = str(optimised_path)
        if trace_prefix is not None:
            options.enable_profiling = True
            options.profile_file_prefix = str(trace_prefix)
        try:
            try:
                self._session = self._create(path, options)
            except RUNTIME_ERRORS as error:
                if _SHARED_WEIGHTS_ERROR not in str(error):
                    raise
                # At this level, quantized models are computed in floats.
                options.graph_optimization_level = OptimizationLevel.ORT_ENABLE_BASIC
                self._session = self._create(path, options)
        except RUNTIME_ERRORS as error:
            raise _convert_load_error(error) from error
        self.output_names: list[str] = [output.name for output in self._session.get_outputs()]

    def _create(
        self, path: Path, options: onnxruntime.SessionOptions
    ) -> onnxruntime.InferenceSession:
        return onnxruntime.InferenceSession(path, options, providers=[PROVIDER])

    def run(self, inputs: Mapping[str, Tensor], label: str) -> list[Tensor]:
        """Run one inference.

        Args:
            inputs: A tensor for each input.
            label: How messages refer to these inputs.

        Returns:
            The outputs, in the model's order.

        Raises:
            JobFailure: ONNX Runtime reports an error.
        """
        try:
            outputs: list[Tensor] = self._session.run(None, dict(inputs))
        except RUNTIME_ERRORS as error:
            if resource_failure_from_error(error):
                raise
            reason = f"ONNX Runtime cannot run the model on {label}: {format_runtime_error(error)}."
            raise JobFailure(FailureType.RUNTIME_UNKNOWN, reason) from error
        return outputs

    def end_trace(self) -> Path:
        """Stop tracing and return the file of the trace."""
        return Path(self._session.end_profiling())


def random_inputs(specs: Sequence[TensorSpec]) -> dict[str, Tensor]:
    """Generate inputs from a fixed seed: floats uniform in [0, 1), integers 0 or 1.

    Integer inputs are often indices, which must be valid even for a short table.

    Args:
        specs: The inputs.

    Returns:
        A tensor for each of them.
    """
    random = np.random.default_rng(SEED)
    tensors: dict[str, Tensor] = {}
    for spec in specs:
        dtype = np.dtype(spec.dtype)
        if dtype.kind == "f":
            tensors[spec.name] = random.random(spec.shape, np.float32).astype(dtype, copy=False)
        else:
            tensors[spec.name] = random.integers(0, 2, spec.shape, np.uint8).astype(dtype)
    return tensors


def format_runtime_error(error: Exception) -> str:
    """Return the message of ONNX Runtime, without its codes, source positions and our paths."""
    text = re.sub(r"\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ", "", str(error))
    text = re.sub(r"Load model from .*? failed: ?", "", text)
    text = re.sub(r"/onnxruntime_src/\S+:\d+ [^\n]*?\)(?: const)? (?=[A-Z\[])", "", text)
    return " ".join(text.split())[:1500].rstrip(".")


def _convert_load_error(error: Exception) -> Exception:
    if resource_failure_from_error(error):
        return error
    if isinstance(error, native.InvalidProtobuf):
        failure_type = FailureType.MODEL_CORRUPT
    elif isinstance(error, native.NotImplemented):
        failure_type = FailureType.UNSUPPORTED
    else:
        failure_type = FailureType.MODEL_INVALID
    return JobFailure(
        failure_type, f"ONNX Runtime cannot load the model: {format_runtime_error(error)}."
    )
