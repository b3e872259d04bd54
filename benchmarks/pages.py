"""Puts what was measured into pages of the documentation, between two marks."""

import json
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
_BEGIN, _END = "<!-- table: begin -->", "<!-- table: end -->"


def update_page(page: str, *parts: str, figures: Mapping[str, object]) -> None:
    """Replaces what a page has between its marks, and the figures beside it.

    Args:
        page: Its name in `docs/`, without its suffix.
        parts: The paragraphs that follow the one that tells when and where this was measured.
        figures: All figures, which are written as JSON.
    """
    path = DOCS / f"{page}.md"
    before, _, rest = path.read_text("utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    today = f"{datetime.now(UTC):%d %B %Y}".lstrip("0")
    told = f"Measured on {today}, Python {platform.python_version()}, {_describe_processor()}."
    inner = "\n\n".join(("", told, *parts, ""))
    path.write_text(f"{before}{_BEGIN}{inner}{_END}{after}", "utf-8")
    text = json.dumps({"measured": today, **figures}, indent=1)
    (DOCS / f"{page}.json").write_text(text + "\n", "utf-8")


def format_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Formats a table in Markdown."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])


def format_number(value: float) -> str:
    """Formats a figure with three digits, or as a whole number."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _describe_processor() -> str:
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} cores of {names[0]}" if names else platform.machine()
