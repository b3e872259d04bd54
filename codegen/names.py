"""Writes into `qai_hub` what other files determine: lists of names, and types for type checkers.

The public names follow from `qai_hub.client`, the overloads of `get_job` from the table of job
types, the overloads of the asynchronous client from those of the blocking one, and the types and
states of jobs from `openapi.yaml`. Run it through `make generate`; `test_names.py`,
`test_enums.py` and `test_names_for_type_checkers.py` compare.
"""

import inspect
import re
import runpy
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "qai_hub"
START, END = "if TYPE_CHECKING:\n", "else:\n"
# Methods of the client that are no functions of `qai_hub`, as a default client is never closed.
CLIENT_ONLY_METHODS = {"close"}
# Methods of the blocking client that the asynchronous client does not have.
BLOCKING_ONLY_METHODS = {"submit_profile_job"}
# The client's names for members of the contract's enums, where they differ; None for no member.
RENAMED_MEMBERS = {"JOB_STATE_DONE": "SUCCESS", "JOB_TYPE_PROFILE": None}


def public_names(client_only_types: Iterable[str]) -> dict[str, list[str]]:
    """Returns the public types and functions, by the name of their table in `_names.py`."""
    from qai_hub import client

    methods = inspect.getmembers(client.Client, inspect.isfunction)
    return {
        "TYPES": sorted(set(client.__all__) - set(client_only_types)),
        "METHODS": sorted(
            name
            for name, _ in methods
            if not name.startswith("_") and name not in CLIENT_ONLY_METHODS
        ),
    }


def with_tuple(text: str, name: str, values: Iterable[str]) -> str:
    """Replaces the tuple of strings that a module assigns to a name.

    Raises:
        ValueError: If the module has no such assignment.
    """
    pattern = re.compile(rf"^{name} = \(\n.*?^\)$", re.MULTILINE | re.DOTALL)
    lines = "".join(f'    "{value}",\n' for value in values)
    replaced, count = pattern.subn(f"{name} = (\n{lines})", text)
    if count != 1:
        raise ValueError(f"there is no one tuple {name}")
    return replaced


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


def job_overloads(classes: Mapping[str, list[str]]) -> str:
    """Returns the overloads of `Client.get_job`.

    Args:
        classes: For the class of each job type, the members of `JobType`.
    """
    signature = (
        "\n        @overload\n        def get_job(self, job_id: str, job_type: {}) -> {}: ...\n"
    )
    texts = [
        signature.format(
            f"Literal[{', '.join(f'JobType.{name}' for name in names)}]", f"kinds.{cls}"
        )
        for cls, names in classes.items()
    ]
    return "".join([*texts, signature.format("JobType | None = None", "Job")]).lstrip("\n")


def job_classes() -> dict[str, list[str]]:
    """Returns, for the class of each job type, the members of `JobType`."""
    from qai_hub.resources.kinds import KINDS
    from qai_hub.status import JobType

    members = JobType.__members__.items()
    return {
        kind.job.__name__: [name for name, member in members if member is kind.job_type]
        for kind in KINDS
    }


def with_job_overloads(text: str, classes: Mapping[str, list[str]]) -> str:
    """Replaces the overloads of `get_job` in the signatures of the blocking client."""
    pattern = re.compile(
        r"        @overload\n        def get_job\(.*?\n(?=        def get_job\(self, \*)", re.DOTALL
    )
    replaced, count = pattern.subn(f"{job_overloads(classes)}\n", text)
    if count != 1:
        raise ValueError("there are no overloads of get_job")
    return replaced


def async_signatures(text: str) -> str:
    """Returns the signatures of the asynchronous client, given those of the blocking client."""
    for name in BLOCKING_ONLY_METHODS:
        text = re.sub(
            rf"\n        @overload\n        def {name}\((?:(?!\n        @overload\n).)*?: \.\.\.\n",
            "",
            text,
            flags=re.DOTALL,
        )
        text = re.sub(rf"\n        def {name}\(.*?: \.\.\.\n", "", text)
    return (
        text.replace("        def ", "        async def ")
        .replace("TypedClient(LockingClient)", "AsyncTypedClient(AsyncLockingClient)")
        .replace("client.locking import LockingClient", "aio.locking import AsyncLockingClient")
        .replace("A client whose", "An asynchronous client whose")
        .replace(
            "methods themselves are in the base classes.",
            "methods themselves are in the base classes. `make generate` writes this file\n"
            "from the signatures of the blocking client.",
        )
    )


