"""Lists of models, datasets and jobs, newest first, one page at a time."""

from sqlalchemy import ColumnElement, false

from qai_hub.local.contract import Reply
from qai_hub.local.handlers.answers import own_project, page, page_request
from qai_hub.local.store import tables
from qai_hub.local.store.records import Job
from qai_hub.local.store.rows import DATASETS, JOBS, MODELS, Page
from qai_hub.local.views.jobs import jobs_json, summaries_json
from qai_hub.local.views.things import dataset_json, model_json
from qai_hub.local.work import Work

_Filters = list[ColumnElement[bool]]

# To people these are one type of job.
_RUNS = ("inference", "profile")


def list_models(work: Work) -> Reply:
    """List models, of one project or of all, of one producer or of all."""
    filters = _project_filter(work, tables.models.c.project_id)
    if "producer" in work.call.params:
        filters.append(tables.models.c.producer_id == work.call.params["producer"])
    found = MODELS.page(work.db, work.viewer, page_request(work), filters)
    items = [model_json(work, model) for model in found.items]
    return page(work, "models", items, found.total, found.cursor)


def list_datasets(work: Work) -> Reply:
    """List datasets."""
    found = DATASETS.page(work.db, work.viewer, page_request(work))
    items = [dataset_json(work, dataset) for dataset in found.items]
    return page(work, "datasets", items, found.total, found.cursor)


def list_jobs(work: Work) -> Reply:
    """List jobs in full."""
    found = _jobs(work)
    return page(work, "jobs", jobs_json(work, found.items), found.total, found.cursor)


def list_summaries(work: Work) -> Reply:
    """List jobs in short."""
    found = _jobs(work)
    items = summaries_json(work, found.items)
    return page(work, "job_summaries", items, found.total, found.cursor)


def _jobs(work: Work) -> Page[Job]:
    params, columns = work.call.params, tables.jobs.c
    filters = _project_filter(work, columns.project_id)
    if "state" in params:
        numbers = {int(number) for number in params["state"].split(",")}
        known = work.services.contract.enum("JobState")
        filters.append(columns.state.in_([name for name, n in known.items() if n in numbers]))
    if "type" in params:
        kinds = _RUNS if params["type"] in _RUNS else (params["type"],)
        filters.append(columns.kind.in_(kinds))
    if params.get("creator"):
        creator = work.services.accounts.with_email(params["creator"])
        filters.append(false() if creator is None else columns.owner_id == creator.id)
    return JOBS.page(work.db, work.viewer, page_request(work), filters)


def _project_filter(work: Work, column: ColumnElement[str]) -> _Filters:
    if "project_id" not in work.call.params:
        return []
    return [column == own_project(work, work.call.params["project_id"])]
