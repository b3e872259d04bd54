"""Handlers for models: create, upload, get, download; and deletion of models and datasets."""

from collections.abc import Iterable
from typing import TypeVar

from qai_hub.local.api.context import RequestContext
from qai_hub.local.api.lists import created_response, get_project_id, updated_response
from qai_hub.local.api.serialize import Json, model_json
from qai_hub.local.api.serialize_jobs import failure_reasons
from qai_hub.local.api.uploads import (
    create_upload,
    download_json,
    get_unfinished_upload,
    model_filename,
    part_urls,
    publish_parts,
    received_parts_json,
)
from qai_hub.local.contract import Reply
from qai_hub.local.core.access import MODEL, ResourceKind, is_visible
from qai_hub.local.core.kinds import FAILED, UNFINISHED_STATES
from qai_hub.local.errors import ProblemError
from qai_hub.local.store.events import Topic, publish
from qai_hub.local.store.files import (
    delete_cache_entry,
    delete_unreferenced,
    delete_uploads,
    get_file,
    get_upload,
    get_uploads,
)
from qai_hub.local.store.people import unshare
from qai_hub.local.store.records import Model, Owned
from qai_hub.local.store.relations import find_job_using
from qai_hub.local.store.rows import JOBS, MODELS

_Record = TypeVar("_Record", bound=Owned)


def get_deletable(context: RequestContext, kind: ResourceKind[_Record], key: str) -> _Record:
    """Return a model or dataset if the caller may delete it and no job needs it.

    Raises:
        ProblemError: 404 if the caller may not see it, 403 if they may only see it, 409 if an
            unfinished job uses or makes it.
    """
    resource = kind.get_editable(context.db, context.viewer, key)
    job_id = find_job_using(context.db, resource.id, UNFINISHED_STATES)
    job = None if job_id is None else JOBS.get(context.db, job_id)
    if job is not None:
        needs = f"needs the {kind.name} {resource.id}: wait until it ends"
        if is_visible(context.db, context.viewer, job):
            raise ProblemError(409, f"The job {job.id} {needs}, or cancel it.")
        raise ProblemError(409, f"A job of somebody with whom it is shared {needs}.")
    return resource


def delete_resource(
    context: RequestContext,
    kind: ResourceKind[_Record],
    resource: _Record,
    file_ids: Iterable[str | None],
) -> Reply:
    """Delete a model or dataset with its shares, its uploads, and files that nothing else needs.

    Finished jobs keep its id. The files are deleted last, once the database no longer refers to
    them.

    Raises:
        ProblemError: 409 if part of an upload of it is arriving.
    """
    storage = context.services.storage
    uploads = [upload.id for upload in get_uploads(context.db, resource.id)]
    for upload_id in uploads:
        context.exit_stack.enter_context(context.services.writers.finishing(upload_id))
    delete_uploads(context.db, uploads)
    unshare(context.db, resource.id)
    kind.table.delete(context.db, resource.id)
    unreferenced = delete_unreferenced(context.db, [each for each in file_ids if each is not None])
    context.after_commit.append(lambda: storage.remove_uploads(uploads))
    context.after_commit.append(lambda: storage.remove(unreferenced))
    return Reply({"id": resource.id, "error_status": ""})


def create_model(context: RequestContext) -> Reply:
    """Create a model, whose file is uploaded afterwards."""
    body = context.call.body
    now = context.now
    key = MODELS.add(
        context.db,
        owner_id=context.viewer.id,
        project_id=get_project_id(context),
        name=body["name"],
        created=now,
        model_type=body["model_type"],
        is_directory=body.get("is_directory", False),
    )
    return created_response(context, "getModel", updated_response(key, now), model_id=key)


def get_model(context: RequestContext) -> Reply:
    """Return a model."""
    model = MODEL.get_visible(context.db, context.viewer, _model_id(context))
    file = None if model.file_id is None else get_file(context.db, model.file_id)
    return Reply(model_json(context, model, sha256=None if file is None else file.sha256))


