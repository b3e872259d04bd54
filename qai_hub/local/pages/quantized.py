"""What a quantize job cost in accuracy, on the page of the job."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from qai_hub.local.pages.ranges import RangesView

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class QuantizedLayer:
    """A tensor of a quantized model.

    Attributes:
        number: Its place in the order of computation, from 0.
        tensor: Its name.
        node: The node that computes it; empty for none.
        operator: The operator of that node; empty for an input.
        psnr: Decibels on the host's CPU; None if it is equal, or the float model's is 0.
        simulated_psnr: Decibels in HTP simulation; None as well, or if it was not simulated.
    """

    number: int
    tensor: str
    node: str
    operator: str
    psnr: float | None
    simulated_psnr: float | None

    @property
    def worst(self) -> float:
        """The lower of both ratios; infinity if there is none."""
        known = [each for each in (self.psnr, self.simulated_psnr) if each is not None]
        return min(known, default=float("inf"))


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizedView:
    """The accuracy of a quantized model, as a person sees it.

    Attributes:
        outputs: Decibels of each output, the worst first.
        layers: The tensors, in the order of computation.
        report: The contract's `LayerAccuracyReport`; empty if layers were not measured.
        ranges: Which values its tensors have and can represent.
    """

    outputs: Sequence[tuple[str, float]]
    layers: Sequence[QuantizedLayer]
    report: Json
    ranges: RangesView

    @classmethod
    def of(cls, detail: Json) -> Self:
        """Read the contract's `QuantizeDetail`."""
        report = detail.get("layer_accuracy", {})
        layers = [
            QuantizedLayer(
                number,
                each["tensor"],
                each["node"],
                each["operator"],
                each.get("psnr"),
                each.get("simulated_psnr"),
            )
            for number, each in enumerate(report.get("layers", ()))
        ]
        return cls(
            outputs=sorted(detail["psnr"].items(), key=lambda output: output[1]),
            layers=layers,
            report=report,
            ranges=RangesView.of(detail.get("tensor_ranges", {})),
        )

    @property
    def is_simulated(self) -> bool:
        """Whether layers were simulated."""
        return any(layer.simulated_psnr is not None for layer in self.layers)
