"""Jobs, their summaries and their results as JSON, as far as the viewer may see them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qai_hub._version import __version__
from qai_hub.local.api.context import Work
from qai_hub.local.api.serialize import (
    Json,
    authorization,
    dataset_json,
    dataset_reference,
    model_json,
    model_reference,
    present,
    project,
    tensors_json,
    user_json,
)
from qai_hub.local.core.access import filter_visible
from qai_hub.local.core.kinds import DONE, KINDS
from qai_hub.local.store.records import Artifact, Dataset, Job, Model
from qai_hub.local.store.relations import Uses, get_artifacts, get_uses
from qai_hub.local.store.rows import DATASETS, JOBS, MODELS

_REASON_LIMIT = 2000


def reasons(work: Work, jobs: Iterable[Job]) -> dict[str, str]:
    """Return why jobs have failed, with a few queries for all of them.

    If a job failed because another did not make its model, the reason of the other is shown only to
    users who may see the other.

    Args:
        work: The request.
        jobs: The jobs.

    Returns:
        The reasons by job id, for failed jobs that the viewer may see.
    """
    failed = filter_visible(work.db, work.viewer, (job for job in jobs if job.failure_reason))
    causes = JOBS.get_many(work.db, (job.cause_id for job in failed.values() if job.cause_id))
    known = filter_visible(work.db, work.viewer, causes.values())
    return {key: _reason(job, known.get(job.cause_id or "")) for key, job in failed.items()}


def _reason(job: Job, cause: Job | None) -> str:
    own = job.failure_reason or ""
    if cause is None or not cause.failure_reason:
        return own
    return f"{own.removesuffix('.')}: {cause.failure_reason[:_REASON_LIMIT]}"


@dataclass(frozen=True, slots=True)
class _Related:
    """What a page of jobs refers to, read at once, as far as the viewer may see them."""

    uses: Mapping[str, Uses]
    models: Mapping[str, Model]
    datasets: Mapping[str, Dataset]
    artifacts: Mapping[str, Sequence[Artifact]]
    reasons: Mapping[str, str]


def job_json(work: Work, job: Job) -> Json:
    """Return a job as JSON."""
    return jobs_json(work, [job])[0]


def jobs_json(work: Work, jobs: Sequence[Job]) -> list[Json]:
    """Return jobs as JSON, in order, with a few queries for all that they refer to."""
    ids = [job.id for job in jobs]
    uses = get_uses(work.db, ids)
    # Output datasets are part of the result alone.
    datasets = DATASETS.get_many(work.db, (key for each in uses.values() for key in each.dataset))
    related = _Related(
        uses,
        _models(work, uses),
        filter_visible(work.db, work.viewer, datasets.values()),
        get_artifacts(work.db, ids),
        reasons(work, jobs),
    )
    return [_job(work, job, related) for job in jobs]


def summaries_json(work: Work, jobs: Sequence[Job]) -> list[Json]:
    """Return summaries of jobs as JSON, in order."""
    uses = get_uses(work.db, [job.id for job in jobs])
    models = _models(work, uses)
    return [_summary(work, job, _last_model(uses[job.id], models)) for job in jobs]


def result_json(work: Work, job: Job, body: Json) -> Json:
    """Return the result of a job as JSON."""
    kind = KINDS[job.kind]
    if kind.detail_field:
        found: Json = {kind.detail_field: body}
    else:
        outputs = get_uses(work.db, [job.id])[job.id].output
        found = {"output_dataset_id": outputs[0] if outputs else "", **body}
    return {f"{kind.message}_result": {f"{kind.message}_id": job.id, **found}}


def _job(work: Work, job: Job, related: _Related) -> Json:
    kind = KINDS[job.kind]
    message, shown = kind.message, _Shown(work, job, related)
    detail = present(
        **{f"{message}_id": job.id},
        **_common(work, job),
        user_id=job.owner_id,
        options=job.options,
        device=job.device,
        failure_reason=related.reasons.get(job.id),
    )
    detail |= present(**{name: _FIELDS[name](shown) for name in kind.fields})
    return {
        message: detail,
        "hub_version": f"local {__version__}",
        "read_only": job.owner_id != work.viewer.id,
        "notices": job.notices or [],
        "failure_type": job.failure_type,
        "available_artifacts": [artifact.type for artifact in related.artifacts.get(job.id, ())],
        "actor_authorization": authorization(work, job, "JOB"),
    }


@dataclass(frozen=True, slots=True)
class _Shown:
    """A job and the objects that it refers to, from which its fields are serialized."""

    work: Work
    job: Job
    related: _Related

    @property
    def uses(self) -> Uses:
        return self.related.uses[self.job.id]

    @property
    def target(self) -> Model | None:
        return self.related.models.get(self.uses.target[0])

    def model(self, key: str) -> Json:
        model = self.related.models.get(key)
        return model_reference(key) if model is None else model_json(self.work, model)

    def inputs(self) -> list[Json]:
        return [self.model(key) for key in self.uses.input]

    def dataset(self) -> Json | None:
        if not self.uses.dataset:
            return None
        key = self.uses.dataset[0]
        dataset = self.related.datasets.get(key)
        return dataset_reference(key) if dataset is None else dataset_json(self.work, dataset)

    def input_types(self) -> Json | None:
        if not KINDS[self.job.kind].runs_model:
            return tensors_json(self.job.input_specs)
        model = self.related.models.get(self.uses.input[0])
        return tensors_json(_told_apart(model.input_spec)) if model else None

    def made_types(self) -> Json | None:
        made = self.target if self.job.state == DONE else None
        return tensors_json(made.input_spec) if made else None


# How each field that `JobKind.fields` names is serialized; None omits the field.
_FIELDS: Mapping[str, Callable[[_Shown], Any]] = {
    "target_model": lambda shown: shown.model(shown.uses.target[0]),
    "model": lambda shown: shown.inputs()[0],
    "models": lambda shown: _listed("models", shown.inputs()),
    "dataset": lambda shown: shown.dataset(),
    "calibration_dataset": lambda shown: shown.dataset(),
    "has_vizgraph": lambda _: False,
    "tensor_type_list": lambda shown: shown.input_types(),
    "devices": lambda shown: _listed("devices", shown.job.devices or []),
    "target_tensor_type_list": lambda shown: shown.made_types(),
    "weights_dtype": lambda shown: shown.job.weights_dtype,
    "activations_dtype": lambda shown: shown.job.activations_dtype,
    "is_profiling_on": lambda shown: shown.job.kind == "profile",
    "execution_time": lambda shown: shown.job.execution_time,
    "execution_peak_memory": lambda shown: shown.job.peak_memory,
}


def _listed(name: str, items: Sequence[Any]) -> Json:
    return {name: items, "total_query_count": len(items)}


def _models(work: Work, uses: Mapping[str, Uses]) -> dict[str, Model]:
    """Read the models of jobs that the viewer may see."""
    models = MODELS.get_many(work.db, (key for each in uses.values() for key in each.models))
    return filter_visible(work.db, work.viewer, models.values())


def _told_apart(types: Sequence[Mapping[str, Any]] | None) -> Sequence[Mapping[str, Any]] | None:
    """Omit the inputs of several graphs: a job runs one of them, and names may recur."""
    return None if any("graph_name" in tensor for tensor in types or ()) else types


def _summary(work: Work, job: Job, target: Model | None) -> Json:
    kind = KINDS[job.kind]
    device = job.device or {}
    summary = present(
        job_id=job.id,
        **_common(work, job),
        target_model_type=target.model_type if target else None,
    )
    if kind.summary_has_device:
        summary["device_name"] = device.get("name", "")
        summary["device_os_version"] = device.get("os", "")
    if kind.runs_model:
        summary |= present(
            is_profiling_on=job.kind == "profile",
            execution_time=job.execution_time,
            execution_peak_memory=job.peak_memory,
        )
    return {
        f"{kind.message}_summary": summary,
        "actor_authorization": authorization(work, job, "JOB"),
    }


def _common(work: Work, job: Job) -> Json:
    return present(
        user=user_json(work.services.accounts.get_user(job.owner_id)),
        name=job.name,
        job_state=job.state,
        creation_time=job.created,
        queued_time=job.created,
        start_time=job.started,
        completion_time=job.completed,
        last_updated_time=job.updated,
        **project(work, job),
    )


def _last_model(uses: Uses, models: Mapping[str, Model]) -> Model | None:
    """Return the model that a job makes, or else the one that it runs."""
    keys = uses.models
    return models.get(keys[-1]) if keys else None
