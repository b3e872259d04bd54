"""What all ways to run a model here have in common: two runtimes on the CPU, and a simulator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

from qai_hub.local.engine.onnx.session import Tensor
from qai_hub.local.engine.onnx.signature import Port
from qai_hub.local.engine.protocol import notice


class Runner(Protocol):
    """A model that is loaded."""

    @property
    def output_names(self) -> Sequence[str]:
        """Names of the outputs, in the model's order."""

    def run(self, inputs: Mapping[str, Tensor], what: str) -> list[Tensor]:
        """Run one inference.

        Args:
            inputs: A tensor for each input.
            what: What these inputs are, for people.

        Returns:
            The outputs, in the model's order.

        Raises:
            JobFailure: The model does not run on them.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """Where the time of an inference goes.

    Attributes:
        layers: The JSON of `LayerDetail` messages.
        segments: The JSON of `SegmentDetail` messages.
        notices: What the job's user should know of them.
        trace: Events over time, in Chrome's trace format; None where the runtime records none.
    """

    layers: list[dict[str, Any]]
    segments: list[dict[str, Any]]
    notices: list[dict[str, str]] = field(default_factory=list)
    trace: Path | None = None

    @classmethod
    def without_layers(cls, why: ValueError, *segments: dict[str, Any]) -> Self:
        """Tell that the layers are not known, since their trace cannot be read.

        Args:
            why: What is wrong with it.
            *segments: What is known nevertheless.
        """
        message = f"The profile has no layers, since their trace cannot be read: {why}."
        notices = [notice("WARNING", "MODEL", message)]
        return cls(layers=[], segments=list(segments), notices=notices)


class RunnableModel(Protocol):
    """A model file, and the runtime that can load it here, again and again."""

    @property
    def inputs(self) -> Sequence[Port]:
        """What it takes."""

    @property
    def default_iterations(self) -> int:
        """How many inferences are timed unless its user says so."""

    @property
    def compute_units(self) -> Sequence[str]:
        """Where it runs, as `--compute_unit` spells it."""

    @property
    def notices(self) -> Sequence[dict[str, str]]:
        """What its user is to know of every run."""

    @property
    def measured_on(self) -> str:
        """Sentence that tells on what its profiles are measured."""

    @property
    def tools(self) -> list[dict[str, str]]:
        """What it is run with, as the JSON of `ToolVersion` messages."""

    @property
    def conditions(self) -> Mapping[str, str]:
        """How its profiles are measured, beside what holds for all on this machine."""

    def load(self) -> Runner:
        """Load it.

        Raises:
            JobFailure: The runtime cannot load it.
        """

    def break_down(
        self, inputs: Mapping[str, Tensor], what: str, execution_time: int, work: Path
    ) -> Breakdown:
        """Tell where the time of an inference goes, from further inferences if need be.

        Args:
            inputs: A tensor for each input.
            what: What these inputs are, for people.
            execution_time: Time of an inference as measured, in microseconds.
            work: Folder for what is recorded.

        Raises:
            JobFailure: The model does not run on them.
        """
