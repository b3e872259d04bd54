"""Jobs, their summaries and their results as JSON, as far as the viewer may see them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from qai_hub.local.api.context import RequestContext
from qai_hub.local.api.serialize import (
    HUB_VERSION,
    Json,
    authorization_json,
    dataset_json,
    dataset_reference,
    model_json,
    model_reference,
    omit_none,
    project_json,
    tensors_json,
    user_json,
)
from qai_hub.local.core.access import filter_visible, filter_visible_of_jobs
from qai_hub.local.core.kinds import DONE, KINDS
from qai_hub.local.store.records import (
    Artifact,
    Dataset,
    Job,
    JobSummary,
    Model,
    ModelSummary,
    Owned,
)
from qai_hub.local.store.relations import Uses, get_artifacts, get_uses
from qai_hub.local.store.rows import DATASETS, JOBS, MODEL_SUMMARIES, MODELS, Rows

_Record = TypeVar("_Record", bound=Owned)

_MAX_REASON_LENGTH = 2000


def failure_reasons(context: RequestContext, jobs: Iterable[Job]) -> dict[str, str]:
    """Return why jobs have failed, with a few queries for all of them.

    If a job failed because another did not make its model, the reason of the other is shown only to
    users who may see the other.

    Args:
        context: The request.
        jobs: The jobs.

    Returns:
        The reasons by job id, for failed jobs that the viewer may see.
    """
    failed = filter_visible(context.db, context.viewer, (job for job in jobs if job.failure_reason))
    causes = JOBS.get_many(context.db, (job.cause_id for job in failed.values() if job.cause_id))
    known = filter_visible(context.db, context.viewer, causes.values())
    return {key: _failure_reason(job, known.get(job.cause_id or "")) for key, job in failed.items()}


def _failure_reason(job: Job, cause: Job | None) -> str:
    own = job.failure_reason or ""
    if cause is None or not cause.failure_reason:
        return own
    return f"{own.removesuffix('.')}: {cause.failure_reason[:_MAX_REASON_LENGTH]}"


@dataclass(frozen=True, slots=True)
class _RelatedObjects:
    """What a page of jobs refers to, read at once, as far as the viewer may see them."""

    uses: Mapping[str, Uses]
    models: Mapping[str, Model]
    datasets: Mapping[str, Dataset]
    artifacts: Mapping[str, Sequence[Artifact]]
    reasons: Mapping[str, str]


def job_json(context: RequestContext, job: Job) -> Json:
    """Return a job as JSON."""
    return jobs_json(context, [job])[0]


def jobs_json(context: RequestContext, jobs: Sequence[Job]) -> list[Json]:
    """Return jobs that the viewer may see as JSON, in order, with a few queries for all of them."""
    ids = [job.id for job in jobs]
    uses = get_uses(context.db, ids)
    # Output datasets are part of the result alone.
    datasets = {job.id: uses[job.id].dataset for job in jobs}
    related = _RelatedObjects(
        uses,
        _read_visible(context, MODELS, jobs, {job.id: uses[job.id].models for job in jobs}),
        _read_visible(context, DATASETS, jobs, datasets),
        get_artifacts(context.db, ids),
        failure_reasons(context, jobs),
    )
    return [_job_json(context, job, related) for job in jobs]


def summaries_json(context: RequestContext, jobs: Sequence[JobSummary]) -> list[Json]:
    """Return summaries of jobs that the viewer may see as JSON, in order."""
    uses = get_uses(context.db, [job.id for job in jobs])
    # The model that a job makes, or else the one that it runs.
    shown = {job.id: uses[job.id].models[-1:] for job in jobs}
    models = _read_visible(context, MODEL_SUMMARIES, jobs, shown)
    return [_summary_json(context, job, next(map(models.get, shown[job.id]), None)) for job in jobs]


def result_json(context: RequestContext, job: Job, body: Json) -> Json:
    """Return the result of a job as JSON."""
    kind = KINDS[job.kind]
    if kind.detail_field:
        found: Json = {kind.detail_field: body}
    else:
        outputs = get_uses(context.db, [job.id])[job.id].output
        found = {"output_dataset_id": outputs[0] if outputs else "", **body}
    return {f"{kind.message}_result": {f"{kind.message}_id": job.id, **found}}


def _job_json(context: RequestContext, job: Job, related: _RelatedObjects) -> Json:
    kind = KINDS[job.kind]
    message, shown = kind.message, _JobView(context, job, related)
    detail = omit_none(
        **{f"{message}_id": job.id},
        **_common_fields(context, job),
        user_id=job.owner_id,
        options=job.options,
        device=job.device,
        failure_reason=related.reasons.get(job.id),
    )
    detail |= omit_none(**{name: _FIELDS[name](shown) for name in kind.fields})
    return {
        message: detail,
        "hub_version": HUB_VERSION,
        "read_only": job.owner_id != context.viewer.id,
        "notices": job.notices or [],
        "failure_type": job.failure_type,
        "available_artifacts": [artifact.type for artifact in related.artifacts.get(job.id, ())],
        "actor_authorization": authorization_json(context, job, "JOB"),
    }


@dataclass(frozen=True, slots=True)
class _JobView:
    """A job and the objects that it refers to, from which its fields are serialized."""

    context: RequestContext
    job: Job
    related: _RelatedObjects

    @property
    def uses(self) -> Uses:
        return self.related.uses[self.job.id]

    @property
    def target(self) -> Model | None:
        return self.related.models.get(self.uses.target[0])

    def model(self, key: str) -> Json:
        model = self.related.models.get(key)
        return model_reference(key) if model is None else model_json(self.context, model)

    def inputs(self) -> list[Json]:
        return [self.model(key) for key in self.uses.input]

    def dataset(self) -> Json | None:
        if not self.uses.dataset:
            return None
        key = self.uses.dataset[0]
        dataset = self.related.datasets.get(key)
        return dataset_reference(key) if dataset is None else dataset_json(self.context, dataset)

    def input_types(self) -> Json | None:
        if not KINDS[self.job.kind].runs_model:
            return tensors_json(self.job.input_specs)
        model = self.related.models.get(self.uses.input[0])
        return tensors_json(_unless_several_graphs(model.input_spec)) if model else None

    def target_types(self) -> Json | None:
        made = self.target if self.job.state == DONE else None
        return tensors_json(made.input_spec) if made else None


# How each field that `JobKind.fields` names is serialized; None omits the field.
_FIELDS: Mapping[str, Callable[[_JobView], Any]] = {
    "target_model": lambda shown: shown.model(shown.uses.target[0]),
    "model": lambda shown: shown.inputs()[0],
    "models": lambda shown: _list_json("models", shown.inputs()),
    "dataset": lambda shown: shown.dataset(),
    "calibration_dataset": lambda shown: shown.dataset(),
    "has_vizgraph": lambda _: False,
    "tensor_type_list": lambda shown: shown.input_types(),
    "devices": lambda shown: _list_json("devices", shown.job.devices or []),
    "target_tensor_type_list": lambda shown: shown.target_types(),
    "weights_dtype": lambda shown: shown.job.weights_dtype,
    "activations_dtype": lambda shown: shown.job.activations_dtype,
    "is_profiling_on": lambda shown: shown.job.kind == "profile",
    "execution_time": lambda shown: shown.job.execution_time,
    "execution_peak_memory": lambda shown: shown.job.peak_memory,
}


def _list_json(name: str, items: Sequence[Any]) -> Json:
    return {name: items, "total_query_count": len(items)}


def _read_visible(
    context: RequestContext,
    rows: Rows[_Record],
    jobs: Sequence[JobSummary],
    uses: Mapping[str, Sequence[str]],
) -> dict[str, _Record]:
    """Read the models or datasets of visible jobs, as far as the viewer may see them."""
    found = rows.get_many(context.db, (key for keys in uses.values() for key in keys))
    return filter_visible_of_jobs(context.db, context.viewer, jobs, uses, found)


def _unless_several_graphs(
    types: Sequence[Mapping[str, Any]] | None,
) -> Sequence[Mapping[str, Any]] | None:
    """Omit the inputs of several graphs: a job runs one of them, and names may recur."""
    return None if any("graph_name" in tensor for tensor in types or ()) else types


def _summary_json(context: RequestContext, job: JobSummary, target: ModelSummary | None) -> Json:
    kind = KINDS[job.kind]
    device = job.device or {}
    summary = omit_none(
        job_id=job.id,
        **_common_fields(context, job),
        target_model_type=target.model_type if target else None,
    )
    if kind.summary_has_device:
        summary["device_name"] = device.get("name", "")
        summary["device_os_version"] = device.get("os", "")
    if kind.runs_model:
        summary |= omit_none(
            is_profiling_on=job.kind == "profile",
            execution_time=job.execution_time,
            execution_peak_memory=job.peak_memory,
        )
    return {
        f"{kind.message}_summary": summary,
        "actor_authorization": authorization_json(context, job, "JOB"),
    }


def _common_fields(context: RequestContext, job: JobSummary) -> Json:
    return omit_none(
        user=user_json(context.services.accounts.get_user(job.owner_id)),
        name=job.name,
        job_state=job.state,
        creation_time=job.created,
        queued_time=job.created,
        start_time=job.started,
        completion_time=job.completed,
        last_updated_time=job.updated,
        **project_json(context, job),
    )
