"""What holds for each page, in each theme and width, without scripts, and for each reader."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from support.browsing import NARROW, WIDE, KeptPages
from support.pages_world import ADA, PAGES, PUBLIC_PAGES, World, file_name

LOOKS: dict[str, tuple[Any, Any]] = {
    "light": (WIDE, "light"),
    "dark": (WIDE, "dark"),
    "narrow": (NARROW, "light"),
}
# A theme changes nothing else.
_RULES_OF_COLOURS = ["color-contrast", "link-in-text-block"]
_EACH: list[tuple[str, str | None]] = [
    *((path, ADA) for path in PAGES),
    *((path, None) for path in PUBLIC_PAGES),
]
# Notes what can be reached by the Tab key, what is, and what does not show it.
_NOTE_FOCUS = """
() => {
  window.stops = [...document.querySelectorAll(
    "a[href], button, input, select, textarea, summary, [tabindex]"
  )].filter((each) => each.tabIndex >= 0 && !each.disabled && each.type !== "hidden"
    && each.checkVisibility({ visibilityProperty: true }));
  window.reached = new Set();
  window.unseen = [];
  document.addEventListener("focusin", ({ target }) => {
    reached.add(target);
    if (getComputedStyle(target).outlineStyle === "none") unseen.push(target.outerHTML);
  });
  return stops.length;
}
"""
# Heads of columns that stand on the other side than the numbers below them.
_FIND_HEADS_ASIDE = """
() => [...document.querySelectorAll("table")].filter((table) => table.tHead).flatMap((table) => {
  const heads = [...table.tHead.rows[0].cells];
  return heads.filter((head, index) => [...table.tBodies].some((body) =>
    [...body.rows].some((row) => {
      const cell = row.cells.length === heads.length ? row.cells[index] : null;
      return cell?.matches(".number")
        && getComputedStyle(cell).textAlign !== getComputedStyle(head).textAlign;
    }))).map((head) => head.textContent);
})
"""
# What somebody with a printout or a screen reader would miss.
_FIND_CUT = """
() => [...document.querySelectorAll("main *")].filter((each) => each.checkVisibility()
    && getComputedStyle(each).overflowY !== "visible" && !each.matches(".unseen, input, textarea")
    && each.scrollHeight > each.clientHeight + 1).map((each) => each.outerHTML.slice(0, 200))
"""
_COUNT_LINES_OF_NAVIGATION = """
() => new Set([...document.querySelectorAll("header nav a")]
  .map((each) => each.getBoundingClientRect().top)).size
"""
_FIND_NAMELESS_TABLES = """
() => [...document.querySelectorAll("table")].filter((each) => !each.caption?.textContent.trim())
  .map((each) => each.outerHTML.slice(0, 200))
"""


_MOST_LOOKS = 200


@pytest.fixture(params=_EACH, ids=[file_name(path) for path, _ in _EACH])
def place(request: pytest.FixtureRequest) -> tuple[str, str | None]:
    """A path, and who looks at it."""
    path, email = request.param
    return path, email


def look_at(look: KeptPages, world: World, place: tuple[str, str | None], **options: Any) -> Page:
    """Open a page, once no file that it shows is being read: bare pages do not follow."""
    path, email = place
    page = look(email, **options)
    for _ in range(_MOST_LOOKS):
        response = page.goto(world.url(path))
        assert response is not None
        assert response.ok
        if page.locator("[data-refresh]").count() == 0:
            return page
        page.wait_for_timeout(200)
    raise AssertionError(f"{path} is still being read")


def test_page_looks_right(
    look: KeptPages, world: World, place: tuple[str, str | None], pictures: Path | None
) -> None:
    # The policy keeps out what looks at a page, too: the other tests look at it in force.
    page = look_at(look, world, place, bypass_csp=True)
    for name, (size, scheme) in LOOKS.items():
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        if pictures is not None:
            page.screenshot(path=pictures / f"{file_name(place[0])}-{name}.png", full_page=True)
        content, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert content <= window, f"{name}: scrolls sideways"
        assert page.evaluate(_COUNT_LINES_OF_NAVIGATION) <= 1, f"{name}: breaks the navigation"
        if name == "light":
            assert find_barriers(page) == []
        elif name == "dark":
            assert find_barriers(page, runOnly=_RULES_OF_COLOURS) == []
    assert page.evaluate(_FIND_HEADS_ASIDE) == []
    assert page.evaluate(_FIND_NAMELESS_TABLES) == []
    page.set_viewport_size(WIDE)
    page.emulate_media(media="print")
    if pictures is not None:
        page.screenshot(path=pictures / f"{file_name(place[0])}-print.png", full_page=True)
    assert page.evaluate(_FIND_CUT) == [], "cut where it is printed"
    expect(page.locator("nav, button:not(th button)").filter(visible=True)).to_have_count(0)


def find_barriers(page: Page, **options: Any) -> list[tuple[str, str]]:
    """What keeps some people from using a page, as axe finds it."""
    # To compile it takes as long as some of its rules.
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    found = page.evaluate(
        "(options) => axe.run(options)", {"resultTypes": ["violations"], **options}
    )
    return [(each["id"], node["html"]) for each in found["violations"] for node in each["nodes"]]


def test_page_reads_without_scripts(
    look: KeptPages, world: World, place: tuple[str, str | None]
) -> None:
    page = look_at(look, world, place, java_script_enabled=False)
    bare = read(page)
    assert bare["title"]
    assert bare["dead"] == [], "buttons that do nothing"
    with_scripts = read(look_at(look, world, place))
    assert bare["rows"] == with_scripts["rows"]
    assert bare["links"] == with_scripts["links"]


def read(page: Page) -> dict[str, Any]:
    """What a page shows that may depend on scripts."""
    return {
        "title": page.locator("h1").inner_text(),
        "rows": page.locator("main tr").count(),
        "links": page.locator("main a:visible:not(thead a)").count(),
        "dead": page.locator("button:visible:not(form *):not([form])").all_inner_texts(),
    }


def test_keyboard_reaches_everything_and_shows_where_it_is(
    look: KeptPages, world: World, place: tuple[str, str | None]
) -> None:
    page = look_at(look, world, place)
    number = page.evaluate(_NOTE_FOCUS)
    assert number
    missed = "stops.filter((each) => !reached.has(each)).map((each) => each.outerHTML)"
    # A frame has stops of its own, and more of them once it has loaded.
    patience = number + 3 + 60 * page.locator("iframe").count()
    while patience and page.evaluate(missed):
        page.keyboard.press("Tab")
        patience -= 1
    assert page.evaluate("unseen") == [], "focus that cannot be seen"
    assert page.evaluate(missed) == []
    for dialog in page.locator("dialog").all():
        dialog.evaluate("(each) => each.showModal()")
        page.keyboard.press("Escape")
        assert not dialog.evaluate("(each) => each.open")


def test_name_does_not_turn_what_follows_it(look: KeptPages, world: World) -> None:
    page = look_at(look, world, ("/jobs/{compiled}/", ADA))
    # The name reverses what follows, unless it is kept to itself.
    ends = page.evaluate(
        """() => {
          const name = document.createRange();
          name.setStart(document.querySelector("h1"), 0);
          name.setEndBefore(document.querySelector("h1 .state"));
          const names = [...name.getClientRects()].filter((each) => each.width > 10);
          const state = document.querySelector("h1 .state").getBoundingClientRect();
          const line = names.filter((each) => each.bottom > state.top + 4);
          return [Math.max(...line.map((each) => each.right), 0), state.left];
        }"""
    )
    assert ends[0] <= ends[1]
