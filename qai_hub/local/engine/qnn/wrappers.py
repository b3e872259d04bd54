"""ONNX models that wrap context binaries: ONNX Runtime runs a context binary as such a model."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import helper

from qai_hub.local.disk import file_digest
from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.onnx.model_files import unpack_archive
from qai_hub.local.engine.onnx.prepare import CONTEXT_OP, iter_nodes
from qai_hub.local.engine.onnx.signature import DTYPES
from qai_hub.local.engine.protocol import (
    InputModel,
    Soc,
    TensorSpec,
    build_notice,
    quote_name,
)
from qai_hub.local.engine.qnn.provenance import Graph, Provenance, require_provenance
from qai_hub.local.engine.qnn.provider import PROVIDER, check_soc, sdk_version

_ELEM_TYPES = {dtype: elem_type for elem_type, dtype in DTYPES.items()}
_BINARY_ATTRIBUTE = "ep_cache_context"
_DOMAIN = "com.microsoft"
_OPSET = 17
_IR_VERSION = 9
_PROVENANCE_KEY = "qai_hub.provenance"
_DIGEST_KEY = "qai_hub.context_sha256"
# Of the compiler's wrapper of a graph that has ports outside of its context binary.
WRAPPER_SUFFIX = ".onnx"


def write_wrapper(binary: Path, graph: Graph, target: Path) -> None:
    """Write an ONNX model that wraps one graph of a context binary.

    Args:
        binary: The context binary, in the same folder as the model.
        graph: The graph, which the HTP runs as a whole.
        target: File to write.
    """
    node = helper.make_node(
        CONTEXT_OP,
        [spec.name for spec in graph.inputs],
        [spec.name for spec in graph.outputs],
        name=graph.internal_name,
        domain=_DOMAIN,
        main_context=1,
        embed_mode=0,
        **{_BINARY_ATTRIBUTE: binary.name},
        source=PROVIDER,
        partition_name=graph.internal_name,
    )
    model = helper.make_model(
        helper.make_graph(
            [node], graph.name, _make_value_infos(graph.inputs), _make_value_infos(graph.outputs)
        ),
        opset_imports=[helper.make_opsetid("", _OPSET), helper.make_opsetid(_DOMAIN, 1)],
        ir_version=_IR_VERSION,
    )
    target.write_bytes(model.SerializeToString())


@dataclass(frozen=True, slots=True)
class OutsidePorts:
    """The inputs and outputs of a model that its context binary does not have.

    The compiler leaves out outputs that depend on no input, inputs that affect no output, and
    tensors that are an input and an output at once.

    Attributes:
        inputs: Names of the inputs.
        outputs: Names of the outputs.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.inputs or self.outputs)


def find_outside_ports(wrapper: Path, graph: Graph) -> OutsidePorts:
    """Return the inputs and outputs that a compiled graph, which is one part, does not have.

    Args:
        wrapper: The .onnx file that the compiler wrote.
        graph: The graph.
    """
    graph_nodes = onnx.load(wrapper, load_external_data=False).graph.node
    nodes = [node for node in graph_nodes if node.op_type == CONTEXT_OP]
    taken = {name for node in nodes for name in node.input}
    made = {name for node in nodes for name in node.output}
    return OutsidePorts(
        tuple(spec.name for spec in graph.inputs if spec.name not in taken),
        tuple(spec.name for spec in graph.outputs if spec.name not in made),
    )


def adopt_wrapper(source: Path, binary: Path, target: Path) -> None:
    """Write a compiler's wrapper for a context binary that has another name now.

    Args:
        source: The .onnx file that the compiler wrote.
        binary: The context binary, in the same folder as the target.
        target: File to write.
    """
    model = onnx.load(source, load_external_data=False)
    _refer_to(model, binary)
    target.write_bytes(model.SerializeToString())


def _refer_to(model: onnx.ModelProto, binary: Path) -> None:
    for node in model.graph.node:
        for attribute in node.attribute:
            if node.op_type == CONTEXT_OP and attribute.name == _BINARY_ATTRIBUTE:
                attribute.s = binary.name.encode()


