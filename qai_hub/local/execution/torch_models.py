"""Makes ONNX models of PyTorch's TorchScript files and exported programs."""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import helper

from qai_hub.local.execution.extras import load_extra
from qai_hub.local.execution.failures import FailureType, JobFailure, resource_failure_of
from qai_hub.local.execution.messages import TensorSpec, notice
from qai_hub.local.execution.model_files import ModelFile
from qai_hub.local.execution.preparation import nodes_of
from qai_hub.local.execution.rewiring import Change, rewire
from qai_hub.local.execution.sessions import RANDOM_INPUTS, Level, Session, random_inputs
from qai_hub.local.execution.signature import Port, inputs_of, outputs_of, required_inputs
from qai_hub.local.execution.torch_loading import (
    check_archive,
    explained,
    load_torch,
    told,
    without_code,
)
from qai_hub.local.execution.verification import differences

logger = logging.getLogger(__name__)


def open_torchscript(source: Path, specs: Sequence[TensorSpec], work: Path) -> ModelFile:
    """Make an ONNX model of a TorchScript file.

    Args:
        source: The file, as `torch.jit.save` writes it.
        specs: The inputs, in the order in which the model takes them.
        work: Folder for the ONNX model.

    Returns:
        The ONNX model. Its inputs have the names and shapes of the specs, its outputs are
        `output_0`, `output_1` and so on.

    Raises:
        JobFailure: The file is no TorchScript, the specs are missing or do not fit it, or PyTorch
            cannot export it.
    """
    if not specs:
        reason = (
            "A TorchScript model needs input_specs: its file does not tell what it takes. Give "
            'the names, shapes and types of its inputs, in order, such as {"x": (1, 3, 8, 8)}.'
        )
        raise JobFailure(FailureType.INVALID_INPUTS, reason)
    for spec in specs:
        Port(spec.name, spec.dtype, spec.shape).fixed()
    check_archive(source, {"code", "constants.pkl"}, "TorchScript: torch.jit.save writes that")
    torch = load_torch()
    with told("load the model", FailureType.MODEL_INVALID), without_code():
        module = torch.jit.load(str(source), map_location="cpu").eval()
    given = tuple(torch.from_numpy(tensor) for tensor in random_inputs(specs).values())
    logger.info("Running the TorchScript model once")
    what = "run the model on inputs as in input_specs"
    with told(what, FailureType.INVALID_INPUTS), torch.no_grad():
        module(*given)
    names = [spec.name for spec in specs]

    def export(path: Path) -> None:
        torch.onnx.export(module, given, str(path), input_names=names, dynamo=False, verbose=False)
        _keep_inputs(path, specs)

    return _exported(export, module, names, work)


def open_exported_program(source: Path, specs: Sequence[TensorSpec], work: Path) -> ModelFile:
    """Make an ONNX model of an exported program.

    Args:
        source: The file, as `torch.export.save` writes it.
        specs: Not needed: the program tells what it takes.
        work: Folder for the ONNX model.

    Returns:
        The ONNX model. Its inputs have the names that they have in the program, its outputs are
        `output_0`, `output_1` and so on.

    Raises:
        JobFailure: The file is no exported program, or PyTorch cannot export it.
    """
    del specs
    check_archive(source, {"models"}, "an exported program: torch.export.save writes that")
    torch = load_torch()
    load_extra("onnxscript", "torch", "exported programs")
    with told("load the model", FailureType.MODEL_INVALID), without_code():
        program = torch.export.load(str(source))
    names = [name for name in program.graph_signature.user_inputs if isinstance(name, str)]
    return _exported(
        lambda path: torch.onnx.export(
            program, f=str(path), dynamo=True, external_data=True, verbose=False
        ),
        program.module(),
        names,
        work,
    )


