"""The spec layer, held to a small contract of its own: routes, callers, parameters, answers."""

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse
from support.small_contract import HANDLERS, SPEC, call, client, detail, echo, nobody

from qai_hub.local.contract import Call, Contract, ContractError, Reply, build_routes
from qai_hub.local.errors import ProblemError


def test_a_missing_handler_stops_the_start() -> None:
    without = {name: handler for name, handler in HANDLERS.items() if name != "getThing"}
    with pytest.raises(ContractError, match="no handler for the operations getThing"):
        build_routes(Contract(SPEC), without, nobody)


def test_a_handler_without_operation_stops_the_start() -> None:
    with pytest.raises(ContractError, match="handlers getNothing"):
        build_routes(Contract(SPEC), HANDLERS | {"getNothing": echo}, nobody)


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
    told = detail(call("GET", f"/things/{thing}/"), 404)
    assert told.startswith("There is no thing ")
    assert told.endswith(": this is no identifier of a thing.")


def test_an_unknown_path_is_404_as_a_problem() -> None:
    assert detail(call("GET", "/nothing/"), 404).startswith("There is nothing at this URL: ")


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
    assert "violated the contract" in caplog.text


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


@pytest.mark.parametrize("hosts", [["localhost", "[::1]"], None])
@pytest.mark.parametrize(
    "host", ["localhost:80@evil.example", "[::1]evil.example", "localhost:80, evil", "[::1"]
)
def test_hosts_that_signed_urls_cannot_begin_with_are_refused(
    host: str, hosts: list[str] | None
) -> None:
    session = client(hosts=hosts)
    detail(call("GET", "/things/", app=session, headers={"Host": host}), 421)


def test_the_access_log_has_no_query(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    call("GET", "/things/tabc/?signature=hush")
    assert "GET '/things/tabc/' -> 200" in caplog.text
    assert "hush" not in "".join(r.getMessage() for r in caplog.records if r.name != "httpx")


@given(query=st.text(), key=st.text(alphabet=st.characters(max_codepoint=255)))
def test_any_parameters_are_answered_without_a_fault(query: str, key: str) -> None:
    params = {"limit": query, "all": query}
    headers = {"X-Key": key.encode("latin-1")}
    assert call("GET", "/things/", params=params, headers=headers).status_code in {200, 400}


def test_a_query_of_very_many_parameters_is_refused() -> None:
    query = "&".join(["tag=1"] * 501)
    assert "more than 500 parameters" in detail(call("GET", f"/things/?{query}"), 400)
    assert call("GET", f"/things/?{query[: 6 * 500 - 1]}").status_code == 200


def test_what_many_accept_beyond_the_first_hundred_does_not_count() -> None:
    for number, status in ((99, 200), (100, 406)):
        accept = "text/html," * number + "application/json"
        assert call("GET", "/things/", headers={"Accept": accept}).status_code == status
