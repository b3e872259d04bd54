"""Which values the tensors of a quantized model have and can represent, on the page of its job."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from markupsafe import Markup

from qai_hub.local.pages.charts import interval_bar
from qai_hub.local.pages.csv_table import format_csv

Json = Mapping[str, Any]

_MAX_ROWS = 500
_KIND = "QUANTIZED_TENSOR_KIND_"
_COLUMNS = (
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
    def rows(self) -> Sequence[RangeRow]:
        """The tensors that the page lists."""
        return self.tensors[:_MAX_ROWS]

    @property
    def saturated(self) -> int:
        """How many of the tensors lose values."""
        return sum(1 for each in self.tensors if each.saturation)

    @property
    def uncounted(self) -> int:
        """Of how many tensors values outside their range were not counted."""
        return sum(1 for each in self.tensors if each.saturation is None)

    def to_csv(self) -> str:
        """Return the tensors as CSV."""
        rows = [[row.fields.get(name) for name in _COLUMNS] for row in self.tensors]
        for cells, row in zip(rows, self.tensors, strict=True):
            cells[1] = row.kind
        return format_csv(_COLUMNS, rows)
