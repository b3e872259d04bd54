"""Runs ONNX models by ONNX Runtime on the host CPU."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from qai_hub.local.execution.host import tool_versions
from qai_hub.local.execution.layers import SEGMENT, layer_details
from qai_hub.local.execution.model_files import ModelFile
from qai_hub.local.execution.option_table import DEFAULT_ITERATIONS
from qai_hub.local.execution.runners import Breakdown
from qai_hub.local.execution.sessions import PROVIDER, Session, Tensor
from qai_hub.local.execution.signature import Port, inputs_of, outputs_of
from qai_hub.local.execution.timing import timed

_TRACED_RUNS = 5
_TRACED_SECONDS = 10.0


class OnnxModel:
    """A `RunnableModel` for ONNX Runtime on the host CPU.

    Args:
        path: The .onnx file.
        inputs: What the model takes.
    """

    default_iterations = DEFAULT_ITERATIONS
    compute_units: Sequence[str] = ("cpu",)
    notices: Sequence[dict[str, str]] = ()
    measured_on = "Measured on the CPU of this hub's host, not on a device."
    conditions: Mapping[str, str] = {
        "execution provider": PROVIDER,
        "times of layers": "from further inferences, which tracing slows down",
    }

    def __init__(self, path: Path, inputs: list[Port]) -> None:
        self._path = path
        self.inputs = inputs

    @classmethod
    def of(cls, model: ModelFile) -> Self:
        """Keep nothing of a model in memory but its inputs.

        Args:
            model: The model.

        Raises:
            JobFailure: Its inputs or outputs have no names here.
        """
        outputs_of(model.proto)
        return cls(model.path, inputs_of(model.proto))

    @property
    def tools(self) -> list[dict[str, str]]:
        """What it is run with."""
        return tool_versions()

    def load(self) -> Session:
        """Load it."""
        return Session(self._path)

    def break_down(
        self, inputs: Mapping[str, Tensor], what: str, execution_time: int, work: Path
    ) -> Breakdown:
        """Trace a few inferences: a layer's time is from these, which tracing slows down."""
        trace = record_trace(lambda prefix: Session(self._path, trace=prefix), inputs, what, work)
        segment = {
            "id": SEGMENT,
            "compute_unit": "COMPUTE_UNIT_CPU",
            "delegate_name": PROVIDER,
            "delegate_extra_info": "",
            "execution_time": execution_time,
        }
        try:
            layers = layer_details(trace)
        except ValueError as error:
            return Breakdown.without_layers(error, segment)
        return Breakdown(layers=layers, segments=[segment], trace=trace)


def record_trace(
    load: Callable[[Path], Session], inputs: Mapping[str, Tensor], what: str, work: Path
) -> Path:
    """Let ONNX Runtime record the times of a few inferences, the first of which warms up.

    Args:
        load: Loads the model, to be traced to a file with this prefix.
        inputs: A tensor for each input.
        what: What these inputs are, for people.
        work: Folder for the file.

    Returns:
        The file, in Chrome's trace format.

    Raises:
        JobFailure: The model does not run on them.
    """
    session = load(work / "trace")
    session.run(inputs, what)
    timed(lambda: session.run(inputs, what), _TRACED_RUNS, _TRACED_SECONDS)
    return session.end_trace()
