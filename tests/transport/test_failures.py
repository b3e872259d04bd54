"""What users read when a request fails."""

import errno
import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qai_hub.config import ClientConfig
from qai_hub.errors import Error, InternalError, RateLimitedError, UserError
from qai_hub.transport.errors import (
    error_from_file_server,
    error_from_request_error,
    error_from_response,
)

CONFIG = ClientConfig("s3cret-token", web_url="https://web.example")
URL = httpx.URL("https://hub.example:8443/api/v1/jobs/j1/?signature=s3cret")


def answer(
    status: int,
    body: bytes = b"",
    kind: str = "application/problem+json",
    method: str = "GET",
    **headers: str,
) -> Error:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return error_from_response(
        status,
        httpx.Headers({"Content-Type": kind, **given}),
        body,
        method,
        URL,
        config=CONFIG,
    )


def problem(**fields: object) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *(
            (status, UserError)
            for status in (400, 401, 403, 404, 405, 409, 413, 415, 422, 426, 451)
        ),
        (302, UserError),
        (408, InternalError),
        (429, RateLimitedError),
        *((status, InternalError) for status in (500, 501, 502, 503, 504, 520, 599)),
        (200, InternalError),
    ],
)
def test_kinds(status: int, kind: type[Error]) -> None:
    error = answer(status, problem(detail="The job is gone."))
    assert type(error) is kind
    assert error.status_code == status
    assert error.url == "https://hub.example:8443/api/v1/jobs/j1/"
    assert "s3cret" not in str(error)


@pytest.mark.parametrize("status", [400, 403, 404, 409, 413, 422, 426, 429, 500, 503])
def test_the_server_says_why(status: int) -> None:
    assert "The job is gone." in str(answer(status, problem(detail="The job is gone.")))
    assert "The job is gone." in str(answer(status, problem(title="The job is gone.")))


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422])
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/json"),
        (b"<html>s3cret</html>", "text/html"),
        (b"\xff\xfe\x00s3cret", "application/octet-stream"),
        (b'{"detail": "s3cret"', "application/json"),
        (b'{"status": 400, "type": "s3cret"}', "application/json"),
        (b"[5, null, true, {}]", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"detail": "s3cret' + b"x" * 2_000_000 + b'"}', "application/json"),
        (b"\xff", "application/json"),
    ],
)
def test_bodies_that_say_nothing(status: int, body: bytes, kind: str) -> None:
    text = str(answer(status, body, kind))
    reason = httpx.codes.get_reason_phrase(status)
    hint = " Check api_url: this may be another server, or a portal or proxy on the way."
    assert text.removesuffix(hint) == (
        f"hub.example:8443 answered {status} {reason} to GET /api/v1/jobs/j1/."
    )
    assert text.endswith(hint) <= (status == 404)


def test_what_to_do() -> None:
    told = str(answer(401, problem(detail="Invalid token.")))
    assert "qai-hub configure --api_token" in told
    assert "QAI_HUB_API_TOKEN" in told
    assert "Upgrade qai-hub-openapi" in str(answer(426, problem(detail="Too old.")))
    assert "check api_url" in str(answer(301))
    assert "try again later" in str(answer(429))
    assert "unexpected body" in str(answer(200))


@pytest.mark.parametrize("status", [502, 503, 504])
def test_outages_are_told_in_one_line(status: int) -> None:
    text = str(answer(status, b"<html>\nbad gateway\n</html>", "text/html"))
    assert text.startswith("hub.example:8443 is unavailable right now (")
    assert "\n" not in text


@pytest.mark.parametrize(
    ("method", "what_to_do"),
    [("POST", "Look at https://web.example before"), ("PATCH", "sending it again does no harm")],
)
def test_a_change_that_may_have_been_made_is_told(method: str, what_to_do: str) -> None:
    for status in (500, 502, 504):
        text = str(answer(status, method=method))
        assert "may have been carried out" in text
        assert what_to_do in text
    assert "carried out" not in str(answer(500))
    assert "carried out" not in str(answer(400, method=method))
    assert "carried out" not in str(answer(429, method=method))


def test_request_ids_and_pauses() -> None:
    error = answer(429, problem(request_id="r2"), X_Request_Id="r1", Retry_After="7")
    assert (error.request_id, error.retry_after) == ("r1", 7.0)
    assert answer(500, problem(request_id="r2")).request_id == "r2"
    assert answer(500, problem(request_id=3)).request_id is None
    assert answer(500, X_Request_Id="r1 s3cret-token").request_id == "r1 ***"
    assert answer(500, problem(request_id="s3cret-token")).request_id == "***"
    assert answer(500).request_id is None


@given(st.text(max_size=200))
def test_no_detail_steers_a_terminal(detail: str) -> None:
    text = str(answer(400, problem(detail=detail)))
    assert text.isprintable()


@given(
    status=st.integers(300, 999),
    body=st.binary(max_size=100),
    kind=st.sampled_from(["application/json", "text/html", ""]),
    method=st.sampled_from(["GET", "POST"]),
)
def test_any_answer_makes_an_error(status: int, body: bytes, kind: str, method: str) -> None:
    error = answer(status, body, kind, method)
    assert error.status_code == status
    assert str(error)


