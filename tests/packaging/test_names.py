"""The table of public names, and the places that write names out for type checkers."""

import ast
import inspect
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import qai_hub
import qai_hub.client
import qai_hub.hub
from qai_hub import _names

ROOT = Path(__file__).parents[2]
# Methods of the client that are no use on a client that all of a process shares.
NO_FUNCTIONS = {"close"}


def seen_by_type_checkers(module: str) -> list[ast.stmt]:
    """The statements below `if TYPE_CHECKING:`."""
    tree = ast.parse((ROOT / f"qai_hub/{module}.py").read_text("utf-8"))
    (block,) = (
        statement
        for statement in tree.body
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING"
    )
    return block.body


def test_a_name_has_one_place_in_the_table() -> None:
    names = [*_names.CONSTANTS, *_names.TYPES, *_names.METHODS, *_names.FUNCTIONS, *_names.MODULES]
    names += [*_names.CLIENT_ONLY_TYPES, *_names.COMPATIBLE_MODULES]
    assert sorted(set(names)) == sorted(names)


def test_type_checkers_see_the_names_of_the_package() -> None:
    seen = {
        f"{statement.module}.{alias.name}"
        for statement in seen_by_type_checkers("__init__")
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
        if alias.name == alias.asname
    }
    table = {f"qai_hub.{module}.{name}" for name, module in _names.MODULE_OF.items()}
    assert seen == table | {f"qai_hub.{name}" for name in _names.MODULES}


def test_type_checkers_see_the_functions_of_the_module_hub() -> None:
    _, *assignments = map(ast.unparse, seen_by_type_checkers("hub"))
    assert sorted(assignments) == sorted(f"{name} = _typed.{name}" for name in _names.METHODS)


def test_type_checkers_see_the_names_of_the_client_module() -> None:
    assert set(qai_hub.client.__all__) == {*_names.TYPES, *_names.CLIENT_ONLY_TYPES}


def test_a_name_is_one_thing_in_the_package_and_in_its_module() -> None:
    for name, home in _names.MODULE_OF.items():
        assert getattr(qai_hub, name) is getattr(import_module(f"qai_hub.{home}"), name), name


def test_every_method_of_the_client_is_a_function_too() -> None:
    methods = {
        name
        for name, _ in inspect.getmembers(qai_hub.Client, inspect.isfunction)
        if not name.startswith("_")
    }
    assert methods - NO_FUNCTIONS == set(_names.METHODS)


def test_the_package_exports_the_table() -> None:
    exported: list[str] = import_module("qai_hub").__all__
    assert exported == list(_names.MODULE_OF)
    assert not set(_names.COMPATIBLE_MODULES) & set(exported)
    code = "from qai_hub import *; print(*sorted(name for name in dir() if name[:2] != '__'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == sorted(set(exported) - {"__version__"})


def test_the_reference_describes_each_name_once() -> None:
    text = "\n".join(page.read_text("utf-8") for page in (ROOT / "docs/reference").glob("*.md"))
    directive = r"^\.\. (?:auto(?:class|function|exception|data)|py:data):: qai_hub\.(\w+)\b(?!\.)"
    described = re.findall(directive, text, flags=re.MULTILINE)
    assert sorted(described) == sorted(_names.MODULE_OF)
