"""Checks a target model: one inference or more, in simulation for QNN, against its source."""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import onnx

from qai_hub.local.engine.accuracy import (
    OutputAccuracy,
    OutputSamples,
    compare_output,
    describe_far_outputs,
    describe_output,
)
from qai_hub.local.engine.datasets import InputDataset
from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.isolated import CallError, call_isolated, save_progress
from qai_hub.local.engine.onnx.integer_ports import encode_inputs
from qai_hub.local.engine.onnx.model_files import open_model
from qai_hub.local.engine.onnx.plausible import PLAUSIBLE_INPUTS_LABEL, PlausibleInputs
from qai_hub.local.engine.onnx.prepare import iter_nodes
from qai_hub.local.engine.onnx.session import OptimizationLevel, Session, Tensor
from qai_hub.local.engine.onnx.signature import Port, get_inputs
from qai_hub.local.engine.option_table import SKIP_TARGET_CHECK
from qai_hub.local.engine.protocol import (
    WORK_FOLDER,
    AttemptRequest,
    InputModel,
    Soc,
    build_notice,
)
from qai_hub.local.engine.qnn.contexts import CompiledContext
from qai_hub.local.engine.qnn.provenance import Provenance
from qai_hub.local.engine.qnn.simulate import open_binary, open_dlc, open_wrapper
from qai_hub.local.engine.qnn.targets import SOURCE, TARGET, TargetModel
from qai_hub.local.engine.qnn.wrappers import find_outside_ports
from qai_hub.local.engine.quantize.qdq import is_quantized
from qai_hub.local.engine.runners.base import RunnableModel
from qai_hub.local.engine.runners.tflite import LiteRtModel
from qai_hub.local.engine.steps import Step, begin_step
from qai_hub.local.enums import ModelType

logger = logging.getLogger(__name__)

# The check may take as long as the job has taken until then, but at least and at most this many
# seconds. The real models of the documentation are simulated in 0.01 to 3.7 s.
_TIME_SHARE = 1.0
_MIN_SECONDS = 20.0
_MAX_SECONDS = 600.0
# Further samples are only compared as long as this many seconds have not passed.
_SECONDS_FOR_SAMPLES = 0.25
_MAX_SAMPLES = 3
_MAX_OUTPUTS_SHOWN = 5

CALIBRATION_LABEL = "the calibration data"

# Where target models run that are compared.
IN_SIMULATION = "in simulation"
ON_CPU = "on the CPU"

Status = Literal["CLOSE", "FAR", "NOT_CHECKED"]


class Precision(NamedTuple):
    """The precision of a target model.

    Attributes:
        weights: Bits of the quantized weights; 0 if there are none.
        activations: Fewest bits of quantized activations; 0 if it computes with floats.
    """

    weights: int
    activations: int

    @classmethod
    def of(cls, model: onnx.ModelProto) -> Self:
        """Return the precision of the model that a target is compiled from.

        Args:
            model: The model, with or without its external tensors.
        """
        constants = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
        weights, activations = [], []
        for node in iter_nodes(model):
            if node.op_type not in {"QuantizeLinear", "DequantizeLinear"} or len(node.input) < 3:
                continue
            bits = _BITS.get(constants.get(node.input[2], 0))
            if bits is None:
                continue
            if node.op_type == "QuantizeLinear":
                activations.append(bits)
            elif constants.get(node.input[0]):
                weights.append(bits)
        return cls(min(weights, default=0), min(activations, default=0))


_BITS: Mapping[int, int] = {
    onnx.TensorProto.INT4: 4,
    onnx.TensorProto.UINT4: 4,
    onnx.TensorProto.INT8: 8,
    onnx.TensorProto.UINT8: 8,
    onnx.TensorProto.INT16: 16,
    onnx.TensorProto.UINT16: 16,
}


