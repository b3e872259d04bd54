"""The lists of names for type checkers, written from the table of public names."""

import runpy
from pathlib import Path

import pytest
from names import hub_block, package_block, with_block

ROOT = Path(__file__).parents[2]
TABLE = runpy.run_path(str(ROOT / "qai_hub" / "_names.py"))
MODULE = "before\nif TYPE_CHECKING:\n    old = 1\nelse:\n    after = 1\n"


def test_a_new_name_is_written_into_the_block_and_nowhere_else() -> None:
    written = with_block(MODULE, iter(["new = 2"]))
    assert written == "before\nif TYPE_CHECKING:\n    new = 2\nelse:\n    after = 1\n"


@pytest.mark.parametrize("text", ["", "if TYPE_CHECKING:\n", "\nif TYPE_CHECKING:\n    old = 1\n"])
def test_a_module_without_a_block_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no block"):
        with_block(text, iter(()))


def test_a_name_of_the_table_is_written_for_the_package_and_for_its_module() -> None:
    table = {**TABLE, "METHODS": ("added",), "MODULE_OF": {"added": "hub"}}
    assert "from qai_hub.hub import added as added" in list(package_block(table))
    assert list(hub_block(table)) == ["_typed = Client()", "added = _typed.added"]
