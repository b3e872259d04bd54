"""The class of what `download_results` returns, which each job type extends."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
