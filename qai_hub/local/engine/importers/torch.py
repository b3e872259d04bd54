"""Converts PyTorch's file formats to ONNX, without running Python code from the files."""

import logging
import os
import pickle
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper

from qai_hub.local.engine.failures import FailureType, JobFailure, resource_failure_from_error
from qai_hub.local.engine.machine import import_extra
from qai_hub.local.engine.onnx.edit import PortChange, apply_port_changes
from qai_hub.local.engine.onnx.model_files import ModelFile
from qai_hub.local.engine.onnx.prepare import iter_nodes
from qai_hub.local.engine.onnx.session import (
    RANDOM_INPUTS_LABEL,
    OptimizationLevel,
    Session,
    random_inputs,
)
from qai_hub.local.engine.onnx.signature import Port, get_inputs, get_outputs, get_required_inputs
from qai_hub.local.engine.onnx.verify import compare_outputs
from qai_hub.local.engine.protocol import TensorSpec, build_notice

logger = logging.getLogger(__name__)

_SAFE_LOADING_VARIABLE = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
_is_loading = False


def import_torch() -> Any:  # noqa: ANN401 - it is not installed where types are checked
    """Import PyTorch.

    Raises:
        JobFailure: It is not installed.
    """
    return import_extra("torch", "torch", "PyTorch models")


