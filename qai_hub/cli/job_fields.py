"""What the command tells of jobs: their fields, and what they have made and measured."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from qai_hub.cli.common import print_info
from qai_hub.cli.output import Field

if TYPE_CHECKING:
    from qai_hub.client import Job, JobStatus, Profile, QuantizedTensor

CANCELLED = "CANCELLED"
"""The failure type of jobs that somebody has cancelled."""

_MAX_OUTPUTS = 5
# What a job has measured takes a request.
_MAX_TOLD_JOBS = 20


@dataclass(frozen=True)
class Outcome:
    """What the server tells of the result of a job that has succeeded.

    Attributes:
        profile: The measurements of an inference job that profiles.
        psnr: How close each output of a quantized model is to the float model's, in decibels.
        saturated: Tensors of a quantized model that lose many values, the worst first.
        output_dataset: Identifier of the outputs of an inference job.
    """

    profile: "Profile | None" = None
    psnr: dict[str, float] | None = None
    saturated: "Sequence[QuantizedTensor]" = ()
    output_dataset: str | None = None


class ShownJob:
    """A job to print, whose outcome is fetched if a field needs it.

    Args:
        job: The job.
        status: Its status.
    """

    def __init__(self, job: "Job", status: "JobStatus") -> None:
        self.job = job
        self.status = status

    @property
    def target_model(self) -> str | None:
        """The identifier of the model that it has made."""
        target = getattr(self.job, "_target_model", None)
        return str(target.model_id) if target is not None and self.status.success else None

    @cached_property
    def outcome(self) -> Outcome:
        """Its outcome. One that cannot be fetched is said to be missing; the rest is shown."""
        from qai_hub.errors import Error

        if not self.status.success:
            return Outcome()
        try:
            return _fetch_outcome(self.job)
        except Error as error:
            print_info(f"The results of {self.job.job_id} are missing: {error}")
            return Outcome()

    @property
    def headline(self) -> str:
        """What it has made and measured, as one line; empty if nothing is known."""
        from qai_hub.resources.profile_report import format_headline

        outcome = self.outcome
        parts = [f"target model {self.target_model}"] if self.target_model else []
        if outcome.profile is not None:
            parts.append(format_headline(outcome.profile))
        if outcome.psnr:
            parts.append(f"PSNR {', '.join(_psnr_texts(outcome.psnr))}")
        if outcome.saturated:
            parts.append(f"saturated {', '.join(_saturation_texts(outcome.saturated))}")
        if outcome.output_dataset:
            parts.append(f"output dataset {outcome.output_dataset}")
        return "; ".join(parts)


def tell_results(jobs: "Sequence[Job]", statuses: "Sequence[JobStatus]") -> None:
    """Tells what jobs have made and measured."""
    ended = [ShownJob(*pair) for pair in zip(jobs, statuses, strict=True) if pair[1].success]
    for shown in ended[:_MAX_TOLD_JOBS]:
        if shown.headline:
            print_info(f"{shown.job.job_id}: {shown.headline}")
    if len(ended) > _MAX_TOLD_JOBS:
        rest = len(ended) - _MAX_TOLD_JOBS
        print_info(f"`qai-hub job show` tells what the other {rest:,} jobs have made.")


def _fetch_outcome(job: "Job") -> Outcome:
    from qai_hub.client import InferenceJob, QuantizeJob
    from qai_hub.driver import run_blocking

    if isinstance(job, QuantizeJob):
        psnr, ranges = run_blocking(job._fetch_losses(job._driver))
        return Outcome(psnr=psnr, saturated=ranges.find_saturated() if ranges else ())
    if isinstance(job, InferenceJob):
        profile, outputs = run_blocking(job._fetch_result(job._driver))
        return Outcome(profile=profile, output_dataset=outputs or None)
    return Outcome()


def _psnr_texts(ratios: dict[str, float]) -> list[str]:
    return _cut([f"{name} {decibels:.1f} dB" for name, decibels in ratios.items()], "outputs")


def _saturation_texts(tensors: "Sequence[QuantizedTensor]") -> list[str]:
    return _cut(
        [f"{each.tensor} {100 * (each.saturation or 0):.1f} %" for each in tensors], "tensors"
    )


def _cut(texts: list[str], what: str) -> list[str]:
    rest = len(texts) - _MAX_OUTPUTS
    return [*texts[:_MAX_OUTPUTS], f"and {rest:,} more {what}"] if rest > 0 else texts


def _origin(shown: ShownJob) -> str | None:
    profile = shown.outcome.profile
    told = profile.runtime.get("Measured on", {}) if profile else {}
    # A simulation is on the host's CPU, too.
    return "HTP simulation" if "HTP simulation" in told else next(iter(told), None)


def _origin_text(shown: ShownJob) -> str | None:
    from qai_hub.resources.profile_report import format_origin

    profile = shown.outcome.profile
    return format_origin(profile) if profile else None


def _inference_time(shown: ShownJob) -> int | None:
    profile = shown.outcome.profile
    return profile.inference.time if profile else None


def _inference_time_text(shown: ShownJob) -> str | None:
    from qai_hub.resources.profile_report import format_milliseconds

    time = _inference_time(shown)
    return None if time is None else format_milliseconds(time)


def _peak_memory(shown: ShownJob) -> int | None:
    profile = shown.outcome.profile
    if profile is None:
        return None
    measured = profile.inference.peak_memory_range
    return measured.upper if measured else profile.inference.peak_memory


def _peak_memory_text(shown: ShownJob) -> str | None:
    from qai_hub.resources.profile_report import format_peak_memory

    profile = shown.outcome.profile
    return format_peak_memory(profile.inference) if profile else None


def _layers(shown: ShownJob) -> dict[str, int] | None:
    profile = shown.outcome.profile
    return {unit: use.layers for unit, use in profile.compute_units.items()} if profile else None


def _layers_text(shown: ShownJob) -> list[str] | None:
    from qai_hub.resources.profile_report import format_units

    profile = shown.outcome.profile
    if profile is None:
        return None
    units, more = format_units(profile)
    return [*units.values(), *more]


def _devices(job: "Job", *, with_os: bool) -> str | list[str] | None:
    device = getattr(job, "device", None)
    if device is None:
        return None
    devices = device if isinstance(device, list) else [device]
    texts = [
        f"{each.name} (OS {each.os})" if with_os and each.os else str(each.name) for each in devices
    ]
    return texts[0] if len(texts) == 1 else texts


def _device_versions(job: "Job") -> str | list[str] | None:
    device = getattr(job, "device", None)
    if isinstance(device, list):
        return [each.os for each in device]
    return device.os if device is not None else None


def _model_ids(job: "Job") -> str | list[str] | None:
    models = getattr(job, "models", None)
    if models:
        return [model.model_id for model in models]
    model = getattr(job, "model", None)
    return None if model is None else str(model.model_id)


def _dataset_id(job: "Job") -> str | None:
    """Returns the identifier of a job's inputs or calibration data."""
    data = getattr(job, "inputs", None) or getattr(job, "calibration_dataset", None)
    return None if data is None else str(data.dataset_id)


