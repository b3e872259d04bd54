"""The messages between hub and worker: the request of an attempt, and its report."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.left_files import read_left_file

# The first Hexagon version with a tensor processor (HTP), which QNN compiles for.
MIN_HTP_VERSION = 68

QNN_RUNTIMES = frozenset({"precompiled_qnn_onnx", "qnn_context_binary", "qnn_dlc"})
"""Target runtimes whose models Qualcomm's compiler makes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Soc:
    """The chip of a device.

    Attributes:
        name: Name of the chipset, as in the attribute `chipset:…`.
        soc_model: Its number for the HTP compiler.
        hexagon: Version of its HTP, such as 75.
        fp16: Whether its HTP supports 16-bit floating point.
        weight_sharing: Whether the graphs of one context binary can share weights on it.
    """

    name: str
    soc_model: int
    hexagon: int
    fp16: bool
    weight_sharing: bool

    @property
    def has_htp(self) -> bool:
        """Whether it has an HTP."""
        return self.hexagon >= MIN_HTP_VERSION

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Create it from what `to_json` returned."""
        return cls(**value)


REQUEST_FILE = "request.json"
REPORT_FILE = "result.json"
_MAX_REPORT = 64 << 20
WORK_FOLDER = "work"


NoticeSeverity = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
NoticeContext = Literal["DEVICE", "MODEL", "USER"]


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
        """Create it from what `to_json` returned."""
        return cls(name=value["name"], shape=tuple(value["shape"]), dtype=value["dtype"])

    def __str__(self) -> str:
        return f"{quote_name(self.name)}: {self.dtype}[{', '.join(map(str, self.shape))}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputModel:
    """An input model of a job.

    Attributes:
        path: Its file, named by the hub.
        model_type: Its format, such as "MODEL_TYPE_ONNX".
        provenance: How it was made, as reported by the job that made it; None for a model from
            elsewhere.
        source: The hidden file that this job stored with it; None if there is none.
    """

    path: Path
    model_type: str
    provenance: Mapping[str, Any] | None = None
    source: Path | None = None

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Create it from a JSON object with its fields."""
        source = None if value["source"] is None else Path(value["source"])
        return cls(**{**value, "path": Path(value["path"]), "source": source})


