"""Which values the tensors of a quantized model have, and which its integers can represent."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from qai_hub.display import html
from qai_hub.display.text import one_line
from qai_hub.transport.values import value_or_none

if TYPE_CHECKING:
    import pandas as pd
    from qai_hub_api import models as api

_KIND = "QUANTIZED_TENSOR_KIND_"
_NAME_WIDTH = 48
_MAX_ROWS = 60
_MAX_REASON = 500


@dataclass(frozen=True)
class QuantizedTensor:
    """The values of a tensor of a float model, and what the quantized model's integers represent.

    Attributes:
        tensor: Its name in the model, as it was quantized: folded, and with operators fused.
        kind: What it is in the model: "input", "output", "activation", "weight" or "bias".
        dtype: Type of its integers, such as "uint8".
        channels: Number of its scales, one for each channel; 1 for the tensor as a whole.
        min_scale: The scale of its integers, or the smallest of them.
        max_scale: The same, or the largest of them.
        zero_point: The integer that stands for 0; None if channels differ in it.
        seen_min: Its smallest value in the float model, over all samples.
        seen_max: Its largest value in the float model, over all samples.
        range_min: The smallest number that its integers can represent, in any channel.
        range_max: The largest number that its integers can represent, in any channel.
        saturation: Share of its values outside that range, by more than the half step that rounding
            may cost; None if they were not counted.
        used: Share of the range from its smallest to its largest value; None for biases, for a
            single value, and if channels have ranges of their own.

    Examples:
        >>> tensor = quantize_job.get_tensor_ranges().tensors[0]
        >>> tensor.dtype, tensor.saturation
        ('uint8', 0.0)
    """

    tensor: str
    kind: str
    dtype: str
    channels: int
    min_scale: float
    max_scale: float
    zero_point: int | None
    seen_min: float
    seen_max: float
    range_min: float
    range_max: float
    saturation: float | None = None
    used: float | None = None


@dataclass(frozen=True, repr=False)
class TensorRangeReport:
    """Which values the quantized tensors of a model have, and which their integers can represent.

    Printed, it is a table.

    Attributes:
        tensors: The tensors; those with the largest share of saturated values first, then those
            that use the least of their range.
        total: Number of tensors that were measured; more than are listed in a very large model.
        samples: Number of samples of the calibration data that they were measured on.
        reason: Why tensors or samples are missing; None if none are.

    Examples:
        >>> ranges = quantize_job.get_tensor_ranges()
        >>> print(ranges)
        Ranges of ... tensors, on ... samples...
          saturated   used  dtype   kind        ...
    """

    tensors: tuple[QuantizedTensor, ...] = ()
    total: int = 0
    samples: int = 0
    reason: str | None = None

    @classmethod
    def _from_api(cls, report: api.TensorRangeReport) -> TensorRangeReport:
        return cls(
            tensors=tuple(map(_tensor, report.tensors)),
            total=report.total,
            samples=report.samples,
            reason=value_or_none(report.reason),
        )

    def find_saturated(self, share: float = 0.01) -> list[QuantizedTensor]:
        """Returns the tensors that lose many values, the worst first.

        Args:
            share: Least share of values that are outside the range.

        Returns:
            The tensors; empty if there are none.

        Examples:
            >>> quantize_job.get_tensor_ranges().find_saturated()
            []
        """
        return [each for each in self.tensors if (each.saturation or 0.0) >= share]

    def to_pandas(self) -> pd.DataFrame:
        """Returns the tensors as a table; needs pandas: `pip install 'qai-hub-openapi[pandas]'`.

        Returns:
            One row per tensor, with a column for each attribute of a `QuantizedTensor`.

        Raises:
            ImportError: If pandas is not installed.

        Examples:
            >>> table = quantize_job.get_tensor_ranges().to_pandas()
            >>> "saturation" in table.columns
            True
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                "TensorRangeReport.to_pandas() needs pandas: pip install 'qai-hub-openapi[pandas]'"
            ) from error
        names = [each.name for each in fields(QuantizedTensor)]
        columns = {name: [getattr(each, name) for each in self.tensors] for name in names}
        optional = {"zero_point": "Int64", "saturation": "Float64", "used": "Float64"}
        arrays = {name: pd.array(columns[name], dtype=dtype) for name, dtype in optional.items()}
        return pd.DataFrame({**columns, **arrays})

    def __repr__(self) -> str:
        lines = [self._format_title()]
        if self.tensors:
            lines.append(
                f"  {'saturated':>9}  {'used':>5}  {'dtype':<6}  {'kind':<10}  "
                f"{'seen':<24}  {'range':<24}  tensor"
            )
        shown = self.tensors[:_MAX_ROWS]
        lines += [
            f"  {_percent(each.saturation, 2):>9}  {_percent(each.used):>5}  "
            f"{one_line(each.dtype, 6):<6}  {one_line(each.kind, 10):<10}  "
            f"{_interval(each.seen_min, each.seen_max):<24}  "
            f"{_interval(each.range_min, each.range_max):<24}  "
            f"{one_line(each.tensor, _NAME_WIDTH)}"
            for each in shown
        ]
        if len(self.tensors) > len(shown):
            lines.append(f"  and {len(self.tensors) - len(shown)} more: see tensors or to_pandas()")
        if self.reason:
            lines.append(f"  {one_line(self.reason, _MAX_REASON)}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [
            [
                _percent(each.saturation, 2),
                _percent(each.used),
                one_line(each.dtype, 6),
                one_line(each.kind, 10),
                _interval(each.seen_min, each.seen_max),
                _interval(each.range_min, each.range_max),
                html.name(each.tensor),
            ]
            for each in self.tensors[:_MAX_ROWS]
        ]
        more = len(self.tensors) - len(rows)
        return html.card(
            html.headline(self._format_title()),
            html.table(
                ["saturated", "used", "dtype", "kind", "seen", "range", "tensor"],
                rows,
                numbers=["saturated", "used"],
            ),
            html.faint(f"and {more:,} more: see tensors or to_pandas()") if more > 0 else "",
            html.paragraph(self.reason or ""),
        )

    def _format_title(self) -> str:
        return f"Ranges of {self.total:,} tensors, on {self.samples:,} samples"


def _tensor(tensor: api.QuantizedTensor) -> QuantizedTensor:
    return QuantizedTensor(
        tensor=tensor.tensor,
        kind=str(tensor.kind).removeprefix(_KIND).lower(),
        dtype=tensor.dtype,
        channels=tensor.channels,
        min_scale=tensor.min_scale,
        max_scale=tensor.max_scale,
        zero_point=value_or_none(tensor.zero_point),
        seen_min=tensor.seen_min,
        seen_max=tensor.seen_max,
        range_min=tensor.range_min,
        range_max=tensor.range_max,
        saturation=value_or_none(tensor.saturation),
        used=value_or_none(tensor.used),
    )


def _percent(share: float | None, digits: int = 0) -> str:
    return "-" if share is None else f"{100 * share:.{digits}f} %"


def _interval(low: float, high: float) -> str:
    return f"{low:.4g} to {high:.4g}"
