"""The results of a run: a table, JSON, and a drawing of the ratios."""

import statistics
from dataclasses import dataclass
from html import escape
from typing import Any

from pages import format_number, format_table

from performance.rows import Row

MET, MISSED = "met", "**missed**"


@dataclass(frozen=True)
class Result:
    """What was measured for a row.

    Attributes:
        row: The row.
        figures: The figures of each contender, by round.
    """

    row: Row
    figures: dict[str, list[float]]

    @property
    def judged(self) -> list[float]:
        """What is compared with the target, by round: ratios, or the figures themselves."""
        ours = self.figures[self.row.ours]
        if not self.row.base:
            return ours
        return [one / max(other, 1e-9) for one, other in zip(ours, self.base, strict=True)]

    @property
    def base(self) -> list[float]:
        """The figures that the ratio is taken to."""
        return self.figures[self.row.base]

    @property
    def is_met(self) -> bool:
        """Whether the target is met, by the median."""
        found = statistics.median(self.judged)
        return found >= self.row.limit if self.row.more else found <= self.row.limit

    def to_json(self) -> dict[str, Any]:
        """Returns it as JSON."""
        return {
            "name": self.row.name,
            "unit": self.row.unit,
            "figures": self.figures,
            "base": self.row.base,
            "limit": self.row.limit,
            "met": self.is_met,
        }

    def to_cells(self) -> list[str]:
        """Returns it as the cells of a table."""
        judged = sorted(self.judged)
        sign = "×" if self.row.base else ""
        spread = (
            f" ({format_number(judged[0])}–{format_number(judged[-1])})" if len(judged) > 1 else ""
        )
        others = [
            f"{name} {format_number(statistics.median(found))}"
            for name, found in self.figures.items()
            if name != self.row.ours
        ]
        direction = "≥" if self.row.more else "≤"
        return [
            self.row.name,
            f"{format_number(statistics.median(self.figures[self.row.ours]))} {self.row.unit}",
            ", ".join(others),
            f"{sign} {format_number(statistics.median(judged))}{spread}".strip() if sign else "",
            f"{direction} {sign} {format_number(self.row.limit)}".replace("  ", " "),
            MET if self.is_met else MISSED,
        ]


def format_results(results: list[Result]) -> str:
    """Formats the results as a Markdown table."""
    head = ["what", "here", "others", "ratio (range)", "target", ""]
    return format_table(head, [result.to_cells() for result in results])


def draw(results: list[Result]) -> str:
    """Draws the ratios to the targets as SVG: less than 1 is better than the target."""
    height, left, width = 22, 400, 320
    bars = []
    for index, result in enumerate(results):
        found = statistics.median(result.judged)
        limit = result.row.limit
        share = limit / max(found, 1e-9) if result.row.more else found / limit
        y = 30 + index * height
        length = min(share, 2) * width / 2
        color = "#2a7f4f" if result.is_met else "#b5402c"
        name = escape(result.row.name.replace("`", ""))
        bars.append(
            f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{name}</text>'
            f'<rect x="{left}" y="{y}" width="{length:.0f}" height="{height - 6}" fill="{color}"/>'
            f'<text x="{left + length + 6:.0f}" y="{y + 13}">{share:.2f}</text>'
        )
    total = 40 + len(results) * height
    middle = left + width // 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 70} {total}" '
        'font-family="sans-serif" font-size="12">'
        f'<rect width="100%" height="100%" fill="white"/>'
        f'<text x="{middle}" y="18" text-anchor="middle">1 = the target; less is better</text>'
        + "".join(bars)
        + f'<line x1="{middle}" x2="{middle}" y1="24" y2="{total - 8}" stroke="black"/></svg>\n'
    )
