"""How close the layers of a quantized model are to the float model's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qai_hub.display import html
from qai_hub.display.text import format_fields, one_line
from qai_hub.transport.values import value_or_none

if TYPE_CHECKING:
    import pandas as pd
    from qai_hub_api import models as api

_COLUMNS = ("tensor", "node", "operator")
_RATIOS = ("psnr", "simulated_psnr")
_NAME_WIDTH = 48
_MAX_ROWS = 60
_MAX_REASON = 500


@dataclass(frozen=True)
class LayerAccuracy:
    """How close a tensor of a quantized model is to the same tensor of the float model.

    Attributes:
        tensor: Its name in the model, as it was quantized: folded, and with operators fused.
        node: Name of the node that computes it; empty for an input or a node without a name.
        operator: Operator of that node; empty for an input.
        psnr: Peak signal-to-noise ratio on the CPU in decibels; None if the tensors are equal, or
            the float model's is 0 throughout.
        simulated_psnr: The same in simulation of an HTP; None if it was not simulated as well.

    Examples:
        >>> accuracy = quantize_job.get_layer_accuracy()
        >>> [layer.operator for layer in accuracy.layers]
        ['', 'GlobalAveragePool']
    """

    tensor: str
    node: str
    operator: str
    psnr: float | None = None
    simulated_psnr: float | None = None


@dataclass(frozen=True)
class MixedPrecisionLayer:
    """A tensor to keep at 16 bits while others have 8.

    Attributes:
        tensor: Its name in the model, as it was quantized.
        node: Name of the node that computes it; empty for an input or a node without a name.
        operator: Operator of that node; empty for an input.
        psnr: Peak signal-to-noise ratio in decibels of the least accurate output if this tensor
            alone has 8 bits, and all others have 16.

    Examples:
        >>> layer = hub.MixedPrecisionLayer("a", "adding", "Add", psnr=24.9)
    """

    tensor: str
    node: str
    operator: str
    psnr: float


@dataclass(frozen=True, repr=False)
class MixedPrecisionProposal:
    """Which tensors to keep at 16 bits, and what that gains, as tried on the calibration data.

    Attributes:
        layers: The tensors, the one that costs most accuracy first.
        psnr_before: Peak signal-to-noise ratio in decibels of the least accurate output of the
            job's target model.
        psnr_after: The same of the model that was quantized with the proposal.
        options: Options of a quantize job that applies it.

    Examples:
        >>> proposal = hub.MixedPrecisionProposal((), 24.9, 46.1, "--int16_activations a")
        >>> round(proposal.gain, 1)
        21.2
    """

    layers: tuple[MixedPrecisionLayer, ...]
    psnr_before: float
    psnr_after: float
    options: str

    @property
    def gain(self) -> float:
        """What it gains, in decibels."""
        return self.psnr_after - self.psnr_before

    def __repr__(self) -> str:
        names = ("psnr_before", "psnr_after", "options")
        return format_fields(
            "MixedPrecisionProposal", {name: getattr(self, name) for name in names}
        )

    def _repr_html_(self) -> str:
        return html.card(self._to_markup())

    def _format_gain(self) -> str:
        return (
            f"with {len(self.layers)} at 16 bits: {self.psnr_after:.1f} dB "
            f"instead of {self.psnr_before:.1f} dB"
        )

    def _to_markup(self) -> html.Markup:
        return html.facts(
            {"mixed precision": self._format_gain(), "options": html.code(self.options)}
        )


@dataclass(frozen=True, repr=False)
class LayerAccuracyReport:
    """How close the layers of a quantized model are to the float model's.

    Printed, it is a table.

    Attributes:
        layers: The inputs and computed tensors, in the order of computation.
        samples: Number of samples of the calibration data that were compared on the CPU. One was
            simulated.
        first_bad_layer: The first layer that loses far more accuracy than those before it: its
            ratio is below 40 dB and at least 10 dB below its inputs', and that of all that is
            computed from it is below 30 dB. None if there is none.
        simulated_on: Chip that was simulated; None if none was.
        reason: Why layers or the simulation are missing; None if they are not.
        mixed_precision: Which layers to keep at 16 bits; None if that was not tried, since 8 bits
            are accurate enough, or if it gains little.

    Examples:
        >>> accuracy = quantize_job.get_layer_accuracy()
        >>> print(accuracy)
        Accuracy of layers, on 4 samples...
              CPU  simulated  operator           tensor
        ...
    """

    layers: tuple[LayerAccuracy, ...] = ()
    samples: int = 0
    first_bad_layer: LayerAccuracy | None = None
    simulated_on: str | None = None
    reason: str | None = None
    mixed_precision: MixedPrecisionProposal | None = None

    @classmethod
    def _from_api(cls, report: api.LayerAccuracyReport) -> LayerAccuracyReport:
        layers = tuple(
            LayerAccuracy(
                layer.tensor,
                layer.node,
                layer.operator,
                value_or_none(layer.psnr),
                value_or_none(layer.simulated_psnr),
            )
            for layer in report.layers
        )
        bad = value_or_none(report.first_bad_layer)
        proposal = value_or_none(report.mixed_precision)
        return cls(
            layers=layers,
            samples=report.samples,
            first_bad_layer=next((layer for layer in layers if layer.tensor == bad), None),
            simulated_on=value_or_none(report.simulated_on),
            reason=value_or_none(report.reason),
            mixed_precision=_proposal(proposal) if proposal else None,
        )

    def to_pandas(self) -> pd.DataFrame:
        """Returns the layers as a table; needs pandas: `pip install 'qai-hub-openapi[pandas]'`.

        Returns:
            One row per layer in the order of computation, with the columns `tensor`, `node`,
            `operator`, `psnr` and `simulated_psnr`. The last two are decibels of the dtype
            `Float64`, with `<NA>` for those that have none.

        Raises:
            ImportError: If pandas is not installed.

        Examples:
            >>> layers = quantize_job.get_layer_accuracy().to_pandas()
            >>> list(layers.columns)
            ['tensor', 'node', 'operator', 'psnr', 'simulated_psnr']
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                "LayerAccuracyReport.to_pandas() needs pandas: "
                "pip install 'qai-hub-openapi[pandas]'"
            ) from error
        columns = {key: [getattr(layer, key) for layer in self.layers] for key in _COLUMNS}
        ratios = {
            key: pd.array([getattr(layer, key) for layer in self.layers], dtype="Float64")
            for key in _RATIOS
        }
        return pd.DataFrame({**columns, **ratios})

    def __repr__(self) -> str:
        lines = [f"Accuracy of layers{self._format_conditions()}"]
        if self.layers:
            lines.append(f"  {'CPU':>7}  {'simulated':>9}  {'operator':<17}  tensor")
        shown = self.layers[:_MAX_ROWS]
        lines += [_row(layer, is_bad=layer is self.first_bad_layer) for layer in shown]
        if len(self.layers) > len(shown):
            lines.append(f"  and {len(self.layers) - len(shown)} more: see layers or to_pandas()")
        if self.first_bad_layer is not None:
            name = one_line(self.first_bad_layer.tensor, _NAME_WIDTH)
            lines.append(f"  first bad layer: {name}")
        if self.mixed_precision is not None:
            lines.append(f"  {self.mixed_precision._format_gain()}")
        if self.reason:
            lines.append(f"  {one_line(self.reason, _MAX_REASON)}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [
            [
                _decibels(layer.psnr),
                _decibels(layer.simulated_psnr),
                one_line(layer.operator or "(input)", 40),
                html.name(layer.tensor),
                html.badge("first bad layer", html.RED) if layer is self.first_bad_layer else "",
            ]
            for layer in self.layers[:_MAX_ROWS]
        ]
        more = len(self.layers) - len(rows)
        return html.card(
            html.headline(f"Accuracy of layers in decibels{self._format_conditions()}"),
            html.table(
                ["CPU", "simulated", "operator", "tensor", ""], rows, numbers=["CPU", "simulated"]
            ),
            html.faint(f"and {more:,} more: see layers or to_pandas()") if more > 0 else "",
            self.mixed_precision._to_markup() if self.mixed_precision else "",
            html.paragraph(self.reason or ""),
        )

    def _format_conditions(self) -> str:
        chip = one_line(self.simulated_on or "", _NAME_WIDTH)
        return f", on {self.samples} samples{f', simulated on {chip}' if chip else ''}"


def _row(layer: LayerAccuracy, *, is_bad: bool) -> str:
    ratios = f"  {_decibels(layer.psnr):>7}  {_decibels(layer.simulated_psnr):>9}"
    operator = one_line(layer.operator or "(input)", 17)
    mark = "  <- first bad layer" if is_bad else ""
    return f"{ratios}  {operator:<17}  {one_line(layer.tensor, _NAME_WIDTH)}{mark}"


def _decibels(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.1f}"


def _proposal(proposal: api.MixedPrecisionProposal) -> MixedPrecisionProposal:
    layers = tuple(
        MixedPrecisionLayer(layer.tensor, layer.node, layer.operator, layer.psnr)
        for layer in proposal.layers
    )
    return MixedPrecisionProposal(
        layers, proposal.psnr_before, proposal.psnr_after, proposal.options
    )
