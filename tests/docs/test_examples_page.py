"""The page of examples lists each script in the folder, and shows the short ones."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/examples.md").read_text("utf-8")


def test_page_lists_and_shows_each_script() -> None:
    scripts = {path.name for path in (ROOT / "examples").iterdir() if path.is_file()}
    listed = re.findall(r"^\| \[`(\w+\.py)`\]\(#(\w+)\) \| ", PAGE, re.MULTILINE)
    assert all(anchor == name.replace(".", "") for name, anchor in listed)
    shown = re.findall(
        r"^### (\w+\.py)\n```\{literalinclude\} \.\./examples/(.+)$", PAGE, re.MULTILINE
    )
    assert [(name, name) for name, _ in listed] == shown
    longer = re.findall(r"^\| `examples/([\w.]+)` \| ", PAGE, re.MULTILINE)
    assert sorted([*longer, *(name for name, _ in listed)]) == sorted(scripts)
