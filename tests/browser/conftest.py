"""A hub, and Chromium to look at it: one of each, and a fresh browser for tests that change it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from support.browsing import Browsing, KeptPages
from support.pages_world import World, pages_world

_NAMES = ("chromium", "chromium-browser", "google-chrome")

# As long as pages have to load: a busy machine may take more than the usual 5 seconds.
expect.set_options(timeout=20_000)


# Its driver has an event loop in this thread: it must end before tests that begin their own.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, or the one that CHROMIUM names."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.skip("no Chromium: make pages installs it where it can, or name one in CHROMIUM")
    with sync_playwright() as playwright:
        # Its sandbox is neither for root nor in most containers.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


# Started only where there is a browser.
@pytest.fixture(scope="package")
def world(chromium: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pages_world(tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest.fixture
def browse(chromium: Browser, world: World) -> Iterator[Browsing]:
    """Opens pages; fails the test if one of them has done what no page may."""
    browsing = Browsing(chromium, world.hub.url, world.session)
    yield browsing
    browsing.close()
    assert browsing.watch.problems == []


@pytest.fixture(scope="package")
def kept_pages(chromium: Browser, world: World) -> Iterator[KeptPages]:
    browsing = Browsing(chromium, world.hub.url, world.session)
    yield KeptPages(browsing)
    browsing.close()


@pytest.fixture
def look(kept_pages: KeptPages) -> Iterator[KeptPages]:
    """Opens pages only to look at them; fails the test as `browse` does."""
    kept_pages.watch.problems.clear()
    yield kept_pages
    assert kept_pages.watch.problems == []


@pytest.fixture
def pictures() -> Path | None:
    """The folder for pictures of the pages, which PAGES_PICTURES names; None for no pictures."""
    name = os.environ.get("PAGES_PICTURES")
    if not name:
        return None
    folder = Path(name)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