def update_model(context: RequestContext) -> Reply:
    """Rename a model."""
    model = MODEL.get_editable(context.db, context.viewer, _model_id(context))
    if "name" in context.call.body:
        MODELS.update(context.db, model.id, name=context.call.body["name"])
    return updated_response(model.id, model.created)


def delete_model(context: RequestContext) -> Reply:
    """Delete a model, unless a job needs it; the cache no longer serves it, either."""
    model = get_deletable(context, MODEL, _model_id(context))
    if model.producer_id is not None:
        delete_cache_entry(context.db, model.producer_id)
    return delete_resource(context, MODEL, model, [model.file_id, model.source_id])


def start_upload(context: RequestContext) -> Reply:
    """Begin or continue a multipart upload, and sign a URL for each part."""
    model = MODEL.get_editable(context.db, context.viewer, _model_id(context))
    if model.file_id is not None or model.producer_id is not None:
        raise ProblemError(
            409, f"The model {model.id} already has its file, or gets it from a job."
        )
    size, arrived = context.call.params["file_size"], list[Json]()
    if "upload_id" in context.call.params:
        upload = get_unfinished_upload(context, model.id, context.call.params["upload_id"])
        if upload.size != size:
            raise ProblemError(
                409, f"This upload is of a file of {upload.size} bytes, not of {size}."
            )
        arrived = received_parts_json(context, upload)
    else:
        upload = create_upload(context, model.id, size, in_parts=True)
    parts = {
        "urls": part_urls(context, upload),
        "upload_id": upload.id,
        "max_part_size": upload.part_size,
        "parts": arrived,
    }
    return Reply({"multipart_url": parts})


def finish_upload(context: RequestContext) -> Reply:
    """Finish a multipart upload. Idempotent."""
    model = MODEL.get_editable(context.db, context.viewer, _model_id(context))
    if model.file_id is None:
        upload = get_upload(context.db, context.call.body["upload_id"])
        if upload is None or upload.object_id != model.id:
            raise ProblemError(409, "There is no such upload of this model: start another.")
        file_id = publish_parts(context, upload, context.call.body["etags"])
        MODELS.update(context.db, model.id, file_id=file_id)
        publish(context.db, Topic.QUEUED)
    return updated_response(model.id, model.created)


def complete_upload(context: RequestContext) -> Reply:
    """Confirm that the file is there; it must have been uploaded in parts."""
    model = MODEL.get_editable(context.db, context.viewer, _model_id(context))
    if model.file_id is None:
        raise ProblemError(409, f"The file of the model {model.id} has not been uploaded.")
    return updated_response(model.id, model.created)


def get_download(context: RequestContext) -> Reply:
    """Sign a URL for the download of a model."""
    model = MODEL.get_visible(context.db, context.viewer, _model_id(context))
    return Reply({"url": model_download_json(context, model)})


def model_download_json(context: RequestContext, model: Model) -> dict[str, str]:
    """Return where a model can be downloaded.

    Raises:
        ProblemError: 409 if its file is not there, with the reason.
    """
    if model.file_id is None:
        raise ProblemError(409, explain_missing_file(context, model))
    filename = model_filename(model.name, model.model_type, is_directory=model.is_directory)
    return download_json(context, model.file_id, filename)


def explain_missing_file(context: RequestContext, model: Model) -> str:
    """Return why the file of a model is missing, as far as the viewer may know."""
    producer = JOBS.get(context.db, model.producer_id) if model.producer_id else None
    if producer is None:
        return f"The file of the model {model.id} has not been uploaded."
    if producer.state == FAILED:
        text = f"The model {model.id} was not made: the job {producer.id} failed"
        reason = failure_reasons(context, [producer]).get(producer.id)
        return f"{text}: {reason}" if reason else f"{text}."
    return f"The model {model.id} is not ready yet: the job {producer.id} has not ended."


def _model_id(context: RequestContext) -> str:
    key: str = context.call.params["model_id"]
    return key
