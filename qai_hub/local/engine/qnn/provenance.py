"""The metadata of target models for QNN, as the service words them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.protocol import (
    Soc,
    TensorSpec,
    shortened,
)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a graph that runs in one place.

    Attributes:
        internal: Its name within the binary; empty for a part that the CPU runs.
        nodes: The names and operators of its nodes.
    """

    internal: str
    nodes: tuple[tuple[str, str], ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {"internal": self.internal, "nodes": [list(node) for node in self.nodes]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_json` returned."""
        return cls(value["internal"], tuple((name, op) for name, op in value["nodes"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A graph within a QNN binary.

    Attributes:
        name: What its user calls it.
        inputs: Its inputs, in order.
        outputs: Its outputs, in order.
        parts: What the compiler made of it; a graph that the HTP runs as a whole is one part.
    """

    name: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    parts: tuple[Part, ...]

    @property
    def internal(self) -> str:
        """What it is called within the binary; of several parts, the first one there."""
        return next(part.internal for part in self.parts if part.internal)

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "name": self.name,
            "inputs": [spec.to_json() for spec in self.inputs],
            "outputs": [spec.to_json() for spec in self.outputs],
            "parts": [part.to_json() for part in self.parts],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_json` returned."""
        return cls(
            name=value["name"],
            inputs=tuple(map(TensorSpec.from_json, value["inputs"])),
            outputs=tuple(map(TensorSpec.from_json, value["outputs"])),
            parts=tuple(map(Part.from_json, value["parts"])),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """How a QNN binary was made.

    Attributes:
        runtime: What it was made for, such as "qnn_context_binary".
        soc: The chip that it runs on.
        sdk: Version of the QNN SDK that made it.
        graphs: Its graphs.
        linked: Whether it joins the graphs of several models.
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
        """Read what `to_json` returned."""
        soc, graphs = Soc.from_json(value["soc"]), tuple(map(Graph.from_json, value["graphs"]))
        return cls(**{**value, "soc": soc, "graphs": graphs})

    def check_runs_on(self, soc: Soc) -> None:
        """Check that a device's chip runs the binary.

        The simulation would run it for any chip: a device does not.

        Args:
            soc: The device's chip.

        Raises:
            JobFailure: It is another chip.
        """
        if (self.soc.soc_model, self.soc.hexagon) != (soc.soc_model, soc.hexagon):
            reason = (
                f"The model was compiled for {_named(self.soc)}, and the device has {_named(soc)}: "
                "compile it for this device."
            )
            raise JobFailure(FailureType.INVALID_ARGUMENT, reason)

    def graph(self, wanted: Sequence[str] = ()) -> Graph:
        """Return the graph that a job is for.

        Args:
            wanted: The names that its options give; none for the only one.

        Raises:
            JobFailure: There is no such graph, or it is not said which of several.
        """
        known = ", ".join(shortened(graph.name) for graph in self.graphs)
        if len(wanted) > 1 or (not wanted and len(self.graphs) > 1):
            reason = (
                f"The model has the graphs {known}: name one of them by "
                "--qnn_options context_enable_graphs=NAME."
            )
            raise JobFailure(FailureType.INVALID_ARGUMENT, reason)
        if not wanted:
            return self.graphs[0]
        for graph in self.graphs:
            if wanted[0] in (graph.name, graph.internal):
                return graph
        reason = f"The model has no graph {shortened(wanted[0])}. It has {known}."
        raise JobFailure(FailureType.INVALID_ARGUMENT, reason)


def required(provenance: Mapping[str, Any] | None, what: str) -> Provenance:
    """Return how a binary was made.

    Args:
        provenance: Its JSON; None for a binary from elsewhere.
        what: What it is, for people.

    Raises:
        JobFailure: Nothing is known of it.
    """
    if provenance is None:
        reason = (
            f"This hub did not make this {what}: for which chip it is, and whether it is whole, "
            "cannot be told. Compile or link it here, and use the target model of that job, or "
            "its file as downloaded."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason)
    return Provenance.from_json(provenance)


def _named(soc: Soc) -> str:
    return f"{soc.name} (SoC model {soc.soc_model}, Hexagon v{soc.hexagon})"


_HTP = "HTP"


def metadata_of(provenance: Provenance, optimization: int | None = None) -> dict[str, str]:
    """Return what the metadata of a target model say.

    Args:
        provenance: How it was made.
        optimization: How long the compiler was to look for a faster graph; None if not told.

    Returns:
        Texts by the names of the contract's `ModelMetadataKey`, without their common beginning.
    """
    found = {
        "QNN_SDK_VERSION": provenance.sdk,
        "QAIRT_SDK_VERSION": provenance.sdk,
        "QNN_MODEL_GRAPH_NAMES": ",".join(graph.name for graph in provenance.graphs),
    }
    if provenance.runtime == "qnn_dlc":
        return found
    found |= {
        "QNN_CONTEXT_BIN_HEXAGON_VERSION": str(provenance.soc.hexagon),
        "QNN_CONTEXT_BIN_SOC_MODEL": str(provenance.soc.soc_model),
        "QNN_CONTEXT_BIN_BACKEND": _HTP,
    }
    if optimization is not None:
        found["QNN_CONTEXT_BIN_OPTIMIZATION_LEVEL"] = str(optimization)
    return found
