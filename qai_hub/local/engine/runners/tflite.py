"""Runs TensorFlow Lite models by LiteRT on the host CPU."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from qai_hub.local.engine.failures import FailureType, JobFailure, resource_failure_from_error
from qai_hub.local.engine.machine import import_extra, tool_versions
from qai_hub.local.engine.onnx.integer_ports import PortEncoding
from qai_hub.local.engine.onnx.session import Tensor
from qai_hub.local.engine.onnx.signature import DTYPES, Port, check_name
from qai_hub.local.engine.option_table import DEFAULT_ITERATIONS
from qai_hub.local.engine.protocol import build_notice, quote_name
from qai_hub.local.engine.runners.base import TimeBreakdown, TimedInferences
from qai_hub.local.engine.runners.onnx import SEGMENT_ID
from qai_hub.local.enums import ComputeUnit

_UNSUPPORTED_OP_SIGNS = (
    "Didn't find op for builtin opcode",
    "unresolved custom op",
    "Select TensorFlow op",
)
_XNNPACK_SIGN = "XNNPack"
_OUT_OF_MEMORY_SIGN = "failed to reshape runtime"
_LOAD_PROBLEM = "LiteRT cannot load the model"

# A tensor of a model, as LiteRT describes it.
_Detail = dict[str, Any]


class LiteRtModel:
    """A `RunnableModel` for LiteRT on the host CPU.

    Args:
        path: The .tflite file.
        threads: Number of threads that an operator may use.

    Raises:
        JobFailure: LiteRT is not installed or cannot read the model, or an input or output has a
            name or type that the API does not support.
    """

    compute_units: Sequence[str] = ("cpu",)
    default_iterations = DEFAULT_ITERATIONS
    is_simulated = False
    measured_on = "Measured on the CPU of this hub's host, not on a device."

    def __init__(self, path: Path, *, threads: int) -> None:
        self._path = path
        self._threads = threads
        self._uses_xnnpack = True
        inputs, outputs = _get_signature(_open_interpreter(path, threads))
        self.inputs = [_parse_port(name, detail, "input") for name, detail in inputs.items()]
        self.outputs = [_parse_port(name, detail, "output") for name, detail in outputs.items()]
        self.encodings = dict(_read_encodings({**inputs, **outputs}))

    @property
    def tools(self) -> list[dict[str, str]]:
        """The tools that run it."""
        return [{"name": "LiteRT", "version": _import_litert().__version__}, *tool_versions()]

    @property
    def conditions(self) -> Mapping[str, str]:
        """Conditions of its profiles."""
        kernels = "LiteRT" if self._uses_xnnpack else "LiteRT without XNNPACK"
        return {"runtime": kernels, "threads of an operator": str(self._threads)}

    @property
    def notices(self) -> Sequence[dict[str, str]]:
        """A notice if LiteRT's fastest kernels have refused the model, once it is loaded."""
        if self._uses_xnnpack:
            return ()
        message = "XNNPACK refuses the model, so that LiteRT ran it with its own, slower kernels."
        return (build_notice("WARNING", "MODEL", message),)

    def load(self, trace_prefix: Path | None = None) -> "LoadedLiteRtModel":
        """Load the model; LiteRT records no times."""
        del trace_prefix
        loaded = LoadedLiteRtModel(self._path, self._threads)
        self._uses_xnnpack = loaded.uses_xnnpack
        return loaded

    def measure_breakdown(
        self,
        loaded: "LoadedLiteRtModel",
        inputs: Mapping[str, Tensor],
        label: str,
        timed: TimedInferences,
        work: Path,
    ) -> TimeBreakdown:
        """Return the time of the whole model, as LiteRT reports none of operators."""
        del loaded, inputs, label, work
        segment = {
            "id": SEGMENT_ID,
            "compute_unit": ComputeUnit.CPU,
            "delegate_name": "LiteRT",
            "delegate_extra_info": "",
            "execution_time": timed.shortest,
        }
        message = "The profile has no layers: LiteRT reports the time of the whole model only."
        return TimeBreakdown(
            layers=[], segments=[segment], notices=[build_notice("INFO", "MODEL", message)]
        )


class LoadedLiteRtModel:
    """A model that LiteRT has loaded.

    Args:
        path: The .tflite file.
        threads: Number of threads that an operator may use.

    Raises:
        JobFailure: LiteRT cannot load the model.
    """

    def __init__(self, path: Path, threads: int) -> None:
        self._interpreter, self.uses_xnnpack = _allocate(path, threads)
        self._inputs, self._outputs = _get_signature(self._interpreter)
        self._shapes = {n: tuple(map(int, d["shape"])) for n, d in self._inputs.items()}
        self.output_names: list[str] = list(self._outputs)

    def run(self, inputs: Mapping[str, Tensor], label: str) -> list[Tensor]:
        """Run one inference.

        Args:
            inputs: A tensor for each input.
            label: How messages refer to these inputs.

        Returns:
            The outputs, in the model's order.

        Raises:
            JobFailure: LiteRT reports an error.
        """
        try:
            self._resize({name: tensor.shape for name, tensor in inputs.items()})
            for name, tensor in inputs.items():
                self._interpreter.set_tensor(self._inputs[name]["index"], tensor)
            # Each inference stands for itself: recurrent layers begin anew.
            self._interpreter.reset_all_variables()
            self._interpreter.invoke()
        except (RuntimeError, ValueError) as error:
            problem = f"LiteRT cannot run the model on {label}"
            raise _convert_error(error, FailureType.RUNTIME_UNKNOWN, problem) from error
        return [self._interpreter.get_tensor(each["index"]) for each in self._outputs.values()]

    def _resize(self, shapes: dict[str, tuple[int, ...]]) -> None:
        if shapes == self._shapes:
            return
        for name, shape in shapes.items():
            self._interpreter.resize_tensor_input(self._inputs[name]["index"], list(shape))
        self._interpreter.allocate_tensors()
        self._shapes = shapes


