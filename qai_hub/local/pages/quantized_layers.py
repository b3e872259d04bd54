"""The layers of a quantized model on a page: charts of all of them, and a part of their table."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from markupsafe import Markup

from qai_hub.local.pages.long_table import LAYERS, Column, LongTable
from qai_hub.local.pages.quantized import QuantizedLayer, QuantizedView
from qai_hub.local.pages.row_chart import NUMBER, RowChart

# Decibels below which a tensor has lost far more than its type costs, and from which on it is
# accurate: the bounds by which quantize jobs tell bad layers.
_POOR, _CLOSE = 30.0, 40.0


@dataclass(frozen=True, slots=True)
class QuantizedLayers:
    """The layers of a quantized model, as a page shows them.

    Attributes:
        table: The part of their table that is shown.
        chart: The accuracy of each on the CPU.
        simulated_chart: Their accuracy in simulation; None if none was simulated.
        layers_per_bar: How many layers a bar stands for.
        first_bad: Where the first bad layer is; empty for none.
    """

    table: LongTable[QuantizedLayer]
    chart: Markup
    simulated_chart: Markup | None
    layers_per_bar: int
    first_bad: str

    @classmethod
    def of(cls, view: QuantizedView, params: Iterable[tuple[str, str]]) -> Self:
        """Return what a page shows of layers.

        Args:
            view: All of them.
            params: The parameters of the page.
        """
        given = list(params)
        worst_first = sorted(view.layers, key=lambda layer: (layer.worst, layer.number))
        table = LongTable.of(
            worst_first,
            _columns(is_simulated=view.is_simulated),
            given,
            text=lambda layer: f"{layer.number} {layer.tensor} {layer.node} {layer.operator}",
            first="the worst first",
        )
        chart = RowChart.of(view.layers, {layer.number for layer in table.rows}, given, LAYERS)
        bad = view.report.get("first_bad_layer")
        found = next((layer for layer in view.layers if layer.tensor == bad), None)
        return cls(
            table,
            _draw(chart, "on the CPU", _psnr),
            _draw(chart, "in HTP simulation", _simulated_psnr) if view.is_simulated else None,
            chart.rows_per_bar,
            "" if found is None else chart.address(found.number),
        )


def _psnr(layer: QuantizedLayer) -> float | None:
    return layer.psnr


def _simulated_psnr(layer: QuantizedLayer) -> float | None:
    return layer.simulated_psnr


def _columns(*, is_simulated: bool) -> list[Column[QuantizedLayer]]:
    columns: list[Column[QuantizedLayer]] = [
        Column(NUMBER, "#", lambda layer: layer.number, is_number=True, largest_first=False),
        Column("name", "Tensor", lambda layer: layer.tensor),
        Column("node", "Node", lambda layer: layer.node or None),
        Column("operator", "Operator", lambda layer: layer.operator or None),
        _ratio("psnr", "PSNR (CPU)", _psnr),
    ]
    if is_simulated:
        columns.append(_ratio("simulated", "PSNR (simulated)", _simulated_psnr))
    return columns


def _ratio(
    name: str, title: str, value: Callable[[QuantizedLayer], float | None]
) -> Column[QuantizedLayer]:
    # The lower, the worse.
    return Column(name, title, value, is_number=True, largest_first=False)


def _draw(
    chart: RowChart[QuantizedLayer], where: str, ratio: Callable[[QuantizedLayer], float | None]
) -> Markup:
    def tell(layers: Sequence[QuantizedLayer]) -> tuple[float, str, str]:
        worst = min((each for layer in layers if (each := ratio(layer)) is not None), default=None)
        told = "no PSNR" if worst is None else f"{worst:.1f} dB"
        name = f"{layers[0].tensor} ({layers[0].operator or 'input'}): {told}"
        if len(layers) > 1:
            name = f"Tensors {layers[0].number} to {layers[-1].number}: {told} at worst"
        return max(0.0, worst or 0.0), name, _tone(worst)

    return chart.draw(f"PSNR of {len(chart.rows)} tensors {where}, in order", tell)


def _tone(ratio: float | None) -> str:
    """Return the class that colours a ratio."""
    if ratio is None:
        return "none"
    return "poor" if ratio < _POOR else "fair" if ratio < _CLOSE else "close"
