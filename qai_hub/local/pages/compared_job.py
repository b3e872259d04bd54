"""What is compared of a job."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from qai_hub.local.pages.job_facts import JobFacts
from qai_hub.local.pages.profile import ProfileView

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MissingJob:
    """A job that the viewer may not see, or that there is not."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedJob:
    """A job and its result.

    Attributes:
        facts: The job.
        options: Its options, by name.
        target_size: Bytes of the model that it makes or runs; None if they are not known.
        profile: What it measured; None if it did not.
        psnr: How close each output of its model is to the source model's, in dB.
        checked_by: What that was computed by; empty if it was not.
        tools: The versions of the tools that it used, by name.
    """

    facts: JobFacts
    options: dict[str, str]
    target_size: int | None
    profile: ProfileView | None
    psnr: dict[str, float]
    checked_by: str
    tools: dict[str, str]

    @classmethod
    def of(cls, facts: JobFacts, result: Json, target_size: int | None) -> Self:
        """Read a job and the contract's `JobResult`, which is empty if there is none."""
        body: Json = next(iter(result.values()), {})
        detail: Json = next((body[name] for name in body if name.endswith("detail")), {})
        check = detail.get("target_check") or {}
        checked = {
            each["name"]: each["psnr"]
            for each in check.get("outputs", ())
            if each.get("psnr") is not None
        }
        psnr = dict(detail.get("psnr") or checked)
        return cls(
            facts=facts,
            options=dict(_split(option) for option in facts.options),
            target_size=target_size,
            profile=ProfileView.of(detail) if "execution_time" in detail else None,
            psnr=psnr,
            checked_by=_check_name(check if psnr else {}, is_quantized="psnr" in detail),
            tools={each["name"]: each["version"] for each in detail.get("tool_versions", ())},
        )

    @property
    def chip(self) -> str:
        """The chip of its device."""
        return str((self.facts.fields.get("device") or {}).get("soc_description", ""))

    @property
    def source(self) -> str:
        """The models that it takes, by name or id."""
        fields = self.facts.fields
        models = [fields["model"]] if "model" in fields else fields["models"]["models"]
        return ", ".join(each.get("name") or each["model_id"] for each in models)

    @property
    def precision(self) -> str:
        """To which types it quantizes; empty if it does not."""
        types = {
            what: self.facts.fields.get(f"{what}_dtype", "") for what in ("weights", "activations")
        }
        return ", ".join(
            f"{what} {name.removeprefix('QUANTIZE_DTYPE_')}" for what, name in types.items() if name
        )


def _split(option: str) -> tuple[str, str]:
    name, _, value = option.partition(" ")
    return name, value or "given"


def _check_name(check: Json, *, is_quantized: bool) -> str:
    if is_quantized:
        return "the CPU of this hub's host"
    if not check:
        return ""
    number = check["samples"]
    return f"simulation, on {number} {'sample' if number == 1 else 'samples'} of {check['inputs']}"
