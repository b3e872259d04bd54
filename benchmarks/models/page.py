"""Writes the page with the table of models."""

import math
import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sweep.markdown import MAX_REASON, Reasons, escape, leave_names_out, leave_paths_out

from models.cells import PRECISIONS, RUNTIMES, Cell, Claims, Outcome, Results

_HERE = Path(__file__).parent
_LOW = {"float": 30.0, "w8a8": 15.0, "w8a16": 20.0}
_VERDICTS = ("works", "far off by nature", "far off", "refused", "failed", "not run")
_SHORT = {
    "tflite": "tflite",
    "onnx": "onnx",
    "precompiled_qnn_onnx": "precompiled",
    "qnn_dlc": "dlc",
    "qnn_context_binary": "bin",
}
_NUMBERS = re.compile(r"\d+")

_HEAD = """# Models of qai_hub_models

`qai_hub_models` is the largest program on top of `qai_hub`. This page shows what `qai-hub-models
export` of its release {models}, unmodified, gives with this client and a local hub: it exports a
PyTorch model, quantizes and compiles it, links it where the runtime needs that, profiles it, runs
it, and compares the outputs with those of PyTorch. `make models` does that for the models below,
and writes this page. It was last written on {date}.

- **Weights and data are not the real ones**: they cannot be downloaded where this was run.
  Weights are random, from a seed, with the statistics of batch normalizations measured on the
  model's sample input; pictures, sounds and calibration data (8 samples) are made from a seed.
  One small file replaces them, and nothing else: `benchmarks/models/stand_ins/sitecustomize.py`.
  So decibels tell how close the target model is to its source, not how good the model is; and
  networks of random weights are less robust against quantization than trained ones.
- The device is a Samsung Galaxy S24. **tflite** and **onnx** run on this machine's CPU;
  **precompiled**, **dlc** and **bin** (`precompiled_qnn_onnx`, `qnn_dlc`, `qnn_context_binary`)
  in simulation of its HTP (v75), with the [engine](engines.md) for QAIRT 2.50, which
  `qai_hub_models` asks for. Times are of that, on a machine that did other work too: they say
  nothing about devices.
- A cell has the lowest PSNR of all outputs in decibels (`=` if all are equal, `?` if the tool
  gives none), the size of the target model, and the time of an inference; or, in brackets, the
  number of the [reason](#reasons) why there are none. `{dash}`: not claimed, as the model's
  manifest does not offer it or says that it fails on the real service; a dot: not run yet.
- What is below {low_float:g} dB as float, {low_w8a8:g} dB as w8a8 or {low_w8a16:g} dB as w8a16 is
  bold, counted apart, and [explained](#far-off) as far as that is known.
"""
_DASH = "\N{EN DASH}"


def write_page(
    path: Path,
    version: str,
    kinds: Mapping[str, str],
    large: Collection[str],
    claims: Claims,
    results: Results,
    own_tests: Mapping[str, Mapping[str, int]],
    day: date,
) -> None:
    """Writes the page.

    Args:
        path: The page.
        version: The release of qai_hub_models.
        kinds: The models, in order, and the kind of each.
        large: Those that are counted apart.
        claims: What the models' manifests claim.
        results: What came of the cells.
        own_tests: What pytest counted of qai_hub_models' own tests, by client.
        day: Today.
    """
    reasons = _Reasons(*_read_known_reasons())
    tables = [line for each in PRECISIONS for line in _table(each, kinds, claims, results, reasons)]
    head = _HEAD.format(
        models=version,
        date=day.isoformat(),
        dash=_DASH,
        **{f"low_{name}": value for name, value in _LOW.items()},
    )
    lines = [
        head,
        *_summary(kinds, large, claims, results, reasons),
        *tables,
        *reasons.describe(),
        *_list_far_off(kinds, claims, results, reasons),
        *_compare_clients(kinds, claims, results),
        *_describe_own_tests(own_tests),
    ]
    path.write_text("\n".join(lines).rstrip() + "\n", "utf-8")


@dataclass(frozen=True, slots=True)
class _Known:
    """Reasons that are no fault of the hub.

    Attributes:
        pattern: What is in them.
        why: Why they are no fault of it.
        not_run: Whether the cell counts as not run, since the hub had no say.
    """

    pattern: re.Pattern[str]
    why: str
    not_run: bool


@dataclass(frozen=True, slots=True)
class _FarOff:
    """Outputs that are far from those of PyTorch by nature.

    Attributes:
        model: What is in the name of the model.
        output: What is in the name of the output.
        precisions: The precisions in which they are.
        why: Why they are, and how that was found out.
    """

    model: re.Pattern[str]
    output: re.Pattern[str]
    precisions: tuple[str, ...]
    why: str

    def matches(self, outcome: Outcome, output: str) -> bool:
        """Return whether an output of an outcome is one of these."""
        return bool(
            self.model.search(outcome.cell.model)
            and self.output.search(output)
            and outcome.cell.precision in self.precisions
        )


