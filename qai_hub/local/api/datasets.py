"""Handlers for datasets: create, upload, get, download and delete.

Datasets expire unless they are permanent.
"""

from qai_hub.local.api.context import Work, origin
from qai_hub.local.api.lists import changed, made, own_project, project_id
from qai_hub.local.api.models import deletable, delete
from qai_hub.local.api.serialize import dataset_json
from qai_hub.local.api.uploads import (
    MAX_SIZE,
    begin_upload,
    download_json,
    end_upload,
    latest_complete_upload,
    safe_stem,
)
from qai_hub.local.clock import rfc3339
from qai_hub.local.contract import Reply
from qai_hub.local.core.access import DATASET
from qai_hub.local.errors import ProblemError
from qai_hub.local.store.records import Dataset, new_id
from qai_hub.local.store.rows import DATASETS


def create_dataset(work: Work) -> Reply:
    """Create a dataset, whose file is uploaded afterwards."""
    body, key, moment = work.call.body, new_id("d"), work.services.clock()
    project = own_project(work, body["project_id"]) if "project_id" in body else project_id(work)
    expires = None
    if not body.get("permanent", False):
        expires = rfc3339(moment + work.services.config.retention.datasets)
    DATASETS.add(
        work.db,
        id=key,
        owner_id=work.viewer.id,
        project_id=project,
        name=body.get("name", "dataset"),
        created=rfc3339(moment),
        expires=expires,
    )
    return made(work, "getDataset", changed(key, rfc3339(moment), expires), dataset_id=key)


def get_dataset(work: Work) -> Reply:
    """Return a dataset."""
    return Reply(dataset_json(work, DATASET.get_visible(work.db, work.viewer, _key(work))))


def update_dataset(work: Work) -> Reply:
    """Rename a dataset, or publish its uploaded file."""
    dataset = DATASET.get_editable(work.db, work.viewer, _key(work))
    body = work.call.body
    if "name" in body:
        DATASETS.update(work.db, dataset.id, name=body["name"])
    if body.get("file_upload_complete", False):
        _publish(work, dataset)
    return changed(dataset.id, dataset.created, dataset.expires)


def delete_dataset(work: Work) -> Reply:
    """Delete a dataset, unless a job needs it."""
    dataset = deletable(work, DATASET, _key(work))
    return delete(work, DATASET, dataset, [dataset.file_id])


def start_upload(work: Work) -> Reply:
    """Begin an upload by a single form post, and sign its URL."""
    dataset = DATASET.get_editable(work.db, work.viewer, _key(work))
    if dataset.file_id is not None:
        raise ProblemError(409, f"The dataset {dataset.id} has its file already.")
    upload = begin_upload(work, dataset.id, work.call.params.get("file_size"))
    url = work.services.links.form(
        origin(work.call.request), upload.id, size=upload.size, limit=upload.size or MAX_SIZE
    )
    return Reply({"url": {"url": url, "file_field_name": "file", "fields": {}}})


def complete_upload(work: Work) -> Reply:
    """Publish the uploaded file. Idempotent."""
    dataset = DATASET.get_editable(work.db, work.viewer, _key(work))
    _publish(work, dataset)
    return changed(dataset.id, dataset.created, dataset.expires)


def get_download(work: Work) -> Reply:
    """Sign a URL for the download of a dataset."""
    dataset = DATASET.get_visible(work.db, work.viewer, _key(work))
    if is_expired(work, dataset):
        raise ProblemError(409, f"The dataset {dataset.id} expired at {dataset.expires}.")
    if dataset.file_id is None:
        raise ProblemError(409, f"The file of the dataset {dataset.id} has not been uploaded.")
    filename = f"{safe_stem(dataset.name, '.h5')}.h5"
    return Reply({"url": download_json(work, dataset.file_id, filename)})


def is_expired(work: Work, dataset: Dataset) -> bool:
    """Return whether a dataset has expired."""
    return dataset.expires is not None and dataset.expires <= work.now


def _publish(work: Work, dataset: Dataset) -> None:
    if dataset.file_id is not None:
        return
    upload = latest_complete_upload(work, dataset.id)
    if upload is None:
        raise ProblemError(409, f"The file of the dataset {dataset.id} has not been uploaded.")
    DATASETS.update(work.db, dataset.id, file_id=end_upload(work, upload))


def _key(work: Work) -> str:
    key: str = work.call.params["dataset_id"]
    return key
