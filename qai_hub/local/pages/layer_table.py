"""The layers of a profile on a page: a chart of all of them, and a part of their table."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from markupsafe import Markup

from qai_hub.local.pages.layers import Layer
from qai_hub.local.pages.long_table import LAYERS, Column, LongTable
from qai_hub.local.pages.row_chart import NUMBER, RowChart
from qai_hub.local.pages.text import format_microseconds


@dataclass(frozen=True, slots=True)
class LayerTable:
    """The layers of a profile, as a page shows them.

    Attributes:
        table: The part of their table that is shown.
        chart: The time of each of them; None if none was measured by itself.
        layers_per_bar: How many layers a bar of the chart stands for.
    """

    table: LongTable[Layer]
    chart: Markup | None
    layers_per_bar: int

    @classmethod
    def of(cls, layers: Sequence[Layer], params: Iterable[tuple[str, str]]) -> Self:
        """Return what a page shows of layers.

        Args:
            layers: All layers, in the order of their execution.
            params: The parameters of the page.
        """
        given = list(params)
        has_times = any(layer.time is not None for layer in layers)
        table = LongTable.of(
            layers,
            _columns(has_times=has_times),
            given,
            text=lambda layer: f"{layer.number} {layer.name} {layer.operator} {layer.unit}",
            first="the slowest first" if has_times else "",
            sort_many="-time" if has_times else "",
        )
        chart = RowChart.of(layers, {layer.number for layer in table.rows}, given, LAYERS)
        each = "each of them" if chart.rows_per_bar == 1 else f"{chart.rows_per_bar} at a time"
        label = f"Times of {len(layers)} layers, {each}, in the order of their execution"
        return cls(table, chart.draw(label, _tell) if has_times else None, chart.rows_per_bar)


def _columns(*, has_times: bool) -> list[Column[Layer]]:
    columns: list[Column[Layer]] = [
        Column(NUMBER, "#", lambda layer: layer.number, is_number=True, largest_first=False),
        Column("name", "Layer", lambda layer: layer.name),
        Column("operator", "Operator", lambda layer: layer.operator),
        Column("unit", "Unit", lambda layer: layer.unit),
    ]
    if has_times:
        columns += [
            Column("time", "Time", lambda layer: layer.time, is_number=True),
            Column("share", "Share", lambda layer: layer.share, largest_first=True),
        ]
    return columns


def _tell(layers: Sequence[Layer]) -> tuple[float, str, str]:
    return sum(layer.time or 0.0 for layer in layers), _label(layers), _main_kind(layers)


def _label(layers: Sequence[Layer]) -> str:
    times = [layer.time for layer in layers if layer.time is not None]
    time = format_microseconds(sum(times)) if times else "no time of its own"
    if len(layers) == 1:
        return f"{layers[0].name} ({layers[0].operator}): {time}"
    return f"Layers {layers[0].number} to {layers[-1].number}: {time}"


def _main_kind(layers: Sequence[Layer]) -> str:
    """Return the class that colours the most of some layers' time."""
    times = defaultdict[str, float](float)
    for layer in layers:
        times[layer.kind] += layer.time or 0.0
    return max(times, key=lambda kind: times[kind])
