"""Answers that several operations share."""

from collections.abc import Sequence
from urllib.parse import urlencode

from qai_hub.local.contract import Reply
from qai_hub.local.problems import ProblemError
from qai_hub.local.services import origin
from qai_hub.local.store.rows import PageRequest
from qai_hub.local.views.things import Json
from qai_hub.local.work import Work


def changed(key: str, created: str, expires: str | None = None, *, status: str = "") -> Reply:
    """Answer that something was changed."""
    body = {"id": key, "status": status, "creation_time": created}
    if expires is not None:
        body["expiration_time"] = expires
    return Reply(body)


def made(work: Work, operation: str, reply: Reply, **ids: str) -> Reply:
    """Answer that something was made, and where it can be got.

    Args:
        work: The request.
        operation: The operationId that gets it.
        reply: What to answer.
        ids: Path parameters of that operation.

    Returns:
        The answer, with its `Location`.
    """
    return Reply(reply.body, {"Location": work.services.path(operation, **ids)})


def project_id(work: Work) -> str:
    """Return the project that a request is about: the one in its path, or else its sender's own.

    Raises:
        ProblemError: 404 if it is somebody else's.
    """
    return own_project(work, work.call.params.get("project_id", work.viewer.project_id))


def own_project(work: Work, key: str) -> str:
    """Return a project's id if it is the viewer's own.

    Raises:
        ProblemError: 404 if it is not.
    """
    if key != work.viewer.project_id:
        raise ProblemError(404, f"There is no project {key} that you may see.")
    return key


def page_request(work: Work) -> PageRequest:
    """Return which page of a list is wanted."""
    params = work.call.params
    cursor = params.get("cursor")
    return PageRequest(
        limit=params["limit"],
        offset=params["offset"],
        cursor=None if cursor is None else int(cursor),
    )


def page(work: Work, field: str, items: Sequence[Json], total: int, cursor: int | None) -> Reply:
    """Answer with one page of a list, and where the next one is.

    Args:
        work: The request.
        field: The field that takes the items.
        items: The items.
        total: How many there are on all pages.
        cursor: Where the next page begins; None on the last.

    Returns:
        The answer.
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
