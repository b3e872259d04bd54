"""The provenance of QNN binaries, and their metadata in the service's form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.onnx.integer_ports import PortEncoding
from qai_hub.local.engine.protocol import (
    Soc,
    TensorSpec,
    quote_name,
)
from qai_hub.local.engines.qairt import parse_version
from qai_hub.option_string import QAIRT_VERSION


@dataclass(frozen=True, slots=True)
class GraphPart:
    """A part of a graph that runs on one compute unit.

    Attributes:
        internal_name: Its name within the binary; empty for a part that the CPU runs.
        nodes: The names and operators of its nodes.
    """

    internal_name: str
    nodes: tuple[tuple[str, str], ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {"internal": self.internal_name, "nodes": [list(node) for node in self.nodes]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Create it from what `to_json` returned."""
        return cls(value["internal"], tuple((name, op) for name, op in value["nodes"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A graph within a QNN binary.

    Attributes:
        name: Its name for users.
        inputs: Its inputs, in order.
        outputs: Its outputs, in order.
        parts: The parts that the compiler divided it into; a graph that the HTP runs as a whole is
            one part.
        encodings: How the integers of quantized inputs and outputs represent numbers, by name.
    """

    name: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    parts: tuple[GraphPart, ...]
    encodings: Mapping[str, PortEncoding] = field(default_factory=dict)

    @property
    def internal_name(self) -> str:
        """Its name within the binary; with several parts, that of the first one on the HTP."""
        return next(part.internal_name for part in self.parts if part.internal_name)

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "name": self.name,
            "inputs": [spec.to_json() for spec in self.inputs],
            "outputs": [spec.to_json() for spec in self.outputs],
            "parts": [part.to_json() for part in self.parts],
            "encodings": {name: each.to_json() for name, each in self.encodings.items()},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Create it from what `to_json` returned."""
        return cls(
            name=value["name"],
            inputs=tuple(map(TensorSpec.from_json, value["inputs"])),
            outputs=tuple(map(TensorSpec.from_json, value["outputs"])),
            parts=tuple(map(GraphPart.from_json, value["parts"])),
            # Earlier releases made integers of no inputs and outputs.
            encodings={
                name: PortEncoding.from_json(each)
                for name, each in value.get("encodings", {}).items()
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """How a QNN binary was made.

    Attributes:
        runtime: Its target runtime, such as "qnn_context_binary".
        soc: The chip that it runs on.
        sdk: Version of the QAIRT that made it.
        graphs: Its graphs.
        linked: Whether it links the graphs of several models.
    """

    runtime: str
    soc: Soc
    sdk: str
    graphs: tuple[Graph, ...]
    linked: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "runtime": self.runtime,
            "soc": self.soc.to_json(),
            "sdk": self.sdk,
            "graphs": [graph.to_json() for graph in self.graphs],
            "linked": self.linked,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Create it from what `to_json` returned."""
        soc, graphs = Soc.from_json(value["soc"]), tuple(map(Graph.from_json, value["graphs"]))
        return cls(**{**value, "soc": soc, "graphs": graphs})

    def check_runs_on(self, soc: Soc) -> None:
        """Check that a device's chip runs the binary.

        The simulation would run it for any chip, but a device does not.

        Args:
            soc: The device's chip.

        Raises:
            JobFailure: It is for another chip.
        """
        if (self.soc.soc_model, self.soc.hexagon) != (soc.soc_model, soc.hexagon):
            reason = (
                f"The model was compiled for {_format_soc(self.soc)}, but the device has "
                f"{_format_soc(soc)}: compile it for this device."
            )
            raise JobFailure(FailureType.INVALID_ARGUMENT, reason)

    def check_read_by(self, sdk: str) -> None:
        """Check that a version of QAIRT can read the binary: it reads those of older ones, too.

        Args:
            sdk: The version.

        Raises:
            JobFailure: The binary is of a newer version.
        """
        if parse_version(self.sdk).numbers > parse_version(sdk).numbers:
            reason = (
                f"The model was made with QAIRT {self.sdk}, and QAIRT {sdk} cannot read it: run "
                f"this job with {self.sdk} or later, or compile the model with {QAIRT_VERSION} "
                f"{sdk}."
            )
            raise JobFailure(FailureType.INVALID_ARGUMENT, reason)

    def select_graph(self, names: Sequence[str] = ()) -> Graph:
        """Return the graph that a job is for.

        Args:
            names: The names of graphs in the job's options; empty for the only graph.

        Raises:
            JobFailure: There is no such graph, or several graphs and no name.
        """
        known = ", ".join(quote_name(graph.name) for graph in self.graphs)
        if len(names) > 1 or (not names and len(self.graphs) > 1):
            reason = (
                f"The model has the graphs {known}: select one of them by "
                "--qnn_options context_enable_graphs=NAME."
            )
            raise JobFailure(FailureType.INVALID_ARGUMENT, reason)
        if not names:
            return self.graphs[0]
        for graph in self.graphs:
            if names[0] in (graph.name, graph.internal_name):
                return graph
        reason = f"The model has no graph {quote_name(names[0])}. It has {known}."
        raise JobFailure(FailureType.INVALID_ARGUMENT, reason)


def require_provenance(provenance: Mapping[str, Any] | None, description: str) -> Provenance:
    """Return the provenance of a binary.

    Args:
        provenance: Its JSON; None for a binary from elsewhere.
        description: How messages refer to it.

    Raises:
        JobFailure: Its provenance is not known.
    """
    if provenance is None:
        reason = (
            f"This hub did not make this {description}, so neither its chip nor its integrity is "
            "known. Compile or link it here, and use the target model of that job, or its file "
            "as downloaded."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason)
    return Provenance.from_json(provenance)


def _format_soc(soc: Soc) -> str:
    return f"{soc.name} (SoC model {soc.soc_model}, Hexagon v{soc.hexagon})"


_HTP = "HTP"


def build_metadata(provenance: Provenance, optimization: int | None = None) -> dict[str, str]:
    """Return the metadata of a target model.

    Args:
        provenance: How it was made.
        optimization: The compiler's optimization level; None if not specified.

    Returns:
        Texts by the names of the contract's `ModelMetadataKey`, without their common prefix.
    """
    metadata = {
        "QNN_SDK_VERSION": provenance.sdk,
        "QAIRT_SDK_VERSION": provenance.sdk,
        "QNN_MODEL_GRAPH_NAMES": ",".join(graph.name for graph in provenance.graphs),
    }
    if provenance.runtime == "qnn_dlc":
        return metadata
    metadata |= {
        "QNN_CONTEXT_BIN_HEXAGON_VERSION": str(provenance.soc.hexagon),
        "QNN_CONTEXT_BIN_SOC_MODEL": str(provenance.soc.soc_model),
        "QNN_CONTEXT_BIN_BACKEND": _HTP,
    }
    if optimization is not None:
        metadata["QNN_CONTEXT_BIN_OPTIMIZATION_LEVEL"] = str(optimization)
    return metadata