def _state_style(state: object) -> str:
    return {"SUCCESS": "green", "FAILED": "red"}.get(str(state), "yellow")


def _status(listed: Any) -> "JobStatus":  # noqa: ANN401 - a job or a summary
    status: JobStatus = listed.status if hasattr(listed, "status") else listed._last_status
    return status


def _listed_device(listed: Any) -> str | list[str] | None:  # noqa: ANN401 - a job or a summary
    return listed.device_name if hasattr(listed, "device_name") else _devices(listed, with_os=False)


def _listed_reason(listed: "Job") -> str | None:
    status = _status(listed)
    return status.message or None if status.failure else None


@lru_cache(maxsize=1)
def _shown(job: "Job") -> ShownJob:
    # Its fields share what it fetches.
    return ShownJob(job, _status(job))


def _psnr(shown: ShownJob) -> dict[str, float] | None:
    return shown.outcome.psnr


def _psnr_text(shown: ShownJob) -> list[str]:
    return _psnr_texts(shown.outcome.psnr or {})


def _measured(
    name: str, get: Callable[[ShownJob], object], show: Callable[[ShownJob], object]
) -> Field:
    """Returns a field of listed jobs that takes a request for each."""
    return Field(
        name,
        lambda job: get(_shown(job)),
        show=lambda job: show(_shown(job)),
        in_table=False,
        is_detail=True,
        only_named=True,
    )


