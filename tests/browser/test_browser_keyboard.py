"""The main way through the pages, by keyboard alone."""

import re

import pytest
from playwright.sync_api import Page, expect
from support.browsing import WIDE, Browsing
from support.hub_http import Api
from support.pages_world import ADA, World

# What has the focus, as a screen reader names it, and whether it shows and can be seen.
_FOCUS = """
() => {
  const each = document.activeElement;
  const box = each.getBoundingClientRect();
  const name = each.getAttribute("aria-label")
    ?? (each.labels?.[0] ?? each).textContent.replaceAll(/\\s+/g, " ").trim();
  return {
    tag: each.localName,
    name,
    shows: getComputedStyle(each).outlineStyle !== "none",
    isInView: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
}
"""
_MOST_STOPS = 150


class Keyboard:
    """Hands that have a keyboard and no mouse.

    Args:
        page: What they are on.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self.press = page.keyboard.press
        self.type = page.keyboard.type

    def go_to(self, name: str, tag: str, key: str = "Tab") -> None:
        """Press a key until what begins with a name has the focus, which shows all the way."""
        seen = list[str]()
        for _ in range(_MOST_STOPS):
            self.press(key)
            focus = self._page.evaluate(_FOCUS)
            if focus["tag"] == "body":
                # Beyond the last, the browser's own buttons follow, and then the first.
                continue
            seen.append(f"{focus['tag']} {focus['name'][:40]}")
            assert focus["shows"], f"the focus does not show on {seen[-1]}"
            assert focus["isInView"], f"{seen[-1]} has the focus out of sight"
            if focus["tag"] == tag and focus["name"].startswith(name):
                return
        raise AssertionError(f"{key} does not lead to {tag} {name}, but to {seen}")


@pytest.fixture
def page(browse: Browsing, world: World) -> Page:
    opened = browse(viewport=WIDE)
    opened.goto(world.sign_in_link(ADA))
    keys = Keyboard(opened)
    keys.go_to(f"Sign in as {ADA}", "button")
    keys.press("Enter")
    opened.wait_for_url("**/jobs/")
    return opened


def test_work_is_done_by_keyboard_alone(page: Page, world: World) -> None:
    keys = Keyboard(page)

    # Past the navigation, to the filters.
    keys.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    keys.press("Enter")
    expect(page.locator("main")).to_be_focused()
    keys.go_to("State", "select")
    keys.type("Done")
    keys.go_to("Search", "button")
    keys.press("Enter")
    page.wait_for_url("**/jobs/?*state=done*")

    # A job, and its slowest layers.
    keys.go_to("Profile: ", "a")
    keys.press("Enter")
    page.wait_for_url(world.url("/jobs/{profiled}/"))
    keys.go_to("Time", "button")
    keys.press("Enter")
    expect(page.locator("#layers th[aria-sort=descending]")).to_have_text("Time")

    # Who sees it: a menu that Escape closes, where it was.
    keys.go_to("Share", "summary", "Shift+Tab")
    keys.press("Enter")
    keys.go_to("E-mail", "input")
    keys.press("Escape")
    expect(page.locator("details[open] input[name=emails]")).to_have_count(0)
    share = page.locator("summary", has_text="Share")
    expect(share).to_be_focused()
    keys.press("Space")
    keys.go_to("E-mail", "input")
    keys.type("carol@example.com")
    keys.press("Enter")
    expect(share).to_have_text("Share (1)")

    # Two jobs beside each other.
    keys.go_to("Jobs", "a")
    keys.press("Enter")
    page.wait_for_url("**/jobs/")
    for name in ("profiled", "compiled"):
        keys.go_to(f"Choose {world.ids[name]}", "input")
        keys.press("Space")
    keys.go_to("Compare", "button", "Shift+Tab")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Compare jobs")).to_be_visible()
    expect(page.locator(".compared li")).to_have_count(2)

    keys.go_to("Sign out", "button")
    keys.press("Enter")
    page.wait_for_url("**/sign-in/")


def test_replacing_a_part_keeps_what_was_done_with_it(page: Page, world: World) -> None:
    keys = Keyboard(page)
    chosen = page.get_by_label(f"Choose {world.ids['failed']}")
    chosen.check()
    page.set_viewport_size({"width": 360, "height": 740})
    keys.go_to("Type", "button")
    keys.press("Enter")
    keys.press("Enter")
    region = page.get_by_role("region", name="Jobs")
    region.evaluate("(each) => each.scrollTo(50, 0)")
    api = Api(world.hub, ADA)
    key = api.submit("compile_job", world.ids["model"], name="new", options="--x")
    expect(page.locator("tr", has_text=key)).to_be_visible()
    assert page.evaluate(_FOCUS)["name"] == "Type"
    expect(page.locator("th[aria-sort=descending]")).to_have_text("Type")
    expect(chosen).to_be_checked()
    assert region.evaluate("(each) => each.scrollLeft") == 50
    api.wait(key)
    api.close()


def test_a_job_that_ends_is_announced_and_leaves_the_focus_near(page: Page, world: World) -> None:
    keys = Keyboard(page)
    api = Api(world.hub, ADA)
    world.gate.open.clear()
    try:
        key = api.submit("compile_job", world.ids["model"], name="announced", options="--x")
        page.goto(f"/jobs/{key}/")
        heard = page.locator("#announcement")
        expect(heard).to_have_text("")
        keys.go_to("Cancel", "summary")
        keys.press("Enter")
        keys.go_to("Cancel the job", "button")
    finally:
        world.gate.open.set()
    expect(heard).to_have_text("Failed", timeout=30_000)
    expect(page.get_by_role("button", name=re.compile("Cancel"))).to_have_count(0)
    expect(page.locator("main")).to_be_focused()
    api.close()