def choose_bound(precision: Precision, *, is_source_quantized: bool) -> float:
    """Return the PSNR below which an output of a target is too far from the source model's.

    Measured on sound real models, in decibels: 43 to 90 in 16-bit floats. Quantized ones against
    the same model on the CPU, where only the rounding of activations differs, have 24 to 57 with
    activations of 8 bits and 38 to 92 with 16; the lowest are on noise, which excites deep models
    least. Against the float model, they have 33 to 53 at w8a8, 42 to 73 at w8a16, 24 at w4a16 and
    14 at w4a8. What QNN is known to compute wrongly has 5 to 18. The bounds are below all sound
    models, by 10 where there is room.

    Args:
        precision: The precision of the target.
        is_source_quantized: Whether the source model is quantized as well.

    Returns:
        The bound in decibels.
    """
    if not precision.activations:
        return 30.0
    if is_source_quantized or precision.weights != 4:
        return 20.0 if precision.activations == 8 else 30.0
    return 8.0 if precision.activations == 8 else 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetCheck:
    """The result of a check.

    Attributes:
        status: Whether all outputs are close, or some are far, or nothing was compared.
        reason: Why the target was not checked, or which outputs are far; empty if all are close.
        inputs: What both models ran on.
        samples: Number of samples that were compared.
        seconds: Time that the check took.
        bound: PSNR below which an output is far, in decibels; None if nothing was compared.
        outputs: The JSON of a `TargetCheckOutput` for each output.
        summary: How close the outputs are, for a notice.
        did_run: Whether the target model ran, or could not be simulated at all; False if it was
            loaded or run and failed.
        place: Where the target model ran, for a notice.
    """

    status: Status
    reason: str = ""
    inputs: str = ""
    samples: int = 0
    seconds: float = 0.0
    bound: float | None = None
    outputs: Sequence[Mapping[str, Any]] = field(default=())
    summary: str = ""
    did_run: bool = True
    place: str = IN_SIMULATION

    def to_json(self) -> dict[str, Any]:
        """Return the JSON of a `TargetCheck`."""
        bound = {} if self.bound is None else {"bound": self.bound}
        return {
            "status": f"TARGET_CHECK_STATUS_{self.status}",
            "reason": self.reason,
            "inputs": self.inputs,
            "samples": self.samples,
            "seconds": round(self.seconds, 3),
            **bound,
            "outputs": list(self.outputs),
        }

    def to_notice(self, subject: str = "target model") -> dict[str, str]:
        """Return the notice for the job's user.

        Args:
            subject: What was checked, such as "target model".
        """
        if self.status == "NOT_CHECKED":
            message = f"The {subject} was not checked {self.place}: {self.reason}"
            return build_notice("INFO" if self.did_run else "WARNING", "MODEL", message)
        plural = "s" * (self.samples != 1)
        where = f"{self.place}, on {self.samples} sample{plural} of {self.inputs}"
        if self.status == "CLOSE":
            message = f"The {subject} is close to the source model {where}: {self.summary}."
            return build_notice("INFO", "MODEL", message)
        message = (
            f"The {subject} differs from the source model {where}. {self.reason} Compare its "
            "outputs on your own data before you rely on it."
        )
        return build_notice("WARNING", "MODEL", message)


