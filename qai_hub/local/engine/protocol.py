"""Why a job fails, and how running out of memory or disk is told from other errors."""

import errno
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Self

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class FailureType(StrEnum):
    """The values of the contract's enum of this name that the hub and its workers use."""

    UNSPECIFIED = "JOB_FAILURE_TYPE_UNSPECIFIED"
    SUCCESS = "JOB_FAILURE_TYPE_SUCCESS"
    UNSUPPORTED = "JOB_FAILURE_TYPE_UNSUPPORTED"
    INTERNAL = "JOB_FAILURE_TYPE_INTERNAL_UNKNOWN"
    RUNTIME_UNKNOWN = "JOB_FAILURE_TYPE_RUNTIME_UNKNOWN"
    CRASH = "JOB_FAILURE_TYPE_RUNTIME_CRASH"
    DEPENDENCY = "JOB_FAILURE_TYPE_RUNTIME_FAILED_DEPENDENCY"
    OUT_OF_DISK = "JOB_FAILURE_TYPE_RUNTIME_OUT_OF_DISK"
    OUT_OF_MEMORY = "JOB_FAILURE_TYPE_RUNTIME_OUT_OF_MEMORY"
    TIMEOUT = "JOB_FAILURE_TYPE_RUNTIME_TIMEOUT"
    INVALID_INPUTS = "JOB_FAILURE_TYPE_INVALID_INPUTS"
    INVALID_ARGUMENT = "JOB_FAILURE_TYPE_INVALID_ARGUMENT"
    MODEL_CORRUPT = "JOB_FAILURE_TYPE_MODEL_CORRUPT"
    MODEL_INVALID = "JOB_FAILURE_TYPE_MODEL_INVALID"
    CANCELLED = "JOB_FAILURE_TYPE_CANCELLED"


class JobFailure(Exception):  # noqa: N818 - a job's failure is an outcome, not an error of the hub
    """Ends the job that is being carried out as failed.

    Args:
        failure_type: Class of the cause.
        reason: What went wrong and what its user can do about it.
    """

    def __init__(self, failure_type: FailureType, reason: str) -> None:
        super().__init__(reason)
        self.failure_type = failure_type
        # Reasons quote what is in models and datasets, down to escapes that a terminal obeys.
        self.reason = _CONTROLS.sub(" ", reason)


# Native libraries report both as text only.
_OUT_OF_MEMORY_SIGNS = (
    "bad_alloc",
    "Failed to allocate memory",
    "Cannot allocate memory",
    "Memory allocation still failed",
    "failed to map segment from shared object",
    "pthread_create failed",
    # Protobuf's words for it: models are read before they are written, so nothing is amiss in them.
    "Failed to serialize proto",
)
_OUT_OF_DISK_SIGNS = ("No space left on device", "Disk quota exceeded")


def resource_failure(text: str) -> FailureType | None:
    """Tell from a message or a log's end whether memory or disk ran out.

    Args:
        text: Text of an exception or the last lines of a log.

    Returns:
        The class of the cause, or None when it is neither.
    """
    if any(sign in text for sign in _OUT_OF_MEMORY_SIGNS):
        return FailureType.OUT_OF_MEMORY
    if any(sign in text for sign in _OUT_OF_DISK_SIGNS):
        return FailureType.OUT_OF_DISK
    return None


def resource_failure_of(error: BaseException) -> FailureType | None:
    """Tell whether an exception means that memory or disk ran out.

    Args:
        error: The exception.

    Returns:
        The class of the cause, or None when it is neither.
    """
    if isinstance(error, MemoryError):
        return FailureType.OUT_OF_MEMORY
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return FailureType.OUT_OF_DISK
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return FailureType.OUT_OF_MEMORY
    return resource_failure(str(error))


# The first Hexagon with a tensor processor, an HTP, which is what QNN compiles for.
HTP_FIRST = 68


