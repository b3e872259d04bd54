"""Handlers for lists, their pagination, and responses that several operations share."""

from collections.abc import Sequence
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, false

from qai_hub.local.api.context import RequestContext, request_origin
from qai_hub.local.api.serialize import Json, dataset_json, model_json
from qai_hub.local.api.serialize_jobs import jobs_json, summaries_json
from qai_hub.local.api.uploads import known_digest
from qai_hub.local.contract import Reply
from qai_hub.local.core.kinds import kinds_with_message_of
from qai_hub.local.errors import ProblemError
from qai_hub.local.store import schema as tables
from qai_hub.local.store.files import get_uploaded_files
from qai_hub.local.store.records import Job
from qai_hub.local.store.rows import DATASETS, JOBS, MODELS, Page, PageRequest


def updated_response(
    key: str, created: str, expires: str | None = None, *, status: str = ""
) -> Reply:
    """Return the response to a change of a resource."""
    body = {"id": key, "status": status, "creation_time": created}
    if expires is not None:
        body["expiration_time"] = expires
    return Reply(body)


def created_response(context: RequestContext, operation: str, reply: Reply, **ids: str) -> Reply:
    """Return the response to the creation of a resource, with its URL.

    Args:
        context: The request.
        operation: The operationId that gets the resource.
        reply: The response.
        ids: Path parameters of that operation.

    Returns:
        The response, with a `Location` header.
    """
    return Reply(reply.body, {"Location": context.services.operation_path(operation, **ids)})


def get_project_id(context: RequestContext) -> str:
    """Return the project of a request: the one in its path, or else the user's own.

    Raises:
        ProblemError: 404 if it is another user's.
    """
    return check_own_project(
        context, context.call.params.get("project_id", context.viewer.project_id)
    )


def check_own_project(context: RequestContext, key: str) -> str:
    """Return a project's id if the project is the viewer's own.

    Raises:
        ProblemError: 404 if it is not.
    """
    if key != context.viewer.project_id:
        raise ProblemError(
            404, f"There is no project {key} that you may see: check the identifier."
        )
    return key


def parse_page_request(context: RequestContext) -> PageRequest:
    """Return which page of a list is requested."""
    params = context.call.params
    cursor = params.get("cursor")
    return PageRequest(
        limit=params["limit"],
        offset=params["offset"],
        cursor=None if cursor is None else int(cursor),
    )


def page_response(
    context: RequestContext, field: str, items: Sequence[Json], total: int, cursor: int | None
) -> Reply:
    """Return the response with one page of a list, and the cursor of the next one.

    Args:
        context: The request.
        field: The field that holds the items.
        items: The items.
        total: Number of items on all pages.
        cursor: Where the next page begins; None on the last.

    Returns:
        The response.
    """
    headers = {}
    if cursor is not None:
        request = context.call.request
        kept = [
            (name, value)
            for name, value in request.query_params.multi_items()
            if name not in ("cursor", "offset")
        ]
        query = urlencode([*kept, ("cursor", str(cursor))])
        headers["Link"] = f'<{request_origin(request)}{request.url.path}?{query}>; rel="next"'
    return Reply({field: items, "total_query_count": total}, headers)


def _find_files(context: RequestContext, sha256: str) -> list[str]:
    """Return the files of the viewer's uploaded models that have a digest.

    Those of files that have just arrived are waited for, if they have the size in question.
    """
    size = context.call.params.get("file_size")
    files = get_uploaded_files(context.db, context.viewer.id, sha256, size)
    return [file.id for file in files if known_digest(context, file) == sha256]


_Filters = list[ColumnElement[bool]]


def list_models(context: RequestContext) -> Reply:
    """List models, optionally of one project, one producer, or one content."""
    params, columns = context.call.params, tables.models.c
    filters = _project_filter(context, columns.project_id)
    if "producer" in params:
        filters.append(columns.producer_id == params["producer"])
    sha256 = params.get("sha256")
    if sha256 is not None:
        filters += [
            columns.owner_id == context.viewer.id,
            columns.producer_id.is_(None),
            columns.file_id.in_(_find_files(context, sha256)),
        ]
    found = MODELS.page(context.db, context.viewer, parse_page_request(context), filters)
    items = [model_json(context, model, sha256) for model in found.items]
    return page_response(context, "models", items, found.total, found.cursor)


def list_datasets(context: RequestContext) -> Reply:
    """List datasets."""
    found = DATASETS.page(context.db, context.viewer, parse_page_request(context))
    items = [dataset_json(context, dataset) for dataset in found.items]
    return page_response(context, "datasets", items, found.total, found.cursor)


def list_jobs(context: RequestContext) -> Reply:
    """List jobs with all their fields."""
    found = _jobs(context)
    return page_response(
        context, "jobs", jobs_json(context, found.items), found.total, found.cursor
    )


def list_summaries(context: RequestContext) -> Reply:
    """List summaries of jobs."""
    found = _jobs(context)
    items = summaries_json(context, found.items)
    return page_response(context, "job_summaries", items, found.total, found.cursor)


def _jobs(context: RequestContext) -> Page[Job]:
    params, columns = context.call.params, tables.jobs.c
    filters = _project_filter(context, columns.project_id)
    if "state" in params:
        numbers = {int(number) for number in params["state"].split(",")}
        known = context.services.contract.enum_values("JobState")
        filters.append(columns.state.in_([name for name, n in known.items() if n in numbers]))
    if "type" in params:
        filters.append(columns.kind.in_(kinds_with_message_of(params["type"])))
    if params.get("creator"):
        creator = context.services.accounts.find_by_email(params["creator"])
        filters.append(false() if creator is None else columns.owner_id == creator.id)
    return JOBS.page(context.db, context.viewer, parse_page_request(context), filters)


def _project_filter(context: RequestContext, column: ColumnElement[str]) -> _Filters:
    if "project_id" not in context.call.params:
        return []
    return [column == check_own_project(context, context.call.params["project_id"])]
