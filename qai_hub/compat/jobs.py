"""What scripts use of the inside of jobs."""

from typing import Any


class CompatJob:
    """The inner methods of a job that scripts call."""

    def _extract_job_specific_pb(self, job_pb: Any) -> Any:  # noqa: ANN401 - protobuf messages
        """The part of a `Job` message that is about its type, such as a `CompileJob` message."""
        return getattr(job_pb, job_pb.WhichOneof("job"))
