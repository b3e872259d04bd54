"""The classes that `download_results` returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qai_hub.resources.profile import Profile
    from qai_hub.status import JobStatus


@dataclass
class JobResult:
    """Results of a job.

    Attributes:
        status: Final status, with the reason as its message if the job failed.
        url: URL of the job's page.
        artifacts_dir: Folder that the results were written to.

    Examples:
        >>> result = job.download_results("results")
        >>> print(result.status.success, result.artifacts_dir)
        True results
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

    def _repr_html_(self) -> str:
        return f'<pre style="white-space:pre-wrap">{escape(JobResult.__repr__(self))}</pre>'


@dataclass(repr=False)
class CompileJobResult(JobResult):
    """Results of a compile job: the target model.

    Examples:
        >>> result = compile_job.download_results("compiled")
        >>> print(result.status)
        SUCCESS
    """


@dataclass(repr=False)
class QuantizeJobResult(JobResult):
    """Results of a quantize job: the quantized model.

    Examples:
        >>> result = quantize_job.download_results("quantized")
        >>> result.status.success
        True
    """


@dataclass(repr=False)
class LinkJobResult(JobResult):
    """Results of a link job: the linked context binary.

    Examples:
        >>> result = link_job.download_results("linked")
        >>> result.status.success
        True
    """


@dataclass(repr=False)
class InferenceJobResult(JobResult):
    """Results of an inference job: output data, a profile, or both.

    Attributes:
        profile: Profile as `download_profile` returns it; None without profiling.
        typed_profile: Profile as `get_profile` returns it; None without profiling.

    Examples:
        >>> result = inference_job.download_results("results")
        >>> [layer.name for layer in result.typed_profile.layers]
        ['averaging']
    """

    profile: dict[str, Any] | None = None
    typed_profile: Profile | None = field(default=None, kw_only=True)

    def __repr__(self) -> str:
        measured = "" if self.typed_profile is None else f"\n{self.typed_profile!r}"
        return super().__repr__() + measured

    def _repr_html_(self) -> str:
        measured = "" if self.typed_profile is None else self.typed_profile._repr_html_()
        return super()._repr_html_() + measured


ProfileJobResult = InferenceJobResult
