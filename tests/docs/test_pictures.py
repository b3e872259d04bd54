"""The pictures of pages: each page of a hub has some, and the guides show all of them."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PICTURES = sorted(DOCS.glob("_static/pages/*"))
SHOWN = {
    path.parent / picture
    for path in DOCS.rglob("*.md")
    for picture in re.findall(r"\]\((_static/pages/[^)]+)\)", path.read_text("utf-8"))
}
MOST_BYTES = 2_500_000


def test_guides_show_the_pictures_that_there_are() -> None:
    assert set(PICTURES) == SHOWN


@pytest.mark.parametrize("look", ["light", "dark", "narrow"])
def test_each_page_is_shown_in_each_look(look: str) -> None:
    names = {path.stem.rpartition("-")[0] for path in PICTURES}
    assert len(names) >= 16
    assert {f"{name}-{look}" for name in names} <= {path.stem for path in PICTURES}


def test_pictures_stay_small() -> None:
    assert sum(path.stat().st_size for path in PICTURES) < MOST_BYTES
