"""Signing browsers in and out."""

from html import escape
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect
from support.browsing import Browsing
from support.hub_http import Api
from support.pages_world import ADA, BOB, EVE, World
from support.polling import wait_until
from support.scripted_server import Reply, ScriptedServer


def sign_in(page: Page, link: str, email: str, to: str = "**/jobs/") -> None:
    """Open a link, and say yes to becoming somebody."""
    page.goto(link)
    page.get_by_role("button", name=f"Sign in as {email}").click()
    page.wait_for_url(to)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_link_signs_a_browser_in_once(browse: Browsing, world: World, scripts: bool) -> None:
    link = world.sign_in_link(ADA)
    page = browse(java_script_enabled=scripts)
    sign_in(page, link, ADA)
    expect(page.get_by_text(ADA).first).to_be_visible()
    other = browse(java_script_enabled=scripts)
    other.goto(link)
    expect(other.get_by_role("alert")).to_contain_text("This link has been used")
    other.goto("/jobs/")
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()


def test_looking_at_a_link_does_not_use_it(browse: Browsing, world: World) -> None:
    link = world.sign_in_link(ADA)
    assert httpx.get(link).status_code == 200
    sign_in(browse(), link, ADA)


def test_page_that_was_wanted_opens_after_signing_in(browse: Browsing, world: World) -> None:
    page = browse()
    page.goto(world.url("/jobs/{compiled}/?a=b"))
    wanted = httpx.URL(page.url).params["to"]
    link = httpx.URL(world.sign_in_link(ADA)).copy_add_param("to", wanted)
    sign_in(page, str(link), ADA, world.url("/jobs/{compiled}/?a=b"))


def test_link_of_another_person_changes_nobody(browse: Browsing, world: World) -> None:
    page = browse()
    sign_in(page, world.sign_in_link(ADA), ADA)
    link = world.sign_in_link(EVE)
    html = {"Content-Type": "text/html"}
    moved = Reply(302, b"", {"Location": link})
    clicked = Reply(200, f'<a href="{link}">See my job</a>'.encode(), html)
    replies = {"/moved": moved, "/click": clicked}
    with ScriptedServer(lambda request: replies.get(request.path, Reply(204))) as other:
        elsewhere = other.url.replace("127.0.0.1", "localhost")
        browse.watch.origins |= {other.url, elsewhere}
        for way in (link, f"{other.url}/moved", f"{elsewhere}/moved", f"{elsewhere}/click"):
            page.goto(way)
            if way.endswith("click"):
                page.get_by_role("link").click()
            expect(page.get_by_role("button", name=f"Sign in as {EVE}")).to_be_visible()
            expect(page.get_by_text(f"Until now, it is signed in as {ADA}")).to_be_visible()
            assert "/sign-in/" in page.url
    page.goto("/jobs/")
    expect(page.get_by_text(ADA).first).to_be_visible()


def test_file_of_the_command_goes_on_by_itself_for_the_same_person(
    browse: Browsing, world: World, tmp_path: Path
) -> None:
    page = browse()
    sign_in(page, world.sign_in_link(ADA), ADA)
    link = httpx.URL(world.sign_in_link(ADA)).copy_add_param("to", "/devices/")
    file = tmp_path / "open.html"
    file.write_text(f'<meta http-equiv="refresh" content="0; url={escape(str(link))}">')
    browse.watch.origins.add(f"file://{tmp_path}")
    page.goto(file.as_uri())
    page.wait_for_url("**/devices/")


def test_link_leads_nowhere_else(browse: Browsing, world: World) -> None:
    page = browse()
    for to in (
        "//evil.example/",
        "/\\evil.example/",
        "/\t/evil.example/",
        "\\\\evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        ".evil.example/",
        "",
    ):
        link = httpx.URL(world.sign_in_link(ADA)).copy_add_param("to", to)
        sign_in(page, str(link), ADA, f"{world.hub.url}/**")
        page.context.clear_cookies()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_signing_out_ends_the_session(browse: Browsing, world: World, scripts: bool) -> None:
    page = browse(java_script_enabled=scripts)
    sign_in(page, world.sign_in_link(BOB), BOB)
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
    sign_in(page, world.sign_in_link(email), email)
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
