"""Pages for contributors name files and folders that exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("CONTRIBUTING.md", "SECURITY.md", "docs/architecture.md")
# What `make` creates, which a fresh checkout lacks.
BUILT = {"build/docs"}
PATH = re.compile(r"\.?[A-Za-z_][\w.-]*(?:/[\w.-]+)*/?")
FILE = re.compile(r"\w[\w-]*\.(?:cfg|json|md|py|toml|txt|yaml)")


def named(page: str) -> Iterator[str]:
    """Yields what backticks hold and looks like a path within the repository."""
    for code in re.findall(r"`([^`\n]+)`", (ROOT / page).read_text("utf-8")):
        has_folder = "/" in code and (ROOT / code.partition("/")[0]).exists()
        if PATH.fullmatch(code) and (has_folder or FILE.fullmatch(code)):
            yield code


def exists(path: str) -> bool:
    """Reports whether there is such a path, seen from the root or from a folder of the table."""
    found = ROOT / path
    return found.is_dir() if path.endswith("/") else found.exists()


CASES = [(page, path) for page in PAGES for path in sorted(set(named(page)) - BUILT)]


def test_paths_exist() -> None:
    assert [(page, path) for page, path in CASES if not exists(path)] == []


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_paths_are_found(page: str) -> None:
    assert {"openapi.yaml", "generated/"} & set(named(page))
