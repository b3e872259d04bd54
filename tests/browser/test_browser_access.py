"""Whom pages are shown to, and whose forms are carried out."""

import pytest
from playwright.sync_api import expect
from support.browsing import Browsing, KeptPages
from support.hub_http import Api
from support.pages_world import ADA, BOB, EVE, HOSTILE, PAGES, World, file_name
from support.scripted_server import Reply, ScriptedServer

# What is Ada's alone, or hers and Bob's.
_HERS = [path for path in PAGES if "{" in path and not path.startswith("/compare/")]


@pytest.mark.parametrize("path", _HERS, ids=map(file_name, _HERS))
def test_what_is_not_shared_is_not_there(look: KeptPages, world: World, path: str) -> None:
    page = look(EVE)
    response = page.goto(world.url(path))
    assert response is not None
    assert response.status == 404
    assert HOSTILE not in page.content()
    expect(page.get_by_role("heading", name="Not Found")).to_be_visible()


def test_a_comparison_tells_nothing_of_what_is_not_shared(look: KeptPages, world: World) -> None:
    page = look(EVE)
    page.goto(world.url("/compare/?job={compiled}&job={profiled}"))
    assert HOSTILE not in page.content()
    expect(page.locator("body")).to_contain_text(world.ids["compiled"])


def test_what_is_shared_is_there(look: KeptPages, world: World) -> None:
    for path, status in (("/jobs/{inferred}/", 200), ("/jobs/{failed}/", 404)):
        response = look(BOB).goto(world.url(path))
        assert response is not None
        assert response.status == status


def test_forms_of_other_origins_are_refused(browse: Browsing, world: World) -> None:
    key = world.ids["inferred"]
    form = f"""
        <form method="post" action="{world.hub.url}/jobs/{key}/">
        <input name="do" value="rename"><input name="name" value="forged"><button>Go</button></form>
    """
    html = {"Content-Type": "text/html"}
    # It differs in the port alone, so the browser sends the cookie along.
    with ScriptedServer(lambda _: Reply(200, form.encode(), html)) as other:
        page = browse(ADA)
        browse.watch.origins.add(other.url)
        page.goto(f"{other.url}/")
        page.get_by_role("button", name="Go").click()
        expect(page.get_by_text("This form comes from another site.")).to_be_visible()
    api = Api(world.hub, ADA)
    assert api.job(key)["name"] == "shared"
    api.close()
