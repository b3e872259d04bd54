"""Handlers for lists, their pagination, and responses that several operations share."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, or_, select

from qai_hub.local.api.context import RequestContext, request_origin
from qai_hub.local.api.serialize import Json, dataset_json, model_json, omit_none
from qai_hub.local.api.serialize_jobs import jobs_json, summaries_json
from qai_hub.local.api.uploads import known_digest
from qai_hub.local.clock import rfc3339
from qai_hub.local.contract import Reply
from qai_hub.local.core.kinds import KINDS, kinds_with_message_of
from qai_hub.local.errors import ProblemError
from qai_hub.local.store import schema as tables
from qai_hub.local.store.files import get_uploaded_files
from qai_hub.local.store.job_lists import JobFilter, page_of_jobs
from qai_hub.local.store.records import Owned
from qai_hub.local.store.rows import (
    DATASETS,
    JOB_SUMMARIES,
    JOBS,
    MODELS,
    Page,
    PageRequest,
    Rows,
)

_Record = TypeVar("_Record", bound=Owned)

SEARCHES = frozenset({"name", "device", "model_id"})
"""The filters of jobs that no index is for."""


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
        oldest_first=params.get("order") == "oldest",
    )


def page_response(
    context: RequestContext, field: str, items: Sequence[Json], page: Page[Any]
) -> Reply:
    """Return the response with one page of a list, and the cursor of the next one.

    Args:
        context: The request.
        field: The field that holds the items.
        items: The items.
        page: The page that they are on.

    Returns:
        The response.
    """
    headers = {}
    if page.cursor is not None:
        request = context.call.request
        kept = [
            (name, value)
            for name, value in request.query_params.multi_items()
            if name not in ("cursor", "offset")
        ]
        query = urlencode([*kept, ("cursor", str(page.cursor))])
        headers["Link"] = f'<{request_origin(request)}{request.url.path}?{query}>; rel="next"'
    body = {field: items, "total_query_count": page.total}
    return Reply(body | omit_none(searched_to=page.searched_to), headers)


def _find_files(context: RequestContext, sha256: str) -> list[str]:
    """Return the files of the viewer's uploaded models that have a digest.

    Those of files that have just arrived are waited for, if they have the size in question.
    """
    size = context.call.params.get("file_size")
    files = get_uploaded_files(context.db, context.viewer.id, sha256, size)
    return [file.id for file in files if known_digest(context, file) == sha256]


def list_models(context: RequestContext) -> Reply:
    """List models, optionally of one project, one producer, or one content."""
    params, columns = context.call.params, tables.models.c
    filters = list[ColumnElement[bool]]()
    if "project_id" in params:
        filters.append(columns.project_id == check_own_project(context, params["project_id"]))
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
    return page_response(context, "models", items, found)


def list_datasets(context: RequestContext) -> Reply:
    """List datasets, optionally of one content."""
    sha256, columns = context.call.params.get("sha256"), tables.datasets.c
    filters = list[ColumnElement[bool]]()
    if sha256 is not None:
        same = select(tables.files.c.id).where(tables.files.c.sha256 == sha256)
        filters += [
            columns.owner_id == context.viewer.id,
            or_(columns.expires.is_(None), columns.expires > context.now),
            columns.file_id.in_(same),
        ]
    found = DATASETS.page(context.db, context.viewer, parse_page_request(context), filters)
    items = [dataset_json(context, dataset, sha256) for dataset in found.items]
    return page_response(context, "datasets", items, found)


def list_jobs(context: RequestContext) -> Reply:
    """List jobs with all their fields."""
    found = _page_of_jobs(context, JOBS)
    return page_response(context, "jobs", jobs_json(context, found.items), found)


def list_summaries(context: RequestContext) -> Reply:
    """List summaries of jobs."""
    found = _page_of_jobs(context, JOB_SUMMARIES)
    items = summaries_json(context, found.items)
    return page_response(context, "job_summaries", items, found)


def _page_of_jobs(context: RequestContext, rows: Rows[_Record]) -> Page[_Record]:
    params, viewer = context.call.params, context.viewer
    owner = None
    if params.get("creator"):
        owner = context.services.accounts.find_by_email(params["creator"])
        if owner is None:
            return Page((), 0, None)
    if "project_id" in params:
        # All jobs of a project are its owner's, and so are all of its owner's jobs.
        check_own_project(context, params["project_id"])
        if owner is not None and owner.id != viewer.id:
            return Page((), 0, None)
        owner = viewer
    request = parse_page_request(context)
    if request.offset and params.keys() & SEARCHES:
        raise ProblemError(
            400,
            "offset cannot be combined with name, device or model_id, as a page of such a list may "
            "end early: follow the Link header of each page.",
        )
    wanted = JobFilter(
        owner.id if owner else None,
        _wanted_states(context),
        text=params.get("name", ""),
        device=params.get("device", ""),
        model_id=params.get("model_id"),
        after=_parse_time(context, "after"),
        before=_parse_time(context, "before"),
    )
    return page_of_jobs(context.db, rows, viewer, request, wanted)


def _parse_time(context: RequestContext, name: str) -> str | None:
    """Return a time that a list is filtered by, as it is stored; None if it is not.

    Raises:
        ProblemError: 400 if it is no time.
    """
    value = context.call.params.get(name)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
        return rfc3339(moment.replace(tzinfo=moment.tzinfo or UTC))
    except (ValueError, OverflowError):
        raise ProblemError(400, f"{name!r} is {value!r}, and there is no such time.") from None


def _wanted_states(context: RequestContext) -> list[tuple[str, str]] | None:
    """Return the types and states of jobs that the viewer asks for; None for all jobs."""
    params = context.call.params
    if "state" not in params and "type" not in params:
        return None
    kinds = kinds_with_message_of(params["type"]) if "type" in params else [*KINDS]
    states = [(kind, state) for kind in kinds for state in KINDS[kind].states]
    if "state" not in params:
        return states
    numbers = {int(number) for number in params["state"].split(",")}
    known = context.services.contract.enum_values("JobState")
    return [(kind, state) for kind, state in states if known[state] in numbers]
