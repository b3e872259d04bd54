"""The tools that a job used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from qai_hub.jobs.ending import Ending
from qai_hub.jobs.profile_mapping import tools_from_api
from qai_hub.transport.values import known

if TYPE_CHECKING:
    from qai_hub_api import models as api


class UsesTools(Ending):
    """Something on the hub that uses tools, and tells which when it has ended."""

    def get_tool_versions(self) -> dict[str, str]:
        """Tells which tools the job used, after waiting for its end.

        Returns:
            The version of each tool, by its name. They are empty if the job failed, and for an
            inference job that does not profile: the service does not tell them then.

        Examples:
            >>> list(job.get_tool_versions())
            ['ONNX Runtime', 'ONNX', 'Python']
        """
        from qai_hub_api.api.jobs import get_job_result

        if not self.wait().success:
            return {}
        answer = self._owner._transport.call(get_job_result.sync, self.job_id)
        return tools_from_api(tool for detail in _details(answer) for tool in detail.tool_versions)


def _details(
    answer: api.JobResult,
) -> Iterator[api.CompileDetail | api.QuantizeDetail | api.LinkDetail | api.ProfileDetail]:
    """How a job was carried out, of whichever type it is; nothing if its type is not known."""
    compiled, quantized = known(answer.compile_job_result), known(answer.quantize_job_result)
    linked, run = known(answer.link_job_result), known(answer.inference_job_result)
    old = known(answer.profile_job_result)
    details = (
        known(compiled.compile_detail) if compiled else None,
        known(quantized.quantize_detail) if quantized else None,
        known(linked.link_detail) if linked else None,
        known(run.detail) if run else None,
        known(old.profile) if old else None,
    )
    return (detail for detail in details if detail is not None)
