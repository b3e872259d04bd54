"""The protocols common to all ways to run a model: two runtimes on the CPU, and a simulator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

from qai_hub.local.engine.onnx.session import Tensor
from qai_hub.local.engine.onnx.signature import Port
from qai_hub.local.engine.protocol import notice


class Runner(Protocol):
    """A loaded model."""

    @property
    def output_names(self) -> Sequence[str]:
        """Names of the outputs, in the model's order."""

    def run(self, inputs: Mapping[str, Tensor], what: str) -> list[Tensor]:
        """Run one inference.

        Args:
            inputs: A tensor for each input.
            what: How messages refer to these inputs.

        Returns:
            The outputs, in the model's order.

        Raises:
            JobFailure: The model does not run on these inputs.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """How the time of an inference is distributed.

    Attributes:
        layers: The JSON of `LayerDetail` messages.
        segments: The JSON of `SegmentDetail` messages.
        notices: Notices for the job's user about them.
        trace: Timed events in Chrome's trace format; None if the runtime records none.
    """

    layers: list[dict[str, Any]]
    segments: list[dict[str, Any]]
    notices: list[dict[str, str]] = field(default_factory=list)
    trace: Path | None = None

    @classmethod
    def without_layers(cls, why: ValueError, *segments: dict[str, Any]) -> Self:
        """Return a breakdown with a notice instead of layers, as their trace cannot be read.

        Args:
            why: The error of the trace.
            *segments: The segments, which are known nevertheless.
        """
        message = f"The profile has no layers, since their trace cannot be read: {why}."
        notices = [notice("WARNING", "MODEL", message)]
        return cls(layers=[], segments=list(segments), notices=notices)


class RunnableModel(Protocol):
    """A model file with the runtime that can load it here, repeatedly."""

    @property
    def inputs(self) -> Sequence[Port]:
        """The inputs of the model."""

    @property
    def default_iterations(self) -> int:
        """Number of inferences to time by default."""

    @property
    def compute_units(self) -> Sequence[str]:
        """The compute units that it runs on, as in `--compute_unit`."""

    @property
    def notices(self) -> Sequence[dict[str, str]]:
        """Notices for the user that apply to every run."""

    @property
    def measured_on(self) -> str:
        """Sentence that describes what its profiles are measured on."""

    @property
    def tools(self) -> list[dict[str, str]]:
        """The tools that run it, as the JSON of `ToolVersion` messages."""

    @property
    def conditions(self) -> Mapping[str, str]:
        """Conditions of its profiles, in addition to those of all profiles on this machine."""

    def load(self) -> Runner:
        """Load the model.

        Raises:
            JobFailure: The runtime cannot load the model.
        """

    def break_down(
        self, inputs: Mapping[str, Tensor], what: str, execution_time: int, work: Path
    ) -> Breakdown:
        """Return how the time of an inference is distributed, running further inferences if needed.

        Args:
            inputs: A tensor for each input.
            what: How messages refer to these inputs.
            execution_time: Measured time of an inference, in microseconds.
            work: Folder for recorded files.

        Raises:
            JobFailure: The model does not run on these inputs.
        """
