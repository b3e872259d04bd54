"""The job types, one row each, with everything that the hub itself needs to know about one.

To add a job type, add its row here, and its work as the function `WORK_model` of the module `WORK`
in `engine`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from qai_hub.local.enums import ArtifactType, FailureType, JobState, JobTypeName, ModelType
from qai_hub.option_string import (
    TARGET_RUNTIME,
    OptionStringError,
    option_values,
    parse_option_string,
)

CREATED = JobState.CREATED
DONE = JobState.DONE
FAILED = JobState.FAILED
FINISHED_STATES = frozenset({DONE, FAILED})

SUCCESS = FailureType.SUCCESS
UNSPECIFIED = FailureType.UNSPECIFIED
UNSUPPORTED = FailureType.UNSUPPORTED
INTERNAL = FailureType.INTERNAL
CRASH = FailureType.CRASH
INVALID_INPUTS = FailureType.INVALID_INPUTS
DEPENDENCY = FailureType.DEPENDENCY
CANCELLED = FailureType.CANCELLED

HUB_LOG = ArtifactType.HUB_LOG
DEVICE_LOG = ArtifactType.DEVICE_LOG
PROFILE_TRACE = ArtifactType.PROFILE_TRACE

# By the value of --target_runtime.
_FORMATS = {
    "onnx": ModelType.ONNX,
    "precompiled_qnn_onnx": ModelType.ONNX,
    "qnn_context_binary": ModelType.QNN_CONTEXT_BINARY,
    "qnn_dlc": ModelType.QNN_DLC,
    "qnn_lib_aarch64_android": ModelType.QNN_LIB_AARCH64_ANDROID,
    "tflite": ModelType.TFLITE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind:
    """A job type.

    Attributes:
        name: Its name in the database.
        message: The member of the contract's `Job` that describes such a job. As in the service, a
            profile job is an inference job that profiles.
        fields: The fields of that message that only some job types have.
        work: The work of its worker, by its name in the table of `engine.worker`.
        starting_state: Its state as soon as an attempt begins.
        working_state: Its state once the worker has started.
        makes_model: Whether it makes a target model.
        runs_model: Whether it runs its model, and may profile it.
        target_formats: The format of the target model by target runtime; "" is the default for
            all others.
        cacheable: Whether an equal job may reuse its target model.
        many_inputs: Whether it takes several models.
        many_devices: Whether it can be for several devices.
        needs_dataset: Whether it requires a dataset.
        checks_target: Whether its target model may be compared with its source in simulation.
        shared_with_runs: Whether sharing a job that runs its target model shares this job as well.
        summary_has_device: Whether its summary includes the device.
    """

    name: JobTypeName
    message: str
    fields: tuple[str, ...]
    work: str
    starting_state: str
    working_state: str
    makes_model: bool = False
    runs_model: bool = False
    target_formats: Mapping[str, str] = field(default_factory=dict)
    cacheable: bool = False
    many_inputs: bool = False
    many_devices: bool = False
    needs_dataset: bool = False
    checks_target: bool = False
    shared_with_runs: bool = False
    summary_has_device: bool = True

    @property
    def states(self) -> frozenset[str]:
        """The states that such a job can be in."""
        return FINISHED_STATES | {CREATED, self.starting_state, self.working_state}

    @property
    def detail_field(self) -> str:
        """The member of its result that holds the details; empty for a job that runs a model."""
        return "" if self.runs_model else f"{self.name}_detail"

    def target_format(self, options: str) -> str | None:
        """Return the format of a job's target model, from its options.

        It is needed before the job has run, since clients submit link jobs on the target models of
        unfinished compile jobs.

        Args:
            options: Its options, as submitted. Errors in them are ignored here; they make the job
                fail later.

        Returns:
            The format; None if it is known only once the job has run.
        """
        if "" in self.target_formats:
            return self.target_formats[""]
        asked = target_runtime(options)
        return None if asked is None else self.target_formats.get(asked)


def target_runtime(options: str) -> str | None:
    """Return the target runtime that a job's options ask for; None if they do not, or are wrong."""
    try:
        asked = option_values(TARGET_RUNTIME, parse_option_string(options))
    except OptionStringError:
        return None
    # Of an option that is given more than once, the last value counts.
    return (asked[-1] or "") if asked else None


