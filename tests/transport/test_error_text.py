"""The reason that a server tells, in whatever form: one line that may be shown."""

import json
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qai_hub.transport.error_text import MAX_LENGTH, extract_reason, page_title, sanitize

REASON = "This name is already taken."


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"detail": REASON}, REASON),
        (
            {"detail": [{"loc": ["body", "name"], "msg": REASON, "type": "x"}]},
            f"body.name: {REASON}",
        ),
        ({"detail": {"reason": {"text": REASON}}}, f"reason: text: {REASON}"),
        ({"name": [REASON], "os": ["No.", "Never."]}, f"name: {REASON}; os: No.; Never."),
        ({"non_field_errors": [REASON]}, REASON),
        ([REASON, "Really."], f"{REASON}; Really."),
        ({"message": REASON, "code": 7}, REASON),
        ({"error": REASON}, REASON),
        ({"error": {"code": "E1", "message": REASON}}, REASON),
        ({"errors": [{"message": REASON}, {"message": "More."}]}, f"{REASON}; More."),
        ({"title": REASON, "status": 400, "type": "about:blank"}, REASON),
        ({"title": "Bad Request", "detail": REASON}, REASON),
        ({"error": "Bad Request", "reason": REASON}, f"reason: {REASON}"),
        (
            {"message": "400 Bad Request", "errors": [{"field": "os", "reason": REASON}]},
            f"field: os; reason: {REASON}",
        ),
        ({"detail": "Not valid.", "errors": {"name": [REASON]}}, f"Not valid. (name: {REASON})"),
        ({"type": [REASON], "url": ["No."]}, f"type: {REASON}; url: No."),
        ({"status": {"code": 3, "message": REASON}}, f"status: {REASON}"),
        ({"error": "Bad Request"}, "Bad Request"),
        (REASON, REASON),
        ({"detail": {"detail": {"detail": {"detail": {"detail": {"detail": REASON}}}}}}, ""),
        ({"status": 400}, ""),
        ([], ""),
    ],
)
def test_json(value: object, told: str) -> None:
    assert extract_reason("application/json", json.dumps(value).encode()) == told
    # Services that say nothing of the type are read as well.
    assert extract_reason("", json.dumps(value).encode()) == told


@pytest.mark.parametrize(
    ("kind", "body", "told"),
    [
        ("text/plain; charset=utf-8", REASON.encode(), REASON),
        ("text/plain; charset=latin-1", "Schlüssel".encode("latin-1"), "Schlüssel"),
        ("text/plain; charset=no-such", REASON.encode(), REASON),
        ("", REASON.encode(), REASON),
        ("application/json", REASON.encode(), REASON),
        ("text/html", b"<html><head><title>Too &amp; large</title></head></html>", "Too & large"),
        ("text/html", b"<html><body><h1 class='x'>No way</h1></body></html>", "No way"),
        ("text/html", b"<html><body>nothing</body></html>", ""),
        (
            "text/html",
            f"<title>Bad Request (400)</title><h1>400 Bad Request</h1><p>{REASON}".encode(),
            REASON,
        ),
        ("text/html", f"<h1>{REASON}</h1><![x[ y ]]>".encode(), REASON),
        ("text/html", f"<h1 id=x><b>{REASON}</b></h1>".encode(), REASON),
        (
            "application/xml",
            f"<?xml version='1.0'?><Error><Message>{REASON}</Message><Key>k</Key></Error>".encode(),
            REASON,
        ),
        ("text/plain", b"The limit must be < 1000.", "The limit must be < 1000."),
        ("text/plain", b"Give <name> in its place.", "Give <name> in its place."),
        ("text/plain", f"\x1b[31m{REASON}\x1b[0m\x07\r\n".encode(), REASON),
        ("application/octet-stream", bytes(range(128, 256)), ""),
        ("application/json", b'{"detail": "cut', ""),
    ],
)
def test_other_forms(kind: str, body: bytes, told: str) -> None:
    assert extract_reason(kind, body) == told


@pytest.mark.parametrize(
    "text",
    [
        "Wrong token s3cret.",
        "You sent Authorization: token s3cretabcdef",
        "You sent Authorization: Bearer s3cretabcdef",
        "https://storage.example/m?X-Amz-Signature=s3cret&x=1 has expired",
        "//storage.example/m?sig=s3cret has expired",
        "https://s3cret@storage.example/m is not there",
        '<a href="https://h/?key=s3cret">here</a>',
    ],
)
def test_secrets_are_not_told_back(text: str) -> None:
    told = sanitize(text, ["s3cret"]) + sanitize(text.replace("token s3cret.", ""))
    assert "s3cret" not in told


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\x1b[31mred\x1b[0m b", "a red b"),
        ("\x1b]0;title\x07text", "text"),
        ("one\r\ntwo\tthree", "one two three"),
        ("\u202eevil\u2066 \u200bzero", "evil zero"),
        ("half \ud800", "half"),
        ("::error::a ##[group]b", ": :error::a # #[group]b"),
        ("Wrong token s3\x1b[31mcret or s3\x00cret", "Wrong token s3 cret or ***"),
    ],
)
def test_nothing_steers_a_terminal(text: str, line: str) -> None:
    assert sanitize(text, ["s3cret"]) == line


def test_a_short_token_makes_no_holes_in_words() -> None:
    assert sanitize("The token is not known.", ["t", ""]) == "The token is not known."


@given(st.text(max_size=400), st.sampled_from(["application/json", "text/html", "text/plain", ""]))
def test_any_body_gives_one_line_of_bounded_length(text: str, kind: str) -> None:
    for body in (
        text.encode("utf-8", "replace"),
        json.dumps({"detail": [text, {text: text}]}).encode(),
    ):
        told = extract_reason(kind, body)
        assert told == "" or told.isprintable()
        assert len(told) <= MAX_LENGTH


values: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.text(string.printable, max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["detail", "error", "errors", "loc", "msg", "x"]), inner)
    ),
    max_leaves=20,
)


@given(values)
def test_any_json_gives_one_line(value: object) -> None:
    told = extract_reason("application/json", json.dumps(value).encode())
    assert told == "" or told.isprintable()


def test_long_bodies_take_no_time() -> None:
    for text in (
        "?" * 900_000,
        "<" * 900_000,
        "a://" * 200_000,
        "\x1b" * 900_000,
        "<!--" * 200_000,
        "<p>" * 200_000,
        "<a b='" * 100_000,
        "<![" * 100_000,
        "token " * 150_000,
    ):
        assert len(extract_reason("text/plain", text.encode())) <= MAX_LENGTH
        assert len(page_title(text)) <= 1000
        assert len(extract_reason("text/html", f"<p>{text}".encode())) <= MAX_LENGTH
    assert extract_reason("application/json", b"[" * 500_000) == ""
    assert extract_reason("application/json", b'"' + b"x" * 2_000_000 + b'"') == ""
