"""Writes the page with the table of models."""

import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from models.cells import PRECISIONS, RUNTIMES, Cell, Claims, Outcome, Results

_HERE = Path(__file__).parent
_LOW = {"float": 30.0, "w8a8": 15.0, "w8a16": 20.0}
_MAX_REASON = 400
_SHORT = {
    "tflite": "tflite",
    "onnx": "onnx",
    "precompiled_qnn_onnx": "precompiled",
    "qnn_dlc": "dlc",
    "qnn_context_binary": "bin",
}
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_PATHS = re.compile(r"(?:/[\w.+-]+){3,}/?")
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
  bold, and counted apart.
"""

_FOUND = """## What is behind low numbers

- `face_attrib_net`: QNN computes some grouped convolutions of floats wrongly, in simulation. Its
  outputs, 13 dB on noise, have 65 dB where each of them is written as a dense one with zeros. A
  hub that checks its target models, as all do but this one, warns of it.
- `gear_guard_net`: its boxes and scores have 78 and 69 dB. What changes in places is which class
  has the best score, where two are nearly the same to a random network.
- `face_det_lite`, `regnet_y_800mf`, `yamnet`, `xlsr`: not looked into yet. Rounding the first two
  to half floats in PyTorch costs less: 65 and 73 dB are left.
"""
_DASH = "\N{EN DASH}"


def write_page(
    path: Path,
    version: str,
    kinds: Mapping[str, str],
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
        claims: What the models' manifests claim.
        results: What came of the cells.
        own_tests: What pytest counted of qai_hub_models' own tests, by client.
        day: Today.
    """
    reasons = _Reasons(_read_true_reasons())
    tables = [line for each in PRECISIONS for line in _table(each, kinds, claims, results, reasons)]
    head = _HEAD.format(
        models=version,
        date=day.isoformat(),
        dash=_DASH,
        **{f"low_{name}": value for name, value in _LOW.items()},
    )
    lines = [
        head,
        *_summary(kinds, claims, results, reasons),
        *tables,
        *reasons.describe(),
        _FOUND,
        *_compare_clients(kinds, claims, results),
        *_describe_own_tests(own_tests),
    ]
    path.write_text("\n".join(lines).rstrip() + "\n", "utf-8")


class _Reasons:
    """The reasons so far, numbered; those that differ in names and numbers only are one.

    Args:
        true: What is no fault of the hub: a pattern of reasons, and why it is so.
    """

    def __init__(self, true: Sequence[tuple[re.Pattern[str], str]]) -> None:
        self._true = true
        self._numbers: dict[str, int] = {}
        self._texts: list[str] = []
        self._counts: Counter[int] = Counter()

    def explain(self, text: str) -> str:
        """Return why a reason is no fault of the hub; empty if it may be one."""
        return next((why for pattern, why in self._true if pattern.search(text)), "")

    def add(self, text: str) -> int:
        """Return the number of a reason."""
        plain = _PATHS.sub("…", text)
        key = _NUMBERS.sub("", _QUOTED.sub("", self.explain(text) or plain))
        if key not in self._numbers:
            self._numbers[key] = len(self._texts) + 1
            self._texts.append(plain)
        number = self._numbers[key]
        self._counts[number] += 1
        return number

    def describe(self) -> Iterable[str]:
        """Yield the lines of the section."""
        yield from ["## Reasons", ""]
        if not self._texts:
            yield from ["None: no cell that was run has failed.", ""]
            return
        yield from ["| | cells | for example | whose |", "|---|---|---|---|"]
        for number, text in enumerate(self._texts, 1):
            whose = self.explain(text) or "**a fault of the hub, until shown otherwise**"
            shown = _escape(" ".join(text.split())[:_MAX_REASON])
            yield f"| {number} | {self._counts[number]} | {shown} | {whose} |"
        yield ""


def _read_true_reasons() -> list[tuple[re.Pattern[str], str]]:
    rows = tomllib.loads((_HERE / "true_reasons.toml").read_text("utf-8"))["reason"]
    return [(re.compile(row["pattern"], re.DOTALL), row["why"]) for row in rows]


def judge(outcome: Outcome | None, true_reason: bool) -> str:
    """Names what an outcome is.

    Args:
        outcome: The outcome of a cell; None if it was not run.
        true_reason: Whether its reason is no fault of the hub.

    Returns:
        "not run", "works", "works, far off", "refused" or "failed".
    """
    if outcome is None:
        return "not run"
    if outcome.reason:
        return "refused" if true_reason else "failed"
    lowest = outcome.lowest
    if lowest is not None and lowest < _LOW[outcome.cell.precision]:
        return "works, far off"
    return "works"


def _summary(
    kinds: Mapping[str, str], claims: Claims, results: Results, reasons: _Reasons
) -> Iterable[str]:
    verdicts = ("works", "works, far off", "refused", "failed", "not run")
    yield from ["## Summary", ""]
    wanted = [cell for cell in claims.works if cell.model in kinds]
    judged = {}
    for cell in wanted:
        outcome = results.get(cell)
        is_true = outcome is not None and bool(reasons.explain(outcome.reason))
        judged[cell] = judge(outcome, is_true)
    counts = Counter(judged.values())
    run = len(wanted) - counts["not run"]
    good = run - counts["failed"] - counts["works, far off"]
    models = {cell.model for cell in wanted if judged[cell] != "not run"}
    named = f"{len(kinds)} models of {len(set(kinds.values()))} kinds"
    share = f"{good} of them ({100 * good / max(run, 1):.1f} %)"
    yield (
        f"The manifests of these {named} claim {len(wanted)} cells of these runtimes and "
        f"precisions, and say of {len(claims.fails)} more that they fail. {run} cells of "
        f"{len(models)} models were run: {share} work or have a true reason."
    )
    yield from ["", f"| | claimed | {' | '.join(verdicts)} |", "|---|---|" + "---|" * len(verdicts)]
    groups = [
        (_SHORT[each], [cell for cell in wanted if cell.runtime == each]) for each in RUNTIMES
    ]
    groups += [(each, [cell for cell in wanted if cell.precision == each]) for each in PRECISIONS]
    groups += [
        (kind, [cell for cell in wanted if kinds[cell.model] == kind])
        for kind in dict.fromkeys(kinds.values())
    ]
    for name, cells in [*groups, ("all", wanted)]:
        of_group = Counter(judged[cell] for cell in cells)
        numbers = " | ".join(str(of_group[each] or "") for each in verdicts)
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
        yield f"| {_escape(model)} | {kind} | {' | '.join(shown)} |"
    yield ""


def _format(outcome: Outcome | None, reasons: _Reasons) -> str:
    if outcome is None:
        return "."
    if outcome.reason:
        return f"[{reasons.add(outcome.reason)}]"
    number = _format_psnr(outcome)
    if judge(outcome, true_reason=False) == "works, far off":
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
            f"{_escape(each.reason[:80])}" if each.reason else f"{each.lowest} dB, {each.size}"
            for each in outcomes
        ]
        named = " | ".join([_escape(cell.model), _SHORT[cell.runtime], cell.precision])
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


def _escape(text: str) -> str:
    for character in "\\|[]*_<>`$":
        text = text.replace(character, f"\\{character}")
    return text
