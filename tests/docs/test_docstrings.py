"""The examples in docstrings, run and compared with the outputs that they show.

Each docstring has a namespace of its own, which begins with the fixture `names`: the page of the
reference tells readers what that holds.
"""

import ast
import doctest
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def docstrings_with_examples() -> Iterator[doctest.DocTest]:
    """All texts that stand alone, as docstrings of attributes do too."""
    parser = doctest.DocTestParser()
    for path in sorted((ROOT / "qai_hub").rglob("*.py")):
        source = path.read_text("utf-8")
        if ">>>" not in source:
            continue
        for node in ast.walk(ast.parse(source)):
            match node:
                case ast.Expr(value=ast.Constant(value=str(text)), lineno=line) if ">>>" in text:
                    name = f"{path.relative_to(ROOT)}:{line}"
                    yield parser.get_doctest(text, {}, name, str(path), line - 1)


EXAMPLES = list(docstrings_with_examples())


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_example_of_docstring_runs(example: doctest.DocTest, names: dict[str, Any]) -> None:
    example.globs = dict(names)
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.FAIL_FAST)
    if runner.run(example, out=told.append).failed:
        pytest.fail("".join(told), pytrace=False)


def test_reference_tells_what_examples_begin_with(names: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "reference" / "index.md").read_text("utf-8")
    told = re.findall(
        r"`(?:import [a-z_]+ as )?([a-z_]+)`", page.partition("The examples begin")[2]
    )
    assert sorted(told) == sorted(names)
