"""Phrases by which scripts decide whether to try again: each within one line."""

import httpx
import pytest

from qai_hub.errors import Error, InternalError
from qai_hub.transport.errors import error_from_request_error, error_from_response

URL = httpx.URL("https://hub.test/api/v1/jobs/j1/")
GET = httpx.Request("GET", URL)


def answered(status: int) -> Error:
    return error_from_response(status, httpx.Headers(), b"", "GET", URL)


@pytest.mark.parametrize(
    ("phrase", "errors"),
    [
        ("is unavailable right now", [answered(status) for status in (502, 503, 504)]),
        (
            "Could not connect to",
            [error_from_request_error(httpx.ConnectError("", request=GET))],
        ),
        (
            "Timeout occurred while communicating with",
            [answered(408), error_from_request_error(httpx.ReadTimeout("", request=GET))],
        ),
        (
            "communication error occurred with",
            [
                error_from_request_error(httpx.ReadError("", request=GET)),
                error_from_request_error(httpx.RemoteProtocolError("", request=GET)),
            ],
        ),
    ],
)
def test_the_phrase_stands_on_one_line(phrase: str, errors: list[Error]) -> None:
    for error in errors:
        assert isinstance(error, InternalError)
        assert any(phrase in line for line in str(error).splitlines())
