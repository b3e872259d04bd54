"""What `download_results` gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qai_hub.jobs.status import JobStatus


@dataclass
class JobResult:
    """Results of a job.

    Attributes:
        status: Final status, with the reason as its message if the job failed.
        url: URL of the job's page.
        artifacts_dir: Folder that the results were written to.
    """

    status: JobStatus
    url: str | None
    artifacts_dir: str

    def __repr__(self) -> str:
        reason = f": {self.status.message}" if self.status.message else ""
        return (
            f"{type(self).__name__}\n  status: {self.status.code}{reason}"
            f"\n  url: {self.url}\n  artifacts: {self.artifacts_dir}"
        )


@dataclass(repr=False)
class CompileJobResult(JobResult):
    """Results of a compile job: the target model."""


@dataclass(repr=False)
class QuantizeJobResult(JobResult):
    """Results of a quantize job: the quantized model."""


@dataclass(repr=False)
class LinkJobResult(JobResult):
    """Results of a link job: the linked context binary."""


@dataclass(repr=False)
class InferenceJobResult(JobResult):
    """Results of an inference job: output data, a profile, or both.

    Attributes:
        profile: Profile as `download_profile` gives it; None without profiling.
    """

    profile: dict[str, Any] | None = None

    def __repr__(self) -> str:
        time = (self.profile or {}).get("execution_summary", {}).get("estimated_inference_time")
        measured = "" if time is None else f"\n  estimated inference time: {time / 1000:.3f} ms"
        return super().__repr__() + measured


ProfileJobResult = InferenceJobResult
