"""Target checks: how close a target model is to its source model."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qai_hub.display import html
from qai_hub.display.text import format_fields
from qai_hub.transport.values import value_or_none

if TYPE_CHECKING:
    from qai_hub_api import models as api

_PREFIX = "TARGET_CHECK_STATUS_"
_COLOURS = {"CLOSE": html.GREEN, "FAR": html.RED}
_MAX_ROWS = 100


@dataclass(frozen=True, slots=True)
class TargetCheckSlice:
    """A part of an output whose values have a range of their own, as boxes beside scores have.

    Attributes:
        axis: The dimension.
        begin: First index along that dimension.
        end: Index after the last one.
        psnr: Peak signal-to-noise ratio in decibels, by the slice's own peak; None if the slices
            are equal, or the source model's is 0 throughout.
        peak: Largest magnitude in the source model's slice.

    Examples:
        >>> for part in target_check.outputs[0].slices:
        ...     print(f"[{part.begin}:{part.end}] along {part.axis}: {part.psnr:.1f} dB")
    """

    axis: int
    begin: int
    end: int
    psnr: float | None
    peak: float


@dataclass(frozen=True, slots=True)
class TargetCheckOutput:
    """How close an output of a target model is to that of its source model.

    Attributes:
        name: Name of the output.
        is_far: Whether it is too far: its PSNR, or that of a slice, is below the bound.
        psnr: Peak signal-to-noise ratio in decibels, higher is closer; None if the outputs are
            equal, or the source model's is 0 throughout.
        largest_error: Largest absolute difference.
        peak: Largest magnitude in the source model's output.
        dead_share: Share of the elements that are constant, clipped or not finite in the target
            model alone.
        slices: Slices whose values have ranges of their own; empty if there are none.

    Examples:
        >>> for output in target_check.outputs:
        ...     print(output.name, output.is_far)
        y False
    """

    name: str
    is_far: bool
    psnr: float | None
    largest_error: float
    peak: float
    dead_share: float
    slices: tuple[TargetCheckSlice, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, repr=False)
class TargetCheck:
    """How close a target model, in simulation, is to its source model on a CPU.

    Attributes:
        status: `"CLOSE"`, `"FAR"` or `"NOT_CHECKED"`.
        reason: Why the target was not checked, or which outputs are far; empty if all are close.
        inputs: What both models ran on, such as the calibration data.
        samples: Number of samples that were compared.
        seconds: Time that the check took.
        bound: PSNR in decibels below which an output is far; None if the target was not checked.
        outputs: Each output, in the model's order; empty if the target was not checked.

    Examples:
        >>> target_check.status, target_check.bound
        ('CLOSE', 30.0)
    """

    status: str
    reason: str
    inputs: str
    samples: int
    seconds: float
    bound: float | None
    outputs: tuple[TargetCheckOutput, ...]

    @classmethod
    def _from_api(cls, check: api.TargetCheck) -> TargetCheck:
        return cls(
            status=str(check.status).removeprefix(_PREFIX),
            reason=check.reason,
            inputs=check.inputs,
            samples=check.samples,
            seconds=check.seconds,
            bound=value_or_none(check.bound),
            outputs=tuple(map(_read_output, check.outputs)),
        )

    def __repr__(self) -> str:
        names = ("status", "reason", "inputs", "samples", "seconds", "bound")
        return format_fields("TargetCheck", {name: getattr(self, name) for name in names})

    def _repr_html_(self) -> str:
        badge = html.badge(
            self.status.replace("_", " ").lower(), _COLOURS.get(self.status, html.GREY)
        )
        rows = itertools.chain.from_iterable(map(_output_rows, self.outputs))
        more = sum(1 + len(output.slices) for output in self.outputs) - _MAX_ROWS
        bound = "" if self.bound is None else f"{self.bound:g} dB"
        columns = ["output", "PSNR, dB", "largest error", "peak", "dead share", ""]
        return html.card(
            html.headline("Target model in simulation, beside its source model on a CPU:", badge),
            html.paragraph(self.reason),
            html.facts({"inputs": self.inputs, "samples": str(self.samples), "bound": bound}),
            html.table(columns, itertools.islice(rows, _MAX_ROWS), numbers=columns[1:5]),
            html.faint(f"and {more:,} more") if more > 0 else "",
        )


def _output_rows(output: TargetCheckOutput) -> Iterator[list[str]]:
    """Yields the rows of an output and its slices."""
    far = html.badge("far", html.RED) if output.is_far else ""
    numbers = [f"{output.largest_error:.4g}", f"{output.peak:.4g}", f"{output.dead_share:.1%}"]
    yield [html.name(output.name), _decibels(output.psnr), *numbers, far]
    for part in output.slices:
        where = f"    [{part.begin}:{part.end}] along axis {part.axis}"
        yield [where, _decibels(part.psnr), "", f"{part.peak:.4g}", "", ""]


def _decibels(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.1f}"


def _read_output(output: api.TargetCheckOutput) -> TargetCheckOutput:
    return TargetCheckOutput(
        name=output.name,
        is_far=output.is_far,
        psnr=value_or_none(output.psnr),
        largest_error=output.largest_error,
        peak=output.peak,
        dead_share=output.dead_share,
        slices=tuple(
            TargetCheckSlice(each.axis, each.begin, each.end, value_or_none(each.psnr), each.peak)
            for each in value_or_none(output.slices) or ()
        ),
    )
