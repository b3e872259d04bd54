"""The code of the pages, run block by block, each page in a namespace and a folder of its own.

A block that cannot run stands below `<!-- skip: next "reason" -->`. The page on inputs, whose
blocks need the commands between them, has a test of its own.
"""

from contextlib import suppress
from pathlib import Path
from unittest import SkipTest

import pytest
from sybil import Document
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser, SkipParser

ROOT = Path(__file__).parents[2]
PAGES = [
    page.relative_to(ROOT)
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if "```python" in page.read_text("utf-8") and page.name != "make-inputs.md"
]


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("page", PAGES, ids=str)
def test_code_of_page_runs(page: Path) -> None:
    parsers = (SkipParser(), CodeBlockParser("python", PythonEvaluator()))
    for block in Document.parse(str(ROOT / page), *parsers).examples():
        with suppress(SkipTest):
            block.evaluate()
