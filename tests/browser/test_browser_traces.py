"""Traces in a browser: the viewer that comes along, and Perfetto."""

import json

from playwright.sync_api import Route, expect
from support.browsing import NARROW, Browsing
from support.pages_world import ADA, World

PERFETTO = "https://ui.perfetto.dev"
# Answers as Perfetto does, and shows what it got.
_STAND_IN = """<!doctype html><title>Perfetto</title><pre></pre><script>
addEventListener("message", (event) => {
  if (event.data === "PING") event.source.postMessage("PONG", event.origin);
  if (!event.data.perfetto) return;
  const { buffer, ...others } = event.data.perfetto;
  const text = new TextDecoder().decode(buffer);
  document.querySelector("pre").textContent = JSON.stringify({ ...others, text });
});
</script>"""


def test_the_viewer_that_comes_along_draws_the_trace(browse: Browsing, world: World) -> None:
    page = browse(ADA)
    page.goto(world.url("/jobs/{profiled}/"))
    page.get_by_role("link", name="Look at it").click()
    frame = page.frame_locator("iframe")
    frame.get_by_text("Sandwich").click()
    # The kernels of the layers.
    expect(frame.get_by_text("_kernel_time").first).to_be_visible()
    assert page.evaluate("document.querySelector('iframe').contentDocument") is None
    # Where its bar has no place for both ends, the views stay.
    expect(frame.get_by_text("Export")).to_be_visible()
    page.set_viewport_size(NARROW)
    expect(frame.get_by_text("Export")).to_be_hidden()
    frame.get_by_text("Time Order").click()


def test_perfetto_gets_the_trace_upon_a_click(browse: Browsing, world: World) -> None:
    page = browse(ADA)
    requests: list[str] = []

    def answer(route: Route) -> None:
        requests.append(route.request.url)
        assert "referer" not in route.request.headers
        route.fulfill(body=_STAND_IN, content_type="text/html")

    page.context.route(f"{PERFETTO}/**", answer)
    browse.watch.origins.add(PERFETTO)
    page.goto(world.url("/jobs/{profiled}/trace/"))
    button = page.get_by_role("button", name="Open in Perfetto, on ui.perfetto.dev")
    expect(button).to_be_visible()
    assert requests == []
    with page.expect_popup() as opened:
        button.click()
    expect(opened.value.locator("pre")).not_to_be_empty()
    got = json.loads(opened.value.locator("pre").inner_text())
    assert got["fileName"] == f"{world.ids['profiled']}_trace.json"
    assert any(event["name"].endswith("_kernel_time") for event in json.loads(got["text"]))
