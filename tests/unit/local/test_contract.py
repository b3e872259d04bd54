"""The spec layer, held to a small contract of its own."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse
from starlette.routing import Router

from qai_hub.local.contract import Call, Contract, ContractError, Handler, Reply, routes
from qai_hub.local.edge import Edge, nothing_here
from qai_hub.local.problems import ProblemError

ID = {"type": "string", "pattern": "^t[a-z0-9]{1,8}$"}


def problem() -> dict[str, Any]:
    return {"description": "no", "content": {"application/problem+json": {"schema": {}}}}


SPEC: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "things", "version": "1"},
    "security": [{"token": []}],
    "components": {
        "parameters": {
            "Limit": {
                "name": "limit",
                "in": "query",
                "schema": {"type": "integer", "minimum": 1, "maximum": 10, "default": 5},
            }
        },
        "schemas": {
            "Thing": {
                "type": "object",
                "required": ["size"],
                "properties": {
                    "size": {"type": "integer", "minimum": 0, "maximum": 2**64 - 1},
                    "color": {"type": "string", "enum": ["RED", "GREEN"]},
                    "when": {"type": "string", "format": "date-time"},
                    "tags": {"type": "array", "maxItems": 2, "items": {"type": "string"}},
                },
                "additionalProperties": False,
            },
            "Submit": {
                "type": "object",
                "minProperties": 1,
                "maxProperties": 1,
                "additionalProperties": False,
                "properties": {
                    "big": {"$ref": "#/components/schemas/Thing", "x-protobuf-oneof": "job"},
                    "small": {"$ref": "#/components/schemas/Thing", "x-protobuf-oneof": "job"},
                },
            },
        },
    },
    "paths": {
        "/things/": {
            "get": {
                "operationId": "listThings",
                "parameters": [
                    {"$ref": "#/components/parameters/Limit"},
                    {"name": "all", "in": "query", "schema": {"type": "boolean"}},
                    {"name": "ratio", "in": "query", "schema": {"type": "number"}},
                    {
                        "name": "tag",
                        "in": "query",
                        "schema": {"type": "array", "items": {"type": "integer"}},
                    },
                    {
                        "name": "X-Key",
                        "in": "header",
                        "schema": {"type": "string", "pattern": "^[!-~]+$"},
                    },
                ],
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"type": "object"}}}},
                    "400": problem(),
                },
            },
            "post": {
                "operationId": "makeThing",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Submit"}}
                    },
                },
                "responses": {
                    "201": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}
                        }
                    },
                    "400": problem(),
                },
            },
        },
        "/things/{thing_id}/": {
            "parameters": [{"name": "thing_id", "in": "path", "required": True, "schema": ID}],
            "get": {
                "operationId": "getThing",
                "security": [],
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"type": "object"}}}},
                    "404": problem(),
                },
            },
            "put": {
                "operationId": "putThing",
                "requestBody": {
                    "required": True,
                    "content": {"application/octet-stream": {"schema": {"format": "binary"}}},
                },
                "responses": {"200": {"description": "taken"}},
            },
        },
    },
}


async def echo(call: Call) -> Reply:
    body = {"params": dict(call.params), "body": call.body, "caller": call.caller}
    return Reply(body, headers={"X-Operation": call.operation.id})


async def make(call: Call) -> Reply:
    return Reply(next(iter(call.body.values())))


async def take(call: Call) -> Reply:
    size = 0
    async for chunk in call.request.stream():
        size += len(chunk)
    return Reply(headers={"X-Size": str(size)})


def nobody(_: str) -> None:
    return None


HANDLERS: dict[str, Handler] = {
    "listThings": echo,
    "makeThing": make,
    "getThing": echo,
    "putThing": take,
}


def client(
    *, validate_responses: bool = False, hosts: list[str] | None = None, **handlers: Handler
) -> httpx.AsyncClient:
    made = routes(
        Contract(SPEC),
        HANDLERS | handlers,
        {"secret": "ada"}.get,
        validate_responses=validate_responses,
    )
    app = Edge(Router(made, default=nothing_here), hosts)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
        base_url="http://localhost",
        headers={"Authorization": "token secret"},
    )


def call(method: str, url: str, *, app: httpx.AsyncClient | None = None, **kwargs: Any) -> Any:
    async def run() -> httpx.Response:
        async with app or client() as session:
            return await session.request(method, url, **kwargs)

    return asyncio.run(run())


def detail(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["type"] == "about:blank"
    assert body["title"]
    assert body["request_id"] == response.headers["X-Request-Id"]
    text: str = body["detail"]
    return text


def test_a_missing_handler_stops_the_start() -> None:
    without = {name: handler for name, handler in HANDLERS.items() if name != "getThing"}
    with pytest.raises(ContractError, match="no handler for the operations getThing"):
        routes(Contract(SPEC), without, nobody)


def test_a_handler_without_operation_stops_the_start() -> None:
    with pytest.raises(ContractError, match="handlers getNothing"):
        routes(Contract(SPEC), HANDLERS | {"getNothing": echo}, nobody)


def test_a_dangling_reference_stops_the_start() -> None:
    broken = json.loads(json.dumps(SPEC).replace("parameters/Limit", "parameters/Nothing"))
    with pytest.raises(ContractError, match="#/components/parameters/Nothing"):
        Contract(broken)


def test_an_operation_id_that_occurs_twice_stops_the_start() -> None:
    broken = json.loads(json.dumps(SPEC).replace("makeThing", "listThings"))
    with pytest.raises(ContractError, match="listThings occurs twice"):
        Contract(broken)


@pytest.mark.parametrize(
    "authorization", [None, "", "token", "token ", "token other", "Bearer secret", "secret"]
)
def test_no_known_token_is_401(authorization: str | None) -> None:
    session = client()
    del session.headers["Authorization"]
    headers = {} if authorization is None else {"Authorization": authorization}
    response = call("GET", "/things/?limit=bad", app=session, headers=headers)
    assert "token" in detail(response, 401)
    assert response.headers["WWW-Authenticate"] == "token"


def test_the_scheme_is_case_insensitive_and_the_caller_known() -> None:
    response = call("GET", "/things/", headers={"Authorization": "Token secret"})
    assert response.json()["caller"] == "ada"


def test_an_open_operation_needs_no_token() -> None:
    session = client()
    del session.headers["Authorization"]
    assert call("GET", "/things/tabc/", app=session).json()["caller"] is None


@pytest.mark.parametrize("thing", ["xabc", "T1", "t", "t123456789", "t%00", "t%0A", "täb"])
def test_an_id_against_its_pattern_is_404(thing: str) -> None:
    assert "thing_id" in detail(call("GET", f"/things/{thing}/"), 404)


def test_an_unknown_path_is_404_as_a_problem() -> None:
    assert detail(call("GET", "/nothing/"), 404) == "There is nothing at this URL."


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE"])
def test_another_method_is_405_with_all_methods(method: str) -> None:
    response = call(method, "/things/tabc/")
    assert response.status_code == 405
    assert sorted(response.headers["Allow"].split(", ")) == ["GET", "PUT"]


def test_parameters_are_parsed_and_unknown_ones_ignored() -> None:
    response = call("GET", "/things/?all=True&ratio=0.5&tag=1&tag=2&zzz=1", headers={"X-Key": "k"})
    assert response.json()["params"] == {
        "limit": 5,
        "all": True,
        "ratio": 0.5,
        "tag": [1, 2],
        "X-Key": "k",
    }


@pytest.mark.parametrize(("text", "value"), [("true", True), ("False", False), ("false", False)])
def test_booleans(text: str, value: bool) -> None:
    assert call("GET", f"/things/?all={text}").json()["params"]["all"] is value


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("limit=abc", "limit"),
        ("limit=1.5", "not of type integer"),
        ("limit=0", "less than 1"),
        ("limit=99", "more than 10"),
        ("limit=" + "9" * 5000, "integer"),
        ("limit=%D9%A1", "integer"),
        ("limit=", "integer"),
        ("limit=1&limit=2", "more than once"),
        ("all=yes", "boolean"),
        ("ratio=nan", "number"),
        ("tag=1&tag=x", "tag"),
    ],
)
def test_bad_parameters_are_400_and_named(query: str, words: str) -> None:
    text = detail(call("GET", f"/things/?{query}"), 400)
    assert words in text
    assert len(text) < 400


def test_a_bad_header_is_400() -> None:
    assert "X-Key" in detail(call("GET", "/things/", headers={"X-Key": "a b"}), 400)


@pytest.mark.parametrize(
    "accept",
    ["*/*", "application/json", "application/*", "text/html, */*;q=0.1", "", "APPLICATION/JSON"],
)
def test_accept_that_includes_json(accept: str) -> None:
    assert call("GET", "/things/", headers={"Accept": accept}).status_code == 200


@pytest.mark.parametrize(
    "accept", ["text/html", "application/json;q=0, */*", "application/json;q=0", "image/*"]
)
def test_accept_that_excludes_json_is_406(accept: str) -> None:
    assert "application/json" in detail(call("GET", "/things/", headers={"Accept": accept}), 406)


def test_a_body_goes_through() -> None:
    response = call("POST", "/things/", json={"big": {"size": 2**64 - 1}})
    assert (response.status_code, response.json()) == (201, {"size": 2**64 - 1})


def test_a_charset_is_fine_and_another_type_415() -> None:
    body = b'{"big": {"size": 1}}'
    good = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert call("POST", "/things/", content=body, headers=good).status_code == 201
    for kind in ("text/plain", "application/x-protobuf", "application/jsonp"):
        response = call("POST", "/things/", content=body, headers={"Content-Type": kind})
        assert kind in detail(response, 415)
    assert call("POST", "/things/", content=body).status_code == 415


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"big": {"size": NaN}}',
        b'{"big": {"size": Infinity}}',
        b'{"big": {"size": 1, "color": "\\ud800"}}',
        b"[" * 100_000,
        b'{"big": {"size": 1}} trailing',
    ],
)
def test_what_is_not_json_is_400(raw: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    text = detail(call("POST", "/things/", content=raw, headers=headers), 400)
    assert text.startswith("body: ")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "exactly one of big, small must be present, not none of them"),
        ({"big": {"size": 1}, "small": {"size": 1}}, "not big and small"),
        ({"big": {}}, "body: /big: the field 'size' is missing"),
        ({"big": {"size": "1"}}, 'body: /big/size: "1" is not of type integer'),
        ({"big": {"size": -1}}, "/big/size: -1 is less than 0"),
        ({"big": {"size": 2**64}}, "is more than 18446744073709551615"),
        ({"big": {"size": 1, "color": "GREE"}}, "did you mean GREEN?"),
        ({"big": {"size": 1, "when": "now"}}, '"now" is not a date-time'),
        ({"big": {"size": 1, "tags": ["a", "b", "c"]}}, "has more than 2 items"),
        ({"big": {"size": 1, "sise": 2}}, "there is no field 'sise' here"),
        ([], "body: [] is not of type object"),
        ("x", "is not of type object"),
    ],
)
def test_a_body_against_the_contract_is_400_in_words(body: Any, words: str) -> None:
    assert words in detail(call("POST", "/things/", json=body), 400)


def test_long_values_and_many_errors_are_cut() -> None:
    body = {"big": {"size": 1, "tags": ["x"] * 2, "color": "R" * 100_000}}
    assert len(detail(call("POST", "/things/", json=body), 400)) < 500
    many = {"big": {"size": 1, "tags": [1] * 100}}
    assert "more" in detail(call("POST", "/things/", json=many), 400)


def test_a_body_over_the_limit_is_413_with_and_without_a_length() -> None:
    headers = {"Content-Type": "application/json"}
    big = b" " * (1 << 20) + b"{}"
    assert "1048576" in detail(call("POST", "/things/", content=big, headers=headers), 413)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(33):
            yield b" " * (1 << 15)

    assert call("POST", "/things/", content=chunks(), headers=headers).status_code == 413


def test_a_binary_body_is_streamed_and_needs_no_type() -> None:
    response = call("PUT", "/things/tabc/", content=b"\x00" * 1000)
    assert (response.status_code, response.headers["X-Size"]) == (200, "1000")
    refused = call("PUT", "/things/tabc/", content=b"x", headers={"Content-Type": "text/plain"})
    assert refused.status_code == 415


def test_problems_of_handlers_are_answered_with_their_headers() -> None:
    async def gone(_: Call) -> Reply:
        raise ProblemError(404, "no such thing", headers={"X-More": "1"})

    response = call("GET", "/things/tabc/", app=client(getThing=gone))
    assert detail(response, 404) == "no such thing"
    assert response.headers["X-More"] == "1"


def test_faults_are_500_without_internals_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(_: Call) -> Reply:
        raise KeyError("internal name")

    response = call("GET", "/things/tabc/?signature=hush", app=client(getThing=broken))
    assert "internal name" not in detail(response, 500)
    assert "internal name" in caplog.text
    assert response.headers["X-Request-Id"] in caplog.text
    assert "hush" not in caplog.text


@pytest.mark.parametrize(
    "answer", [Reply({"size": "1"}), Reply({"size": 1}, status=202), PlainTextResponse("x", 201)]
)
def test_answers_are_held_to_the_contract_on_demand(
    answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def wrong(_: Call) -> Any:
        return answer

    body = {"big": {"size": 1}}
    assert call("POST", "/things/", json=body, app=client(makeThing=wrong)).is_success
    strict = client(makeThing=wrong, validate_responses=True)
    detail(call("POST", "/things/", json=body, app=strict), 500)
    assert "against the contract" in caplog.text


def test_undeclared_problems_are_held_to_the_contract_on_demand() -> None:
    async def teapot(_: Call) -> Reply:
        raise ProblemError(418, "no coffee")

    assert call("GET", "/things/tabc/", app=client(getThing=teapot)).status_code == 418
    strict = client(getThing=teapot, validate_responses=True)
    assert call("GET", "/things/tabc/", app=strict).status_code == 500


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:1234", "[::1]:8642"])
def test_own_hosts_are_served(host: str) -> None:
    session = client(hosts=["localhost", "127.0.0.1", "[::1]"])
    assert call("GET", "/things/", app=session, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost@evil"])
def test_other_hosts_are_refused(host: str) -> None:
    session = client(hosts=["localhost", "127.0.0.1", "[::1]"])
    detail(call("GET", "/things/", app=session, headers={"Host": host}), 421)


def test_the_access_log_has_no_query(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    call("GET", "/things/tabc/?signature=hush")
    assert "GET '/things/tabc/' -> 200" in caplog.text
    assert "hush" not in "".join(r.getMessage() for r in caplog.records if r.name != "httpx")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(body=st.binary() | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_answered_without_a_fault(body: bytes) -> None:
    response = call("POST", "/things/", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code in {201, 400}


@given(query=st.text(), key=st.text(alphabet=st.characters(max_codepoint=255)))
def test_any_parameters_are_answered_without_a_fault(query: str, key: str) -> None:
    params = {"limit": query, "all": query}
    headers = {"X-Key": key.encode("latin-1")}
    assert call("GET", "/things/", params=params, headers=headers).status_code in {200, 400}