def test_a_long_detail_is_cut() -> None:
    assert len(str(answer(400, problem(detail="x" * 100_000)))) == 2000


# -- no answer at all ----------------------------------------------------------------------------


def fault(kind: type[httpx.RequestError], method: str = "GET", **extensions: bool) -> str:
    request = httpx.Request(method, URL, extensions=extensions)
    error = error_from_request_error(kind("s3cret", request=request), config=CONFIG)
    assert isinstance(error, InternalError)
    assert error.status_code is None
    assert error.url == "https://hub.example:8443/api/v1/jobs/j1/"
    text = str(error)
    assert "s3cret" not in text
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("kind", "reason", "told"),
    [
        (
            httpx.ConnectError,
            OSError(errno.ENETUNREACH, "Network is unreachable"),
            "Could not connect to hub.example:8443: Network is unreachable. Check the address",
        ),
        (
            httpx.ReadError,
            OSError(errno.ECONNRESET, "Connection reset by peer"),
            "hub.example:8443 (ReadError: Connection reset by peer).",
        ),
        (httpx.ReadError, OSError("s3cret"), "hub.example:8443 (ReadError)."),
    ],
)
def test_the_system_tells_why(kind: type[httpx.RequestError], reason: OSError, told: str) -> None:
    error = kind("s3cret", request=httpx.Request("GET", URL))
    error.__cause__ = reason
    assert told in str(error_from_request_error(error))


@pytest.mark.parametrize(
    ("kind", "phrase"),
    [
        (httpx.ConnectError, "Could not connect to hub.example:8443"),
        (httpx.ConnectTimeout, "Could not connect to hub.example:8443"),
        (httpx.ProxyError, "Could not connect to hub.example:8443"),
        (httpx.ReadTimeout, "Timeout occurred while communicating with hub.example:8443"),
        (httpx.WriteTimeout, "Timeout occurred while communicating with hub.example:8443"),
        (httpx.PoolTimeout, "Timeout occurred while communicating with hub.example:8443"),
        (httpx.ReadError, "A communication error occurred with hub.example:8443"),
        (httpx.RemoteProtocolError, "A communication error occurred with hub.example:8443"),
        (httpx.DecodingError, "A communication error occurred with hub.example:8443"),
    ],
)
def test_faults_are_told_in_known_phrases(kind: type[httpx.RequestError], phrase: str) -> None:
    assert phrase in fault(kind)
    ambiguous = kind not in {
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.ProxyError,
        httpx.PoolTimeout,
        httpx.DecodingError,
    }
    for method in ("POST", "PATCH"):
        assert ("may have been carried out" in fault(kind, method)) is ambiguous
        assert "may have been carried out" in fault(kind, method, maybe_processed=True)
    assert "carried out" not in fault(kind, "GET", maybe_processed=True)


# -- file servers --------------------------------------------------------------------------------

EXPIRED = (
    b"<?xml version='1.0'?><Error><Code>AccessDenied</Code>"
    b"<Message>Request has expired</Message><Token>s3cret</Token></Error>"
)


def file_answer(status: int, body: bytes = b"", **headers: str) -> Error:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx.Response(
        status, content=body, headers=given, request=httpx.Request("PUT", URL)
    )
    error = error_from_file_server(response, "upload of model.onnx")
    assert "s3cret" not in str(error) + str(error.url)
    assert "upload of model.onnx" in str(error)
    assert error.status_code == status
    return error


def test_file_servers_that_tell_back_what_was_signed() -> None:
    signature = "fe5f80f77d5fa3beca038a248ff027"
    url = f"https://files.example/m?X-Amz-Expires=600&X-Amz-Signature={signature}"
    for body in (f"<Message>No such {signature} in 600</Message>", f"No {signature} in 600"):
        response = httpx.Response(403, text=body, request=httpx.Request("PUT", url))
        error = error_from_file_server(response, "upload of model.onnx")
        assert signature not in str(error)
        assert "*** in 600" in str(error)


def test_refusals_of_file_servers() -> None:
    error = file_answer(403, EXPIRED, X_Request_Id="r1")
    assert type(error) is UserError
    assert "AccessDenied: Request has expired" in str(error)
    assert "try again" in str(error)
    assert error.request_id == "r1"
    told = file_answer(403, problem(detail="Signature is wrong."), Content_Type="application/json")
    assert "Signature is wrong." in str(told)
    assert "404 Not Found" in str(file_answer(404))


@pytest.mark.parametrize(
    ("status", "kind"),
    [(302, InternalError), (408, InternalError), (429, RateLimitedError), (500, InternalError)],
)
def test_faults_of_file_servers(status: int, kind: type[Error]) -> None:
    assert type(file_answer(status)) is kind


def test_outages_of_file_servers() -> None:
    assert "hub.example:8443 is unavailable right now" in str(file_answer(503))