def list_unfinished_states() -> "list[JobStatus.State]":
    """Returns the states of jobs that are queued or run."""
    from qai_hub.client import JobStatus

    return [state for state in JobStatus.State if not JobStatus(state).finished]


SUMMARY_FIELDS = (
    Field("id", lambda job: job.job_id, keep_whole=True),
    Field("type", lambda job: job._type_name, keep_whole=True, is_detail=True),
    Field("state", lambda job: _status(job).code, style=_state_style, keep_whole=True),
    Field("created", lambda job: job.created_at, keep_whole=True, spare=1),
    Field("device", _listed_device, least=24),
    Field("name", lambda job: job.name, least=10),
    Field("owner", lambda job: job.owner.email if job.owner else "", in_table=False),
    Field("queued", lambda job: job.queued_at, in_table=False),
    Field("started", lambda job: job.started_at, in_table=False),
    Field("completed", lambda job: job.completed_at, in_table=False),
    Field("project", lambda job: job.project_id, in_table=False),
    Field("url", lambda job: job.url, in_table=False),
    Field("reason", _listed_reason, in_table=False, is_detail=True),
    Field("failure_type", lambda job: job.failure_type, in_table=False, is_detail=True),
    Field("model", _model_ids, in_table=False, is_detail=True),
    Field("target_model", lambda job: _shown(job).target_model, in_table=False, is_detail=True),
    _measured("inference_time", _inference_time, _inference_time_text),
    _measured("peak_memory", _peak_memory, _peak_memory_text),
    _measured("psnr", _psnr, _psnr_text),
)
"""Fields of listed jobs: of summaries, and of whole jobs where one is a detail."""

JOB_FIELDS = (
    Field("id", lambda shown: shown.job.job_id, keep_whole=True),
    Field("type", lambda shown: shown.job._type_name, keep_whole=True),
    Field("name", lambda shown: shown.job.name),
    Field("state", lambda shown: shown.status.code, style=_state_style, keep_whole=True),
    Field("reason", lambda shown: shown.status.message if shown.status.failure else None),
    Field("failure_type", lambda shown: shown.job.failure_type, in_table=False),
    Field("url", lambda shown: shown.job.url, in_table=False),
    Field(
        "device",
        lambda shown: _devices(shown.job, with_os=False),
        show=lambda shown: _devices(shown.job, with_os=True),
        in_table=False,
    ),
    Field(
        "device_os",
        lambda shown: _device_versions(shown.job),
        show=lambda _: None,
        in_table=False,
    ),
    Field("model", lambda shown: _model_ids(shown.job), in_table=False),
    Field("inputs", lambda shown: _dataset_id(shown.job), in_table=False),
    Field("target_model", lambda shown: shown.target_model, keep_whole=True),
    Field("measured_on", _origin, show=_origin_text, in_table=False),
    Field("inference_time", _inference_time, show=_inference_time_text, keep_whole=True),
    Field("peak_memory", _peak_memory, show=_peak_memory_text, in_table=False),
    Field("layers", _layers, show=_layers_text, in_table=False),
    Field(
        "psnr",
        _psnr,
        show=_psnr_text,
        in_table=False,
    ),
    Field("output_dataset", lambda shown: shown.outcome.output_dataset, in_table=False),
    Field("options", lambda shown: shown.job.options.strip(), in_table=False),
    Field("created", lambda shown: shown.job.created_at, in_table=False),
    Field("queued", lambda shown: shown.job.queued_at, in_table=False),
    Field("started", lambda shown: shown.job.started_at, in_table=False),
    Field("completed", lambda shown: shown.job.completed_at, in_table=False),
    Field(
        "owner",
        lambda shown: shown.job.owner.email if shown.job.owner else None,
        in_table=False,
    ),
    Field("project", lambda shown: shown.job.project_id, in_table=False),
    Field("hub_version", lambda shown: shown.job.hub_version, in_table=False),
    Field(
        "notices",
        lambda shown: [f"{each.severity}: {each.message}" for each in shown.job.notices],
        in_table=False,
    ),
)
"""Fields of a `ShownJob`. Times are in microseconds and memory is in bytes, except for people."""
