"""Charts as SVG, made here: they need no script, and print.

Colours are classes of the style sheet, as the pages' policy allows no styles in the document.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

Json = Mapping[str, Any]

_BINS = 24
_WIDTH = 1000
_HEIGHT = 160
_SHARE_HEIGHT = 20
_MIN_VISIBLE = 0.5
_MARGIN = 8
_MIN_CELL = 1.0
_SVG = Markup(
    '<svg class="chart {}" viewBox="0 0 {} {}" preserveAspectRatio="none" role="{}" '
    'aria-label="{}">{}</svg>'
)
_RECT = Markup(
    '<rect class="{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}"><title>{}</title></rect>'
)
_LINK = Markup('<a href="{}" data-bar="{}" tabindex="-1">{}</a>')
_LINE = Markup('<path class="line" d="{}"/>')
_CELL = Markup(
    '<svg class="cell" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" '
    'focusable="false">{}</svg>'
)
_CELL_RECT = Markup('<rect class="{}" x="{:.2f}" y="{}" width="{:.2f}" height="{}"/>')


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a chart.

    Attributes:
        value: Its length, not negative.
        label: What it is, for people who point at it, or have it read to them.
        kind: The class that colours it.
        address: Where it leads; empty for nowhere.
    """

    value: float
    label: str
    kind: str = ""
    address: str = ""


def share_bar(parts: Sequence[Bar], label: str) -> Markup:
    """Draw one bar that is divided into parts.

    Args:
        parts: The parts, in order.
        label: What the bar is, for people who cannot see it.
    """
    total = sum(part.value for part in parts)
    drawn, x = list[Markup](), 0.0
    for part in parts:
        width = _WIDTH * part.value / total if total else 0.0
        drawn.append(_rect(part, x, 0, width, _SHARE_HEIGHT))
        x += width
    return _svg("share", _WIDTH, _SHARE_HEIGHT, label, drawn)


def column_chart(bars: Sequence[Bar], label: str) -> Markup:
    """Draw bars beside each other, which lead to what they stand for.

    Those that lead somewhere carry their place as `data-bar`, and so may what they stand for.

    Args:
        bars: The bars, in order.
        label: What the chart is, for people who cannot see it.
    """
    top = max((bar.value for bar in bars), default=0.0) or 1.0
    step = _WIDTH / max(1, len(bars))
    drawn = list[Markup]()
    for index, bar in enumerate(bars):
        height = max(_MIN_VISIBLE, _HEIGHT * bar.value / top)
        width = max(_MIN_VISIBLE, step * 0.85)
        rect = _rect(bar, index * step, _HEIGHT - height, width, height)
        # Only for those who point at them: the table has the same, in order.
        drawn.append(_LINK.format(bar.address, index, rect) if bar.address else rect)
    # An image must have nothing in it that leads elsewhere.
    role = "group" if any(bar.address for bar in bars) else "img"
    return _svg("columns", _WIDTH, _HEIGHT, label, drawn, role)


def histogram(values: Sequence[float], label: str, show: Callable[[float], str]) -> Markup:
    """Draw how often values occur.

    Args:
        values: The values; at least one.
        label: What they are, for people who cannot see the chart.
        show: Returns a value as text.
    """
    low, high = min(values), max(values)
    bins = min(_BINS, max(1, math.ceil(math.sqrt(len(values)) * 2)))
    width = (high - low) / bins or 1.0
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, int((value - low) / width))] += 1
    bars = [
        Bar(
            count,
            f"{show(low + index * width)} to {show(low + (index + 1) * width)}: {count}",
            "plain",
        )
        for index, count in enumerate(counts)
    ]
    return column_chart(bars, label)


def binned_histogram(counts: Json, label: str, show: Callable[[float], str]) -> Markup:
    """Draw how often values occur that have been counted already.

    Args:
        counts: The `counts` of bins of the same width, which begin at `low` and end at `high`.
        label: What they are, for people who cannot see the chart.
        show: Returns a value as text.
    """
    bins = counts["counts"]
    low, width = counts["low"], (counts["high"] - counts["low"]) / len(bins)
    bars = [
        Bar(
            count,
            f"{show(low + index * width)} to {show(low + (index + 1) * width)}: {count}",
            "plain" if count else "none",
        )
        for index, count in enumerate(bins)
    ]
    return column_chart(bars, label)


def line_chart(values: Sequence[float | None], label: str) -> Markup:
    """Draw a line through values.

    Args:
        values: The values, in order; None for a gap.
        label: What they are, for people who cannot see the chart.
    """
    known = [value for value in values if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    # Each by itself, as their difference may be too large for a float.
    half = (high / 2 - low / 2) or 1.0
    step = _WIDTH / max(1, len(values) - 1)
    points, begins = list[str](), True
    for index, value in enumerate(values):
        if value is not None:
            y = _HEIGHT - _MARGIN - (value / 2 - low / 2) / half * (_HEIGHT - 2 * _MARGIN)
            points.append(f"{'M' if begins else 'L'}{index * step:.1f} {y:.1f}")
        begins = value is None
    return _svg("columns", _WIDTH, _HEIGHT, label, [_LINE.format(" ".join(points))])


def cell_bar(share: float, kind: str) -> Markup:
    """Draw a bar for the cell of a table, beside its number.

    Args:
        share: Its length, from 0 to 1.
        kind: The class that colours it.
    """
    return _CELL.format(_CELL_RECT.format(kind, 0, 0, 100 * min(1.0, max(0.0, share)), 8))


def interval_bar(frame: tuple[float, float], values: tuple[float, float]) -> Markup:
    """Draw where values lie in an interval, for the cell of a table, beside their numbers.

    Args:
        frame: The ends of the interval.
        values: The smallest and the largest value. What is outside the interval stands out.
    """
    low, high = min(frame[0], values[0]), max(frame[1], values[1])

    def draw(kind: str, begin: float, end: float, y: int, height: int) -> Markup:
        # Each by itself, as their difference may be too large for a float.
        width = (high / 2 - low / 2) or 1.0
        left, right = ((each / 2 - low / 2) / width * 100 for each in (begin, end))
        right = max(right, left + _MIN_CELL)
        left = min(left, 100 - _MIN_CELL)
        return _CELL_RECT.format(kind, left, y, right - left, height)

    inside = max(values[0], frame[0]), min(values[1], frame[1])
    drawn = [draw("frame", *frame, 0, 8)]
    if inside[0] <= inside[1]:
        drawn.append(draw("plain", *inside, 2, 4))
    if values[0] < frame[0]:
        drawn.append(draw("poor", values[0], min(values[1], frame[0]), 2, 4))
    if values[1] > frame[1]:
        drawn.append(draw("poor", max(values[0], frame[1]), values[1], 2, 4))
    return _CELL.format(Markup("").join(drawn))


def _rect(bar: Bar, x: float, y: float, width: float, height: float) -> Markup:
    return _RECT.format(bar.kind, x, y, width, height, bar.label)


def _svg(
    kind: str,
    width: float,
    height: float,
    label: str,
    drawn: Iterable[Markup],
    role: str = "img",
) -> Markup:
    return _SVG.format(kind, width, height, role, label, Markup("").join(drawn))
