"""Signing browsers in and out."""

import httpx
import pytest
from playwright.sync_api import expect
from support.browsing import Browsing
from support.hub_http import Api
from support.pages_world import ADA, BOB, World
from support.polling import wait_until


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_link_signs_a_browser_in_once(browse: Browsing, world: World, scripts: bool) -> None:
    link = world.sign_in_link(ADA)
    page = browse(java_script_enabled=scripts)
    page.goto(link)
    if not scripts:
        page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/jobs/")
    expect(page.get_by_text(ADA).first).to_be_visible()
    other = browse(java_script_enabled=scripts)
    other.goto(link)
    if not scripts:
        other.get_by_role("button", name="Go on").click()
    expect(other.get_by_role("alert")).to_contain_text("This link has been used")
    other.goto("/jobs/")
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()


def test_looking_at_a_link_does_not_use_it(browse: Browsing, world: World) -> None:
    link = world.sign_in_link(ADA)
    assert httpx.get(link).status_code == 200
    page = browse()
    page.goto(link)
    page.wait_for_url("**/jobs/")


def test_page_that_was_wanted_opens_after_signing_in(browse: Browsing, world: World) -> None:
    page = browse()
    page.goto(world.url("/jobs/{compiled}/?a=b"))
    wanted = httpx.URL(page.url).params["to"]
    page.goto(str(httpx.URL(world.sign_in_link(ADA)).copy_add_param("to", wanted)))
    page.wait_for_url(world.url("/jobs/{compiled}/?a=b"))


@pytest.mark.parametrize(
    "to",
    [
        "//evil.example/",
        "/\\evil.example/",
        "/\t/evil.example/",
        "\\\\evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        ".evil.example/",
        "",
    ],
)
def test_link_leads_nowhere_else(browse: Browsing, world: World, to: str) -> None:
    page = browse()
    page.goto(str(httpx.URL(world.sign_in_link(ADA)).copy_add_param("to", to)))
    page.wait_for_url(lambda url: "/sign-in/" not in url)
    assert page.url.startswith(f"{world.hub.url}/")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_signing_out_ends_the_session(browse: Browsing, world: World, scripts: bool) -> None:
    page = browse(java_script_enabled=scripts)
    page.goto(world.sign_in_link(BOB))
    if not scripts:
        page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/jobs/")
    (cookie,) = page.context.cookies()
    assert (cookie.get("httpOnly"), cookie.get("sameSite")) == (True, "Strict")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in/")
    assert page.context.cookies() == []
    # Nor does a copy of the cookie help.
    copied = {str(cookie.get("name")): str(cookie.get("value"))}
    reply = httpx.get(world.url("/jobs/"), cookies=copied)
    assert (reply.status_code, reply.headers["Location"]) == (303, "/sign-in/?to=/jobs/")


def test_revoked_token_ends_session_and_live_updates(browse: Browsing, world: World) -> None:
    email = "leaving@example.com"
    world.hub.add_user(email)
    page = browse()
    page.goto(world.sign_in_link(email))
    page.wait_for_url("**/jobs/")
    with page.expect_response("**/live/"):
        page.reload()
    state = page.locator("#live-state")
    expect(state).to_have_text("")
    world.hub.revoke_user(email)
    api = Api(world.hub, ADA)
    # What changes afterwards reaches nobody who has no access.
    api.patch(f"jobs/{world.ids['inferred']}/", {"name": "shared"})
    expect(state).to_have_text("No live updates at the moment.")
    api.close()
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    wait_until(lambda: page.url.endswith("/sign-in/?to=/jobs/"))
