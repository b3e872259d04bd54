"""Options as a text: every spelling of the same options reads alike."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qai_hub.option_string import (
    GivenOption,
    OptionStringError,
    option_values,
    parse_option_string,
)

NAMES = st.from_regex(r"--[a-z][a-z0-9_]{0,9}", fullmatch=True)
OPTIONS = st.lists(st.builds(GivenOption, NAMES, st.none() | st.text()))
GAPS = st.sampled_from([" ", "   ", "\t", "\n", "\r\n"])
SWITCH = "--verbose"


def double_quoted(text: str) -> str:
    escaped = text.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'


@given(options=OPTIONS, data=st.data())
def test_options_come_back_from_every_spelling(
    options: list[GivenOption], data: st.DataObject
) -> None:
    words = []
    for name, value in options:
        if value is None:
            words.append(name)
            continue
        quoted = data.draw(st.sampled_from([shlex.quote, double_quoted]))(value)
        apart = not value.startswith("--") and data.draw(st.booleans())
        words += [name, quoted] if apart else [f"{name}={quoted}"]
    assert parse_option_string(data.draw(GAPS).join(words)) == options


@given(values=st.lists(st.text()))
def test_the_values_of_a_repeated_option_keep_their_order(values: list[str]) -> None:
    text = " --other x ".join(f"--a={shlex.quote(value)}" for value in values)
    options = parse_option_string(text)
    assert option_values("--a", options) == values
    assert len(option_values("--other", options)) == max(0, len(values) - 1)


@given(text=st.text(alphabet=st.sampled_from("-=' \"\\,;\n\0éax1") | st.characters()))
def test_any_text_is_split_or_refused(text: str) -> None:
    try:
        options = parse_option_string(text)
    except OptionStringError as error:
        assert str(error) in {"No closing quotation", "No escaped character"}
        return
    words = [word for name, value in options for word in (name, value) if word is not None]
    assert "".join(words).replace("=", "") == "".join(shlex.split(text)).replace("=", "")


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("", []),
        (" \n ", []),
        ("--a b", [("--a", "b")]),
        ("--a=b", [("--a", "b")]),
        ("--a='b c' --a \"d e\"", [("--a", "b c"), ("--a", "d e")]),
        ("--a=b=c", [("--a", "b=c")]),
        ("--a 'b=c;d=e'", [("--a", "b=c;d=e")]),
        ("--a=", [("--a", "")]),
        ("--a ''", [("--a", "")]),
        ("--a", [("--a", None)]),
        ("--a --b c", [("--a", None), ("--b", "c")]),
        ("--a=--b", [("--a", "--b")]),
        ("--a -1", [("--a", "-1")]),
        ("-c cpu", [("-c", "cpu")]),
        ("cpu --a b", [("cpu", None), ("--a", "b")]),
        ("cpu=1 --a b c", [("cpu=1", None), ("--a", "b"), ("c", None)]),
        ("''", [("", None)]),
        (SWITCH, [(SWITCH, None)]),
        (f"{SWITCH} TRUE", [(SWITCH, "TRUE")]),
        (f"{SWITCH} false --a b", [(SWITCH, "false"), ("--a", "b")]),
        (f"{SWITCH} b", [(SWITCH, None), ("b", None)]),
        (f"{SWITCH}=b", [(SWITCH, "b")]),
    ],
)
def test_grammar(text: str, options: list[tuple[str, str | None]]) -> None:
    assert parse_option_string(text, [SWITCH]) == options


@pytest.mark.parametrize("text", ["--a 'b", '--a "b', "--a b\\"])
def test_what_is_not_closed_is_refused(text: str) -> None:
    with pytest.raises(OptionStringError, match=r"No (closing quotation|escaped character)"):
        parse_option_string(text)


@pytest.mark.parametrize("text", ["-O2 --a", "-O 2 --a", "-O=2 --a"])
def test_a_level_follows_its_letter(text: str) -> None:
    assert parse_option_string(text) == [GivenOption("-O", "2"), GivenOption("--a", None)]


def test_a_level_is_no_value_of_another_option() -> None:
    assert parse_option_string("--a -O2 -O --b -O2x") == [
        *(GivenOption("--a", None), GivenOption("-O", "2"), GivenOption("-O", None)),
        GivenOption("--b", "-O2x"),
    ]
