"""Tells a quantize job where its model loses accuracy and values, and what 16 bits would gain."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.isolated import CallError
from qai_hub.local.engine.option_table import LITE_MP
from qai_hub.local.engine.protocol import NoticeSeverity, Soc, build_notice
from qai_hub.local.engine.quantize.budget import TimeBudget
from qai_hub.local.engine.quantize.calibration import CalibrationData
from qai_hub.local.engine.quantize.layer_report import LayerReport, report_layers
from qai_hub.local.engine.quantize.layers import MAX_SAMPLES
from qai_hub.local.engine.quantize.proposal import choose_share, propose
from qai_hub.local.engine.quantize.qdq import QuantizedModel
from qai_hub.local.engine.quantize.raised_layers import RaisedKind, RaisedLayers
from qai_hub.local.engine.quantize.range_report import RangeReport, report_ranges

_IN_ONE_FILE = "whose weights fit into one file"
_TURNED_OFF = "The layers were not measured: this hub analyzes no layers."
TURNED_OFF = LayerReport(reason=_TURNED_OFF, notices=[build_notice("INFO", "MODEL", _TURNED_OFF)])
# One notice tells of both.
NO_RANGES = RangeReport(reason="The ranges were not measured: this hub analyzes no layers.")


class Requantize(Protocol):
    """Quantizes a model with some tensors at 16 bits, in a process of its own."""

    def __call__(self, int16: Sequence[str], folder: Path, time_limit: float) -> dict[str, float]:
        """Return the PSNR of its outputs.

        Args:
            int16: The tensors.
            folder: Folder for generated files, which is created.
            time_limit: Seconds that it may take.

        Raises:
            JobFailure: The model cannot be quantized so.
            CallError: The process ended without a result.
        """


class AccuracyAnalysis:
    """Measures the layers of quantized models, in processes of their own and in bounded time.

    Args:
        data: The samples that the models were calibrated on. Layers are measured on the first ones.
        soc: The chip to simulate; None to simulate none.
        work: Folder for generated files.
        budget: Time that each of the measurements on the CPU, in simulation and of trials may take.
    """

    def __init__(
        self, data: CalibrationData, soc: Soc | None, work: Path, budget: TimeBudget
    ) -> None:
        self._data = replace(data, max_samples=MAX_SAMPLES)
        self._all_data = data
        self._soc = soc
        self._work = work
        self._budget = budget

    def report(self, quantized: QuantizedModel) -> LayerReport:
        """Measure the layers of a quantized model, on the CPU and in simulation."""
        return self._measure(quantized, self._soc, "report")

    def _measure(self, quantized: QuantizedModel, soc: Soc | None, folder: str) -> LayerReport:
        if quantized.has_external_data:
            reason = f"Layers are measured only of models {_IN_ONE_FILE}."
            return LayerReport(reason=reason, notices=[build_notice("INFO", "MODEL", reason)])
        return report_layers(
            quantized.source,
            quantized.original,
            quantized.path,
            self._data,
            quantized.psnr,
            soc,
            self._work / folder,
            self._budget,
        )

    def report_ranges(self, quantized: QuantizedModel) -> RangeReport:
        """Compare the values of tensors with what a quantized model can represent."""
        if quantized.has_external_data:
            return RangeReport(reason=f"Ranges are measured only of models {_IN_ONE_FILE}.")
        return report_ranges(
            quantized.original,
            quantized.path,
            quantized.ranges,
            self._all_data,
            quantized.sample_count,
            self._work / "ranges",
            self._budget,
        )

    def choose(
        self, quantized: QuantizedModel, kind: RaisedKind, percentage: float
    ) -> RaisedLayers:
        """Choose the layers to keep more precise.

        Args:
            quantized: The model in which none is.
            kind: What gets more precise.
            percentage: How many of its layers.

        Returns:
            The layers.

        Raises:
            JobFailure: None can be chosen.
        """
        report = self._measure(quantized, None, "choice")
        if not report.layers:
            problem = report.reason or "the model has no quantized tensor."
            raise JobFailure(FailureType.UNSUPPORTED, f"{LITE_MP} cannot rank layers: {problem}")
        tensors = choose_share(
            quantized.original,
            quantized.path,
            report.layers,
            self._data,
            kind,
            percentage,
            self._work / "trials",
            self._budget,
        )
        return RaisedLayers(tensors, kind)

    def add_proposal(
        self, report: LayerReport, quantized: QuantizedModel, requantize: Requantize
    ) -> LayerReport:
        """Add the tensors that are worth 16 bits to a report, if there are any.

        Args:
            report: The report.
            quantized: The model, with 8-bit activations.
            requantize: Quantizes it with tensors at 16 bits.
        """
        try:
            proposal = propose(
                quantized.original,
                quantized.path,
                report.layers,
                self._data,
                quantized.psnr,
                lambda int16: requantize(int16, self._work / "proposed", self._budget.limit),
                self._work / "trials",
                self._budget,
            )
        except JobFailure as failure:
            return _add_problem(report, f"16 bits were not tried: {failure.reason}", "INFO")
        except CallError as error:
            text = f"There is no proposal of 16 bits: trying them {error.reason}."
            return _add_problem(report, text, "WARNING")
        if proposal is None:
            return report
        notices = [*report.notices, proposal.build_notice()]
        return replace(report, proposal=proposal, notices=notices)


def _add_problem(report: LayerReport, text: str, severity: NoticeSeverity) -> LayerReport:
    reason = " ".join(filter(None, (report.reason, text)))
    notices = [*report.notices, build_notice(severity, "MODEL", text)]
    return replace(report, reason=reason, notices=notices)
