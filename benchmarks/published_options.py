"""Writes docs/published-models.md: the options that published models use, and what becomes of them.

    PYTHONPATH=benchmarks .venv/bin/python benchmarks/published_options.py FOLDER

reads the package qai_hub_models in a folder, as text: nothing of it is imported, and nothing copied
but options and the number of places that use them, which go into tests/data/published_options.csv.
Without a folder, only the page is written, from that file and the hub's own table of options.
"""

import ast
import csv
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from qai_hub.local.engine.failures import JobFailure
from qai_hub.local.engine.option_table import COMPUTE_UNIT, LITE_MP, OPTIONS, parse_job_options
from qai_hub.local.engine.options import Ignored, Option, Unsupported, check_compute_units
from qai_hub.local.engine.qnn.provider import parse_qnn_settings, parse_run_settings
from qai_hub.local.engine.quantize.qdq import get_quant_types
from qai_hub.option_string import QNN_OPTIONS, parse_option_string

ROOT = Path(__file__).parents[1]
FACTS = ROOT / "tests" / "data" / "published_options.csv"
PAGE = ROOT / "docs" / "published-models.md"
PRECISION = "precision"

_START, _END = "<!-- options -->\n", "<!-- end of options -->"
_HOLE = "…"
_FIELDS = ("what", "value", "models", "elsewhere")
# Where options of jobs are built, other than in arguments of demos.
_BUILDERS = re.compile(r"option|flag", re.IGNORECASE)
_OPTION = re.compile(r"(?<!\S)(?:--[a-z0-9]+(?:_[a-z0-9]+)+|-O(?=[0-9]|$))")
# Names of graphs are the models' own.
_GRAPHS = re.compile(r"(?<=context_enable_graphs=).*")
_TYPES = re.compile(r"w(\d+)a(\d+)(?:_mixed_(\w+))?")
_OF_NO_JOB = "refused: quantize jobs have no such type"
_OF_COMPONENTS = "as its components, each of which has one of the other precisions"


@dataclass(frozen=True, slots=True, order=True)
class Fact:
    """That places of the package use an option with a value, or a precision.

    Attributes:
        what: The option, or `PRECISION`.
        value: The value; "…" stands for what is only known when the code runs.
        models: Number of models.
        elsewhere: Number of other files, such as what models share.
    """

    what: str
    value: str
    models: int
    elsewhere: int


def read_facts(path: Path = FACTS) -> list[Fact]:
    """Return the facts in a file."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Fact(row["what"], row["value"], int(row["models"]), int(row["elsewhere"]))
            for row in csv.DictReader(file)
        ]


def write_facts(facts: list[Fact], path: Path = FACTS) -> None:
    """Write facts to a file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_FIELDS)
        writer.writerows((f.what, f.value, f.models, f.elsewhere) for f in facts)


def find_facts(folder: Path) -> list[Fact]:
    """Find what a package of models uses.

    Args:
        folder: The folder of the package, with a folder `models` in it.
    """
    places: dict[tuple[str, str], set[str]] = {}
    for path in sorted(folder.rglob("*")):
        where = path.relative_to(folder)
        if "test" in where.parts[0] or path.suffix not in {".py", ".yaml"}:
            continue
        is_model = where.parts[0] == "models" and len(where.parts) > 2
        is_model = is_model and where.parts[1] != "templates"
        place = f"models/{where.parts[1]}" if is_model else where.as_posix()
        for use in _iter_uses(path):
            places.setdefault(use, set()).add(place)
    facts = []
    for (what, value), found in places.items():
        # A flag without its value only looks whether the option is given already.
        if _needs_value(what) and not value:
            if any(flag == what and each for flag, each in places):
                continue
            value = _HOLE  # noqa: PLW2901
        models = sum(place.startswith("models/") and place.count("/") == 1 for place in found)
        facts.append(Fact(what, value, models, len(found) - models))
    return sorted(facts)


def _needs_value(what: str) -> bool:
    return any(option.flag == what and not option.is_switch for option in OPTIONS)


