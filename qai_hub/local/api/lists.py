"""Handlers for lists, their pagination, and responses that several operations share."""

from collections.abc import Sequence
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, false

from qai_hub.local.api.context import Work, origin
from qai_hub.local.api.serialize import Json, dataset_json, model_json
from qai_hub.local.api.serialize_jobs import jobs_json, summaries_json
from qai_hub.local.contract import Reply
from qai_hub.local.core.kinds import kinds_with_message_of
from qai_hub.local.errors import ProblemError
from qai_hub.local.store import schema as tables
from qai_hub.local.store.records import Job
from qai_hub.local.store.rows import DATASETS, JOBS, MODELS, Page, PageRequest


def changed(key: str, created: str, expires: str | None = None, *, status: str = "") -> Reply:
    """Return the response to a change of a resource."""
    body = {"id": key, "status": status, "creation_time": created}
    if expires is not None:
        body["expiration_time"] = expires
    return Reply(body)


def made(work: Work, operation: str, reply: Reply, **ids: str) -> Reply:
    """Return the response to the creation of a resource, with its URL.

    Args:
        work: The request.
        operation: The operationId that gets the resource.
        reply: The response.
        ids: Path parameters of that operation.

    Returns:
        The response, with a `Location` header.
    """
    return Reply(reply.body, {"Location": work.services.path(operation, **ids)})


def project_id(work: Work) -> str:
    """Return the project of a request: the one in its path, or else the user's own.

    Raises:
        ProblemError: 404 if it is another user's.
    """
    return own_project(work, work.call.params.get("project_id", work.viewer.project_id))


def own_project(work: Work, key: str) -> str:
    """Return a project's id if the project is the viewer's own.

    Raises:
        ProblemError: 404 if it is not.
    """
    if key != work.viewer.project_id:
        raise ProblemError(404, f"There is no project {key} that you may see.")
    return key


def page_request(work: Work) -> PageRequest:
    """Return which page of a list is requested."""
    params = work.call.params
    cursor = params.get("cursor")
    return PageRequest(
        limit=params["limit"],
        offset=params["offset"],
        cursor=None if cursor is None else int(cursor),
    )


def page(work: Work, field: str, items: Sequence[Json], total: int, cursor: int | None) -> Reply:
    """Return the response with one page of a list, and the cursor of the next one.

    Args:
        work: The request.
        field: The field that holds the items.
        items: The items.
        total: Number of items on all pages.
        cursor: Where the next page begins; None on the last.

    Returns:
        The response.
    """
    headers = {}
    if cursor is not None:
        request = work.call.request
        kept = [
            (name, value)
            for name, value in request.query_params.multi_items()
            if name not in ("cursor", "offset")
        ]
        query = urlencode([*kept, ("cursor", str(cursor))])
        headers["Link"] = f'<{origin(request)}{request.url.path}?{query}>; rel="next"'
    return Reply({field: items, "total_query_count": total}, headers)


_Filters = list[ColumnElement[bool]]


def list_models(work: Work) -> Reply:
    """List models, optionally of one project or one producer."""
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
    """List jobs with all their fields."""
    found = _jobs(work)
    return page(work, "jobs", jobs_json(work, found.items), found.total, found.cursor)


def list_summaries(work: Work) -> Reply:
    """List summaries of jobs."""
    found = _jobs(work)
    items = summaries_json(work, found.items)
    return page(work, "job_summaries", items, found.total, found.cursor)


def _jobs(work: Work) -> Page[Job]:
    params, columns = work.call.params, tables.jobs.c
    filters = _project_filter(work, columns.project_id)
    if "state" in params:
        numbers = {int(number) for number in params["state"].split(",")}
        known = work.services.contract.enum_values("JobState")
        filters.append(columns.state.in_([name for name, n in known.items() if n in numbers]))
    if "type" in params:
        filters.append(columns.kind.in_(kinds_with_message_of(params["type"])))
    if params.get("creator"):
        creator = work.services.accounts.find_by_email(params["creator"])
        filters.append(false() if creator is None else columns.owner_id == creator.id)
    return JOBS.page(work.db, work.viewer, page_request(work), filters)


def _project_filter(work: Work, column: ColumnElement[str]) -> _Filters:
    if "project_id" not in work.call.params:
        return []
    return [column == own_project(work, work.call.params["project_id"])]
