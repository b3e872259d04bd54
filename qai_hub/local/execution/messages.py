"""What the hub and the worker tell each other: JSON files in the attempt's folder."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from qai_hub.local.execution.failures import FailureType, JobFailure

REQUEST_FILE = "request.json"
REPORT_FILE = "result.json"
WORK_FOLDER = "work"

# The worker's exit statuses for what may keep it from writing a report at all.
EXIT_STATUSES = {FailureType.OUT_OF_MEMORY: 71, FailureType.OUT_OF_DISK: 72}

RequestKind = Literal["compile", "quantize", "run"]
Severity = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
Context = Literal["DEVICE", "MODEL", "USER"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorSpec:
    """An input or output with its name, shape and element type ("float32", "int64", ...)."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {"name": self.name, "shape": list(self.shape), "dtype": self.dtype}

    def __str__(self) -> str:
        return f"{shortened(self.name)}: {self.dtype}[{', '.join(map(str, self.shape))}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRequest:
    """One attempt to carry out a job.

    Attributes:
        kind: "compile" makes a target model, "quantize" a quantized one, "run" runs one.
        model: File of the input model, named by the hub.
        model_type: Format of the input model, such as "MODEL_TYPE_ONNX".
        options: The job's options, as on a command line.
        input_specs: Compile: the inputs that the target model is to have, in any order; empty to
            take them from the model.
        dataset: Run: HDF5 file of the inputs; None for random inputs from a fixed seed. Quantize:
            that of the calibration data.
        profile: Run: measure times and memory.
        weights_dtype: Quantize: type of the weights, such as "INT8".
        activations_dtype: Quantize: type of the activations.
    """

    kind: RequestKind
    model: Path
    model_type: str
    options: str
    input_specs: tuple[TensorSpec, ...] = ()
    dataset: Path | None = None
    profile: bool = False
    weights_dtype: str = ""
    activations_dtype: str = ""

    def __post_init__(self) -> None:
        if self.kind == "run" and self.dataset is None and not self.profile:
            raise ValueError("A run needs a dataset, or profile=True, or both.")
        if self.kind == "quantize" and self.dataset is None:
            raise ValueError("Quantizing needs calibration data.")

    def to_json(self) -> str:
        """Return it as JSON text, with absolute paths: the worker runs in another directory."""
        dataset = None if self.dataset is None else str(self.dataset.absolute())
        model = str(self.model.absolute())
        return json.dumps({**asdict(self), "model": model, "dataset": dataset})

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what `to_json` wrote."""
        fields = json.loads(text)
        specs = tuple(
            TensorSpec(name=spec["name"], shape=tuple(spec["shape"]), dtype=spec["dtype"])
            for spec in fields["input_specs"]
        )
        dataset = None if fields["dataset"] is None else Path(fields["dataset"])
        model = Path(fields["model"])
        return cls(**{**fields, "model": model, "input_specs": specs, "dataset": dataset})


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a worker reports: the outcome of its attempt, with file names within the folder."""

    failure_type: str = FailureType.SUCCESS
    reason: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_failure(cls, failure: JobFailure) -> Self:
        """Return the report of a failed job."""
        return cls(failure_type=failure.failure_type, reason=failure.reason)

    def write(self, folder: Path) -> None:
        """Write it into the attempt's folder, whole or not at all."""
        partial = folder / f"{REPORT_FILE}.partial"
        partial.write_text(json.dumps(asdict(self)), encoding="utf-8")
        partial.replace(folder / REPORT_FILE)

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Read it from the attempt's folder; None when the worker left none."""
        try:
            text = (folder / REPORT_FILE).read_bytes()
        except FileNotFoundError:
            return None
        return cls(**json.loads(text))


def notice(severity: Severity, context: Context, message: str) -> dict[str, str]:
    """Return a notice to a job's user.

    Args:
        severity: How much it matters.
        context: What it is about.
        message: The text.

    Returns:
        The JSON of a `Notice`.
    """
    return {"context": context, "severity": severity, "message": message}


def shortened(name: str, limit: int = 100) -> str:
    """Quote a name that a user made, so that it can neither flood nor forge a message.

    Args:
        name: The name.
        limit: Most characters of it to show.

    Returns:
        The quoted name, control characters escaped.
    """
    return repr(name if len(name) <= limit else f"{name[:limit]}…")
