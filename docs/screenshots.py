"""Takes the pictures of a hub's pages that the guides show: `make screenshots`.

With an argument, only those whose name begins with it.
"""

import io
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright
from screenshots_hub import YOU, hub_with_jobs

from qai_hub.local import LocalHub

FOLDER = Path(__file__).parent / "_static" / "pages"
# By the name of the file: the path, whose names in braces are ids, and what is at the top of the
# picture, if it is not the top of the page.
PAGES = {
    "sign-in": ("/sign-in/", ""),
    "jobs": ("/jobs/", ""),
    "compile": ("/jobs/{compile}/", ""),
    "profile": ("/jobs/{on_cpu}/", "#profile"),
    "quantize": ("/jobs/{quantize}/", "#accuracy"),
    "inference": ("/jobs/{simulated}/?against={on_cpu}", "#compare"),
    "compare": ("/compare/?job={on_cpu}&job={small_on_cpu}", ""),
    "models": ("/models/", ""),
    "model": ("/models/{model}/", ""),
    "datasets": ("/datasets/", ""),
    "dataset": ("/datasets/{dataset}/", ""),
    "devices": ("/devices/?htp=v75", ""),
    "device": ("/devices/Samsung Galaxy S24/", ""),
    "health": ("/health/", ""),
    "api": ("/docs/", ""),
    "operation": ("/docs/createJob/", ""),
}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1200, "height": 800}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1200, "height": 800}, "color_scheme": "dark"},
    "narrow": {"viewport": {"width": 360, "height": 800}, "color_scheme": "light"},
}


def main() -> None:
    """Take the pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    chosen = tuple(sys.argv[1:]) or ("",)
    with hub_with_jobs() as (hub, ids), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for look, options in LOOKS.items():
            page = open_browser(browser, hub, options)
            for name, (place, top) in PAGES.items():
                if name.startswith(chosen):
                    page.goto(place.format_map(ids))
                    take(page, top, FOLDER / f"{name}-{look}.webp")
            page.context.close()
        browser.close()


def open_browser(browser: Browser, hub: LocalHub, options: dict[str, Any]) -> Page:
    """Open a browser that a link has signed in."""
    context = browser.new_context(
        base_url=hub.url, device_scale_factor=1.25, locale="en-GB", timezone_id="UTC", **options
    )
    page = context.new_page()
    page.goto(hub.sign_in_link(YOU))
    page.get_by_role("button", name=f"Sign in as {YOU}").click()
    page.wait_for_url("**/jobs/")
    return page


def take(page: Page, top: str, path: Path) -> None:
    """Take a picture of a page, once all that it shows has been read."""
    expect(page.locator("[data-refresh]")).to_have_count(0, timeout=60_000)
    if top:
        page.locator(top).evaluate("(each) => scrollTo(0, each.getBoundingClientRect().top - 12)")
    image = Image.open(io.BytesIO(page.screenshot()))
    # Without loss, letters stay sharp, in less than what a compression for photographs takes.
    image.convert("RGB").save(path, lossless=True, quality=75)


if __name__ == "__main__":
    main()