def _exported(
    export: Callable[[Path], object],
    compute: Callable[..., object],
    names: Sequence[str],
    work: Path,
) -> ModelFile:
    folder = work / "exported"
    folder.mkdir()
    path = folder / "model.onnx"
    version = str(load_torch().__version__)
    logger.info("Exporting to ONNX with PyTorch %s", version)
    with told("export the model to ONNX", FailureType.UNSUPPORTED):
        export(path)
    proto = onnx.load(path, load_external_data=False)
    _forget_source(proto)
    outputs_of(proto)
    _name_ports(proto, names)
    path.write_bytes(proto.SerializeToString())
    return ModelFile(
        path,
        proto,
        unpacked=True,
        tools=({"name": "PyTorch", "version": version},),
        notices=tuple(_compare(compute, proto, path)),
    )


def _compare(
    compute: Callable[..., object], proto: onnx.ModelProto, path: Path
) -> list[dict[str, str]]:
    """Return a notice for each output that PyTorch and the exported model differ in."""
    ports = inputs_of(proto)
    if any(port.shape is None or port.dynamic_dims for port in ports):
        return _not_compared("it has open dimensions")
    tensors = random_inputs([port.fixed() for port in ports])
    torch = load_torch()
    try:
        with torch.no_grad():
            given = compute(*map(torch.from_numpy, tensors.values()))
    # A program may check its inputs, or take some by name.
    except Exception as error:
        if resource_failure_of(error):
            raise
        return _not_compared(f"PyTorch does not run it on {RANDOM_INPUTS}: {explained(error)}")
    expected = [leaf.numpy() for leaf in _leaves(given) if isinstance(leaf, torch.Tensor)]
    session = Session(path, level=Level.ORT_DISABLE_ALL)
    actual = session.run(tensors, RANDOM_INPUTS)
    if len(actual) != len(expected):
        return _not_compared(f"it has {len(actual)} outputs, and {len(expected)} in PyTorch")
    return differences(session.output_names, expected, actual, "model that PyTorch exported")


def _not_compared(why: str) -> list[dict[str, str]]:
    message = f"The exported model was not compared with PyTorch: {why}."
    return [notice("INFO", "MODEL", message)]


def _leaves(outputs: object) -> Iterator[object]:
    """Yield the outputs of a model one by one, in whatever they are nested."""
    if isinstance(outputs, dict):
        outputs = tuple(outputs.values())
    if isinstance(outputs, tuple | list):
        for each in outputs:
            yield from _leaves(each)
    else:
        yield outputs


def _keep_inputs(path: Path, specs: Sequence[TensorSpec]) -> None:
    """Put inputs back that nothing takes, which the exporter of TorchScript leaves out."""
    proto = onnx.load(path, load_external_data=False)
    there = {value.name: value for value in proto.graph.input}
    for spec in specs:
        elem_type = helper.np_dtype_to_tensor_dtype(np.dtype(spec.dtype))
        value = helper.make_tensor_value_info(spec.name, elem_type, spec.shape)
        there.setdefault(spec.name, value)
    values = [there[spec.name] for spec in specs]
    del proto.graph.input[:]
    proto.graph.input.extend(values)
    path.write_bytes(proto.SerializeToString())


def _forget_source(proto: onnx.ModelProto) -> None:
    """Drop what the exporter notes of each value and node, down to lines of the source code."""
    graph = proto.graph
    for values in (graph.input, graph.output, graph.value_info, graph.initializer, [graph]):
        for value in values:
            del value.metadata_props[:]
    for node in nodes_of(proto):
        del node.metadata_props[:]


def _name_ports(proto: onnx.ModelProto, names: Sequence[str]) -> None:
    """Name the inputs as they are in the model, and the outputs by their numbers."""
    inputs = required_inputs(proto)
    if len(names) != len(inputs):
        names = [value.name for value in inputs]
    changes = [
        [
            Change(name=name, elem_type=value.type.tensor_type.elem_type)
            for name, value in zip(called, values, strict=True)
        ]
        for called, values in (
            (names, inputs),
            ([f"output_{i}" for i in range(len(proto.graph.output))], proto.graph.output),
        )
    ]
    rewire(proto, *changes)