_RUN_FIELDS = (
    *("model", "dataset", "tensor_type_list"),
    *("is_profiling_on", "execution_time", "execution_peak_memory"),
)
_TARGET_FIELDS = (
    *("target_model", "model", "calibration_dataset"),
    *("has_vizgraph", "tensor_type_list"),
)

KINDS: Mapping[str, JobKind] = {
    kind.name: kind
    for kind in (
        JobKind(
            name="compile",
            message="compile_job",
            fields=(*_TARGET_FIELDS, "devices", "target_tensor_type_list"),
            work="compile",
            starting_state=JobState.OPTIMIZING_MODEL,
            working_state=JobState.OPTIMIZING_MODEL,
            makes_model=True,
            target_formats=_FORMATS,
            cacheable=True,
            many_devices=True,
            checks_target=True,
            shared_with_runs=True,
        ),
        JobKind(
            name="quantize",
            message="quantize_job",
            fields=(*_TARGET_FIELDS, "weights_dtype", "activations_dtype"),
            work="quantize",
            starting_state=JobState.QUANTIZING_MODEL,
            working_state=JobState.QUANTIZING_MODEL,
            makes_model=True,
            target_formats={"": ModelType.ONNX},
            cacheable=True,
            summary_has_device=False,
        ),
        JobKind(
            name="link",
            message="link_job",
            fields=("target_model", "models"),
            work="link",
            starting_state=JobState.LINKING_MODELS,
            working_state=JobState.LINKING_MODELS,
            makes_model=True,
            target_formats={"": ModelType.QNN_CONTEXT_BINARY},
            cacheable=True,
            many_inputs=True,
            checks_target=True,
            shared_with_runs=True,
        ),
        JobKind(
            name="inference",
            message="inference_job",
            fields=_RUN_FIELDS,
            work="run",
            starting_state=JobState.PROVISIONING_DEVICE,
            working_state=JobState.RUNNING_INFERENCE,
            runs_model=True,
            needs_dataset=True,
        ),
        JobKind(
            name="profile",
            message="inference_job",
            fields=_RUN_FIELDS,
            work="run",
            starting_state=JobState.PROVISIONING_DEVICE,
            working_state=JobState.MEASURING_PERFORMANCE,
            runs_model=True,
        ),
    )
}

# The files of attempts that become artifacts of a job, by their names in reports: their types, and
# the names that users see.
ARTIFACTS = {
    "profile_trace": (PROFILE_TRACE, "profile_trace.json"),
    "runtime_log": (DEVICE_LOG, "runtime.log"),
}

RUNNING_STATES = frozenset(
    state for kind in KINDS.values() for state in (kind.starting_state, kind.working_state)
)
UNFINISHED_STATES = RUNNING_STATES | {CREATED}
CACHEABLE_WORK = frozenset(kind.work for kind in KINDS.values() if kind.cacheable)
# Sharing a job that runs a model also shares the jobs that made the model, if their type `opens`.
MODEL_RUNNING_KINDS = tuple(kind.name for kind in KINDS.values() if kind.runs_model)
SHARED_WITH_RUNS = tuple(kind.name for kind in KINDS.values() if kind.shared_with_runs)


def kind_of_submission(message: str, body: Mapping[str, object]) -> JobKind:
    """Return the job type of a submission.

    Args:
        message: The member of the contract's `Job` that was sent.
        body: Its content.

    Returns:
        The job type. An inference job without a dataset is a profile job, as it could do nothing
        else.
    """
    found = next(kind for kind in KINDS.values() if kind.message == message)
    if found.runs_model and body.get("is_profiling_on", "dataset" not in body):
        return KINDS["profile"]
    return found


def kinds_with_message_of(name: str) -> list[str]:
    """Return the names of the job types that share a message, which users regard as one type."""
    message = KINDS[name].message
    return [kind.name for kind in KINDS.values() if kind.message == message]
