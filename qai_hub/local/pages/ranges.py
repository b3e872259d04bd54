"""Which values the tensors of a quantized model have and can represent, on the page of its job."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from markupsafe import Markup

from qai_hub.local.pages.charts import interval_bar
from qai_hub.local.pages.csv_table import format_csv
from qai_hub.local.pages.long_table import RANGES, Column, LongTable

Json = Mapping[str, Any]

_KIND = "QUANTIZED_TENSOR_KIND_"
_CSV_COLUMNS = (
    *("tensor", "kind", "dtype", "channels", "min_scale", "max_scale", "zero_point"),
    *("seen_min", "seen_max", "range_min", "range_max", "saturation", "used"),
)


@dataclass(frozen=True, slots=True)
class RangeRow:
    """A quantized tensor.

    Attributes:
        fields: The contract's `QuantizedTensor`.
    """

    fields: Json

    @property
    def kind(self) -> str:
        """What it is in the model, such as `weight`."""
        return str(self.fields["kind"]).removeprefix(_KIND).lower()

    @property
    def saturation(self) -> float | None:
        """Share of its values outside the range; None if they were not counted."""
        return self.fields.get("saturation")

    @property
    def used(self) -> float | None:
        """Share of the range that its values use; None if that says nothing."""
        return self.fields.get("used")

    @property
    def seen_width(self) -> float:
        """Half of how far apart its smallest and its largest value are."""
        return self._width("seen")

    @property
    def range_width(self) -> float:
        """Half of how far apart the ends of its range are."""
        return self._width("range")

    def _width(self, what: str) -> float:
        # As a whole, it may be too large for a float.
        return float(self.fields[f"{what}_max"]) / 2 - float(self.fields[f"{what}_min"]) / 2

    @property
    def bar(self) -> Markup:
        """Its values beside its range."""
        fields = self.fields
        return interval_bar(
            (fields["range_min"], fields["range_max"]), (fields["seen_min"], fields["seen_max"])
        )


@dataclass(frozen=True, slots=True)
class RangesView:
    """Which values the tensors of a quantized model have and can represent.

    Attributes:
        tensors: The tensors, the worst first.
        total: How many were measured.
        samples: On how many samples of the calibration data.
        reason: Why some are missing; empty if none are.
    """

    tensors: Sequence[RangeRow]
    total: int
    samples: int
    reason: str

    @classmethod
    def of(cls, report: Json) -> Self:
        """Read the contract's `TensorRangeReport`; empty for a job without one."""
        return cls(
            tensors=[RangeRow(each) for each in report.get("tensors", ())],
            total=report.get("total", 0),
            samples=report.get("samples", 0),
            reason=report.get("reason", ""),
        )

    @property
    def saturated(self) -> int:
        """How many of the tensors lose values."""
        return sum(1 for each in self.tensors if each.saturation)

    @property
    def uncounted(self) -> int:
        """Of how many tensors values outside their range were not counted."""
        return sum(1 for each in self.tensors if each.saturation is None)

    def list_part(self, params: Iterable[tuple[str, str]]) -> LongTable[RangeRow]:
        """Return the part of their table that a page shows.

        Args:
            params: The parameters of the page.
        """
        return LongTable.of(
            self.tensors,
            _COLUMNS,
            params,
            text=lambda row: f"{row.fields['tensor']} {row.kind} {row.fields['dtype']}",
            first="the worst first",
            place=RANGES,
        )

    def to_csv(self) -> str:
        """Return the tensors as CSV."""
        rows = [[row.fields.get(name) for name in _CSV_COLUMNS] for row in self.tensors]
        for cells, row in zip(rows, self.tensors, strict=True):
            cells[1] = row.kind
        return format_csv(_CSV_COLUMNS, rows)


_COLUMNS: Sequence[Column[RangeRow]] = (
    Column("name", "Tensor", lambda row: row.fields["tensor"]),
    Column("kind", "Kind", lambda row: (row.kind, row.fields["dtype"])),
    Column("saturated", "Saturated", lambda row: row.saturation, is_number=True),
    # The less, the worse.
    Column("used", "Used", lambda row: row.used, is_number=True, largest_first=False),
    Column("bar", "Seen in range", lambda row: row.used),
    Column("seen", "Seen", lambda row: row.seen_width, is_number=True),
    Column("range", "Range", lambda row: row.range_width, is_number=True),
    Column("scale", "Scale", lambda row: row.fields["max_scale"], is_number=True),
    Column("zero", "Zero point", lambda row: row.fields.get("zero_point"), is_number=True),
)