def check_archive(source: Path, members: set[str], expected: str) -> None:
    """Check that a file is an archive with the members that only a model with its code has.

    Args:
        source: The file.
        members: Files or folders that it must contain.
        expected: The expected format, and what writes it.

    Raises:
        JobFailure: It is not such an archive.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            inside = {name.partition("/")[2].partition("/")[0] for name in archive.namelist()}
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        reason = f"The file is not {expected}, or it is damaged: {error}"
        raise JobFailure(FailureType.MODEL_CORRUPT, reason) from None
    if not members <= inside:
        reason = (
            f"The file is not {expected}. A file from torch.save needs its Python code to run: "
            "load it, and export the model with torch.export."
        )
        raise JobFailure(FailureType.MODEL_INVALID, reason)


@contextmanager
def convert_errors(action: str, failure_type: FailureType) -> Iterator[None]:
    """Raise any exception of PyTorch as a failure of the job.

    Args:
        action: The operation, as in "PyTorch cannot …".
        failure_type: Class of the cause if it fails.
    """
    try:
        yield
    except pickle.UnpicklingError:
        logger.exception("PyTorch cannot %s without running code", action)
        reason = (
            "The file contains a Python object whose loading could run any code: save a model "
            "that contains tensors only."
        )
        raise JobFailure(FailureType.MODEL_INVALID, reason) from None
    # Its loaders and exporters raise exceptions of any type.
    except Exception as error:
        if resource_failure_from_error(error):
            raise
        logger.exception("PyTorch cannot %s", action)
        reason = f"PyTorch cannot {action}: {format_torch_error(error)}"
        raise JobFailure(failure_type, reason) from error


def format_torch_error(error: Exception) -> str:
    """Return the message of PyTorch, without quoted lines of source code.

    Args:
        error: The exception.
    """
    text = str(error).strip()
    if "Traceback of TorchScript" in text:
        return text.splitlines()[-1][:1500]
    return f"{type(error).__name__}: {' '.join(text.split())}"[:1500]


@contextmanager
def forbid_code() -> Iterator[None]:
    """Prevent pickles within a file from calling anything.

    PyTorch reads weights with a restricted unpickler that only creates tensors. But its loader of
    exported programs passes what that one refuses, and some constants, to Python's unpickler, so a
    file could run any code.
    """
    global _is_loading  # noqa: PLW0603 - audit hooks cannot be removed, only disabled
    _install_audit_hook()
    before = os.environ.get(_SAFE_LOADING_VARIABLE)
    os.environ[_SAFE_LOADING_VARIABLE] = "1"
    _is_loading = True
    try:
        yield
    finally:
        _is_loading = False
        if before is None:
            del os.environ[_SAFE_LOADING_VARIABLE]
        else:
            os.environ[_SAFE_LOADING_VARIABLE] = before


@cache
def _install_audit_hook() -> None:
    sys.addaudithook(_audit_hook)


def _audit_hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _is_loading and event == "pickle.find_class":
        reason = f"a pickle in it refers to {arguments[0]}.{arguments[1]}, which could run any code"
        raise pickle.UnpicklingError(reason)


def open_torchscript(source: Path, specs: Sequence[TensorSpec], work: Path) -> ModelFile:
    """Convert a TorchScript file to an ONNX model.

    Args:
        source: The file, as `torch.jit.save` writes it.
        specs: The inputs, in the order in which the model takes them.
        work: Folder for the ONNX model.

    Returns:
        The ONNX model. Its inputs have the names and shapes of the specs, its outputs are
        `output_0`, `output_1` and so on.

    Raises:
        JobFailure: The file is not TorchScript, the specs are missing or do not match it, or
            PyTorch cannot export it.
    """
    if not specs:
        reason = (
            "A TorchScript model needs input_specs, as its file does not describe its inputs. Give "
            'their names, shapes and types in order, such as {"x": (1, 3, 8, 8)}.'
        )
        raise JobFailure(FailureType.INVALID_INPUTS, reason)
    for spec in specs:
        Port(spec.name, spec.dtype, spec.shape).to_spec()
    check_archive(source, {"code", "constants.pkl"}, "a TorchScript file (torch.jit.save)")
    torch = import_torch()
    with convert_errors("load the model", FailureType.MODEL_INVALID), forbid_code():
        module = torch.jit.load(str(source), map_location="cpu").eval()
    given = tuple(torch.from_numpy(tensor) for tensor in random_inputs(specs).values())
    logger.info("Running the TorchScript model once")
    action = "run the model on inputs that match input_specs"
    with convert_errors(action, FailureType.INVALID_INPUTS), torch.no_grad():
        outputs = module(*given)
    names = [spec.name for spec in specs]

    def export(path: Path) -> None:
        flat = _flatten_module(module, outputs, len(specs))
        torch.onnx.export(flat, given, str(path), input_names=names, dynamo=False, verbose=False)
        _restore_unused_inputs(path, specs)

    return _export_model(export, module, names, work)


def open_exported_program(source: Path, specs: Sequence[TensorSpec], work: Path) -> ModelFile:
    """Convert an exported program to an ONNX model.

    Args:
        source: The file, as `torch.export.save` writes it.
        specs: Unused, as the program declares its inputs.
        work: Folder for the ONNX model.

    Returns:
        The ONNX model. Its inputs have the names from the program, its outputs are `output_0`,
        `output_1` and so on.

    Raises:
        JobFailure: The file is not an exported program, or PyTorch cannot export it.
    """
    del specs
    check_archive(source, {"models"}, "an exported program (torch.export.save)")
    torch = import_torch()
    import_extra("onnxscript", "torch", "exported programs")
    with convert_errors("load the model", FailureType.MODEL_INVALID), forbid_code():
        program = torch.export.load(str(source))
    names = [name for name in program.graph_signature.user_inputs if isinstance(name, str)]
    return _export_model(
        lambda path: torch.onnx.export(
            program, f=str(path), dynamo=True, external_data=True, verbose=False
        ),
        program.module(),
        names,
        work,
    )


def _export_model(
    export: Callable[[Path], object],
    compute: Callable[..., object],
    names: Sequence[str],
    work: Path,
) -> ModelFile:
    folder = work / "exported"
    folder.mkdir()
    path = folder / "model.onnx"
    version = str(import_torch().__version__)
    logger.info("Exporting to ONNX with PyTorch %s", version)
    with convert_errors("export the model to ONNX", FailureType.UNSUPPORTED):
        export(path)
    proto = onnx.load(path, load_external_data=False)
    _remove_source_metadata(proto)
    get_outputs(proto)
    _name_ports(proto, names)
    path.write_bytes(proto.SerializeToString())
    return ModelFile(
        path,
        proto,
        is_unpacked=True,
        tools=({"name": "PyTorch", "version": version},),
        notices=tuple(_compare_with_torch(compute, proto, path)),
    )


def _compare_with_torch(
    compute: Callable[..., object], proto: onnx.ModelProto, path: Path
) -> list[dict[str, str]]:
    """Return a notice for each output in which PyTorch and the exported model differ."""
    ports = get_inputs(proto)
    if any(port.shape is None or port.dynamic_dims for port in ports):
        return _not_compared_notices("it has dynamic dimensions")
    tensors = random_inputs([port.to_spec() for port in ports])
    torch = import_torch()
    try:
        with torch.no_grad():
            given = compute(*map(torch.from_numpy, tensors.values()))
    # A program may check its inputs, or take some as keyword arguments.
    except Exception as error:
        if resource_failure_from_error(error):
            raise
        return _not_compared_notices(
            f"PyTorch cannot run it on {RANDOM_INPUTS_LABEL}: {format_torch_error(error)}"
        )
    expected = [leaf.numpy() for leaf in _flatten_outputs(given) if isinstance(leaf, torch.Tensor)]
    session = Session(path, level=OptimizationLevel.ORT_DISABLE_ALL)
    actual = session.run(tensors, RANDOM_INPUTS_LABEL)
    if len(actual) != len(expected):
        return _not_compared_notices(
            f"it has {len(actual)} outputs, but {len(expected)} in PyTorch"
        )
    return compare_outputs(session.output_names, expected, actual, "model that PyTorch exported")


def _not_compared_notices(reason: str) -> list[dict[str, str]]:
    message = f"The exported model was not compared with PyTorch: {reason}."
    return [build_notice("INFO", "MODEL", message)]


def _flatten_outputs(outputs: object) -> Iterator[object]:
    """Yield the outputs of a model one by one, however they are nested."""
    for _, leaf in _iter_leaves(outputs, ""):
        yield leaf


def _iter_leaves(outputs: object, path: str) -> Iterator[tuple[str, object]]:
    """Yield the outputs of a model one by one, each with the expression that takes it out."""
    if isinstance(outputs, dict):
        items: Iterable[tuple[object, object]] = outputs.items()
    elif isinstance(outputs, tuple | list):
        items = enumerate(outputs)
    else:
        yield path, outputs
        return
    for key, each in items:
        yield from _iter_leaves(each, f"{path}[{key!r}]")


def _flatten_module(module: Any, outputs: object, inputs: int) -> Any:  # noqa: ANN401 - modules
    """Return a TorchScript module whose outputs are a tuple of tensors, as the exporter needs it.

    Lists have as many elements as in the outputs of one run, whose shapes are those of all runs.

    Args:
        module: The module, which may have lists and dictionaries among its outputs.
        outputs: Its outputs in one run.
        inputs: The number of its inputs.
    """
    torch = import_torch()
    leaves = list(_iter_leaves(outputs, "outputs"))
    is_flat = isinstance(outputs, torch.Tensor | tuple) and len(leaves) == len(
        outputs if isinstance(outputs, tuple) else (outputs,)
    )
    if is_flat or not all(isinstance(leaf, torch.Tensor) for _, leaf in leaves):
        return module
    holder = torch.nn.Module()
    holder.inner = module
    flat = torch.jit.script(holder)
    arguments = ", ".join(f"input_{number}" for number in range(inputs))
    taken = ", ".join(path for path, _ in leaves)
    flat.define(
        f"def forward(self, {arguments}):\n"
        f"    outputs = self.inner({arguments})\n"
        f"    return ({taken},)\n"
    )
    return flat.eval()


def _restore_unused_inputs(path: Path, specs: Sequence[TensorSpec]) -> None:
    """Restore unused inputs, which the exporter of TorchScript omits."""
    proto = onnx.load(path, load_external_data=False)
    declared = {value.name: value for value in proto.graph.input}
    for spec in specs:
        elem_type = helper.np_dtype_to_tensor_dtype(np.dtype(spec.dtype))
        value = helper.make_tensor_value_info(spec.name, elem_type, spec.shape)
        declared.setdefault(spec.name, value)
    values = [declared[spec.name] for spec in specs]
    del proto.graph.input[:]
    proto.graph.input.extend(values)
    path.write_bytes(proto.SerializeToString())


def _remove_source_metadata(proto: onnx.ModelProto) -> None:
    """Remove the exporter's metadata of values and nodes, which include lines of source code."""
    graph = proto.graph
    for values in (graph.input, graph.output, graph.value_info, graph.initializer, [graph]):
        for value in values:
            del value.metadata_props[:]
    for node in iter_nodes(proto):
        del node.metadata_props[:]


def _name_ports(proto: onnx.ModelProto, names: Sequence[str]) -> None:
    """Name the inputs as in the original model, and the outputs by their numbers."""
    inputs = get_required_inputs(proto)
    if len(names) != len(inputs):
        names = [value.name for value in inputs]
    changes = [
        [
            PortChange(name=name, elem_type=value.type.tensor_type.elem_type)
            for name, value in zip(called, values, strict=True)
        ]
        for called, values in (
            (names, inputs),
            ([f"output_{i}" for i in range(len(proto.graph.output))], proto.graph.output),
        )
    ]
    apply_port_changes(proto, *changes)
