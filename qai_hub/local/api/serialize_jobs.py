"""Why jobs have failed, as far as the person who looks at them may know it."""

from collections.abc import Iterable, Mapping, Sequence
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
from qai_hub.local.core.access import visible
from qai_hub.local.core.kinds import DONE
from qai_hub.local.store.records import Artifact, Dataset, Job, Model
from qai_hub.local.store.relations import Uses, artifacts_of, uses_of
from qai_hub.local.store.rows import DATASETS, JOBS, MODELS

_REASON_LIMIT = 2000


def reasons(work: Work, jobs: Iterable[Job]) -> dict[str, str]:
    """Tell why jobs have failed, reading all that it takes in a few queries.

    A job that failed since another did not make its model tells why that one failed only to those
    who may see that one.

    Args:
        work: The request.
        jobs: The jobs.

    Returns:
        The reasons by job, of those that have failed and that the viewer may see.
    """
    failed = visible(work.db, work.viewer, (job for job in jobs if job.failure_reason))
    causes = JOBS.get_many(work.db, (job.cause_id for job in failed.values() if job.cause_id))
    known = visible(work.db, work.viewer, causes.values())
    return {key: _reason(job, known.get(job.cause_id or "")) for key, job in failed.items()}


def _reason(job: Job, cause: Job | None) -> str:
    own = job.failure_reason or ""
    if cause is None or not cause.failure_reason:
        return own
    return f"{own.removesuffix('.')}: {cause.failure_reason[:_REASON_LIMIT]}"


# A profile job is an inference job that profiles, as in the service.
_MESSAGES = {
    "compile": "compile_job",
    "link": "link_job",
    "quantize": "quantize_job",
    "inference": "inference_job",
    "profile": "inference_job",
}


@dataclass(frozen=True, slots=True)
class _Related:
    """What one page of jobs refers to, read at once, as far as the viewer may see it."""

    uses: Mapping[str, Uses]
    models: Mapping[str, Model]
    datasets: Mapping[str, Dataset]
    artifacts: Mapping[str, Sequence[Artifact]]
    reasons: Mapping[str, str]


def job_json(work: Work, job: Job) -> Json:
    """Write a job."""
    return jobs_json(work, [job])[0]


def jobs_json(work: Work, jobs: Sequence[Job]) -> list[Json]:
    """Write jobs, in order, reading what they refer to in a few queries for all."""
    ids = [job.id for job in jobs]
    uses = uses_of(work.db, ids)
    # The output datasets are told by the result alone.
    datasets = DATASETS.get_many(work.db, (key for each in uses.values() for key in each.dataset))
    related = _Related(
        uses,
        _models(work, uses),
        visible(work.db, work.viewer, datasets.values()),
        artifacts_of(work.db, ids),
        reasons(work, jobs),
    )
    return [_job(work, job, related) for job in jobs]


def summaries_json(work: Work, jobs: Sequence[Job]) -> list[Json]:
    """Write jobs in short, in order."""
    uses = uses_of(work.db, [job.id for job in jobs])
    models = _models(work, uses)
    return [_summary(work, job, _last_model(uses[job.id], models)) for job in jobs]


def result_json(work: Work, job: Job, body: Json) -> Json:
    """Write what a job has found out."""
    message = _MESSAGES[job.kind]
    if message == "inference_job":
        outputs = uses_of(work.db, [job.id])[job.id].output
        found = {"output_dataset_id": outputs[0] if outputs else "", **body}
    else:
        found = {f"{job.kind}_detail": body}
    return {f"{message}_result": {f"{message}_id": job.id, **found}}


def _job(work: Work, job: Job, related: _Related) -> Json:
    message = _MESSAGES[job.kind]
    detail = present(
        **{f"{message}_id": job.id},
        **_common(work, job),
        user_id=job.owner_id,
        options=job.options,
        device=job.device,
        failure_reason=related.reasons.get(job.id),
    )
    detail |= _particulars(work, job, related)
    return {
        message: detail,
        "hub_version": f"local {__version__}",
        "read_only": job.owner_id != work.viewer.id,
        "notices": job.notices or [],
        "failure_type": job.failure_type,
        "available_artifacts": [artifact.type for artifact in related.artifacts.get(job.id, ())],
        "actor_authorization": authorization(work, job, "JOB"),
    }


def _particulars(work: Work, job: Job, related: _Related) -> Json:
    uses = related.uses[job.id]
    inputs = [_model(work, related, key) for key in uses.input]
    datasets = [_dataset(work, related, key) for key in uses.dataset]
    data = datasets[0] if datasets else None
    if job.kind in ("inference", "profile"):
        model = related.models.get(uses.input[0])
        return present(
            model=inputs[0],
            dataset=data,
            tensor_type_list=tensors_json(_told_apart(model.input_spec)) if model else None,
            is_profiling_on=job.kind == "profile",
            execution_time=job.execution_time,
            execution_peak_memory=job.peak_memory,
        )
    target = related.models.get(uses.target[0])
    found: Json = {"target_model": _model(work, related, uses.target[0])}
    if job.kind == "link":
        return found | {"models": {"models": inputs, "total_query_count": len(inputs)}}
    found |= present(
        model=inputs[0],
        calibration_dataset=data,
        has_vizgraph=False,
        tensor_type_list=tensors_json(job.input_specs),
    )
    if job.kind == "quantize":
        return found | present(
            weights_dtype=job.weights_dtype, activations_dtype=job.activations_dtype
        )
    devices = job.devices or []
    made = tensors_json(target.input_spec) if target and job.state == DONE else None
    return found | present(
        devices={"devices": devices, "total_query_count": len(devices)},
        target_tensor_type_list=made,
    )


def _models(work: Work, uses: Mapping[str, Uses]) -> dict[str, Model]:
    """Read those of the models of jobs that the viewer may see."""
    models = MODELS.get_many(work.db, (key for each in uses.values() for key in each.models))
    return visible(work.db, work.viewer, models.values())


def _model(work: Work, related: _Related, key: str) -> Json:
    model = related.models.get(key)
    return model_reference(key) if model is None else model_json(work, model)


def _dataset(work: Work, related: _Related, key: str) -> Json:
    dataset = related.datasets.get(key)
    return dataset_reference(key) if dataset is None else dataset_json(work, dataset)


def _told_apart(types: Sequence[Mapping[str, Any]] | None) -> Sequence[Mapping[str, Any]] | None:
    """Leave out the inputs of several graphs: a job runs one of them, and names may recur."""
    return None if any("graph_name" in tensor for tensor in types or ()) else types


def _summary(work: Work, job: Job, target: Model | None) -> Json:
    message = _MESSAGES[job.kind]
    device = job.device or {}
    summary = present(
        job_id=job.id,
        **_common(work, job),
        target_model_type=target.model_type if target else None,
    )
    if job.kind != "quantize":
        summary["device_name"] = device.get("name", "")
        summary["device_os_version"] = device.get("os", "")
    if message == "inference_job":
        summary |= present(
            is_profiling_on=job.kind == "profile",
            execution_time=job.execution_time,
            execution_peak_memory=job.peak_memory,
        )
    return {
        f"{message}_summary": summary,
        "actor_authorization": authorization(work, job, "JOB"),
    }


def _common(work: Work, job: Job) -> Json:
    return present(
        user=user_json(work.services.accounts.user(job.owner_id)),
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
