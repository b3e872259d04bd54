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
RANDOM_INPUTS = "random inputs, in which integers are 0 or 1"
Level = onnxruntime.GraphOptimizationLevel
# By default, processors without VNNI accumulate products of 8-bit integers in 16 bits, which can
# overflow, so that the same model would compute different values there.
_EXACT_INTEGERS = ("session.x64quantprecision", "1")

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
        optimised: File to write the optimised model to.
        trace: Prefix of the file that records the times per node of each run.

    Raises:
        JobFailure: ONNX Runtime cannot load the model.
    """

    def __init__(
        self,
        path: Path,
        *,
        level: onnxruntime.GraphOptimizationLevel = Level.ORT_ENABLE_ALL,
        settings: Mapping[str, str] | None = None,
        optimised: Path | None = None,
        trace: Path | None = None,
    ) -> None:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = level
        options.add_session_config_entry(*_EXACT_INTEGERS)
        for key, value in (settings or {}).items():
            options.add_session_config_entry(key, value)
        if optimised is not None:
            options.optimized_model_filepath = str(optimised)
        if trace is not None:
            options.enable_profiling = True
            options.profile_file_prefix = str(trace)
        try:
            self._native = self._open(path, options)
        except RUNTIME_ERRORS as error:
            raise _load_failure(error) from error
        self.output_names: list[str] = [output.name for output in self._native.get_outputs()]

    def _open(
        self, path: Path, options: onnxruntime.SessionOptions
    ) -> onnxruntime.InferenceSession:
        return onnxruntime.InferenceSession(path, options, providers=[PROVIDER])

    def run(self, inputs: Mapping[str, Tensor], what: str) -> list[Tensor]:
        """Run one inference.

        Args:
            inputs: A tensor for each input.
            what: How messages refer to these inputs.

        Returns:
            The outputs, in the model's order.

        Raises:
            JobFailure: ONNX Runtime reports an error.
        """
        try:
            outputs: list[Tensor] = self._native.run(None, dict(inputs))
        except RUNTIME_ERRORS as error:
            if resource_failure_from_error(error):
                raise
            reason = f"The model does not run on {what}: {explained(error)}"
            raise JobFailure(FailureType.RUNTIME_UNKNOWN, reason) from error
        return outputs

    def end_trace(self) -> Path:
        """Stop tracing and return the file of the trace."""
        return Path(self._native.end_profiling())


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


def explained(error: Exception) -> str:
    """Return the message of ONNX Runtime, without its codes, source positions and our paths."""
    text = re.sub(r"\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ", "", str(error))
    text = re.sub(r"Load model from .*? failed: ?", "", text)
    text = re.sub(r"/onnxruntime_src/\S+:\d+ [^\n]*?\)(?: const)? (?=[A-Z\[])", "", text)
    return " ".join(text.split())[:1500]


def _load_failure(error: Exception) -> Exception:
    if resource_failure_from_error(error):
        return error
    if isinstance(error, native.InvalidProtobuf):
        failure_type = FailureType.MODEL_CORRUPT
    elif isinstance(error, native.NotImplemented):
        failure_type = FailureType.UNSUPPORTED
    else:
        failure_type = FailureType.MODEL_INVALID
    return JobFailure(failure_type, f"ONNX Runtime does not load the model: {explained(error)}")