def _read_encodings(details: Mapping[str, _Detail]) -> Iterator[tuple[str, PortEncoding]]:
    """Yield how the integers of quantized inputs and outputs represent numbers."""
    for name, detail in details.items():
        parameters = detail["quantization_parameters"]
        # Only weights may have a scale for each channel.
        if len(parameters["scales"]) == 1:
            dtype = np.dtype(detail["dtype"]).name
            (scale,), (zero_point,) = parameters["scales"], parameters["zero_points"]
            encoding = PortEncoding(dtype=dtype, scale=float(scale), zero_point=int(zero_point))
            yield name, encoding


def _import_litert() -> Any:  # noqa: ANN401 - LiteRT states no types
    return import_extra("ai_edge_litert", "tflite", "TensorFlow Lite models")


def _allocate(path: Path, threads: int) -> tuple[Any, bool]:
    """Return an interpreter with memory for its tensors, and whether it uses XNNPACK."""
    try:
        interpreter = _open_interpreter(path, threads)
        try:
            interpreter.allocate_tensors()
        except RuntimeError as error:
            if _XNNPACK_SIGN not in str(error):
                raise
            interpreter = _open_interpreter(path, threads, use_xnnpack=False)
            interpreter.allocate_tensors()
            return interpreter, False
    except RuntimeError as error:
        raise _convert_error(error, FailureType.MODEL_INVALID, _LOAD_PROBLEM) from error
    return interpreter, True


def _open_interpreter(path: Path, threads: int, *, use_xnnpack: bool = True) -> Any:  # noqa: ANN401
    _import_litert()
    module = import_extra("ai_edge_litert.interpreter", "tflite", "TensorFlow Lite models")
    kinds = module.OpResolverType
    kernels = kinds.AUTO if use_xnnpack else kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    try:
        return module.Interpreter(
            model_path=str(path), num_threads=threads, experimental_op_resolver_type=kernels
        )
    except (RuntimeError, ValueError) as error:
        raise _convert_error(error, FailureType.MODEL_CORRUPT, _LOAD_PROBLEM) from error


def _convert_error(error: Exception, failure_type: FailureType, problem: str) -> Exception:
    """Return the exception to raise for an error of LiteRT."""
    text = " ".join(str(error).split())[:1500]
    if resource_failure_from_error(error):
        return error
    # LiteRT reports no reason when it cannot allocate memory.
    if not text or _OUT_OF_MEMORY_SIGN in text:
        return MemoryError("LiteRT cannot allocate the memory that the model's tensors need")
    if any(sign in text for sign in _UNSUPPORTED_OP_SIGNS):
        failure_type = FailureType.UNSUPPORTED
    return JobFailure(failure_type, f"{problem}: {text.rstrip('.')}.")


def _get_signature(native: Any) -> tuple[dict[str, _Detail], dict[str, _Detail]]:  # noqa: ANN401
    """Return the inputs and outputs of the main graph, in its order.

    Their names are those of the graph's signature, or those of the tensors if it has none.
    """
    inputs, outputs = native.get_input_details(), native.get_output_details()
    for key in native.get_signature_list():
        signature = native.get_signature_runner(key)
        named = signature.get_input_details(), signature.get_output_details()
        if _have_same_tensors(named[0].values(), inputs) and _have_same_tensors(
            named[1].values(), outputs
        ):
            return _sort_by_graph(named[0], inputs), _sort_by_graph(named[1], outputs)
    return _key_by_tensor_name(inputs, "inputs"), _key_by_tensor_name(outputs, "outputs")


def _have_same_tensors(some: Collection[_Detail], others: Collection[_Detail]) -> bool:
    tensors = [{(detail["index"], detail["name"]) for detail in each} for each in (some, others)]
    return tensors[0] == tensors[1]


def _sort_by_graph(named: dict[str, _Detail], graph: Sequence[_Detail]) -> dict[str, _Detail]:
    positions = {detail["index"]: position for position, detail in enumerate(graph)}
    return dict(sorted(named.items(), key=lambda item: positions[item[1]["index"]]))


def _key_by_tensor_name(graph: Sequence[_Detail], role: str) -> dict[str, _Detail]:
    named = {detail["name"]: detail for detail in graph}
    if len(named) < len(graph):
        reason = f"The model has several {role} of the same name and no signature: add a signature."
        raise JobFailure(FailureType.MODEL_INVALID, reason)
    return named


def _parse_port(name: str, detail: _Detail, role: str) -> Port:
    check_name(name, role, FailureType.MODEL_INVALID)
    dtype = np.dtype(detail["dtype"]).name
    if dtype not in DTYPES.values():
        reason = (
            f"The {role} {quote_name(name)} has the unsupported type {dtype}. Supported are "
            f"tensors of {', '.join(DTYPES.values())}: cast it inside the model."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason)
    shape = tuple("?" if size < 0 else int(size) for size in detail["shape_signature"])
    return Port(name, dtype, shape)