TURNED_OFF = TargetCheck(status="NOT_CHECKED", reason="this hub checks no target models.")
_SKIPPED = TargetCheck(
    status="NOT_CHECKED", reason=f"the job's option {SKIP_TARGET_CHECK} skips the check."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """What to check.

    Attributes:
        target: The target model, as an inference job would get it.
        soc: The chip that it is for; None for a .tflite file, which runs on the CPU.
        reference: The .onnx file of the source model, with the inputs and outputs of the target.
        bound: PSNR below which an output is too far, in decibels.
        dataset: HDF5 file with samples for the reference's inputs; None to generate them.
        graphs: The name of the graph, if the target has several.
    """

    target: InputModel
    soc: Soc | None
    reference: Path
    bound: float
    dataset: Path | None = None
    graphs: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Create it from a JSON object with its fields."""
        read = {
            "target": InputModel.from_json(value["target"]),
            "soc": None if value["soc"] is None else Soc.from_json(value["soc"]),
            "reference": Path(value["reference"]),
            "dataset": None if value["dataset"] is None else Path(value["dataset"]),
            "graphs": tuple(value["graphs"]),
        }
        return cls(**{**value, **read})


def check_target(request: CheckRequest, folder: Path, time_limit: float) -> TargetCheck:
    """Compare a target model, in simulation or on the CPU, with its source model on the CPU.

    Both run in a process of their own.

    Args:
        request: What to check.
        folder: Folder for generated files, which is created.
        time_limit: Seconds that it may take.

    Returns:
        The result. A target that cannot be checked is a result, not an exception.
    """
    place = IN_SIMULATION if request.soc else ON_CPU
    logger.info("Checking the target model %s", place)
    started = time.monotonic()
    try:
        found = call_isolated(f"{__name__}:compare_target", asdict(request), folder, time_limit)
    except JobFailure as failure:
        found = {"status": "NOT_CHECKED", "reason": failure.reason}
    except CallError as error:
        found = error.progress or _explain(error, "the simulation" if request.soc else "running it")
    check = TargetCheck(**{**found, "seconds": time.monotonic() - started, "place": place})
    if check.status == "NOT_CHECKED":
        logger.info("Not checked: %s", check.reason)
    return check


def _explain(error: CallError, what: str) -> dict[str, Any]:
    """Return the fields of a check that ended before anything was compared."""
    reason = f"{what} {error.reason}."
    if error.cause is FailureType.OUT_OF_MEMORY:
        reason = f"this hub has too little memory for {what}."
    did_run = error.cause is not None or error.is_timeout
    return {"status": "NOT_CHECKED", "reason": reason, "did_run": did_run}


def find_why_not_checked(
    request: AttemptRequest, values: Mapping[str, Any], place: str = IN_SIMULATION
) -> TargetCheck | None:
    """Return the result of a check that the hub or the job does without; None if it is wanted.

    Args:
        request: The request of the job.
        values: The values of its options, by flag.
        place: Where the target model would run.
    """
    if not request.check_target:
        return replace(TURNED_OFF, place=place)
    return replace(_SKIPPED, place=place) if SKIP_TARGET_CHECK in values else None


def select_checked(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a check without a hub tells of the result of a compile job.

    Args:
        result: The result of the job, or of a stage of it.
    """
    selected = {name: result[name] for name in ("input_spec", "output_spec", "tool_versions")}
    # Nothing is compared, which is no news of the hub.
    unchecked = [replace(TURNED_OFF, place=each).to_notice() for each in (IN_SIMULATION, ON_CPU)]
    notices = [each for each in result["notices"] if each not in unchecked]
    return {**selected, "notices": notices}


def check_compiled(
    made: TargetModel,
    request: AttemptRequest,
    values: Mapping[str, Any],
    compiled_from: Path,
    reference: Path,
    folder: Path,
    started: float,
) -> TargetCheck:
    """Check the target model of a compile job.

    Args:
        made: The target model.
        request: The request of the job.
        values: The values of its options, by flag.
        compiled_from: The .onnx file that it was compiled from.
        reference: The .onnx file of the source model, with the inputs and outputs of the target.
        folder: The attempt's folder, with the files of the target model.
        started: When the job began, by the monotonic clock.

    Returns:
        The result.
    """
    skipped = find_why_not_checked(request, values)
    if skipped is not None:
        return skipped
    begin_step(Step.CHECKING_TARGET)
    if request.soc is None:
        raise ValueError("A target for QNN needs a chip.")
    check = CheckRequest(
        target=InputModel(
            path=folder / made.files[TARGET],
            model_type=made.result["target_model_type"],
            provenance=made.result["provenance"],
            source=folder / made.files[SOURCE] if SOURCE in made.files else None,
        ),
        soc=request.soc,
        reference=reference,
        bound=_choose_bound_of(compiled_from, reference),
        dataset=request.dataset or request.calibration,
    )
    limit = limit_seconds(time.monotonic() - started, request.time_limit)
    return check_target(check, folder / WORK_FOLDER / "check", limit)


def check_linked_graph(
    alone: CompiledContext,
    provenance: Provenance,
    source: Path,
    request: AttemptRequest,
    folder: Path,
    started: float,
) -> TargetCheck:
    """Check a graph of a linked context binary by the separate binary that it is simulated from.

    Args:
        alone: The separate context binary.
        provenance: How it was made.
        source: The .onnx file that it was compiled from.
        request: The request of the link job.
        folder: Folder for generated files, which is created.
        started: When the job began, by the monotonic clock.

    Returns:
        The result.
    """
    outside = find_outside_ports(alone.wrapper, provenance.graphs[0])
    check = CheckRequest(
        target=InputModel(
            path=alone.binary,
            model_type=ModelType.QNN_CONTEXT_BINARY,
            provenance=provenance.to_json(),
            source=alone.wrapper if outside else None,
        ),
        soc=provenance.soc,
        reference=source,
        bound=_choose_bound_of(source, source),
    )
    limit = limit_seconds(time.monotonic() - started, request.time_limit)
    return check_target(check, folder, limit)


def _choose_bound_of(compiled_from: Path, reference: Path) -> float:
    precision = Precision.of(onnx.load(compiled_from, load_external_data=False))
    source = onnx.load(reference, load_external_data=False)
    return choose_bound(precision, is_source_quantized=is_quantized(source))


def limit_seconds(elapsed: float, time_limit: float | None) -> float:
    """Return how long a check may take.

    Args:
        elapsed: Seconds that the job has taken so far.
        time_limit: Seconds that the whole job may take; None for no limit.

    Returns:
        The limit in seconds: the share of the time so far, and at most half of the time that is
        left.
    """
    limit = min(max(_MIN_SECONDS, elapsed * _TIME_SHARE), _MAX_SECONDS)
    return limit if time_limit is None else max(0.0, min(limit, (time_limit - elapsed) / 2))


def compare_target(arguments: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Compare a target model with its source model, in a process of its own.

    Args:
        arguments: The JSON of a `CheckRequest`.
        folder: Folder for generated files.

    Returns:
        The fields of a `TargetCheck`.

    Raises:
        JobFailure: One of the models cannot be run.
    """
    request = CheckRequest.from_json(arguments)
    model = onnx.load(request.reference, load_external_data=False)
    ports = get_inputs(model)
    label, samples = read_samples(request.dataset, model, ports, _MAX_SAMPLES)
    reference = Session(request.reference, level=OptimizationLevel.ORT_DISABLE_ALL)
    compared = _run_reference(reference, samples)
    # Without a sample that the source model runs on, the target is not to blame.
    first = next(compared)
    target = _open_target(request, folder / "target")
    try:
        return _compare(
            request, target, reference.output_names, chain([first], compared), label, folder
        )
    except JobFailure as failure:
        return {"status": "NOT_CHECKED", "reason": failure.reason, "did_run": False}


def _compare(
    request: CheckRequest,
    target: RunnableModel[Any],
    names: Sequence[str],
    samples: Iterable[tuple[Mapping[str, Tensor], list[Tensor]]],
    label: str,
    folder: Path,
) -> dict[str, Any]:
    """Run the target model on samples and compare it with the outputs of the source model."""
    runner = target.load()
    # The target lists its outputs in the same order, under names that options may have changed.
    outputs = {name: OutputSamples() for name in names}
    started = time.monotonic()
    found: dict[str, Any] = {}
    for number, (sample, before) in enumerate(samples):
        results = runner.run(encode_inputs(sample, target.encodings), label)
        after = dict(zip(runner.output_names, results, strict=True))
        for name, value in zip(names, before, strict=True):
            # A source model may have the same integers.
            encoding = target.encodings.get(name) if value.dtype == np.float32 else None
            outputs[name].add(value, encoding.decode(after[name]) if encoding else after[name])
        compared = [compare_output(name, values, request.bound) for name, values in outputs.items()]
        found = _build_result(compared, number + 1, label, request.bound)
        save_progress(folder, found)
        if time.monotonic() - started > _SECONDS_FOR_SAMPLES:
            break
    return found


def _build_result(
    outputs: Sequence[OutputAccuracy], samples: int, label: str, bound: float
) -> dict[str, Any]:
    reason = describe_far_outputs(outputs)
    by_psnr = sorted(outputs, key=lambda each: float("inf") if each.psnr is None else each.psnr)
    shown = ", ".join(map(describe_output, by_psnr[:_MAX_OUTPUTS_SHOWN]))
    more = len(outputs) - _MAX_OUTPUTS_SHOWN
    return {
        "status": "FAR" if reason else "CLOSE",
        "reason": reason,
        "inputs": label,
        "samples": samples,
        "bound": bound,
        "outputs": [each.to_json() for each in outputs],
        "summary": f"PSNR {shown}" + (f" and {more} more" if more > 0 else ""),
    }


def read_samples(
    path: Path | None, model: onnx.ModelProto, ports: Sequence[Port], most: int
) -> tuple[str, list[dict[str, Tensor]]]:
    """Return samples for a model, and how messages refer to them.

    Args:
        path: HDF5 file with samples; None to generate them.
        model: The model.
        ports: Its inputs.
        most: Maximum number of samples.
    """
    if path is not None:
        try:
            with closing(InputDataset(path, ports)) as dataset:
                count = min(dataset.samples, most)
                samples = [dataset.sample(number) for number in range(count)]
        except JobFailure as failure:
            # Options may have changed the inputs since the model was calibrated.
            logger.info("The calibration data does not fit: %s", failure.reason)
        else:
            return CALIBRATION_LABEL, samples
    inputs = PlausibleInputs(model, [port.to_spec() for port in ports])
    return PLAUSIBLE_INPUTS_LABEL, [inputs.sample(number) for number in range(most)]


def _run_reference(
    session: Session, samples: Iterable[Mapping[str, Tensor]]
) -> Iterator[tuple[Mapping[str, Tensor], list[Tensor]]]:
    """Yield samples with the outputs of the source model, which runs when each is needed.

    Generated values may be out of a model's domain, so a sample that it refuses is left out, unless
    it refuses all.

    Raises:
        JobFailure: It runs on no sample.
    """
    refusal: JobFailure | None = None
    has_run = False
    for sample in samples:
        try:
            outputs = session.run(sample, "the inputs of the check")
        except JobFailure as failure:
            refusal = failure
        else:
            has_run = True
            yield sample, outputs
    if refusal is not None and not has_run:
        raise refusal


def _open_target(request: CheckRequest, work: Path) -> RunnableModel[Any]:
    """Open the target model as an inference job does."""
    target = request.target
    work.mkdir()
    if request.soc is None:
        return LiteRtModel(target.path, threads=1)
    if target.model_type == ModelType.QNN_CONTEXT_BINARY:
        return open_binary(target, request.soc, request.graphs, work)
    if target.model_type == ModelType.QNN_DLC:
        return open_dlc(target, request.soc, request.graphs, work)
    return open_wrapper(open_model(target.path, target.model_type, work), request.soc)
