"""Errors of the local hub, as `application/problem+json` (RFC 9457)."""

import errno
import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
_TITLES = {413: "Content Too Large", 416: "Range Not Satisfiable"}


class ProblemError(Exception):
    """An answer other than success, raised anywhere below a request.

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
            request_id: What the caller can name when asking about it.

        Returns:
            The response, with the problem as its JSON body.
        """
        body = {
            "type": "about:blank",
            "title": title(self.status),
            "status": self.status,
            "detail": self.detail,
            "request_id": request_id,
        }
        return Response(
            json.dumps(body),
            status_code=self.status,
            headers=self.headers,
            media_type=MEDIA_TYPE,
        )


def title(status: int) -> str:
    """Return the short text of an HTTP status."""
    return _TITLES.get(status) or HTTPStatus(status).phrase


DISK_FULL = ProblemError(503, "The disk of this hub is full.")


def is_disk_full(error: BaseException) -> bool:
    """Tell whether an exception means that there is no more room on the disk."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
