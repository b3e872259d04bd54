"""Fragments of HTML: what is text stays text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.html_tags import assert_harmless

from qai_hub.display import html

VISIBLE = st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=50)


@given(VISIBLE)
def test_every_text_is_shown_as_it_is(text: str) -> None:
    for fragment in (
        html.element("div", text),
        html.code(text),
        html.name(text),
        html.badge(text, html.RED),
        html.paragraph(text),
        html.link("https://example.com", text),
        html.table(["a"], [[text]]),
        html.join([text, text]),
    ):
        assert text in assert_harmless(fragment).text
    assert assert_harmless(html.element("span", title=text)).attributes.get("title", [""]) == [text]


@given(st.text())
def test_nothing_that_a_text_holds_becomes_markup(text: str) -> None:
    for fragment in (html.facts({text: text}), html.card(text), html.link(text, text)):
        found = assert_harmless(fragment)
        assert set(found.tags) <= {"div", "span", "table", "tbody", "tr", "td"}


@pytest.mark.parametrize(
    "url", ["", "javascript:alert(1)", " https://example.com", "//example.com", "HTTP:alert(1)"]
)
def test_only_addresses_of_web_pages_are_links(url: str) -> None:
    assert html.link(url, "label") == "label"


def test_markup_is_not_escaped_twice() -> None:
    assert assert_harmless(html.card(html.bold("<"), html.headline(html.bold("&")))).text == "<&"


def test_what_is_empty_is_left_out() -> None:
    assert html.facts({"a": "", "b": ""}) == html.table(["a"], []) == html.paragraph("") == ""
    assert assert_harmless(html.facts({"a": "1", "b": ""})).text == "a1"


def test_a_long_name_is_whole_where_it_is_pointed_at() -> None:
    name = "/".join(f"layer{n}" for n in range(30))
    found = assert_harmless(html.name(name))
    assert found.attributes["title"] == [name]
    assert len(found.text) == 60
    assert found.text.startswith("layer0/")
    assert found.text.endswith("/layer29")
