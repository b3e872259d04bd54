"""Compiles an ONNX model into a context for one chip's HTP."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx

from qai_hub.local.execution.failures import FailureType, JobFailure
from qai_hub.local.execution.preparation import CONTEXT
from qai_hub.local.execution.qnn.probe import check_works
from qai_hub.local.execution.qnn.provenance import Part
from qai_hub.local.execution.qnn.provider import ASSIGNED, PROVIDER, QNN_ALONE, QnnSession
from qai_hub.local.execution.qnn.unsupported import explained
from qai_hub.local.execution.quantizable import is_quantized
from qai_hub.local.execution.soc import Soc

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Context:
    """A compiled model.

    Attributes:
        wrapper: The .onnx file that stands for it, beside its context binary.
        binary: The context binary.
        parts: What it consists of.
    """

    wrapper: Path
    binary: Path
    parts: tuple[Part, ...]

    @property
    def left_to_cpu(self) -> list[tuple[str, str]]:
        """The names and operators of the nodes that the HTP does not run."""
        return [node for part in self.parts if not part.internal for node in part.nodes]


def check_floats(source: Path, soc: Soc) -> None:
    """Check that a chip computes with what a model computes with: the simulation would anyhow.

    Args:
        source: The .onnx file.
        soc: The chip.

    Raises:
        JobFailure: The model needs floats, which the chip does not have.
    """
    if not soc.fp16 and not is_quantized(onnx.load(source, load_external_data=False)):
        reason = (
            f"The HTP of {soc.name} computes with integers only, and the model with floats: "
            "quantize it with a quantize job, then compile its target model."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason)


def context_settings(wrapper: Path, *, mixed: bool = False) -> dict[str, str]:
    """Return the settings of a session that compiles a context.

    Args:
        wrapper: The .onnx file to write, beside its context binary.
        mixed: Whether the CPU may run what the HTP cannot.
    """
    settings = {
        "ep.context_enable": "1",
        "ep.context_embed_mode": "0",
        "ep.context_file_path": str(wrapper),
    }
    return settings if mixed else settings | QNN_ALONE


def make_context(
    source: Path, folder: Path, options: Mapping[str, str], *, mixed: bool = False
) -> Context:
    """Compile a model whose shapes are all fixed.

    Args:
        source: The .onnx file.
        folder: Folder that takes the context; it is made.
        options: Options of the provider: for which chip, and how.
        mixed: Whether the CPU may run what the HTP cannot.

    Returns:
        The context.

    Raises:
        JobFailure: The model cannot be compiled.
    """
    folder.mkdir()
    wrapper = folder / "model.onnx"
    settings = context_settings(wrapper, mixed=mixed) | {ASSIGNED: "1"}
    try:
        session = QnnSession(source, options, settings=settings)
    except JobFailure as failure:
        raise explained(failure, source, options) from failure
    binaries = list(folder.glob("*.bin"))
    if len(binaries) != 1:
        check_works(options, folder)
        reason = "The HTP runs no operator of this model: compile it with --target_runtime onnx."
        raise JobFailure(FailureType.UNSUPPORTED, reason)
    return Context(wrapper, binaries[0], tuple(_parts(session, wrapper)))


def graph_names(wrapper: Path) -> list[str]:
    """Return the names, within its context binary, of the graphs that a wrapper refers to."""
    nodes = onnx.load(wrapper, load_external_data=False).graph.node
    return [
        attribute.s.decode()
        for node in nodes
        if node.op_type == CONTEXT
        for attribute in node.attribute
        if attribute.name == "partition_name"
    ]


def _parts(session: QnnSession, wrapper: Path) -> list[Part]:
    """Return the parts of a compiled model, the HTP's in the order of its graphs."""
    graphs = iter(graph_names(wrapper))
    return [
        Part(next(graphs) if provider == PROVIDER else "", tuple(nodes))
        for provider, nodes in session.assignment()
    ]
