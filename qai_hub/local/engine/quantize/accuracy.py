"""Tells a quantize job where its model loses accuracy, and what 16 bits would gain."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from qai_hub.local.engine.datasets import CalibrationSamples
from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.option_table import LITE_MP
from qai_hub.local.engine.protocol import Soc
from qai_hub.local.engine.quantize.layer_report import LayerReport, report_layers
from qai_hub.local.engine.quantize.proposal import choose_share, propose
from qai_hub.local.engine.quantize.qdq import QuantizedModel

_MIN_SECONDS = 5.0
_MAX_SECONDS = 60.0


class AccuracyAnalysis:
    """Measures the layers of quantized models, in bounded time.

    Args:
        samples: The samples to measure on.
        soc: The chip to simulate; None to simulate none.
        work: Folder for generated files.
        spent: Seconds that quantizing the model took. Each of the measurements on the CPU, in
            simulation and of trials may take as long, from 5 seconds to a minute.
    """

    def __init__(
        self, samples: CalibrationSamples, soc: Soc | None, work: Path, spent: float
    ) -> None:
        self._samples = samples
        self._soc = soc
        self._work = work
        self._seconds = min(max(spent, _MIN_SECONDS), _MAX_SECONDS)

    def report(self, quantized: QuantizedModel) -> LayerReport:
        """Measure the layers of a quantized model, on the CPU and in simulation."""
        return self._measure(quantized, self._soc)

    def _measure(self, quantized: QuantizedModel, soc: Soc | None) -> LayerReport:
        if quantized.has_external_data:
            reason = "Layers are measured only of models whose weights fit into one file."
            return LayerReport(reason=reason)
        return report_layers(
            quantized.source,
            quantized.original,
            quantized.path,
            self._samples,
            quantized.psnr,
            soc,
            self._work,
            self._seconds,
        )

    def choose(self, quantized: QuantizedModel, percentage: float) -> list[str]:
        """Choose the tensors to keep at 16 bits.

        Args:
            quantized: The model with 8-bit activations.
            percentage: How many of its tensors.

        Returns:
            Their names.

        Raises:
            JobFailure: None can be chosen.
        """
        report = self._measure(quantized, None)
        if not report.layers:
            problem = report.reason or "the model has no quantized tensor."
            raise JobFailure(FailureType.UNSUPPORTED, f"{LITE_MP} cannot rank layers: {problem}")
        return choose_share(
            quantized.original,
            quantized.path,
            report.layers,
            self._samples,
            percentage,
            self._work,
            self._seconds,
        )

    def add_proposal(
        self,
        report: LayerReport,
        quantized: QuantizedModel,
        requantize: Callable[[Sequence[str]], QuantizedModel],
    ) -> LayerReport:
        """Add the tensors that are worth 16 bits to a report, if there are any.

        Args:
            report: The report.
            quantized: The model, with 8-bit activations.
            requantize: Quantizes it with tensors at 16 bits.
        """
        proposal = propose(
            quantized.original,
            quantized.path,
            report.layers,
            self._samples,
            quantized.psnr,
            lambda tensors: requantize(tensors).psnr,
            self._work,
            self._seconds,
        )
        if proposal is None:
            return report
        notices = [*report.notices, proposal.build_notice()]
        return replace(report, proposal=proposal, notices=notices)
