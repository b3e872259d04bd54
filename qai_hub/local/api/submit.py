"""Job submission: resolve references, refuse jobs that cannot work, and queue the rest."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from qai_hub.local.api.context import RequestContext
from qai_hub.local.api.datasets import is_expired
from qai_hub.local.api.lists import created_response, get_project_id, updated_response
from qai_hub.local.api.models import explain_missing_file
from qai_hub.local.api.offers import read_offered_labels
from qai_hub.local.api.quotas import check_submission
from qai_hub.local.contract import Reply
from qai_hub.local.core.access import DATASET, MODEL
from qai_hub.local.core.job_traces import describe_job
from qai_hub.local.core.kinds import CREATED, FAILED, kind_of_submission
from qai_hub.local.core.needs import job_needs
from qai_hub.local.devices import DeviceQuery
from qai_hub.local.engine.failures import FailureType
from qai_hub.local.engine.stages import installed_engines
from qai_hub.local.engines.catalog import ENGINES
from qai_hub.local.errors import ProblemError
from qai_hub.local.store.events import Topic, publish
from qai_hub.local.store.files import get_file
from qai_hub.local.store.records import Model
from qai_hub.local.store.relations import (
    InputFacts,
    Role,
    add_uses,
    get_input_facts,
)
from qai_hub.local.store.rows import DATASETS, JOBS, MODELS


def create_job(context: RequestContext) -> Reply:
    """Queue a job. Other jobs may still have to make its input models."""
    check_submission(context)
    ((message, body),) = context.call.body.items()
    project = get_project_id(context)
    dataset = body.get("dataset") or body.get("calibration_dataset")
    kind = kind_of_submission(message, body)
    references = body["models"]["models"] if kind.many_inputs else [body["model"]]
    models = [_get_input_model(context, reference["model_id"]) for reference in references]
    if kind.needs_dataset and dataset is None:
        raise ProblemError(409, "An inference job without a dataset can only profile.")
    uses: dict[Role, list[str]] = {"input": [model.id for model in models]}
    if dataset is not None:
        uses["dataset"] = [_check_dataset(context, dataset["dataset_id"])]
    options = body.get("options", "")
    now = context.now
    name = body.get("name") or _default_name(context, models[0])
    devices = _resolve_devices(context, body)
    tracer, config = context.services.tracer, context.services.config
    key = JOBS.add(
        context.db,
        owner_id=context.viewer.id,
        project_id=project,
        name=name,
        created=now,
        updated=now,
        kind=kind.name,
        options=options,
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
        needs=job_needs(
            kind,
            options,
            _input_facts(context, uses),
            config.big_input,
            engines=lambda: _usable_engines(context),
            strict_versions=config.strict_versions,
        ),
        traceparent=tracer.traceparent(),
        fresh=_is_fresh(context),
    )
    tracer.annotate(describe_job(key, kind.name))
    if kind.makes_model:
        model_type = kind.target_format(options)
        uses["target"] = [_add_target_model(context, key, name, project, now, model_type)]
    for role, ids in uses.items():
        add_uses(context.db, key, role, ids)
    _fail_if_producer_failed(context, key, models)
    publish(context.db, Topic.QUEUED)
    publish(context.db, Topic.CHANGED, [key])
    return created_response(context, "getJob", updated_response(key, now), job_id=key)


def _input_facts(context: RequestContext, uses: Mapping[Role, Sequence[str]]) -> list[InputFacts]:
    """Return what the needs of a job depend on, of its models and its dataset."""
    datasets = DATASETS.get_many(context.db, uses.get("dataset", ())).values()
    files = [get_file(context.db, each.file_id) for each in datasets if each.file_id is not None]
    return [
        *get_input_facts(context.db, uses["input"]),
        *(InputFacts(None, file.size) for file in files if file is not None),
    ]


def _is_fresh(context: RequestContext) -> bool:
    """Return whether the cache is not to serve the job."""
    directives = context.call.params.get("Cache-Control", "").split(",")
    return any(each.strip().lower() == "no-cache" for each in directives)


def _usable_engines(context: RequestContext) -> Collection[str]:
    """Return the names of the engines that jobs can use: those of all processes, if several run."""
    offered = read_offered_labels(context)
    if offered is None:
        return installed_engines()
    return [engine.name for engine in ENGINES.values() if engine.label in offered]


def _default_name(context: RequestContext, model: Model) -> str:
    """Return a job's default name, after its model; other users' names are not disclosed."""
    return model.name if model.owner_id == context.viewer.id else model.id


def _get_input_model(context: RequestContext, key: str) -> Model:
    model = MODEL.get_visible(context.db, context.viewer, key)
    if model.file_id is None and model.producer_id is None:
        raise ProblemError(409, explain_missing_file(context, model))
    return model


def _fail_if_producer_failed(context: RequestContext, key: str, models: Sequence[Model]) -> None:
    """Fail a job at once if a job that was to make one of its models has failed.

    So it makes no difference to the user whether that job fails before or after the submission.
    """
    needed = [model.producer_id for model in models if model.file_id is None and model.producer_id]
    failed = [job for job in JOBS.get_many(context.db, needed).values() if job.state == FAILED]
    if failed:
        context.services.lifecycle.fail_dependents(context.db, failed[0], [key])


def _check_dataset(context: RequestContext, key: str) -> str:
    dataset = DATASET.get_visible(context.db, context.viewer, key)
    if is_expired(context, dataset):
        raise ProblemError(
            409, f"The dataset {key} expired at {dataset.expires}: upload its data again."
        )
    if dataset.file_id is None:
        raise ProblemError(409, f"The file of the dataset {key} has not been uploaded.")
    return dataset.id


def _add_target_model(
    context: RequestContext,
    producer: str,
    name: str,
    project: str,
    now: str,
    model_type: str | None,
) -> str:
    """Create the record of a job's target model, so that further jobs can use it at once."""
    return MODELS.add(
        context.db,
        owner_id=context.viewer.id,
        project_id=project,
        name=name,
        created=now,
        model_type=model_type,
        is_directory=False,
        producer_id=producer,
    )


def _resolve_devices(context: RequestContext, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    wanted: Iterable[Mapping[str, Any]] = body["devices"]["devices"] if "devices" in body else ()
    if "device" in body:
        wanted = [body["device"]]
    catalogue = context.services.devices
    return [
        catalogue.resolve(
            DeviceQuery(each.get("name", ""), each.get("os", ""), each.get("attributes", ()))
        ).to_json()
        for each in wanted
    ]
