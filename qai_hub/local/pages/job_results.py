"""What a job has found out, as its page shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from qai_hub.local.pages.profile import ProfileView
from qai_hub.local.pages.quantized import QuantizedView
from qai_hub.local.pages.text import humanize

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TargetCheck:
    """How close a target model is to its source model.

    Attributes:
        verdict: The outcome in words.
        tone: How it is coloured.
        reason: Why there is no number; empty if there is one.
        inputs: What the models were given.
        samples: How many of these.
        bound: The PSNR in dB below which an output is far.
        outputs: For each output its name, its PSNR in dB, whether it is far, and its largest error.
    """

    verdict: str
    tone: str
    reason: str
    inputs: str
    samples: int
    bound: float
    outputs: Sequence[Json]

    @classmethod
    def of(cls, check: Json) -> Self:
        """Read the contract's `TargetCheck`."""
        status = check["status"].removeprefix("TARGET_CHECK_STATUS_")
        return cls(
            verdict=humanize(status),
            tone={"CLOSE": "done", "FAR": "failed"}.get(status, "queued"),
            reason=check.get("reason", ""),
            inputs=check.get("inputs", ""),
            samples=check.get("samples", 0),
            bound=check.get("bound", 0.0),
            outputs=check.get("outputs", ()),
        )


@dataclass(frozen=True, slots=True)
class JobResult:
    """The result of a job that succeeded; empty for others.

    Attributes:
        tools: The tools that carried it out, with their versions.
        check: How close its target model is to its source; None if that was not checked.
        profile: Its profile; None if it has none.
        quantized: How accurate the model of a quantize job is; None for other jobs.
    """

    tools: Sequence[Json] = ()
    check: TargetCheck | None = None
    profile: ProfileView | None = None
    quantized: QuantizedView | None = None

    @classmethod
    def of(cls, result: Json | None) -> Self:
        """Read the contract's `JobResult`; None for a job without one."""
        if result is None:
            return cls()
        (body,) = result.values()
        detail = next((body[name] for name in body if name.endswith("detail")), None) or {}
        check = detail.get("target_check")
        return cls(
            tools=detail.get("tool_versions", ()),
            check=None if check is None else TargetCheck.of(check),
            profile=ProfileView.of(detail) if "execution_time" in detail else None,
            quantized=QuantizedView.of(detail) if "quantize_detail" in body else None,
        )
