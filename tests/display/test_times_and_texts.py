"""Points in time, durations and texts, as people read them."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from qai_hub.display.text import (
    escape_commands,
    for_logs,
    format_fields,
    limit_rows,
    one_line,
    printable,
)
from qai_hub.display.times import format_duration, format_moment

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (0.25, "0.2 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (185, "3 min 5 s"),
        (3599.6, "1 h 0 min"),
        (2 * 3600 + 200, "2 h 3 min"),
        (5000 * 3600, "5,000 h 0 min"),
        (-1, ""),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert format_duration(NOON, NOON + timedelta(seconds=seconds)) == text


def test_durations_that_are_not_known() -> None:
    zero = datetime(1970, 1, 1, tzinfo=UTC)
    assert format_duration(None, NOON) == format_duration(NOON, None) == ""
    assert format_duration(zero, NOON) == format_moment(zero) == format_moment(None) == ""


def test_moments_are_local_whatever_their_zone() -> None:
    local = NOON.astimezone().replace(tzinfo=None)
    elsewhere = NOON.astimezone(timezone(timedelta(hours=9)))
    expected = f"{local:%Y-%m-%d %H:%M:%S}"
    assert format_moment(NOON) == format_moment(local) == format_moment(elsewhere) == expected


def test_texts_have_no_control_characters_and_a_limit() -> None:
    assert printable("a\x1b[2J\n\tb\u202e\u2028", 100) == "a�[2J\n\tb� "
    assert one_line("a\n\tb\x85") == "a  b "
    assert one_line("a\nb" * 10, 5) == "a ba…"
    assert limit_rows(["a", "b", "c"], 2, ": see rows") == ["a", "b", "and 1 more: see rows"]
    assert limit_rows(["a", "b"], 2) == ["a", "b"]


def test_no_text_commands_a_runner() -> None:
    assert for_logs("::error::a\n \t::stop::b\r::c") == ": :error::a\n \t: :stop::b ::c"
    assert for_logs("a ##[group]b ##vso[x.y]c ###[d] ## [e]") == (
        "a # #[group]b # #vso[x.y]c ## #[d] ## [e]"
    )
    assert json.loads(escape_commands(json.dumps(["##[a]##vso[b]"]))) == ["##[a]##vso[b]"]


def test_the_fields_of_a_repr_are_short_whatever_they_hold() -> None:
    assert format_fields("Kind", {"a": 1, "b": "x"}) == "Kind(a=1, b='x')"
    long = format_fields("Kind", {"a": "\x1b" * 10**6, "b": ["m" * 10] * 10**4})
    assert len(long) < 2000
    assert long.isprintable()