def label_wrapper(wrapper: Path, binary: Path, provenance: Provenance) -> None:
    """Store in a wrapper the provenance and the digest of its context binary.

    The compiler's own metadata about tools and files are removed.

    Args:
        wrapper: The .onnx file.
        binary: The context binary beside it.
        provenance: How it was made.
    """
    model = onnx.load(wrapper, load_external_data=False)
    used = {node.domain for node in iter_nodes(model)} | {""}
    kept = [opset for opset in model.opset_import if opset.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    _refer_to(model, binary)
    properties = {
        _PROVENANCE_KEY: json.dumps(provenance.to_json()),
        _DIGEST_KEY: file_digest(binary),
    }
    helper.set_model_props(model, properties)
    wrapper.write_bytes(model.SerializeToString())


def wraps_context_binary(model: onnx.ModelProto) -> bool:
    """Return whether a model wraps a context binary."""
    return any(node.op_type == CONTEXT_OP for node in iter_nodes(model))


@dataclass(frozen=True, slots=True)
class WrappedBinary:
    """A context binary found in a wrapper.

    Attributes:
        binary: The context binary.
        provenance: How it was made.
    """

    binary: Path
    provenance: Provenance


def unwrap(model: onnx.ModelProto, path: Path, *, is_unpacked: bool) -> WrappedBinary:
    """Return the context binary that a model wraps.

    Args:
        model: The model.
        path: Its .onnx file.
        is_unpacked: Whether it came in an archive; other files are stored beside those of other
            users.

    Returns:
        The context binary, verified to be the one that the model was labelled with.

    Raises:
        JobFailure: This hub did not make it, or it is incomplete.
    """
    properties = {prop.key: prop.value for prop in model.metadata_props}
    try:
        stored = json.loads(properties[_PROVENANCE_KEY])
        provenance = require_provenance(stored, "model around a context binary")
    except (KeyError, TypeError, ValueError):
        provenance = require_provenance(None, "model around a context binary")
    names = {
        attribute.s.decode("utf-8", "replace")
        for node in iter_nodes(model)
        if node.op_type == CONTEXT_OP
        for attribute in node.attribute
        if attribute.name == _BINARY_ATTRIBUTE
    }
    name = names.pop() if len(names) == 1 else ""
    binary = path.parent / name
    beside = {file.name for file in path.parent.iterdir() if file.is_file()} if is_unpacked else ()
    if name not in beside:
        reason = "The context binary of the model is not beside it: upload the directory with both."
        raise JobFailure(FailureType.MODEL_INVALID, reason)
    if file_digest(binary) != properties.get(_DIGEST_KEY):
        reason = (
            "The context binary beside the model is damaged, or belongs to another model: "
            "compile the model again."
        )
        raise JobFailure(FailureType.MODEL_CORRUPT, reason)
    return WrappedBinary(binary, provenance)


def _make_value_infos(specs: Sequence[TensorSpec]) -> list[onnx.ValueInfoProto]:
    return [
        helper.make_tensor_value_info(spec.name, _ELEM_TYPES[spec.dtype], spec.shape)
        for spec in specs
    ]


@dataclass(frozen=True, slots=True)
class OpenedGraph:
    """A graph of a context binary, in an ONNX model that wraps it.

    Attributes:
        wrapper: The .onnx file.
        binary: The context binary beside it.
        graph: The graph.
        soc: The chip that it is for.
        sdk: Version of the QAIRT that made it.
        notices: Notices for the user.
    """

    wrapper: Path
    binary: Path
    graph: Graph
    soc: Soc
    sdk: str
    notices: list[dict[str, str]]


def open_graph(
    model: InputModel, soc: Soc | None, graphs: Sequence[str], folder: Path
) -> OpenedGraph:
    """Open a graph of a context binary.

    Args:
        model: The context binary.
        soc: The chip of the job's device.
        graphs: The names of graphs in the job's options.
        folder: Folder for the files, which is created.

    Returns:
        The graph that the job is for.

    Raises:
        JobFailure: The binary was not made by this hub, is for another chip, or has no such graph.
    """
    chip, provenance = (
        check_soc(soc, "a context binary"),
        require_provenance(model.provenance, "context binary"),
    )
    provenance.check_runs_on(chip)
    provenance.check_read_by(sdk_version())
    graph = provenance.select_graph(graphs)
    notices = []
    compilers_wrapper = model.source
    if provenance.linked:
        binary = _unpack_graph_binary(provenance, graph, model.source, folder)
        compilers_wrapper = binary.with_suffix(WRAPPER_SUFFIX)
        message = (
            f"This hub's QNN cannot load linked context binaries: the graph "
            f"{quote_name(graph.name)} runs from a separate binary, compiled from the same model."
        )
        notices.append(build_notice("WARNING", "MODEL", message))
    else:
        folder.mkdir()
        binary = folder / "context.bin"
        # Not a hard link, since the worker may write to files in its folder, but not to those of
        # the hub.
        binary.symlink_to(model.path)
    wrapper = folder / "model.onnx"
    if compilers_wrapper is not None and compilers_wrapper.exists():
        adopt_wrapper(compilers_wrapper, binary, wrapper)
    else:
        write_wrapper(binary, graph, wrapper)
    return OpenedGraph(wrapper, binary, graph, chip, provenance.sdk, notices)


def _unpack_graph_binary(
    provenance: Provenance, graph: Graph, source: Path | None, folder: Path
) -> Path:
    """Return the separate context binary of one graph of a linked binary."""
    if source is None:
        reason = (
            "The files that the context binary was linked from are no longer on this hub: link "
            "it again."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason)
    unpack_archive(source, folder)
    return folder / f"{provenance.graphs.index(graph)}.bin"
