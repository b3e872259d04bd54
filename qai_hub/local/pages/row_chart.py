"""A chart of all rows of a table that may be too long for a page."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Self, TypeVar

from markupsafe import Markup

from qai_hub.local.pages.charts import Bar, column_chart
from qai_hub.local.pages.long_table import Params, Place, address_of_row, other_params

Row = TypeVar("Row")

NUMBER: Final = "number"
"""The column with the places of the rows in their own order, from 0."""
_MAX_BARS: Final = 500


@dataclass(frozen=True, slots=True)
class RowChart(Generic[Row]):
    """What a chart of the rows of a table is drawn from.

    Attributes:
        rows: All rows, in their own order.
        shown: The places of those that the page shows in the table.
        others: The parameters of the page that addresses keep.
        place: Which of the tables of the page it is.
    """

    rows: Sequence[Row]
    shown: set[int]
    others: Params
    place: Place

    @classmethod
    def of(cls, rows: Sequence[Row], shown: set[int], params: Params, place: Place) -> Self:
        """Return it, given all parameters of the page."""
        return cls(rows, shown, other_params(params, place), place)

    @property
    def rows_per_bar(self) -> int:
        """How many rows a bar stands for."""
        return max(1, math.ceil(len(self.rows) / _MAX_BARS))

    def draw(self, label: str, tell: Callable[[Sequence[Row]], tuple[float, str, str]]) -> Markup:
        """Draw a bar for each row, or for several rows at a time.

        Args:
            label: What the chart is, for people who cannot see it.
            tell: Returns what a bar for some rows is: its length, its label, and the class that
                colours it.
        """
        return column_chart(
            [
                Bar(*tell(self.rows[begin : begin + self.rows_per_bar]), self.address(begin))
                for begin in range(0, len(self.rows), self.rows_per_bar)
            ],
            label,
        )

    def address(self, number: int) -> str:
        """Return where a row is in the table."""
        row = f"layer-{number}"
        is_alone = self.rows_per_bar == 1
        if is_alone and number in self.shown:
            return f"#{row}"
        anchor = row if is_alone else self.place.anchor
        return address_of_row(self.others, NUMBER, number, anchor, self.place)