# The fields of a request that are paths of datasets.
_DATASETS = ("dataset", "calibration", "reference")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRequest:
    """One attempt at a job.

    Attributes:
        kind: The work to do, by its name in the table of the worker: "check" examines whether a
            model would compile, "compile" makes a target model, "quantize" makes a quantized one,
            "link" links several models, "run" runs a model.
        inputs: The input models, in order; several only if they are linked.
        options: The job's options, as on a command line.
        input_specs: Compile: the inputs that the target model must have, in any order; empty to
            take them from the model.
        dataset: Run: HDF5 file with the inputs; None for random inputs from a fixed seed. Quantize
            and compile: HDF5 file with the calibration data.
        profile: Run: measure times and memory.
        weights_dtype: Quantize: type of the weights, such as "INT8".
        activations_dtype: Quantize: type of the activations.
        soc: Chip of the job's device; None for a job without a device. Quantize: chip to simulate
            layers of.
        other_socs: Compile: the other chips of its further devices.
        check_target: Compile and link: compare the target model with its source model in
            simulation.
        analyze_layers: Quantize: measure the layers of the quantized model.
        calibration: Compile: HDF5 file with the data that the input model was calibrated on; None
            if it is not known.
        reference: Inspect: HDF5 file to compare the dataset with; None for no comparison.
        engine: The engine whose packages the worker runs with; empty for those of the hub.
        engines: The engines that the machine has on which the attempt is carried out.
        strict_versions: Whether a version of QAIRT that the options name is not to be replaced by
            the nearest one.
        time_limit: Seconds that the attempt may take; None for no limit.
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
    check_target: bool = False
    analyze_layers: bool = False
    calibration: Path | None = None
    reference: Path | None = None
    engine: str = ""
    engines: tuple[str, ...] = ()
    strict_versions: bool = False
    time_limit: float | None = None

    def __post_init__(self) -> None:
        if not self.inputs and (self.kind != "inspect" or self.dataset is None):
            raise ValueError("An attempt needs a model to work on.")
        if self.kind == "run" and self.dataset is None and not self.profile:
            raise ValueError("A run needs a dataset, or profile=True, or both.")
        if self.kind == "quantize" and self.dataset is None:
            raise ValueError("Quantizing needs calibration data.")

    @property
    def model(self) -> InputModel:
        """The input model; the first of several."""
        return self.inputs[0]

    @property
    def files(self) -> list[Path]:
        """All files that it refers to."""
        named = [model.path for model in self.inputs]
        named += [model.source for model in self.inputs if model.source is not None]
        return named + [path for name in _DATASETS if (path := getattr(self, name)) is not None]

    def with_paths(self, locate: Callable[[Path], Path]) -> Self:
        """Return a copy with other paths.

        Args:
            locate: Returns the path of a file.
        """
        inputs = tuple(
            replace(
                model,
                path=locate(model.path),
                source=None if model.source is None else locate(model.source),
            )
            for model in self.inputs
        )
        datasets: dict[str, Any] = {
            name: None if path is None else locate(path)
            for name in _DATASETS
            for path in (getattr(self, name),)
        }
        return replace(self, inputs=inputs, **datasets)

    def to_json(self) -> str:
        """Return it as JSON text, with absolute paths, as the worker runs in another directory."""
        return json.dumps(asdict(self), default=lambda path: str(path.absolute()))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Create it from what `to_json` returned."""
        fields = json.loads(text)
        read = {
            "inputs": tuple(map(InputModel.from_json, fields["inputs"])),
            "input_specs": tuple(map(TensorSpec.from_json, fields["input_specs"])),
            **{name: None if fields[name] is None else Path(fields[name]) for name in _DATASETS},
            "soc": None if fields["soc"] is None else Soc.from_json(fields["soc"]),
            "other_socs": tuple(map(Soc.from_json, fields["other_socs"])),
            "engines": tuple(fields["engines"]),
        }
        return cls(**{**fields, **read})


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A worker's report: the outcome of its attempt, with file names relative to the folder.

    Attributes:
        failure_type: Class of the cause; that of success if it has not failed.
        reason: Why it failed; empty on success.
        lacks: The label for want of which it failed; empty for any other cause.
        result: What the attempt has found out.
        files: The published files, by role.
        next_stage: What is left to do, by another worker with the packages of another engine. Its
            files are in the attempt's folder, or are those of this request. None if all is done.
    """

    failure_type: str = FailureType.SUCCESS
    reason: str = ""
    lacks: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    next_stage: AttemptRequest | None = None

    @classmethod
    def from_failure(cls, failure: JobFailure) -> Self:
        """Return the report of a failed job."""
        return cls(failure_type=failure.failure_type, reason=failure.reason, lacks=failure.lacks)

    def write(self, folder: Path) -> None:
        """Write it to the attempt's folder atomically."""
        partial = folder / f"{REPORT_FILE}.partial"
        text = json.dumps(asdict(self), default=lambda path: str(path.absolute()))
        partial.write_text(text, encoding="utf-8")
        partial.replace(folder / REPORT_FILE)

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Read it from the attempt's folder; None if the worker wrote none.

        Raises:
            LeftFileError: What it wrote is no report.
        """
        try:
            text = read_left_file(folder / REPORT_FILE, _MAX_REPORT)
        except FileNotFoundError:
            return None
        fields = json.loads(text)
        if fields.get("next_stage") is not None:
            fields["next_stage"] = AttemptRequest.from_json(json.dumps(fields["next_stage"]))
        return cls(**fields)


def specs_to_json(
    inputs: Iterable[TensorSpec], outputs: Iterable[TensorSpec]
) -> dict[str, list[dict[str, Any]]]:
    """Return the inputs and outputs of a target model, as the fields of a report.

    Args:
        inputs: Its inputs.
        outputs: Its outputs.
    """
    return {
        "input_spec": [spec.to_json() for spec in inputs],
        "output_spec": [spec.to_json() for spec in outputs],
    }


def build_notice(severity: NoticeSeverity, context: NoticeContext, message: str) -> dict[str, str]:
    """Return a notice to a job's user.

    Args:
        severity: Its severity.
        context: What it refers to.
        message: The text.

    Returns:
        The JSON of a `Notice`.
    """
    return {"context": context, "severity": severity, "message": message}


def quote_name(name: str, limit: int = 100) -> str:
    """Quote a user-defined name, so that it can neither flood nor forge a message.

    Args:
        name: The name.
        limit: Maximum number of characters to show.

    Returns:
        The quoted name, with control characters escaped.
    """
    return repr(name if len(name) <= limit else f"{name[:limit]}…")
