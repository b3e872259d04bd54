"""Reports which values the tensors of a quantized model have, and which it can represent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qai_hub.local.engine.failures import JobFailure
from qai_hub.local.engine.isolated import CallError, call_isolated
from qai_hub.local.engine.protocol import NoticeSeverity, build_notice, quote_name
from qai_hub.local.engine.quantize.budget import TimeBudget
from qai_hub.local.engine.quantize.calibrated_ranges import Ranges
from qai_hub.local.engine.quantize.calibration import CalibrationData

# From this share on, what a tensor loses is more than a few outliers.
MUCH_SATURATION = 0.01
MAX_TENSORS = 5000

_MEASURE = "qai_hub.local.engine.quantize.range_measurement:measure_ranges"
_MAX_NAMES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeReport:
    """Which values the tensors of a quantized model have, and which it can represent.

    Attributes:
        tensors: The tensors, as JSON of `QuantizedTensor`, the most saturated first.
        total: Number of tensors that were measured.
        samples: Number of samples that the model was calibrated on.
        reason: Why some are missing; empty if none are.
        notices: Notices for the user.
    """

    tensors: Sequence[Mapping[str, Any]] = ()
    total: int = 0
    samples: int = 0
    reason: str = ""
    notices: list[dict[str, str]] = field(default_factory=list)

    @classmethod
    def without(cls, reason: str, severity: NoticeSeverity = "INFO") -> "RangeReport":
        """Return a report that has nothing but the reason, and a notice of it."""
        return cls(reason=reason, notices=[build_notice(severity, "MODEL", reason)])

    def to_json(self) -> dict[str, Any]:
        """Return the JSON of a `TensorRangeReport`."""
        return {
            "tensors": list(self.tensors),
            "total": self.total,
            "samples": self.samples,
            **({"reason": self.reason} if self.reason else {}),
        }


def report_ranges(
    original: Path,
    quantized: Path,
    ranges: Ranges,
    data: CalibrationData,
    samples: int,
    work: Path,
    budget: TimeBudget,
) -> RangeReport:
    """Compare the values of tensors in calibration with what their integers can represent.

    Values are counted in a process of its own, so that a crash there is not the job's.

    Args:
        original: The float model, as it was quantized, with its weights in the file.
        quantized: The quantized model, likewise.
        ranges: The smallest and the largest value of each tensor in calibration.
        data: The samples that it was calibrated on.
        samples: Their number.
        work: Folder for generated files, which is created.
        budget: Time that it may take.

    Returns:
        The report.
    """
    seconds = budget.seconds
    arguments = {
        "original": original,
        "quantized": quantized,
        "ranges": ranges,
        "data": data.to_json(),
        "seconds": seconds,
    }
    try:
        found = call_isolated(_MEASURE, arguments, work, budget.limit)
    except JobFailure as failure:
        return RangeReport.without(f"The ranges were not measured: {failure.reason}", "WARNING")
    except CallError as error:
        return RangeReport.without(f"The measurement of ranges {error.reason}.", "WARNING")
    tensors = sorted(found["tensors"], key=_rank)
    problems = []
    if found["counted"] and found["samples"] < samples:
        problems.append(
            f"The saturated values of {found['counted']} tensors were counted on "
            f"{found['samples']} of {samples} samples, in {seconds:.0f} s: no more time was spent."
        )
    if found["missing"]:
        problems.append(f"{found['missing']} tensors have no range that was measured.")
    if len(tensors) > MAX_TENSORS:
        problems.append(f"The report has {MAX_TENSORS} of {len(tensors)} tensors.")
    reason = " ".join(problems)
    return RangeReport(
        tensors=tensors[:MAX_TENSORS],
        total=len(tensors),
        samples=samples,
        reason=reason,
        notices=[
            *_build_notices(tensors),
            *([build_notice("INFO", "MODEL", reason)] if reason else []),
        ],
    )


def _rank(tensor: Mapping[str, Any]) -> tuple[float, float]:
    """Return what sorts the most saturated tensors first, then those that use the least range."""
    return -tensor.get("saturation", 0.0), tensor.get("used", 1.0)


def _build_notices(tensors: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Tell of tensors that lose many values."""
    saturated = [each for each in tensors if each.get("saturation", 0.0) >= MUCH_SATURATION]
    if not saturated:
        return []
    told = ", ".join(
        f"{quote_name(each['tensor'])} {100 * each['saturation']:.1f} %"
        for each in saturated[:_MAX_NAMES]
    )
    more = len(saturated) - _MAX_NAMES
    message = (
        "Values on the calibration data are outside the range that integers can represent, and "
        f"are cut off there: {told}{f' and {more} more tensors' if more > 0 else ''}. "
        "That costs accuracy unless a Relu or a Clip after it cuts off the same. "
        "QuantizeJob.get_tensor_ranges() lists all tensors."
    )
    # Where it does cost accuracy, that of an output is what warns.
    return [build_notice("INFO", "MODEL", message)]