def _iter_uses(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each option with its value, and each precision, of a file."""
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        for each in _iter_built_texts(ast.parse(text)):
            yield from _split_options(each)
        return
    if path.name == "manifest.yaml":
        for precision in yaml.safe_load(text).get("supported_precisions", ()):
            yield PRECISION, precision
    for line in text.splitlines():
        yield from _split_options(line.strip().removeprefix("- ").strip("'\""))


def _iter_built_texts(tree: ast.AST) -> Iterator[str]:
    """Yield the texts in functions and names that build options, without docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            is_builder, body = _BUILDERS.search(node.name), node.body
            body = body[1:] if ast.get_docstring(node) else body
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            is_builder, body = _BUILDERS.search(node.targets[0].id), [node]
        else:
            continue
        for each in body if is_builder else ():
            yield from _iter_texts(each)


def _iter_texts(tree: ast.AST) -> Iterator[str]:
    if isinstance(tree, ast.JoinedStr):
        yield "".join(
            str(part.value) if isinstance(part, ast.Constant) else _HOLE for part in tree.values
        )
        return
    if isinstance(tree, ast.Constant) and isinstance(tree.value, str):
        yield tree.value
    for child in ast.iter_child_nodes(tree):
        yield from _iter_texts(child)


def _split_options(text: str) -> Iterator[tuple[str, str]]:
    if not _OPTION.search(text):
        return
    switches = [option.flag for option in OPTIONS if option.is_switch]
    for name, value in parse_option_string(text.replace("'", ""), switches):
        if _OPTION.fullmatch(name):
            yield name, _GRAPHS.sub(_HOLE, "" if value in {None, "True", "true"} else str(value))


def describe_handling(fact: Fact) -> str:
    """Return what becomes of an option with its value, or of a precision, on a local hub."""
    if fact.what == PRECISION:
        return _describe_precision(fact.value)
    option = next((each for each in OPTIONS if each.flag == fact.what), None)
    if option is None:
        return "refused: it is not known"
    try:
        return _describe_option(option, fact.value)
    except JobFailure as failure:
        return f"refused: {failure.reason}"


def _describe_option(option: Option, value: str) -> str:
    if option.is_switch and value.lower() == "false":
        return "done"
    kinds: dict[str, list[str]] = {}
    for kind, rule in option.handling.items():
        # A value that is only known when the code runs is taken as the table describes it.
        is_known = value and _HOLE not in value
        options = parse_job_options(f"{option.flag}={value}", kind) if is_known else None
        if isinstance(rule, Unsupported):
            text = f"refused: {rule.reason}"
        elif isinstance(rule, Ignored):
            text = f"noticed: {rule.reason}"
        else:
            notices = _find_notices(option, options.values[option.flag]) if options else ""
            text = f"noticed: {notices}" if notices else "done"
        kinds.setdefault(text, []).append(kind)
    if len(kinds) == 1:
        return next(iter(kinds))
    return "; ".join(f"{', '.join(names)}: {text}" for text, names in kinds.items())


def _find_notices(option: Option, value: Any) -> str:  # noqa: ANN401 - as the option parses it
    """Return what a hub says of a value that it takes but does not apply."""
    notices: Sequence[dict[str, str]] = ()
    if option.flag == COMPUTE_UNIT:
        notices = check_compute_units(value, ["cpu"])
    elif option.flag == QNN_OPTIONS and parse_qnn_settings(value).notices:
        _, notices = parse_run_settings(value)
    return " ".join(each["message"] for each in notices)


def _describe_precision(precision: str) -> str:
    if precision == "float":
        return "done"
    match = _TYPES.fullmatch(precision)
    if match is None:
        return _OF_COMPONENTS if precision.startswith("mixed") else _OF_NO_JOB
    weights, activations, override = match.groups()
    try:
        get_quant_types(f"INT{weights}", f"INT{activations}")
        if override:
            parse_job_options(f"{LITE_MP} percentage=10;override_qtype={override}", "quantize")
    except JobFailure as failure:
        return f"refused: {failure.reason}"
    return "done"


def format_table(facts: list[Fact]) -> str:
    """Return the tables of the page."""
    parts = []
    for title, chosen in (
        ("precision", [fact for fact in facts if fact.what == PRECISION]),
        ("option", [fact for fact in facts if fact.what != PRECISION]),
    ):
        rows = [f"| {title} | models | other places | on a local hub |", "|---|---|---|---|"]
        for fact in chosen:
            name = fact.value if fact.what == PRECISION else f"{fact.what} {fact.value}".strip()
            handling = describe_handling(fact).replace("|", "\\|")
            rows.append(f"| `{name}` | {fact.models} | {fact.elsewhere} | {handling} |")
        parts.append("\n".join(rows) + "\n")
    return "\n".join(parts)


def read_page(page: Path = PAGE) -> tuple[str, str, str]:
    """Return what is before the tables of the page, the tables, and what is behind."""
    before, start, rest = page.read_text("utf-8").partition(_START)
    tables, end, after = rest.partition(_END)
    return before + start, tables, end + after


def main() -> None:
    """Write the facts, if a folder is given, and the page."""
    if len(sys.argv) > 1:
        facts = find_facts(Path(sys.argv[1]))
        if not facts:
            raise SystemExit(f"{sys.argv[1]} is no folder of published models")
        write_facts(facts)
    before, _, after = read_page()
    PAGE.write_text(before + format_table(read_facts()) + after, "utf-8")


if __name__ == "__main__":
    main()
