"""Writes the page with the results of the sweep of TensorFlow Lite models."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from sweep.markdown import Reasons, escape
from sweep.models import SweptModel
from sweep.page import build_packages, format_psnr, list_reasons, simplify_reason
from tflite_sweep.jobs import PRECISIONS, Outcome

Outcomes = Mapping[tuple[str, str], Outcome]

_TOOLS = ("onnx2tf", "ai-edge-quantizer", "ai-edge-litert")
_INTEGER = ("w8a8", "w8a16")
_CLOSE_FLOAT, _CLOSE_INTEGER = 60, 30
_HEAD = """# TensorFlow Lite models

Real models, converted to TensorFlow Lite by a local hub with [the engine](engines.md) `tflite`,
run by LiteRT on the CPU, and compared with ONNX Runtime on the float model: PSNR in decibels, by
the peak of the output, of the output that is farthest, over two samples that are no calibration
data. `make tflite-sweep` does all that and writes this page. It was last run on {date}, with
{versions}.

Of {models} models, {floats} reach {close_float} dB in floats, and {integers} reach {close} dB
in integers, {all_integers} of these with integers alone: {narrow} with activations of 8 bits, and
{wide} that need 16 bits.

- `float16` is `--quantize_full_type float16`: weights are stored as 16-bit floats.
- `w8a8` and `w8a16` are target models of quantize jobs, calibrated on 24 samples and compiled
  with `--quantize_io`, so that inputs and outputs are integers too.
- **MB** is the size of the file, and **CPU s** how long the engine computes to make it.
- **integers** are counted in the file: of the inputs and the tensors that operators compute, how
  many are integers; *all* says that the whole graph computes with integers. What does not is
  [listed](#operators-that-compute-floats).
- A number in brackets says why there is no PSNR: see [Reasons](#reasons). What is below {close} dB
  is bold.
- The data is made from a seed: pictures with words, voices, noise, or tokens. It is more like what
  the models were trained on than noise is, but not real.

8 bits are too few for some by nature: detectors of voices and of text decide on small differences
of large sums, and models of sound take logarithms. Here the target model is about as far as the
quantize job's own model in ONNX Runtime. Most of these need `w8a16`; logarithms need floats.
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
        models: The models.
        outcomes: What came of each, by model and precision.
        versions: Versions of the packages of the engine.
        day: When they were measured.
    """
    reasons = Reasons(simplify_reason)
    run = [model for model in models if any((model.name, each) in outcomes for each in PRECISIONS)]
    tools = ", ".join(f"{name} {versions[name]}" for name in _TOOLS)
    lines = [_HEAD.format(date=day.isoformat(), versions=tools, **_count(run, outcomes))]
    lines += ["## Models", "", *_build_models(run, outcomes, reasons), ""]
    lines += ["## Operators that compute floats", "", *_build_floats(run, outcomes), ""]
    lines += ["## Reasons", "", *list_reasons(reasons), ""]
    lines += ["## Packages", "", *build_packages(run)]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def _count(models: Sequence[SweptModel], outcomes: Outcomes) -> dict[str, int]:
    """Return how many models are close to ONNX Runtime, as the head of the page tells."""

    def is_close(model: SweptModel, precision: str, bound: float) -> bool:
        outcome = outcomes.get((model.name, precision))
        return outcome is not None and (outcome.psnr or 0) >= bound

    close = [
        next((each for each in _INTEGER if is_close(model, each, _CLOSE_INTEGER)), "")
        for model in models
    ]
    found = [outcomes[m.name, each] for m, each in zip(models, close, strict=True) if each]
    return {
        "models": len(models),
        "close": _CLOSE_INTEGER,
        "close_float": _CLOSE_FLOAT,
        "floats": sum(is_close(model, "float", _CLOSE_FLOAT) for model in models),
        "integers": len(found),
        "all_integers": sum(each.is_all_integer for each in found),
        "narrow": close.count("w8a8"),
        "wide": close.count("w8a16"),
    }


def _build_models(
    models: Sequence[SweptModel], outcomes: Outcomes, reasons: Reasons
) -> Iterable[str]:
    heads = ["float", "MB", "CPU s", "float16", "MB"]
    for precision in _INTEGER:
        heads += [precision, "MB", "CPU s", "integers"]
    yield f"| model | {' | '.join(heads)} |"
    yield "|---|" + "---|" * len(heads)
    for model in models:
        cells = []
        for precision in PRECISIONS:
            outcome = outcomes.get((model.name, precision))
            cells += [_format(outcome, reasons), *_format_costs(precision, outcome)]
        yield f"| {escape(model.name)} | {' | '.join(cells)} |"


def _format(outcome: Outcome | None, reasons: Reasons) -> str:
    if outcome is None:
        return ""
    return f"[{reasons.add(outcome.reason)}]" if outcome.reason else format_psnr(outcome.psnr or 0)


def _format_costs(precision: str, outcome: Outcome | None) -> list[str]:
    """Return the cells beside that of the PSNR."""
    width = {"float": 2, "float16": 1}.get(precision, 3)
    if outcome is None or outcome.reason:
        return [""] * width
    integers = "all" if outcome.is_all_integer else f"{outcome.integers} of {outcome.computed}"
    cells = [f"{outcome.size / 1e6:.2f}", f"{outcome.seconds:.0f}", integers]
    return cells[:width]


def _build_floats(models: Sequence[SweptModel], outcomes: Outcomes) -> Iterable[str]:
    yield from ["| model | precision | operators |", "|---|---|---|"]
    for model in models:
        for precision in _INTEGER:
            outcome = outcomes.get((model.name, precision))
            if outcome is not None and outcome.floats:
                shown = ", ".join(f"{name} ({count})" for name, count in outcome.floats.items())
                yield f"| {escape(model.name)} | {precision} | {escape(shown)} |"
