"""The layers of several profiles beside each other, on the page that compares jobs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self

from qai_hub.local.pages.comparison import Cell, Comparison, Row, numbers_row
from qai_hub.local.pages.layer_match import LayerRow, match_layers
from qai_hub.local.pages.layers import Layer
from qai_hub.local.pages.long_table import Column, LongTable
from qai_hub.local.pages.text import format_microseconds

_SLOWEST = "slowest"


@dataclass(frozen=True, slots=True)
class ComparedLayers:
    """The layers of several profiles, as a page shows them.

    Attributes:
        table: The part of their table that is shown.
        rows: Its rows.
    """

    table: LongTable[LayerRow]
    rows: Sequence[Row]

    @classmethod
    def of(cls, comparison: Comparison, params: Iterable[tuple[str, str]]) -> Self | None:
        """Return what a page shows of the layers of several jobs.

        Args:
            comparison: The jobs.
            params: The parameters of the page.

        Returns:
            The layers; None if fewer than two of the jobs have some.
        """
        profiles = [job.profile for job in comparison.jobs]
        layers = [() if each is None else each.layers.all for each in profiles]
        if sum(map(bool, layers)) < 2:
            return None
        table = LongTable.of(
            match_layers(layers),
            _columns(comparison),
            params,
            text=lambda row: f"{_known(row).name} {_known(row).operator}",
            first="the slowest first",
            sort_many=f"-{_SLOWEST}",
        )
        return cls(table, [_show(row, comparison.bases) for row in table.rows])


def _show(matched: LayerRow, bases: Sequence[int]) -> Row:
    known = _known(matched)
    times = [None if each is None else each.time for each in matched]
    row = numbers_row(known.name, times, format_microseconds, bases)
    cells = [
        # It is there, though without a time of its own.
        Cell(each.unit) if each is not None and cell.value is None else cell
        for each, cell in zip(matched, row.cells, strict=True)
    ]
    return Row(known.name, cells, known.operator)


def _columns(comparison: Comparison) -> list[Column[LayerRow]]:
    columns: list[Column[LayerRow]] = [
        Column("name", "Layer", lambda row: _known(row).name),
        Column("operator", "Operator", lambda row: _known(row).operator),
    ]
    for at, job in enumerate(comparison.jobs):
        key, name = job.facts.id, job.facts.name or job.facts.id
        columns.append(Column(f"time-{at}", name, partial(_time, at), key, is_number=True))
        base = comparison.bases[at]
        if base != at:
            # Without a word, it is from the first job.
            other = f"from {comparison.jobs[base].facts.id}" if base else ""
            change = partial(_change, at, base)
            columns.append(Column(f"change-{at}", "Difference", change, other, is_number=True))
    return [*columns, Column(_SLOWEST, "", _longest)]


def _known(row: LayerRow) -> Layer:
    return next(each for each in row if each is not None)


def _time(at: int, row: LayerRow) -> float | None:
    layer = row[at]
    return None if layer is None else layer.time


def _change(at: int, base: int, row: LayerRow) -> float | None:
    time, other = _time(at, row), _time(base, row)
    return None if time is None or other is None else time - other


def _longest(row: LayerRow) -> float | None:
    times = [each.time for each in row if each is not None and each.time is not None]
    return max(times, default=None)
