"""Compiles an ONNX model to a context binary for one chip's HTP, or to a DLC."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.onnx.model_files import unpack_archive
from qai_hub.local.engine.onnx.prepare import CONTEXT_OP
from qai_hub.local.engine.protocol import Soc
from qai_hub.local.engine.qnn.diagnose import check_qnn_works, explain_failure
from qai_hub.local.engine.qnn.placement import NodeNames
from qai_hub.local.engine.qnn.provenance import GraphPart
from qai_hub.local.engine.qnn.provider import (
    DISABLE_CPU_FALLBACK,
    PROVIDER,
    RECORD_ASSIGNMENT,
    QnnSession,
    context_settings,
    htp_options,
    ir_options,
)
from qai_hub.local.engine.qnn.support import (
    Support,
    describe_problems,
    find_accepted_floats,
    find_floats_only,
    uses_floats,
)
from qai_hub.local.engine.quantize.qdq import is_quantized
from qai_hub.local.engine.steps import Step, begin_step

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CompiledContext:
    """A compiled model.

    Attributes:
        wrapper: The .onnx file that wraps its context binary, in the same folder.
        binary: The context binary.
        parts: The parts that it consists of.
    """

    wrapper: Path
    binary: Path
    parts: tuple[GraphPart, ...]

    @property
    def cpu_nodes(self) -> list[tuple[str, str]]:
        """Names and operators of the nodes that the HTP does not run."""
        return [node for part in self.parts if not part.internal_name for node in part.nodes]


def check_float_support(source: Path, soc: Soc) -> None:
    """Check that a chip supports the floats that a model uses; the simulation does so for any chip.

    Args:
        source: The .onnx file.
        soc: The chip.

    Raises:
        JobFailure: The model needs floating point, which the chip does not support.
    """
    model = onnx.load(source, load_external_data=False)
    if soc.fp16 or not uses_floats(model):
        return
    options = htp_options(soc)
    if is_quantized(model):
        failure = find_accepted_floats(source, options)
        if failure is not None:
            raise failure
        return
    # The advice to quantize would lead nowhere if what it leaves in floats were refused again.
    remaining = tuple(find_floats_only(source, options))
    failure = describe_problems(Support(None, remaining))
    if failure is not None:
        raise failure
    reason = (
        f"The HTP of {soc.name} supports integers only, and the model uses floats: quantize "
        "it with a quantize job, then compile the result."
    )
    raise JobFailure(FailureType.UNSUPPORTED, reason)


def compile_context(
    source: Path,
    folder: Path,
    options: Mapping[str, str],
    *,
    allow_cpu: bool = False,
    explain: bool = True,
) -> CompiledContext:
    """Compile a model with fixed shapes.

    Args:
        source: The .onnx file.
        folder: Folder for the context binary, which is created.
        options: Options of the provider, such as the chip.
        allow_cpu: Whether the CPU may run nodes that the HTP cannot.
        explain: Whether to find the operators that make a compilation fail, which takes time.

    Returns:
        The compiled model.

    Raises:
        JobFailure: The model cannot be compiled.
    """
    folder.mkdir()
    wrapper = folder / "model.onnx"
    begin_step(Step.COMPILING)
    settings = context_settings(wrapper, allow_cpu=allow_cpu) | {RECORD_ASSIGNMENT: "1"}
    try:
        session = QnnSession(source, options, settings=settings)
    except JobFailure as failure:
        if not explain:
            raise
        raise explain_failure(failure, source, options, allow_cpu=allow_cpu) from failure
    binaries = list(folder.glob("*.bin"))
    if len(binaries) != 1:
        check_qnn_works(options, folder)
        reason = (
            "The HTP supports no operator of this model: compile it with --target_runtime onnx."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason)
    return CompiledContext(wrapper, binaries[0], tuple(_build_parts(session, source, wrapper)))


def get_graph_names(wrapper: Path) -> list[str]:
    """Return the names, within its context binary, of the graphs that a wrapper refers to."""
    nodes = onnx.load(wrapper, load_external_data=False).graph.node
    return [
        attribute.s.decode()
        for node in nodes
        if node.op_type == CONTEXT_OP
        for attribute in node.attribute
        if attribute.name == "partition_name"
    ]


def _build_parts(session: QnnSession, source: Path, wrapper: Path) -> list[GraphPart]:
    """Return the parts of a compiled model, those of the HTP in the order of its graphs.

    Nodes have the names of the source model. Those that ONNX Runtime inserts for the CPU are named
    after the node whose result they change.
    """
    graphs = iter(get_graph_names(wrapper))
    names = NodeNames(onnx.load(source, load_external_data=False))
    compiled = {node.name: node for node in onnx.load(wrapper, load_external_data=False).graph.node}
    parts = []
    for provider, nodes in session.get_assignment():
        named = []
        for name, op in nodes:
            own = names.find(name)
            if own is None and name in compiled:
                node = compiled[name]
                own = names.find_producer([*node.output, *node.input])
            named.append((own or name, op))
        parts.append(GraphPart(next(graphs) if provider == PROVIDER else "", tuple(named)))
    return parts


def unpack_source(source: Path | None, folder: Path) -> Path:
    """Unpack the model that a DLC was made from, as ONNX Runtime cannot read DLCs.

    Args:
        source: The zip file that the hub stores with the DLC; None if there is none.
        folder: Folder for the model, which is created.

    Returns:
        The .onnx file.

    Raises:
        JobFailure: There is no zip file.
    """
    if source is None:
        reason = "The source model of the DLC is no longer on this hub: compile it again."
        raise JobFailure(FailureType.UNSUPPORTED, reason)
    unpack_archive(source, folder)
    return folder / "model.onnx" / "model.onnx"


def convert_to_dlc(source: Path, folder: Path) -> Path:
    """Convert a model with fixed shapes to a DLC.

    Args:
        source: The .onnx file.
        folder: Folder for the DLC, which is created.

    Returns:
        The .dlc file. Its graph is named after the file, without the suffix.

    Raises:
        JobFailure: QNN does not support one of the model's operators.
    """
    folder.mkdir()
    begin_step(Step.CONVERTING)
    QnnSession(source, ir_options(folder), settings=DISABLE_CPU_FALLBACK)
    written = list(folder.glob("*.dlc"))
    if len(written) != 1:
        reason = f"QNN split the model into {len(written)} graphs, but a DLC contains one."
        raise JobFailure(FailureType.UNSUPPORTED, reason)
    return written[0]
