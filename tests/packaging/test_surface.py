"""The public surface, held against that of the official client.

`tests/data/surface.csv` lists the names of its release 0.56.0. By kind, `content` is: of a class
its base, of a method or function its parameters with their defaults, of a field its default, of an
enum member its value; `= NAME` is another name for NAME. What differs on purpose stands in the
table of `docs/differences.md`, whose names may hold wildcards.
"""

import csv
import dataclasses
import inspect
import re
from collections.abc import Callable
from enum import Enum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

import qai_hub
import qai_hub.client
import qai_hub.hub
from qai_hub._names import METHODS
from qai_hub._version import OFFICIAL_RELEASE

ROOT = Path(__file__).parents[2]
INTEROP = ROOT / "tests" / "interop" / "constraints.txt"

with (ROOT / "tests" / "data" / "surface.csv").open(encoding="utf-8", newline="") as _table:
    OFFICIAL = {row["name"]: (row["kind"], row["content"]) for row in csv.DictReader(_table)}

LISTED = {
    name: line.split("|")[2].strip()
    for line in (ROOT / "docs" / "differences.md").read_text("utf-8").splitlines()
    if line.startswith("| `")
    for name in re.findall(r"`([^`]+)`", line.split("|")[1])
}
KEYWORD = " (keyword)"
SIGNS = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}


def find(name: str) -> Any:
    """What a name stands for, without calling properties."""
    first, *rest = name.split(".")
    home = next(home for home in (qai_hub, qai_hub.client, qai_hub.hub) if hasattr(home, first))
    found = getattr(home, first)
    for part in rest:
        found = inspect.getattr_static(found, part) if part == rest[-1] else getattr(found, part)
    return found


def default_text(default: object) -> str:
    if isinstance(default, Enum):
        return f"{type(default).__name__}.{default.name}"
    return "factory" if repr(default) == "<factory>" else repr(default)


def parameters(function: Callable[..., Any]) -> str:
    texts = []
    for parameter in inspect.signature(function).parameters.values():
        keyword = KEYWORD if parameter.kind is inspect.Parameter.KEYWORD_ONLY else ""
        given = parameter.default is not inspect.Parameter.empty
        default = f"={default_text(parameter.default)}" if given else ""
        texts.append(f"{SIGNS.get(parameter.kind.name, '')}{parameter.name}{default}{keyword}")
    return ", ".join(texts)


def class_content(name: str) -> str:
    found = find(name)
    assert inspect.isclass(found)
    if found.__name__ != name:
        return f"= {found.__name__}"
    bases = [base.__name__ for base in found.__mro__[1:]]
    official = OFFICIAL[name][1]
    return official if official in bases else bases[0]


def field_content(name: str) -> str:
    owner = find(name.rpartition(".")[0])
    attribute = name.rpartition(".")[2]
    if issubclass(owner, tuple):
        assert attribute in owner._fields
        return repr(owner._field_defaults[attribute]) if attribute in owner._field_defaults else ""
    field = {field.name: field for field in dataclasses.fields(owner)}[attribute]
    if field.default_factory is not dataclasses.MISSING:
        return "factory"
    return "" if field.default is dataclasses.MISSING else repr(field.default)


def member_content(name: str) -> str:
    owner, _, attribute = name.rpartition(".")
    member = find(owner)[attribute]
    return str(member.value) if member.name == attribute else f"= {member.name}"


def property_content(name: str) -> str:
    assert isinstance(find(name), property)
    return ""


def staticmethod_content(name: str) -> str:
    static = find(name)
    assert isinstance(static, staticmethod)
    return parameters(static.__func__)


def function_content(name: str) -> str:
    assert name in METHODS
    return parameters(find(name))


CONTENT: dict[str, Callable[[str], str]] = {
    "class": class_content,
    "type": lambda name: "" if find(name) else "nothing",
    "value": lambda name: str(find(name)),
    "method": lambda name: parameters(find(name)),
    "function": function_content,
    "field": field_content,
    "member": member_content,
    "property": property_content,
    "staticmethod": staticmethod_content,
}


def difference(name: str) -> str | None:
    """How ours differs from the official one; None if it does not."""
    kind, official = OFFICIAL[name]
    try:
        ours = CONTENT[kind](name)
    except (AssertionError, AttributeError, KeyError, StopIteration, ValueError) as error:
        return f"{kind} {name} is missing or of another kind: {error!r}"
    return None if ours == official else f"{kind} {name}: ours ({ours}), official ({official})"


def matches(pattern: str) -> list[str]:
    return [name for name in OFFICIAL if fnmatchcase(name, pattern)]


UNLISTED = sorted(set(OFFICIAL).difference(*(matches(pattern) for pattern in LISTED)))


def test_the_release_is_numbered_after_the_official_one() -> None:
    """That which `make interop` installs, and which this package tells the official service."""
    official = re.search(r"^qai-hub==(.+)$", INTEROP.read_text("utf-8"), re.MULTILINE)
    assert official is not None
    assert official[1] == OFFICIAL_RELEASE
    assert Version(OFFICIAL_RELEASE) < Version(qai_hub.__version__)
    assert qai_hub.__version__.startswith(f"{OFFICIAL_RELEASE}.")


def test_the_table_is_whole() -> None:
    kinds = [kind for kind, _ in OFFICIAL.values()]
    assert len(kinds) > 300
    assert set(kinds) == set(CONTENT)


def test_all_other_names_are_as_in_the_official_client() -> None:
    assert [*filter(None, map(difference, UNLISTED))] == []


@pytest.mark.parametrize("pattern", LISTED)
def test_listed_difference_exists(pattern: str) -> None:
    assert matches(pattern)
    assert [name for name in matches(pattern) if difference(name) is None] == []


@pytest.mark.parametrize(
    "name",
    [
        name
        for pattern, how in LISTED.items()
        if how == "more keyword-only parameters"
        for name in matches(pattern)
    ],
)
def test_all_other_parameters_are_as_in_the_official_client(name: str) -> None:
    ours = parameters(find(name)).split(", ")
    assert [text for text in ours if KEYWORD not in text] == OFFICIAL[name][1].split(", ")