def with_members(text: str, cls: str, members: Mapping[str, object]) -> str:
    """Adds the members that an enum in a module lacks after its last member.

    Args:
        text: The module.
        cls: The enum.
        members: All of its members, each with its value.

    Returns:
        The module.

    Raises:
        ValueError: If it has no such enum.
    """
    pattern = rf"^( *)class {cls}\(\w+\):\n(?:(?!^\1\S).)*?(?:^\1    [A-Z]\w* = [^\n]*\n)+"
    match = re.search(pattern, text, re.MULTILINE | re.DOTALL)
    if match is None:
        raise ValueError(f"there is no enum {cls}")
    indent = f"{match[1]}    "
    existing = set(re.findall(rf"^{indent}([A-Z]\w*) = ", match[0], re.MULTILINE))
    added = "".join(
        f"{indent}{name} = {value!r}\n" for name, value in members.items() if name not in existing
    )
    return text[: match.end()] + added + text[match.end() :]


def members_of(schemas: Mapping[str, Any], enum: str, prefix: str) -> dict[str, int]:
    """Returns the client's members for an enum of the contract, with their numbers."""
    numbers: dict[str, int] = schemas[enum]["x-protobuf-enum-values"]
    names = {value: RENAMED_MEMBERS.get(value, value.removeprefix(prefix)) for value in numbers}
    return {name: numbers[value] for value, name in names.items() if name}


def write_enums() -> list[Path]:
    """Adds the types and states of jobs that the contract has gained."""
    contract = yaml.safe_load((ROOT / "openapi.yaml").read_text("utf-8"))
    schemas = contract["components"]["schemas"]
    client, server = PACKAGE / "status.py", PACKAGE / "local" / "enums.py"
    text = client.read_text("utf-8")
    text = with_members(text, "JobType", members_of(schemas, "JobType", "JOB_TYPE_"))
    text = with_members(text, "State", members_of(schemas, "JobState", "JOB_STATE_"))
    client.write_text(text, encoding="utf-8")
    states = schemas["JobState"]["enum"]
    known = {
        state.removeprefix("JOB_STATE_"): state for state in states if "UNSPECIFIED" not in state
    }
    names = ", ".join(f'"{name}"' for name in sorted(schemas["JobTypeName"]["enum"]))
    text = with_members(server.read_text("utf-8"), "JobState", known)
    text = re.sub(r"^(JobTypeName = Literal)\[[^\]]*\]", rf"\1[{names}]", text, flags=re.MULTILINE)
    server.write_text(text, encoding="utf-8")
    return [client, server]


def main() -> None:
    """Writes all of it."""
    paths = write_enums()

    table_path = PACKAGE / "_names.py"
    text = table_path.read_text("utf-8")
    client_only = runpy.run_path(str(table_path))["CLIENT_ONLY_TYPES"]
    for name, values in public_names(client_only).items():
        text = with_tuple(text, name, values)
    table_path.write_text(text, encoding="utf-8")

    table = runpy.run_path(str(table_path))
    for name, lines in {"__init__.py": package_block(table), "hub.py": hub_block(table)}.items():
        path = PACKAGE / name
        path.write_text(with_block(path.read_text("utf-8"), lines), encoding="utf-8")
        paths.append(path)

    blocking, asynchronous = PACKAGE / "client/signatures.py", PACKAGE / "aio/signatures.py"
    text = with_job_overloads(blocking.read_text("utf-8"), job_classes())
    blocking.write_text(text, encoding="utf-8")
    asynchronous.write_text(async_signatures(text), encoding="utf-8")

    paths += [table_path, blocking, asynchronous]
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "check", "--select", "I", "--fix", "--quiet", *paths], check=True)
    subprocess.run([*ruff, "format", "--quiet", *paths], check=True)


if __name__ == "__main__":
    main()
