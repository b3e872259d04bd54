"""Handlers for datasets: create, upload, get, download and delete.

Datasets expire unless they are permanent.
"""

from qai_hub.local.api.context import RequestContext, request_origin
from qai_hub.local.api.lists import (
    check_own_project,
    created_response,
    get_project_id,
    updated_response,
)
from qai_hub.local.api.models import delete_resource, get_deletable
from qai_hub.local.api.quotas import get_space
from qai_hub.local.api.serialize import dataset_json
from qai_hub.local.api.uploads import (
    MAX_SIZE,
    create_upload,
    download_json,
    publish_form,
    safe_stem,
)
from qai_hub.local.clock import rfc3339
from qai_hub.local.contract import Reply
from qai_hub.local.core.access import DATASET
from qai_hub.local.errors import ProblemError
from qai_hub.local.store.records import Dataset
from qai_hub.local.store.rows import DATASETS


def create_dataset(context: RequestContext) -> Reply:
    """Create a dataset, whose file is uploaded afterwards."""
    body, moment = context.call.body, context.services.clock()
    project = (
        check_own_project(context, body["project_id"])
        if "project_id" in body
        else get_project_id(context)
    )
    expires = None
    if not body.get("permanent", False):
        expires = rfc3339(moment + context.services.config.retention.datasets)
    key = DATASETS.add(
        context.db,
        owner_id=context.viewer.id,
        project_id=project,
        name=body.get("name", "dataset"),
        created=rfc3339(moment),
        expires=expires,
    )
    return created_response(
        context, "getDataset", updated_response(key, rfc3339(moment), expires), dataset_id=key
    )


def get_dataset(context: RequestContext) -> Reply:
    """Return a dataset."""
    return Reply(
        dataset_json(context, DATASET.get_visible(context.db, context.viewer, _dataset_id(context)))
    )


def update_dataset(context: RequestContext) -> Reply:
    """Rename a dataset, or publish its uploaded file."""
    dataset = DATASET.get_editable(context.db, context.viewer, _dataset_id(context))
    body = context.call.body
    if "name" in body:
        DATASETS.update(context.db, dataset.id, name=body["name"])
    if body.get("file_upload_complete", False):
        _publish(context, dataset)
    return updated_response(dataset.id, dataset.created, dataset.expires)


def delete_dataset(context: RequestContext) -> Reply:
    """Delete a dataset, unless a job needs it."""
    dataset = get_deletable(context, DATASET, _dataset_id(context))
    return delete_resource(context, DATASET, dataset, [dataset.file_id])


def start_upload(context: RequestContext) -> Reply:
    """Begin an upload by a single form post, and sign its URL."""
    dataset = DATASET.get_editable(context.db, context.viewer, _dataset_id(context))
    if dataset.file_id is not None:
        raise ProblemError(409, f"The dataset {dataset.id} already has its file.")
    size, direct = context.call.params.get("file_size"), context.services.direct
    if direct is not None and size is not None and size > direct.max_form_size:
        raise ProblemError(
            413,
            f"The storage of this hub takes datasets of up to {direct.max_form_size} bytes, "
            f"not {size}.",
        )
    upload = create_upload(context, dataset.id, size, in_parts=False)
    form = context.services.links.form(
        request_origin(context.call.request),
        upload.id,
        size=upload.size,
        limit=upload.size or _max_size(context),
    )
    return Reply({"url": {"url": form.url, "file_field_name": "file", "fields": dict(form.fields)}})


def _max_size(context: RequestContext) -> int:
    """Return the largest size of an upload whose size is not known, in bytes."""
    space = get_space(context)
    return MAX_SIZE if space is None else min(MAX_SIZE, space)


def complete_upload(context: RequestContext) -> Reply:
    """Publish the uploaded file. Idempotent."""
    dataset = DATASET.get_editable(context.db, context.viewer, _dataset_id(context))
    _publish(context, dataset)
    return updated_response(dataset.id, dataset.created, dataset.expires)


def get_download(context: RequestContext) -> Reply:
    """Sign a URL for the download of a dataset."""
    dataset = DATASET.get_visible(context.db, context.viewer, _dataset_id(context))
    if is_expired(context, dataset):
        raise ProblemError(409, f"The dataset {dataset.id} expired at {dataset.expires}.")
    if dataset.file_id is None:
        raise ProblemError(409, f"The file of the dataset {dataset.id} has not been uploaded.")
    filename = f"{safe_stem(dataset.name, '.h5')}.h5"
    return Reply({"url": download_json(context, dataset.file_id, filename)})


def is_expired(context: RequestContext, dataset: Dataset) -> bool:
    """Return whether a dataset has expired."""
    return dataset.expires is not None and dataset.expires <= context.now


def _publish(context: RequestContext, dataset: Dataset) -> None:
    if dataset.file_id is not None:
        return
    file_id = publish_form(context, dataset.id)
    if file_id is None:
        raise ProblemError(409, f"The file of the dataset {dataset.id} has not been uploaded.")
    DATASETS.update(context.db, dataset.id, file_id=file_id)


def _dataset_id(context: RequestContext) -> str:
    key: str = context.call.params["dataset_id"]
    return key
