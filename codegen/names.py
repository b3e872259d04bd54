"""Writes the lists of public names that type checkers need from the table `qai_hub/_names.py`.

Type checkers do not run the loader of `qai_hub/__init__.py`, nor the loop of `qai_hub/hub.py`: both
have a block `if TYPE_CHECKING:` with all names. Run it through `make generate`;
`test_names.py` compares.
"""

import runpy
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
START, END = "if TYPE_CHECKING:\n", "else:\n"


def package_block(table: Mapping[str, Any]) -> Iterator[str]:
    """Yields the imports that type checkers see in `qai_hub`."""
    for module in table["MODULES"]:
        yield f"from qai_hub import {module} as {module}"
    for name, module in table["MODULE_OF"].items():
        yield f"from qai_hub.{module} import {name} as {name}"


def hub_block(table: Mapping[str, Any]) -> Iterator[str]:
    """Yields the functions that type checkers see in `qai_hub.hub`."""
    yield "_typed = Client()"
    for name in sorted(table["METHODS"]):
        yield f"{name} = _typed.{name}"


def with_block(text: str, lines: Iterator[str]) -> str:
    """Replaces what a module shows to type checkers.

    Args:
        text: The module.
        lines: What it is to show.

    Returns:
        The module with these lines.

    Raises:
        ValueError: If it has no block for type checkers that ends with `else:`.
    """
    before, start, rest = text.partition(f"\n{START}")
    _, end, after = rest.partition(f"\n{END}")
    if not (start and end):
        raise ValueError("there is no block between `if TYPE_CHECKING:` and `else:`")
    block = "".join(f"    {line}\n" for line in lines)
    return f"{before}{start}{block}{END}{after}"


def main() -> None:
    """Writes both lists."""
    table = runpy.run_path(str(ROOT / "qai_hub" / "_names.py"))
    blocks = {"__init__.py": package_block(table), "hub.py": hub_block(table)}
    paths = [ROOT / "qai_hub" / name for name in blocks]
    for path, lines in zip(paths, blocks.values(), strict=True):
        path.write_text(with_block(path.read_text("utf-8"), lines), encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "check", "--select", "I", "--fix", "--quiet", *paths], check=True)
    subprocess.run([*ruff, "format", "--quiet", *paths], check=True)


if __name__ == "__main__":
    main()
