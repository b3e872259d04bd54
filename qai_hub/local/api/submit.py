"""Job submission: resolve references, refuse jobs that cannot work, and queue the rest."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from qai_hub.local.api.context import RETRY_AFTER, Work
from qai_hub.local.api.datasets import is_expired
from qai_hub.local.api.lists import changed, made, project_id
from qai_hub.local.api.models import why_missing
from qai_hub.local.contract import Reply
from qai_hub.local.core.access import DATASET, MODEL
from qai_hub.local.core.kinds import CREATED, FAILED, kind_of_submission
from qai_hub.local.devices import DeviceQuery
from qai_hub.local.engine.failures import FailureType
from qai_hub.local.errors import ProblemError
from qai_hub.local.store.records import Model, new_id
from qai_hub.local.store.relations import Role, add_uses, count_jobs
from qai_hub.local.store.rows import JOBS, MODELS


def create_job(work: Work) -> Reply:
    """Queue a job. Other jobs may still have to make its input models."""
    _check_queue(work)
    ((message, body),) = work.call.body.items()
    project = project_id(work)
    dataset = body.get("dataset") or body.get("calibration_dataset")
    kind = kind_of_submission(message, body)
    references = body["models"]["models"] if kind.many_inputs else [body["model"]]
    models = [_model(work, reference["model_id"]) for reference in references]
    if kind.needs_dataset and dataset is None:
        raise ProblemError(409, "An inference job without a dataset can only profile.")
    uses: dict[Role, list[str]] = {"input": [model.id for model in models]}
    if dataset is not None:
        uses["dataset"] = [_dataset(work, dataset["dataset_id"])]
    key, now = new_id("j"), work.now
    name = body.get("name") or _own_name(work, models[0])
    if kind.makes_model:
        model_type = kind.target_format(body.get("options", ""))
        uses["target"] = [_seed_target(work, key, name, project, now, model_type)]
    devices = _devices(work, body)
    JOBS.add(
        work.db,
        id=key,
        owner_id=work.viewer.id,
        project_id=project,
        name=name,
        created=now,
        updated=now,
        kind=kind.name,
        options=body.get("options", ""),
        device=devices[0] if devices else None,
        devices=devices if kind.many_devices else None,
        input_specs=body.get("tensor_type_list", {}).get("types"),
        weights_dtype=body.get("weights_dtype"),
        activations_dtype=body.get("activations_dtype"),
        state=CREATED,
        failure_type=FailureType.UNSPECIFIED,
        attempt=0,
        losses=0,
        ready=all(model.file_id is not None for model in models),
    )
    for role, ids in uses.items():
        add_uses(work.db, key, role, ids)
    _fail_if_hopeless(work, key, models)
    work.after.append(work.services.wake)
    return made(work, "getJob", changed(key, now), job_id=key)


def _own_name(work: Work, model: Model) -> str:
    """Return a job's default name, after its model; other users' names are not disclosed."""
    return model.name if model.owner_id == work.viewer.id else model.id


def _check_queue(work: Work) -> None:
    most = work.services.config.max_queued_jobs
    if count_jobs(work.db, work.viewer.id, CREATED) >= most:
        raise ProblemError(
            429,
            f"You have {most} queued jobs, as many as this hub takes from one person: wait until "
            "some have begun, or cancel some.",
            headers={"Retry-After": RETRY_AFTER},
        )


def _model(work: Work, key: str) -> Model:
    model = MODEL.get_visible(work.db, work.viewer, key)
    if model.file_id is None and model.producer_id is None:
        raise ProblemError(409, why_missing(work, model))
    return model


def _fail_if_hopeless(work: Work, key: str, models: Sequence[Model]) -> None:
    """Fail a job at once if a job that was to make one of its models has failed.

    So it makes no difference to the user whether that job fails before or after the submission.
    """
    needed = [model.producer_id for model in models if model.file_id is None and model.producer_id]
    failed = [job for job in JOBS.get_many(work.db, needed).values() if job.state == FAILED]
    if failed:
        work.services.lifecycle.fail_dependents(work.db, failed[0], [key])


def _dataset(work: Work, key: str) -> str:
    dataset = DATASET.get_visible(work.db, work.viewer, key)
    if is_expired(work, dataset):
        raise ProblemError(
            409, f"The dataset {key} expired at {dataset.expires}: upload its data again."
        )
    if dataset.file_id is None:
        raise ProblemError(409, f"The file of the dataset {key} has not been uploaded.")
    return dataset.id


def _seed_target(
    work: Work, producer: str, name: str, project: str, now: str, model_type: str | None
) -> str:
    """Create the record of a job's target model, so that further jobs can use it at once."""
    key = new_id("m")
    MODELS.add(
        work.db,
        id=key,
        owner_id=work.viewer.id,
        project_id=project,
        name=name,
        created=now,
        model_type=model_type,
        is_directory=False,
        producer_id=producer,
    )
    return key


def _devices(work: Work, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    wanted: Iterable[Mapping[str, Any]] = body["devices"]["devices"] if "devices" in body else ()
    if "device" in body:
        wanted = [body["device"]]
    catalogue = work.services.devices
    return [
        catalogue.resolve(
            DeviceQuery(each.get("name", ""), each.get("os", ""), each.get("attributes", ()))
        ).to_json()
        for each in wanted
    ]