class _Reasons(Reasons):
    """The reasons so far, some of which are no fault of the hub.

    Args:
        known: Those.
        far_off: Outputs that are far off by nature.
    """

    def __init__(self, known: Sequence[_Known], far_off: Sequence[_FarOff]) -> None:
        super().__init__(self._shorten)
        self._known = known
        self._far_off = far_off

    def explain_distances(self, outcome: Outcome) -> dict[str, str]:
        """Return why outputs are far off, by their names: empty if that is not known."""
        bound = _LOW[outcome.cell.precision]
        low = [
            name
            for name, value in outcome.psnr.items()
            if value is not None and float(value) < bound
        ]
        return {
            name: next((each.why for each in self._far_off if each.matches(outcome, name)), "")
            for name in low
        }

    def explain(self, text: str) -> _Known | None:
        """Return why a reason is no fault of the hub; None if it may be one."""
        return next((each for each in self._known if each.pattern.search(text)), None)

    def describe(self) -> Iterable[str]:
        """Yield the lines of the section."""
        yield from ["## Reasons", ""]
        listed = list(self.list_all())
        if not listed:
            yield from ["None: no cell that was run has failed.", ""]
            return
        yield from ["| | cells | for example | whose |", "|---|---|---|---|"]
        for number, count, text in listed:
            known = self.explain(text)
            whose = known.why if known else "**a fault of the hub, until shown otherwise**"
            shown = escape(" ".join(text.split())[:MAX_REASON])
            yield f"| {number} | {count} | {shown} | {whose} |"
        yield ""

    def _shorten(self, text: str) -> tuple[str, str]:
        plain, known = leave_paths_out(text), self.explain(text)
        return plain, _NUMBERS.sub("", leave_names_out(known.why if known else plain))


def _read_known_reasons() -> tuple[list[_Known], list[_FarOff]]:
    rows = tomllib.loads((_HERE / "known_reasons.toml").read_text("utf-8"))
    known = [
        _Known(re.compile(row["pattern"], re.DOTALL), row["why"], row.get("not_run", False))
        for row in rows["reason"]
    ]
    far_off = [
        _FarOff(
            re.compile(row["model"]),
            re.compile(row["output"]),
            tuple(row["precisions"]),
            row["why"],
        )
        for row in rows["far_off"]
    ]
    return known, far_off


def _list_far_off(
    kinds: Mapping[str, str], claims: Claims, results: Results, reasons: _Reasons
) -> Iterable[str]:
    found: dict[tuple[str, str, str, str], list[str]] = {}
    for cell in claims.works:
        outcome = results.get(cell) if cell.model in kinds else None
        if outcome is None or outcome.reason:
            continue
        for name, why in reasons.explain_distances(outcome).items():
            output = name.rpartition("/")[2]
            key = (cell.model, cell.precision, output, why or "**not known**")
            found.setdefault(key, []).append(f"{_SHORT[cell.runtime]} {outcome.psnr[name]}")
    if not found:
        return
    yield from [
        "## Far off",
        "",
        "| model | precision | output | dB | why |",
        "|---|---|---|---|---|",
    ]
    for (model, precision, output, why), values in found.items():
        yield f"| {escape(model)} | {precision} | {escape(output)} | {', '.join(values)} | {why} |"
    yield ""


def _judge(outcome: Outcome | None, reasons: _Reasons) -> str:
    """Name what an outcome is: one of `_VERDICTS`."""
    if outcome is None:
        return "not run"
    if outcome.reason:
        known = reasons.explain(outcome.reason)
        if known is None:
            return "failed"
        return "not run" if known.not_run else "refused"
    far_off = reasons.explain_distances(outcome)
    if not far_off:
        return "works"
    return "far off by nature" if all(far_off.values()) else "far off"


def _count(
    models: Mapping[str, str], claims: Claims, results: Results, reasons: _Reasons
) -> tuple[dict[Cell, str], str]:
    """Judge the claimed cells of models, and tell how many there are and how many are right."""
    judged = {
        cell: _judge(results.get(cell), reasons) for cell in claims.works if cell.model in models
    }
    counts = Counter(judged.values())
    run = len(judged) - counts["not run"]
    good = run - counts["failed"] - counts["far off"]
    fails = sum(cell.model in models for cell in claims.fails)
    share = f"{good} of them ({100 * good / max(run, 1):.1f} %)"
    told = (
        f"The manifests of {len(models)} models of {len(set(models.values()))} kinds claim "
        f"{len(judged)} cells of these runtimes and precisions, and say of {fails} more that they "
        f"fail. {run} cells of {len({cell.model for cell in judged if judged[cell] != 'not run'})} "
        f"models were run: {share} work or have a true reason."
    )
    return judged, told


