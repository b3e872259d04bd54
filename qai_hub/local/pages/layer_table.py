"""The layers of a profile on a page: a chart of all of them, and a part of their table."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

from markupsafe import Markup

from qai_hub.local.pages.charts import Bar, column_chart
from qai_hub.local.pages.layers import Layer
from qai_hub.local.pages.long_table import Column, LongTable, Params, address_of_row, other_params
from qai_hub.local.pages.text import format_microseconds

_NUMBER: Final = "number"
_ANCHOR: Final = "layers"
_MAX_BARS: Final = 500


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
            slowest="-time" if has_times else "",
            anchor=_ANCHOR,
        )
        per_bar = max(1, math.ceil(len(layers) / _MAX_BARS))
        shown = {layer.number for layer in table.rows}
        chart = _draw(layers, per_bar, shown, other_params(given)) if has_times else None
        return cls(table, chart, per_bar)


def _columns(*, has_times: bool) -> list[Column[Layer]]:
    columns: list[Column[Layer]] = [
        Column(_NUMBER, "#", lambda layer: layer.number, is_number=True),
        Column("name", "Layer", lambda layer: layer.name),
        Column("operator", "Operator", lambda layer: layer.operator),
        Column("unit", "Unit", lambda layer: layer.unit),
    ]
    if has_times:
        columns += [
            Column("time", "Time", lambda layer: layer.time, is_number=True),
            Column("share", "Share", lambda layer: layer.share),
        ]
    return columns


def _draw(layers: Sequence[Layer], per_bar: int, shown: set[int], others: Params) -> Markup:
    bars = list[Bar]()
    for begin in range(0, len(layers), per_bar):
        members = layers[begin : begin + per_bar]
        row = f"layer-{begin}"
        is_in_table = per_bar == 1 and begin in shown
        anchor = row if per_bar == 1 else _ANCHOR
        address = f"#{row}" if is_in_table else address_of_row(others, _NUMBER, begin, anchor)
        bars.append(
            Bar(
                sum(layer.time or 0.0 for layer in members),
                _label(members),
                _main_kind(members),
                address,
            )
        )
    each = "each of them" if per_bar == 1 else f"{per_bar} of them at a time"
    label = f"Times of {len(layers)} layers, {each}, in the order of their execution"
    return column_chart(bars, label)


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
