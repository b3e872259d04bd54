"""Handlers for models: create, upload, get, download; and deletion of models and datasets."""

from collections.abc import Iterable
from typing import TypeVar

from qai_hub.local.api.context import Work, origin
from qai_hub.local.api.lists import changed, made, project_id
from qai_hub.local.api.serialize import model_json
from qai_hub.local.api.serialize_jobs import reasons
from qai_hub.local.api.uploads import (
    begin_upload,
    check_parts,
    download_json,
    end_upload,
    model_filename,
    part_sizes,
)
from qai_hub.local.contract import Reply
from qai_hub.local.core.access import MODEL, ResourceKind
from qai_hub.local.core.kinds import FAILED, UNFINISHED_STATES
from qai_hub.local.errors import ProblemError
from qai_hub.local.store.files import (
    delete_cache_entry,
    delete_unreferenced,
    delete_uploads,
    get_upload,
    get_uploads,
)
from qai_hub.local.store.people import unshare
from qai_hub.local.store.records import Model, Owned, new_id
from qai_hub.local.store.relations import find_job_using
from qai_hub.local.store.rows import JOBS, MODELS

_Record = TypeVar("_Record", bound=Owned)


def deletable(work: Work, kind: ResourceKind[_Record], key: str) -> _Record:
    """Return a model or dataset if the caller may delete it and no job needs it.

    Raises:
        ProblemError: 404 if the caller may not see it, 403 if they may only see it, 409 if an
            unfinished job uses or makes it.
    """
    thing = kind.get_editable(work.db, work.viewer, key)
    job_id = find_job_using(work.db, thing.id, UNFINISHED_STATES)
    if job_id is not None:
        raise ProblemError(
            409,
            f"The job {job_id} needs the {kind.name} {thing.id}: wait for its end, or cancel it.",
        )
    return thing


def delete(
    work: Work, kind: ResourceKind[_Record], thing: _Record, file_ids: Iterable[str | None]
) -> Reply:
    """Delete a model or dataset with its shares, its uploads, and files that nothing else needs.

    Finished jobs keep its id. The files are deleted last, once the database no longer refers to
    them.

    Raises:
        ProblemError: 409 if part of an upload of it is arriving.
    """
    storage = work.services.storage
    uploads = [upload.id for upload in get_uploads(work.db, thing.id)]
    for upload_id in uploads:
        work.around.enter_context(work.services.writers.finishing(upload_id))
    delete_uploads(work.db, uploads)
    unshare(work.db, thing.id)
    kind.table.delete(work.db, thing.id)
    unneeded = delete_unreferenced(work.db, [each for each in file_ids if each is not None])
    work.after.append(lambda: storage.remove_uploads(uploads))
    work.after.append(lambda: storage.remove(unneeded))
    return Reply({"id": thing.id, "error_status": ""})


def create_model(work: Work) -> Reply:
    """Create a model, whose file is uploaded afterwards."""
    body = work.call.body
    key, now = new_id("m"), work.now
    MODELS.add(
        work.db,
        id=key,
        owner_id=work.viewer.id,
        project_id=project_id(work),
        name=body["name"],
        created=now,
        model_type=body["model_type"],
        is_directory=body.get("is_directory", False),
    )
    return made(work, "getModel", changed(key, now), model_id=key)


def get_model(work: Work) -> Reply:
    """Return a model."""
    return Reply(model_json(work, MODEL.get_visible(work.db, work.viewer, _key(work))))


def update_model(work: Work) -> Reply:
    """Rename a model."""
    model = MODEL.get_editable(work.db, work.viewer, _key(work))
    if "name" in work.call.body:
        MODELS.update(work.db, model.id, name=work.call.body["name"])
    return changed(model.id, model.created)


def delete_model(work: Work) -> Reply:
    """Delete a model, unless a job needs it; the cache no longer serves it, either."""
    model = deletable(work, MODEL, _key(work))
    if model.producer_id is not None:
        delete_cache_entry(work.db, model.producer_id)
    return delete(work, MODEL, model, [model.file_id, model.source_id])


def start_upload(work: Work) -> Reply:
    """Begin a multipart upload, and sign a URL for each part."""
    model = MODEL.get_editable(work.db, work.viewer, _key(work))
    if model.file_id is not None or model.producer_id is not None:
        raise ProblemError(409, f"The model {model.id} has its file, or gets it from its job.")
    upload = begin_upload(work, model.id, work.call.params["file_size"])
    urls = [
        work.services.links.part(
            origin(work.call.request),
            upload.id,
            number,
            size=size,
            offset=(number - 1) * (upload.part_size or 0),
        )
        for number, size in enumerate(part_sizes(upload), 1)
    ]
    parts = {"urls": urls, "upload_id": upload.id, "max_part_size": upload.part_size}
    return Reply({"multipart_url": parts})


def finish_upload(work: Work) -> Reply:
    """Finish a multipart upload. Idempotent."""
    model = MODEL.get_editable(work.db, work.viewer, _key(work))
    if model.file_id is None:
        upload = get_upload(work.db, work.call.body["upload_id"])
        if upload is None or upload.object_id != model.id:
            raise ProblemError(409, "There is no such upload of this model: start another.")
        check_parts(work, upload, work.call.body["etags"])
        MODELS.update(work.db, model.id, file_id=end_upload(work, upload))
        work.after.append(work.services.wake)
    return changed(model.id, model.created)


def complete_upload(work: Work) -> Reply:
    """Confirm that the file is there; it must have been uploaded in parts."""
    model = MODEL.get_editable(work.db, work.viewer, _key(work))
    if model.file_id is None:
        raise ProblemError(409, f"The file of the model {model.id} has not been uploaded.")
    return changed(model.id, model.created)


def get_download(work: Work) -> Reply:
    """Sign a URL for the download of a model."""
    model = MODEL.get_visible(work.db, work.viewer, _key(work))
    return Reply({"url": model_download(work, model)})


def model_download(work: Work, model: Model) -> dict[str, str]:
    """Return where a model can be downloaded.

    Raises:
        ProblemError: 409 if its file is not there, with the reason.
    """
    if model.file_id is None:
        raise ProblemError(409, why_missing(work, model))
    filename = model_filename(model.name, model.model_type, is_directory=model.is_directory)
    return download_json(work, model.file_id, filename)


def why_missing(work: Work, model: Model) -> str:
    """Return why the file of a model is missing, as far as the viewer may know."""
    producer = JOBS.get(work.db, model.producer_id) if model.producer_id else None
    if producer is None:
        return f"The file of the model {model.id} has not been uploaded."
    if producer.state == FAILED:
        text = f"The model {model.id} was not made: the job {producer.id} failed"
        reason = reasons(work, [producer]).get(producer.id)
        return f"{text}: {reason}" if reason else f"{text}."
    return f"The model {model.id} is not made yet: the job {producer.id} has not ended."


def _key(work: Work) -> str:
    key: str = work.call.params["model_id"]
    return key
