"""The spec layer, held to a small contract of its own: request bodies."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.small_contract import MAX_BODY, call, client, detail

from qai_hub.local.contract.bodies import MAX_VALUES
from qai_hub.local.contract.validation_errors import format_value, truncate


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


@pytest.mark.parametrize("number", ["2.0", "2e0", "20E-1", "2"])
def test_a_whole_number_is_an_integer_however_it_is_written(number: str) -> None:
    headers = {"Content-Type": "application/json"}
    body = f'{{"big": {{"size": {number}}}}}'
    response = call("POST", "/things/", content=body, headers=headers)
    assert response.status_code == 201
    assert response.text == call("POST", "/things/", json={"big": {"size": 2}}).text


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"big": {"size": NaN}}',
        b'{"big": {"size": Infinity}}',
        b'{"big": {"size": 1e999}}',
        b'{"big": {"size": 1.5}}',
        b'{"big": {"size": 1, "color": "\\ud800"}}',
        b"[" * 30_000,
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
        ({"big": {"size": 1, "sise": 2}}, "unknown field 'sise'"),
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
    big = b" " * MAX_BODY + b"{}"
    assert str(MAX_BODY) in detail(call("POST", "/things/", content=big, headers=headers), 413)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY // (1 << 15) + 1):
            yield b" " * (1 << 15)

    assert call("POST", "/things/", content=chunks(), headers=headers).status_code == 413


def test_a_binary_body_is_streamed_and_needs_no_type() -> None:
    response = call("PUT", "/things/tabc/", content=b"\x00" * 1000)
    assert (response.status_code, response.headers["X-Size"]) == (200, "1000")
    refused = call("PUT", "/things/tabc/", content=b"x", headers={"Content-Type": "text/plain"})
    assert refused.status_code == 415


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(body=st.binary() | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_answered_without_a_fault(body: bytes) -> None:
    response = call("POST", "/things/", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code in {201, 400}


KEYS = st.sampled_from(["size", "color", "big", "when", "\\u0061", "a", ""])


@st.composite
def objects(draw: st.DrawFn, depth: int = 3) -> tuple[str, bool]:
    """JSON text of an object, and whether a field stands in it twice, wherever that is."""
    keys = draw(st.lists(KEYS, max_size=3))
    twice = len({json.loads(f'"{key}"') for key in keys}) < len(keys)
    parts = []
    for key in keys:
        text, inner = draw(objects(depth - 1)) if depth and draw(st.booleans()) else ("1", False)
        parts.append(f'"{key}": {text}')
        twice |= inner
    return f"{{{', '.join(parts)}}}", twice


@given(objects())
def test_a_field_that_stands_twice_is_refused(body: tuple[str, bool]) -> None:
    text, twice = body
    headers = {"Content-Type": "application/json"}
    response = call("POST", "/things/", content=text.encode(), headers=headers)
    assert response.status_code in {201, 400}
    assert ("is given twice" in response.text) == twice


def test_a_body_of_very_many_values_is_413() -> None:
    headers = {"Content-Type": "application/json"}
    content = b"[" + b"[]," * (MAX_VALUES // 2) + b"[]]"
    text = detail(call("POST", "/things/", content=content, headers=headers), 413)
    assert str(MAX_VALUES) in text


def test_only_the_first_fault_of_many_is_looked_for() -> None:
    """A validator takes 40 µs for each: thirty thousand of them would take a second."""
    tags = {"big": {"size": 1, "tags": [1] * 30_000}}
    text = detail(call("POST", "/things/", json=tags), 400)
    assert "more" not in text.partition("has more than")[2]
    names = {"big": {"size": 1} | {f"field{n}": 1 for n in range(10_000)}}
    assert detail(call("POST", "/things/", json=names), 400).endswith("unknown field 'field0'.")


def test_a_few_of_many_unknown_fields_are_named() -> None:
    names = {"big": {"size": 1} | {f"field{n}": 1 for n in range(100)}}
    text = detail(call("POST", "/things/", json=names), 400)
    assert "'field0', " in text
    assert text.endswith(", ….")
    assert len(text) < 200


def test_a_body_that_does_not_come_is_408() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    headers = {"Content-Type": "application/json"}
    for app in (client(body_seconds=0.05), client(patience=0.05)):
        response = call("POST", "/things/", app=app, content=chunks(), headers=headers)
        assert "0.05 seconds" in detail(response, 408)


@given(JSON_VALUES)
def test_what_is_shown_of_a_value_is_its_beginning(value: Any) -> None:
    whole = json.dumps(value, ensure_ascii=False)
    assert format_value(value) == truncate(whole, 80)
