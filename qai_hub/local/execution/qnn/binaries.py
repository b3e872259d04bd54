"""Opens one graph of a context binary that this hub made."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qai_hub.local.execution.archive import unpack
from qai_hub.local.execution.failures import FailureType, JobFailure
from qai_hub.local.execution.messages import InputModel, notice, shortened
from qai_hub.local.execution.qnn.provenance import Graph, Provenance, required
from qai_hub.local.execution.qnn.provider import check_soc
from qai_hub.local.execution.qnn.wrapping import wrap
from qai_hub.local.execution.soc import Soc


@dataclass(frozen=True, slots=True)
class OpenedGraph:
    """A graph of a context binary, with an ONNX model around it.

    Attributes:
        wrapper: The .onnx file.
        binary: The context binary beside it.
        graph: The graph.
        soc: The chip that it is for.
        sdk: Version of the QNN SDK that made it.
        notices: What its user is to know.
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
        graphs: The names of graphs that the job's options give.
        folder: Folder that takes the files; it is made.

    Returns:
        The graph that the job is for.

    Raises:
        JobFailure: The binary is not one of this hub, or not for that chip, or has no such graph.
    """
    chip, made = check_soc(soc, "a context binary"), required(model.provenance, "context binary")
    made.check_runs_on(chip)
    graph = made.graph(graphs)
    notices = []
    if made.linked:
        binary = _alone(made, graph, model.source, folder)
        message = (
            "This hub's QNN cannot load linked context binaries: in place of the graph "
            f"{shortened(graph.name)} it takes one of its own, compiled from the same model."
        )
        notices.append(notice("WARNING", "MODEL", message))
    else:
        folder.mkdir()
        binary = folder / "context.bin"
        # Not a hard link: what the worker may write to must be no file of the hub.
        binary.symlink_to(model.path)
    wrapper = folder / "model.onnx"
    wrap(binary, graph, wrapper)
    return OpenedGraph(wrapper, binary, graph, chip, made.sdk, notices)


def _alone(made: Provenance, graph: Graph, source: Path | None, folder: Path) -> Path:
    """Return the context binary of one graph of a linked one."""
    if source is None:
        reason = "The files that the context binary was linked from are gone: link it again."
        raise JobFailure(FailureType.UNSUPPORTED, reason)
    unpack(source, folder)
    return folder / f"{made.graphs.index(graph)}.bin"
