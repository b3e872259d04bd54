"""Writes the page with the results of the sweep."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from sweep.jobs import OPERATOR_VARIANTS, VARIANTS, Outcome, Variant
from sweep.markdown import MAX_REASON, Reasons, escape, leave_names_out, leave_paths_out
from sweep.models import OPERATOR_PREFIX, SweptModel

Outcomes = Mapping[tuple[str, str], Outcome]

LOW = 30
_DASH = "\N{EN DASH}"
_CHIPS = {
    "Samsung Galaxy S24": "v75",
    "Snapdragon X Elite CRD": "v73",
    "RB3 Gen 2 (Proxy)": "v68",
}
_RUNTIMES = {
    "onnx": "onnx",
    "qnn_context_binary": "bin",
    "precompiled_qnn_onnx": "precompiled",
    "qnn_dlc": "dlc",
}
_NODE = re.compile(r"(\w+) \('[^']*'\)")
_NODES = re.compile(r"\w+ \('[^']*'\)(?:, \w+ \('[^']*'\))*(?: and \d+ more)?")
_NOT_SUPPORTED = "compile: QNN does not support these operators"
_COUNTS = re.compile(r" and \d+ more|\d+")

_HEAD = """# Sweep of real models

Real models, compiled by a local hub for several targets and run on one sample, against ONNX
Runtime on the CPU on the model as it is: PSNR in decibels, by the peak of the output, of the output
that is farthest. `make sweep` downloads the models, runs the jobs and writes this page. It was last
run on {date}, with {versions}.

- **bin**, **dlc** and **precompiled** are `qnn_context_binary`, `qnn_dlc` and
  `precompiled_qnn_onnx`, run in simulation of an HTP: v75 of a Samsung Galaxy S24, v73 of a
  Snapdragon X Elite CRD, v68 of an RB3 Gen 2, which computes with integers only. **onnx** runs on
  the CPU.
- `w8a8` and `w8a16` are the target models of quantize jobs, compiled. They are calibrated on
  8 samples, and the first of these is run.
- `=` says that all values are equal; a number in brackets, why there is none: see
  [Reasons](#reasons). What is below {low} dB is bold.
- The data is made from a seed: noise, for nearly all models. Models are less sure of it than of
  real data, and quantized ones less accurate.
"""


_OPERATORS = """One of onnx's own tests for each operator, on the sample that comes with it; all
inputs but the first are constants. The target is `fp16 bin v75`. A dash says that QNN does not
support the operator, or not with the attributes and types of that test.
"""


def write_page(
    path: Path,
    models: Sequence[SweptModel],
    outcomes: Outcomes,
    versions: Mapping[str, str],
    day: date,
) -> None:
    """Writes the page.

    Args:
        path: The page.
        models: The models of packages.
        outcomes: What came of each, by model and variant.
        versions: Versions of what the results depend on.
        day: When they were measured.
    """
    reasons = Reasons(simplify_reason)
    tools = ", ".join(f"{name} {version}" for name, version in versions.items())
    lines = [_HEAD.format(date=day.isoformat(), versions=tools, low=LOW)]
    lines += ["## Models", "", *_build_models(models, outcomes, reasons), ""]
    lines += ["## Operators", "", _OPERATORS, *_build_operators(outcomes, reasons), ""]
    lines += ["## Reasons", "", *list_reasons(reasons), ""]
    lines += ["## Packages", "", *build_packages(models)]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def simplify_reason(text: str) -> tuple[str, str]:
    """Returns a reason for `Reasons`: those that differ in names and numbers only are alike.

    Args:
        text: The reason.
    """
    plain = _NODES.sub(_list_operators, leave_paths_out(text))
    return plain, _COUNTS.sub("", leave_names_out(plain))


def list_reasons(reasons: Reasons) -> Iterable[str]:
    """Yields the lines of a table of reasons.

    Args:
        reasons: The reasons.
    """
    yield from ["| | times | for example |", "|---|---|---|"]
    for number, count, text in reasons.list_all():
        yield f"| {number} | {count} | {escape(text[:MAX_REASON])} |"


def _list_operators(nodes: re.Match[str]) -> str:
    return ", ".join(sorted(set(_NODE.findall(nodes[0]))))


def _build_models(
    models: Sequence[SweptModel], outcomes: Outcomes, reasons: Reasons
) -> Iterable[str]:
    heads = [_describe(variant) for variant in VARIANTS]
    yield f"| model | {' | '.join(heads)} |"
    yield "|---|" + "---|" * len(heads)
    for model in models:
        cells = [_format(outcomes.get((model.name, each.key)), reasons) for each in VARIANTS]
        if any(cells):
            yield f"| {escape(model.name)} | {' | '.join(cells)} |"


def _build_operators(outcomes: Outcomes, reasons: Reasons) -> Iterable[str]:
    (variant,) = OPERATOR_VARIANTS
    names = sorted(name for name, _ in outcomes if name.startswith(OPERATOR_PREFIX))
    cells = [
        (name.removeprefix(OPERATOR_PREFIX), _format_operator(outcomes[name, variant.key], reasons))
        for name in names
    ]
    width = 4
    yield "| " + " | ".join(["operator", "dB"] * width) + " |"
    yield "|" + "---|" * (2 * width)
    rows = math.ceil(len(cells) / width)
    for row in range(rows):
        found = cells[row::rows]
        found += [("", "")] * (width - len(found))
        yield "| " + " | ".join(f"{name} | {cell}" for name, cell in found) + " |"


def build_packages(models: Sequence[SweptModel]) -> Iterable[str]:
    """Yields the lines of a table of the packages that models come from.

    Args:
        models: The models.
    """
    yield from ["| package | version | licence, as it states it | files |", "|---|---|---|---|"]
    packages: dict[tuple[str, str, str], int] = {}
    for model in models:
        key = model.package, model.version, model.licence
        packages[key] = packages.get(key, 0) + 1
    for (name, version, licence), count in packages.items():
        yield f"| {name} | {version} | {licence} | {count} |"


def _describe(variant: Variant) -> str:
    runtime = _RUNTIMES[variant.runtime]
    chip = "" if variant.runtime == "onnx" else f" {_CHIPS[variant.device]}"
    return f"{variant.precision} {runtime}{chip}"


def _format(outcome: Outcome | None, reasons: Reasons) -> str:
    if outcome is None:
        return ""
    if outcome.psnr is None:
        return f"[{reasons.add(outcome.reason)}]"
    return format_psnr(outcome.psnr)


def format_psnr(psnr: float) -> str:
    """Returns a PSNR as a cell.

    Args:
        psnr: The PSNR in decibels; infinity for equal outputs.
    """
    if psnr == math.inf:
        return "="
    return f"**{psnr:.0f}**" if psnr < LOW else f"{psnr:.0f}"


def _format_operator(outcome: Outcome, reasons: Reasons) -> str:
    return _DASH if outcome.reason.startswith(_NOT_SUPPORTED) else _format(outcome, reasons)