def _summary(
    kinds: Mapping[str, str],
    large: Collection[str],
    claims: Claims,
    results: Results,
    reasons: _Reasons,
) -> Iterable[str]:
    yield from ["## Summary", ""]
    small = {model: kind for model, kind in kinds.items() if model not in large}
    judged, told = _count(small, claims, results, reasons)
    wanted = list(judged)
    yield told
    apart = {model: kind for model, kind in kinds.items() if model in large}
    if apart:
        _, told_apart = _count(apart, claims, results, reasons)
        yield (
            f"Large models, which take minutes a cell in simulation, are counted apart: "
            f"{', '.join(map(escape, apart))}. {told_apart}"
        )
    yield from [
        "",
        f"| | claimed | {' | '.join(_VERDICTS)} |",
        "|---|---|" + "---|" * len(_VERDICTS),
    ]
    groups = [
        (_SHORT[each], [cell for cell in wanted if cell.runtime == each]) for each in RUNTIMES
    ]
    groups += [(each, [cell for cell in wanted if cell.precision == each]) for each in PRECISIONS]
    groups += [
        (kind, [cell for cell in wanted if kinds[cell.model] == kind])
        for kind in dict.fromkeys(small.values())
    ]
    for name, cells in [*groups, ("all", wanted)]:
        of_group = Counter(judged[cell] for cell in cells)
        numbers = " | ".join(str(of_group[each] or "") for each in _VERDICTS)
        yield f"| {name} | {len(cells)} | {numbers} |"
    yield ""


def _table(
    precision: str,
    kinds: Mapping[str, str],
    claims: Claims,
    results: Results,
    reasons: _Reasons,
) -> Iterable[str]:
    claimed = set(claims.works)
    yield from [f"## {precision}", "", f"| model | kind | {' | '.join(_SHORT.values())} |"]
    yield "|---|---|" + "---|" * len(_SHORT)
    for model, kind in kinds.items():
        cells = [Cell(model, runtime, precision) for runtime in RUNTIMES]
        if claimed.isdisjoint(cells):
            continue
        shown = [
            _format(results.get(cell), reasons) if cell in claimed else _DASH for cell in cells
        ]
        yield f"| {escape(model)} | {kind} | {' | '.join(shown)} |"
    yield ""


def _format(outcome: Outcome | None, reasons: _Reasons) -> str:
    if outcome is None:
        return "."
    if outcome.reason:
        return f"[{reasons.add(outcome.reason)}]"
    number = _format_psnr(outcome)
    if reasons.explain_distances(outcome):
        number = f"**{number}**"
    return ", ".join([number, _format_size(outcome.size), _format_time(outcome.milliseconds)])


def _format_psnr(outcome: Outcome) -> str:
    lowest = outcome.lowest
    if lowest is None:
        return "?"
    return "=" if lowest == math.inf else f"{lowest:.0f} dB"


def _format_size(size: int | None) -> str:
    if size is None:
        return "? MB"
    return f"{size / 1e6:.1f} MB" if size < 1e7 else f"{size / 1e6:.0f} MB"


def _format_time(milliseconds: float | None) -> str:
    if milliseconds is None:
        return "? ms"
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.1f} s"
    return f"{milliseconds:.0f} ms" if milliseconds >= 10 else f"{milliseconds:.1f} ms"


def _compare_clients(kinds: Mapping[str, str], claims: Claims, results: Results) -> Iterable[str]:
    cells = [
        (cell, ours, official)
        for cell in claims.works
        if cell.model in kinds
        and (ours := results.get(cell)) is not None
        and (official := results.get(cell, "official")) is not None
    ]
    if not cells:
        return
    yield from ["## With the official client", ""]
    yield (
        "The same exports to the same hub, with the official client 0.56.0 in an environment of "
        "its own: lowest PSNR in decibels, and size of the target model in bytes."
    )
    yield from ["", "| model | runtime | precision | ours | official |", "|---|---|---|---|---|"]
    for cell, *outcomes in cells:
        shown = [
            f"{escape(each.reason[:80])}" if each.reason else f"{each.lowest} dB, {each.size}"
            for each in outcomes
        ]
        named = " | ".join([escape(cell.model), _SHORT[cell.runtime], cell.precision])
        yield f"| {named} | {' | '.join(shown)} |"
    yield ""


def _describe_own_tests(own_tests: Mapping[str, Mapping[str, int]]) -> Iterable[str]:
    if not own_tests:
        return
    yield from ["## Its own tests", ""]
    yield (
        "Files of `qai_hub_models`' own tests that import `qai_hub`, with a local hub as the "
        "server: `make models ARGS='--own-tests'`. The error is a file that imports a module which "
        "the release does not contain."
    )
    names = list(dict.fromkeys(name for counts in own_tests.values() for name in counts))
    yield from ["", f"| client | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
    for client, counts in own_tests.items():
        yield f"| {client} | {' | '.join(str(counts.get(name, 0)) for name in names)} |"
    yield ""
