"""Pages that change by themselves, and tables that people sort and search."""

from playwright.sync_api import Page, expect
from support.browsing import Browsing, KeptPages
from support.hub_http import Api
from support.pages_world import ADA, BOB, HOSTILE, World


def test_list_and_page_of_a_job_follow_it_to_its_end(browse: Browsing, world: World) -> None:
    api = Api(world.hub, ADA)
    jobs = browse(ADA)
    with jobs.expect_response("**/live/"):
        jobs.goto("/jobs/")
    jobs.evaluate("window.since = 'the beginning'")
    world.gate.open.clear()
    try:
        key = api.submit("compile_job", world.ids["model"], name="followed", options="--x")
        row = jobs.locator("tr", has_text=key)
        expect(row.locator(".state")).not_to_have_class("state queued")
        job = jobs.context.new_page()
        with job.expect_response("**/live/"):
            job.goto(f"/jobs/{key}/")
        expect(job.locator("h1 .state")).to_have_class("state running")
        job.evaluate("window.since = 'the beginning'")
    finally:
        world.gate.open.set()
    for page, state in ((jobs, row.locator(".state")), (job, job.locator("h1 .state"))):
        expect(state).to_have_class("state failed", timeout=30_000)
        assert page.evaluate("window.since") == "the beginning", "the page was loaded anew"
    api.close()


def test_filters_find_jobs(look: KeptPages, world: World) -> None:
    page = look(ADA)
    page.goto("/jobs/")
    page.get_by_label("State").select_option("Failed")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_role("link", name=f"Fails: {HOSTILE}")).to_be_visible()
    expect(page.locator("tr", has_text=world.ids["compiled"])).to_have_count(0)
    page.get_by_label("State").select_option("All")
    page.get_by_label("Type").select_option("Compile")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("tr", has_text=world.ids["compiled"])).to_have_count(1)
    expect(page.locator("tr", has_text=world.ids["profiled"])).to_have_count(0)


def test_buttons_are_there_for_what_is_ticked(look: KeptPages, world: World) -> None:
    seen = {}
    for email in (ADA, BOB):
        page = look(email)
        page.goto("/jobs/")
        page.locator(f"tbody input[value='{world.ids['inferred']}']").check()
        seen[email] = page.locator(".when-chosen button:visible").all_inner_texts()
    # It has ended, so nobody can cancel it.
    assert seen == {ADA: ["Compare", "Rename…", "Share…"], BOB: ["Compare"]}


def test_layers_are_sorted_and_searched_by_keyboard(look: KeptPages, world: World) -> None:
    page = look(ADA)
    page.goto(world.url("/jobs/{profiled}/"))
    operator = page.get_by_role("button", name="Operator").first
    operator.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#layers th[aria-sort=ascending]")).to_have_text("Operator")
    ascending = operators(page)
    assert ascending == sorted(ascending)
    assert len(set(ascending)) > 1
    page.keyboard.press("Enter")
    expect(page.locator("#layers th[aria-sort=descending]")).to_have_text("Operator")
    assert operators(page) == sorted(ascending, reverse=True)
    # Of numbers, people look for the largest, but of places for the first.
    for column, order in (("Time", "descending"), ("#", "ascending")):
        page.locator("#layers").get_by_role("button", name=column, exact=True).click()
        expect(page.locator(f"#layers th[aria-sort={order}]")).to_have_text(column)
    operator.click()
    page.get_by_role("searchbox", name="Layers with").focus()
    page.keyboard.type(f"{ascending[0]} 3 <SCRIPT>")
    found = operators(page)
    assert found
    assert set(found) == {ascending[0]}
    page.get_by_role("searchbox", name="Layers with").fill("")
    assert len(operators(page)) == len(ascending)


def test_layer_and_its_bar_are_lit_together(look: KeptPages, world: World) -> None:
    page = look(ADA)
    page.goto(world.url("/jobs/{profiled}/"))
    bars, rows = page.locator("svg a.lit"), page.locator("#layers tr.lit")
    expect(bars).to_have_count(0)
    page.locator("#layer-3 th").hover()
    expect(bars).to_have_attribute("data-bar", "3")
    page.locator("svg a[data-bar='5']").hover()
    expect(rows).to_have_id("layer-5")
    expect(bars).to_have_attribute("data-bar", "5")
    page.get_by_role("link", name="7", exact=True).focus()
    expect(bars).to_have_attribute("data-bar", "7")
    page.keyboard.press("Enter")
    page.locator("h1").hover()
    expect(page.locator("#layers tr:target")).to_have_id("layer-7")
    # What was chosen stays lit.
    expect(bars).to_have_attribute("data-bar", "7")
    page.locator("svg a[data-bar='9']").click()
    expect(page.locator("#layers tr:target")).to_have_id("layer-9")
    expect(bars).to_have_attribute("data-bar", "9")


def operators(page: Page) -> list[str]:
    """The operators of the layers that are shown, in order."""
    return page.locator("#layers tbody tr:visible td:nth-of-type(2)").all_inner_texts()