@dataclass(frozen=True, slots=True, kw_only=True)
class Soc:
    """The chip of a device.

    Attributes:
        name: Name of the chipset, as in the attribute `chipset:…`.
        soc_model: Number by which the HTP compiler knows it.
        hexagon: Version of its HTP, such as 75.
        fp16: Whether its HTP computes in 16-bit floating point.
        weight_sharing: Whether the graphs of one context binary can share weights on it.
    """

    name: str
    soc_model: int
    hexagon: int
    fp16: bool
    weight_sharing: bool

    @property
    def has_htp(self) -> bool:
        """Whether it has a tensor processor."""
        return self.hexagon >= HTP_FIRST

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_json` returned."""
        return cls(**value)


REQUEST_FILE = "request.json"
REPORT_FILE = "result.json"
WORK_FOLDER = "work"

# The worker's exit statuses for what may keep it from writing a report at all.
EXIT_STATUSES = {FailureType.OUT_OF_MEMORY: 71, FailureType.OUT_OF_DISK: 72}

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

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_json` returned."""
        return cls(name=value["name"], shape=tuple(value["shape"]), dtype=value["dtype"])

    def __str__(self) -> str:
        return f"{shortened(self.name)}: {self.dtype}[{', '.join(map(str, self.shape))}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputModel:
    """A model that a job works on.

    Attributes:
        path: Its file, named by the hub.
        model_type: Its format, such as "MODEL_TYPE_ONNX".
        provenance: What the job that made it has reported of how; None for one from elsewhere.
        source: The hidden file that this job has left with it; None if there is none.
    """

    path: Path
    model_type: str
    provenance: Mapping[str, Any] | None = None
    source: Path | None = None

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read it from a JSON object with its fields."""
        source = None if value["source"] is None else Path(value["source"])
        return cls(**{**value, "path": Path(value["path"]), "source": source})


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRequest:
    """One attempt to carry out a job.

    Attributes:
        kind: What to do, by its name in the table of the worker: "compile" makes a target model,
            "quantize" a quantized one, "link" one of several, "run" runs one.
        inputs: The models that it works on, in order; several only where they are linked.
        options: The job's options, as on a command line.
        input_specs: Compile: the inputs that the target model is to have, in any order; empty to
            take them from the model.
        dataset: Run: HDF5 file of the inputs; None for random inputs from a fixed seed. Quantize
            and compile: that of the calibration data.
        profile: Run: measure times and memory.
        weights_dtype: Quantize: type of the weights, such as "INT8".
        activations_dtype: Quantize: type of the activations.
        soc: Chip of the job's device; None for a job without one.
        other_socs: Compile: the chips that its further devices have, other than this one.
    """

    kind: str
    inputs: tuple[InputModel, ...]
    options: str
    input_specs: tuple[TensorSpec, ...] = ()
    dataset: Path | None = None
    profile: bool = False
    weights_dtype: str = ""
    activations_dtype: str = ""
    soc: Soc | None = None
    other_socs: tuple[Soc, ...] = ()

    def __post_init__(self) -> None:
        if not self.inputs:
            raise ValueError("An attempt needs a model to work on.")
        if self.kind == "run" and self.dataset is None and not self.profile:
            raise ValueError("A run needs a dataset, or profile=True, or both.")
        if self.kind == "quantize" and self.dataset is None:
            raise ValueError("Quantizing needs calibration data.")

    @property
    def model(self) -> InputModel:
        """The model that it works on: the first of several."""
        return self.inputs[0]

    @property
    def files(self) -> list[Path]:
        """All files that it names."""
        named = [model.path for model in self.inputs]
        named += [model.source for model in self.inputs if model.source is not None]
        return named if self.dataset is None else [*named, self.dataset]

    def located(self, locate: Callable[[Path], Path]) -> Self:
        """Return it with other paths.

        Args:
            locate: Returns where a file is.
        """
        inputs = tuple(
            replace(
                model,
                path=locate(model.path),
                source=None if model.source is None else locate(model.source),
            )
            for model in self.inputs
        )
        dataset = None if self.dataset is None else locate(self.dataset)
        return replace(self, inputs=inputs, dataset=dataset)

    def to_json(self) -> str:
        """Return it as JSON text, with absolute paths: the worker runs in another directory."""
        return json.dumps(asdict(self), default=lambda path: str(path.absolute()))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what `to_json` wrote."""
        fields = json.loads(text)
        read = {
            "inputs": tuple(map(InputModel.from_json, fields["inputs"])),
            "input_specs": tuple(map(TensorSpec.from_json, fields["input_specs"])),
            "dataset": None if fields["dataset"] is None else Path(fields["dataset"]),
            "soc": None if fields["soc"] is None else Soc.from_json(fields["soc"]),
            "other_socs": tuple(map(Soc.from_json, fields["other_socs"])),
        }
        return cls(**{**fields, **read})


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


def ports_json(
    inputs: Iterable[TensorSpec], outputs: Iterable[TensorSpec]
) -> dict[str, list[dict[str, Any]]]:
    """Return the inputs and outputs of a target model, as a report tells of them.

    Args:
        inputs: Its inputs.
        outputs: Its outputs.
    """
    return {
        "input_spec": [spec.to_json() for spec in inputs],
        "output_spec": [spec.to_json() for spec in outputs],
    }


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
