"""Types of jobs, and of the files that they leave."""

from __future__ import annotations

from enum import Enum


class JobType(Enum):
    """Type of a job. A profile job is an inference job with profiling on.

    Examples:
        >>> hub.get_job(inference_job.job_id, hub.JobType.INFERENCE).job_type
        'inference'
    """

    COMPILE = 3
    INFERENCE = 2
    PROFILE = 2  # noqa: PIE796 (an alias: a profile job is an inference job)
    QUANTIZE = 4
    LINK = 5
    UNSPECIFIED = 0

    @property
    def display_name(self) -> str:
        """Name in lower case, such as `"compile"`."""
        return self.name.lower()


class JobArtifactType(Enum):
    """Type of a file that a job leaves beside its result.

    Examples:
        >>> hub.JobArtifactType.HUB_LOG in job.get_available_artifacts()
        True
    """

    DEVICE_LOG = 1
    HUB_LOG = 5
    PROFILE_TRACE = 6
    QHAS_SUMMARY = 8
