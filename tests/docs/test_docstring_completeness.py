"""Every public name says what it is, what it takes and gives, and shows how it is used.

That the examples run is what `test_docstrings.py` shows.
"""

import ast
import functools
import inspect
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from enum import Enum
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import FunctionType

import qai_hub

HOMES = (
    "qai_hub",
    "qai_hub.client",
    "qai_hub.aio",
    "qai_hub.config",
    "qai_hub.errors",
    "qai_hub.local",
)


def public_names() -> Iterator[tuple[str, object]]:
    for home in HOMES:
        module = import_module(home)
        values = {name: getattr(module, name) for name in module.__all__}
        # Base classes first, whose methods others inherit, and functions after their methods.
        for name, value in sorted(
            values.items(), key=lambda item: len(getattr(item[1], "__mro__", range(100)))
        ):
            yield f"{home}.{name}", value
            if inspect.isclass(value):
                yield from members(f"{home}.{name}", value)


def members(class_name: str, owner: type) -> Iterator[tuple[str, object]]:
    """What users meet in a class, but for what it has from outside of this package."""
    for name in dir(owner):
        member = inspect.getattr_static(owner, name)
        if isinstance(member, staticmethod | classmethod):
            member = member.__func__
        home = getattr(member.fget if isinstance(member, property) else member, "__module__", "")
        if name.startswith("_") or not str(home).startswith("qai_hub"):
            continue
        if inspect.isclass(member):
            yield f"{class_name}.{name}", member
            yield from members(f"{class_name}.{name}", member)
        elif isinstance(member, property | FunctionType):
            yield f"{class_name}.{name}", member


def each_once() -> dict[str, object]:
    """The names, without those that lead to something that has a name already."""
    found: dict[int, str] = {}
    things = dict(public_names())
    for name, thing in things.items():
        found.setdefault(id(inspect.unwrap(thing) if callable(thing) else thing), name)
    return {name: things[name] for name in found.values()}


@functools.cache
def docstrings_of_values() -> dict[str, str]:
    """The texts that stand below assignments, by the names that are assigned."""
    found = dict[str, str]()
    for path in sorted(Path(qai_hub.__file__).parent.rglob("*.py")):
        for statement, below in pairwise(ast.parse(path.read_text("utf-8")).body):
            match statement, below:
                case (
                    ast.Assign(targets=[ast.Name(id=name)])
                    | ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    found[name] = text
    return found


def sections(docstring: str) -> dict[str, str]:
    """The sections of a docstring by their titles."""
    _, *parts = re.split(r"^([A-Z]\w+):\n", inspect.cleandoc(docstring), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def undescribed(names: list[str], section: str) -> list[str]:
    described = re.findall(r"^    \*{0,2}(\w+): \S", section, flags=re.MULTILINE)
    return [f"{name} is not described" for name in names if name not in described]


def faults_of_function(function: FunctionType, told: dict[str, str]) -> list[str]:
    signature = inspect.signature(function)
    taken = [name for name in signature.parameters if name not in {"self", "cls"}]
    faults = undescribed(taken, told.get("Args", ""))
    if signature.return_annotation not in {None, "None"} and "Returns" not in told:
        faults.append("what it returns is not described")
    return faults


def faults_of_class(kind: type, told: dict[str, str]) -> list[str]:
    if issubclass(kind, Enum):
        return []
    names = [name for name in vars(kind).get("__annotations__", {}) if not name.startswith("_")]
    if "__init__" in vars(kind) and not is_dataclass(kind):
        taken = list(inspect.signature(kind).parameters)
        # Whatever takes its owner is made by the client: users do not see its constructor.
        names += [] if "owner" in taken else taken
    return undescribed(names, told.get("Args", "") + told.get("Attributes", ""))


def faults(name: str, thing: object) -> list[str]:
    has_its_own = inspect.isclass(thing) or isinstance(thing, property | FunctionType)
    docstring = (
        thing.__doc__ if has_its_own else docstrings_of_values().get(name.rpartition(".")[2])
    )
    if not docstring:
        return ["it has no docstring"]
    if isinstance(thing, property):
        return []
    told = sections(docstring)
    missing = [] if ">>>" in told.get("Examples", "") else ["it has no example"]
    if inspect.isclass(thing):
        missing += faults_of_class(thing, told)
    if isinstance(thing, FunctionType):
        missing += faults_of_function(thing, told)
    return missing


NAMES = each_once()


def test_every_name_is_documented() -> None:
    found = {name: faults(name, thing) for name, thing in NAMES.items()}
    assert {name: told for name, told in found.items() if told} == {}


def test_all_kinds_of_names_are_found() -> None:
    assert {
        "qai_hub.__version__",
        "qai_hub.InputSpecs",
        "qai_hub.wait_all",
        "qai_hub.Client.submit_compile_job",
        "qai_hub.Job.wait",
        "qai_hub.CompileJob.download_target_model",
        "qai_hub.JobStatus.State",
        "qai_hub.JobStatus.all_running_states",
        "qai_hub.Client.config",
        "qai_hub.aio.wait_all",
        "qai_hub.local.LocalHub.client",
    } <= set(NAMES)
