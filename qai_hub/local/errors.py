"""Errors of the local hub, as `application/problem+json` (RFC 9457)."""

import errno
import json
import sqlite3
from collections.abc import Mapping
from html import escape
from http import HTTPStatus

from starlette.responses import HTMLResponse, Response

MEDIA_TYPE = "application/problem+json"
_TITLES = {413: "Content Too Large", 416: "Range Not Satisfiable"}


class ProblemError(Exception):
    """An error response, which any code that handles a request may raise.

    Args:
        status: HTTP status, 400 to 599.
        detail: What went wrong and what the caller can do about it.
        headers: Headers to answer with, such as `Allow`.
    """

    def __init__(
        self, status: int, detail: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})

    def response(self, request_id: str) -> Response:
        """Build the HTTP answer.

        Args:
            request_id: Identifies the request; callers quote it when they ask about a problem.

        Returns:
            The response, with the problem as its JSON body.
        """
        return Response(
            json.dumps(problem_json(self.status, self.detail, request_id)),
            status_code=self.status,
            headers=self.headers,
            media_type=MEDIA_TYPE,
        )

    def page(self, request_id: str) -> Response:
        """Build the answer for a browser, where no page could be made.

        Args:
            request_id: As of `response`.
        """
        title = reason_phrase(self.status)
        content = _PAGE.format(
            title=escape(title), detail=escape(self.detail), request=escape(request_id)
        )
        headers = {"Content-Security-Policy": "default-src 'none'", **self.headers}
        return HTMLResponse(content, self.status, headers=headers)


_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<title>{title}</title></head>
<body><main><h1>{title}</h1><p>{detail}</p><p><small>{request}</small></p></main></body>
</html>
"""


def problem_json(status: int, detail: str, request_id: str) -> dict[str, str | int]:
    """Return a problem as JSON."""
    return {
        "type": "about:blank",
        "title": reason_phrase(status),
        "status": status,
        "detail": detail,
        "request_id": request_id,
    }


def reason_phrase(status: int) -> str:
    """Return the reason phrase of an HTTP status."""
    return _TITLES.get(status) or HTTPStatus(status).phrase


DISK_FULL = ProblemError(503, "The disk of this hub is full. Free some space, and try again.")
OUT_OF_FILES = ProblemError(
    503,
    "This hub cannot open more files now: try again in a moment.",
    headers={"Retry-After": "2"},
)
DATABASE_UNAVAILABLE = ProblemError(
    503,
    "The database of this hub cannot be reached, or is too busy: try again in a moment.",
    headers={"Retry-After": "2"},
)
FILES_UNAVAILABLE = ProblemError(
    503,
    "The storage of this hub's files cannot be reached, or refuses the hub: try again in a moment.",
    headers={"Retry-After": "2"},
)
TOO_BUSY = ProblemError(
    503,
    "This hub has reached its limit of connections: try again in a moment.",
    headers={"Retry-After": "2", "Connection": "close"},
)


def is_disk_full(error: BaseException) -> bool:
    """Return whether an exception means that the disk is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def is_out_of_files(error: BaseException | None) -> bool:
    """Return whether an exception means that this process or the system is out of open files."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            return True
        # SQLite does not report why it cannot open its files.
        if isinstance(error, sqlite3.OperationalError):
            return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_CANTOPEN
        error = error.__cause__ or error.__context__
    return False
